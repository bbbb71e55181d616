"""Takes out of code what has no effect: checks that only refuse, names that nobody reads, what stands behind a return."""

from __future__ import annotations

import ast
from typing import Any

from workbench.engine.export.lifting.layout import Statement, parse, rows, write

_GROWING = ("append", "extend", "setdefault", "update", "add")
_BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try)
_LAST = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def clean(text: str, silent: frozenset[str]) -> str:
    """Code without statements that have no effect. ``silent``: functions whose calls have none, and arguments of these names."""
    tree = parse(text)
    clean_tree(tree, silent)
    return write(tree.body)


def clean_tree(tree: ast.Module, silent: frozenset[str]) -> None:
    """Takes out of a tree statements that have no effect."""
    outer = [inner for node in tree.body for inner in (node.body if isinstance(node, ast.ClassDef) else [node])]
    for function in (node for node in outer if isinstance(node, ast.FunctionDef)):
        _Cleaning(function, silent).clean(function.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            drop_arguments(node, {given.arg for given in node.args.args if given.arg in silent})
        elif isinstance(node, ast.Call):
            node.args = [given for given in node.args if not (isinstance(given, ast.Name) and given.id in silent)]


def drop_arguments(function: ast.FunctionDef, names: set[str]) -> None:
    """Takes arguments out of a function's first line, with their defaults."""
    given, defaults = function.args.args, function.args.defaults
    required = len(given) - len(defaults)
    function.args.defaults = [one for one, to in zip(defaults, given[required:], strict=True) if to.arg not in names]
    function.args.args = [one for one in given if one.arg not in names]


class _Cleaning:
    """What has no effect in one function."""

    def __init__(self, function: ast.FunctionDef, silent: frozenset[str]) -> None:
        self._silent = silent
        nodes = list(ast.walk(function))
        self._arguments = {node.arg for node in nodes if isinstance(node, ast.arg)}
        grown = {id(node.func.value) for node in nodes if _grows(node)}  # type: ignore[attr-defined]
        names = [node for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)]
        self._read = {node.id for node in names if id(node) not in grown}
        self._read.update(name for node in nodes if isinstance(node, ast.Nonlocal) for name in node.names)

    def clean(self, row: list[Any]) -> None:
        """Leaves of a row of statements what has an effect."""
        kept: list[Any] = []
        for statement in row:
            if kept and isinstance(kept[-1], _LAST):
                break
            if self._dead(statement):
                continue
            self._shorten(statement)
            kept += self._unwrapped(statement)
            for inner in rows(statement):
                self.clean(inner)
        row[:] = kept

    def _unwrapped(self, statement: Statement) -> list[Statement]:
        """The body of a block that only tells of errors or progress; other statements as they are."""
        match statement:
            case ast.Try(body=body, handlers=handlers, orelse=[], finalbody=[]):
                if all(isinstance(handler.body[-1], ast.Raise) for handler in handlers):
                    return list(body)
            case ast.With(items=[ast.withitem(context_expr=ast.Call(func=function))], body=body):
                if name_of(function) in self._silent:
                    return list(body)
        return [statement]

    def _shorten(self, statement: Statement) -> None:
        """Leaves in ``a, b = 1, 2`` what is read."""
        match statement:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
                pairs = [pair for pair in zip(names, values, strict=True) if self._needed(pair[0])]
                if len(pairs) == 1:
                    statement.targets, statement.value = [pairs[0][0]], pairs[0][1]
                elif len(pairs) < len(names):
                    names[:], values[:] = map(list, zip(*pairs, strict=True))

    def _needed(self, target: ast.expr) -> bool:
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        return any(not isinstance(part, ast.Name) or part.id in self._read for part in parts)

    def _dead(self, statement: Statement) -> bool:
        """Whether a statement has no effect."""
        match statement:
            case ast.Assert():
                return True
            case ast.Assign(targets=[ast.Name(id=left)], value=ast.Name(id=right)) if left == right:
                return True
            case ast.Assign(targets=targets):
                return not any(map(self._needed, targets))
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                return not self._needed(target)
            case ast.FunctionDef(name=name):
                return name not in self._read
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))) if _grows(statement.value):
                # What is given to a function is read where it comes from.
                return name not in self._read | self._arguments
            case ast.Expr(value=ast.Call(func=function)) if name_of(function) in self._silent:
                return True
            case ast.If(body=[*before, ast.Raise()], orelse=[]) | ast.For(body=[*before, ast.Raise()], orelse=[]):
                return all(isinstance(inner, ast.Assign) for inner in before)
        return isinstance(statement, _BLOCKS) and all(self._dead(inner) for row in rows(statement) for inner in row)


def name_of(function: ast.AST) -> str:
    """The last word of what is called."""
    return getattr(function, "attr", getattr(function, "id", ""))


def _grows(node: ast.AST) -> bool:
    """Whether something is added to what has a name."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(), attr=name)):
            return name in _GROWING
    return False
