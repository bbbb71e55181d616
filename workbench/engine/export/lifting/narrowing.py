"""Cuts functions down by how they are called: arguments that are always the same, arguments that nobody reads, empty functions."""

from __future__ import annotations

import ast
import copy
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.engine.export.lifting.cleaning import drop_arguments

Key = tuple[str, str]
"""A module and a name in it; code that brings its own has no module, and its number."""


@dataclass(eq=False)
class Part:
    """A piece of code, in which names mean what they do in its module; ``uses`` says what others stand for."""

    module: str
    tree: ast.Module
    uses: dict[str, Any] = field(default_factory=dict)
    values: dict[str, object] = field(default_factory=dict)
    """Arguments that are the same in every call."""


def meant(node: ast.AST) -> Key | None:
    """The definition of the program that a name in a piece means."""
    return getattr(node, "meant", None)


def narrow(parts: Mapping[Key, Part], fixed: Collection[Key]) -> set[str]:
    """Does it once over all pieces but the ``fixed`` ones. Gives the names of functions that do nothing."""
    silent = set[str]()
    for key, function, calls in _functions(parts, fixed):
        silent |= {function.name} if all(isinstance(one, ast.Pass) for one in _statements(function)) else set()
        rows = [_arguments(function, call) for call in calls]
        for name, value in rows[0].items() if rows else ():
            if all(name in row and _equal(row[name], value) for row in rows):
                parts[key].values.setdefault(name, value)
        _drop_unread(function, calls)
    for key, function, _ in _functions(parts, fixed):
        inlining = _Inlining(key, function)
        for part in parts.values() if inlining.value is not None else ():
            inlining.visit(part.tree)
    return silent


def _functions(
    parts: Mapping[Key, Part], fixed: Collection[Key]
) -> Iterator[tuple[Key, ast.FunctionDef, list[ast.Call]]]:
    """The program's own functions that are only ever called, with their calls."""
    calls: dict[Key, list[ast.Call]] = defaultdict(list)
    named: dict[Key, int] = defaultdict(int)
    for node in (node for part in parts.values() for node in ast.walk(part.tree)):
        if isinstance(node, ast.Call) and (key := meant(node.func)) is not None:
            calls[key].append(node)
        if (key := meant(node)) is not None:
            named[key] += 1
    for key, part in parts.items():
        function = part.tree.body[0]
        only_called = key[0] and key not in fixed and named[key] == len(calls[key])
        if only_called and isinstance(function, ast.FunctionDef) and not function.args.vararg:
            yield key, function, calls[key]


def _statements(function: ast.FunctionDef) -> list[ast.stmt]:
    return function.body[ast.get_docstring(function, clean=False) is not None :]


def _equal(first: object, second: object) -> bool:
    """Whether two known arguments are the same; large things are only when they are one."""
    plain = isinstance(first, (str, int, float, tuple, type(None))) and type(first) is type(second)
    return first is second or (plain and first == second)


def _arguments(function: ast.FunctionDef, call: ast.Call) -> dict[str, object]:
    """The known arguments of a call by their names, with what they are by default."""
    if any(isinstance(given, ast.Starred) for given in call.args) or any(given.arg is None for given in call.keywords):
        return {}
    names = [argument.arg for argument in function.args.args]
    passed = {*names[: len(call.args)], *(given.arg for given in call.keywords)}
    known: dict[int | str, object] = getattr(call, "known", {})
    defaults = zip(reversed(names), reversed(function.args.defaults), strict=False)
    fixed = {name: value.value for name, value in defaults if isinstance(value, ast.Constant) and name not in passed}
    return fixed | {names[name] if isinstance(name, int) else name: value for name, value in known.items()}


def _drop_unread(function: ast.FunctionDef, calls: list[ast.Call]) -> None:
    """Takes arguments out of a function that does not read them, and out of the calls."""
    names = [argument.arg for argument in function.args.args]
    unread = set(names) - {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    drop_arguments(function, unread)
    for call in calls:
        call.args = [given for name, given in zip(names, call.args, strict=False) if name not in unread]
        call.keywords = [given for given in call.keywords if given.arg not in unread]
        vars(call).pop("known", None)


class _Inlining(ast.NodeTransformer):
    """Puts a function's argument, or the plain value that it gives, into the place of its calls."""

    def __init__(self, key: Key, function: ast.FunctionDef) -> None:
        self._key = key
        self._names = [argument.arg for argument in function.args.args]
        self.value: ast.expr | None = None
        match _statements(function):
            case [ast.Return(value=ast.expr() as value)]:
                read = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
                gives_argument = isinstance(value, ast.Name) and value.id in self._names
                if gives_argument or not (self._names or read - {"functional", "torch", "nn"}):
                    self.value = value

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A call of the function becomes what it gives."""
        self.generic_visit(node)
        if meant(node.func) != self._key or self.value is None:
            return node
        given = dict(zip(self._names, node.args, strict=False)) | {str(part.arg): part.value for part in node.keywords}
        return copy.deepcopy(given.get(getattr(self.value, "id", ""), self.value))
