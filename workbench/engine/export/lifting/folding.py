"""Cuts code down by what is known before it runs: branches, entries of tables, and expressions that are given otherwise."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, is_dataclass
from types import FunctionType
from typing import Any

from workbench.engine.export.lifting.cleaning import clean_tree
from workbench.engine.export.lifting.layout import parse, write
from workbench.engine.export.lifting.source import ROOT

UNKNOWN = object()
_PLAIN = (
    ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Tuple, ast.Set, ast.Dict, ast.Constant, ast.Name, ast.Attribute, ast.Call,
    ast.keyword, ast.expr_context, ast.boolop, ast.unaryop, ast.cmpop,
)  # fmt: skip
_FUNCTIONS: dict[str, object] = {
    "isinstance": isinstance, "len": len, "set": set, "str": str, "bool": bool, "any": any, "range": range,
}  # fmt: skip
_METHODS = ("lower", "strip", "startswith")


class Code(str):
    """A value that is code."""

    __repr__ = str.__str__


@dataclass(frozen=True)
class Facts:
    """What is known where code is lifted."""

    known: dict[str, object] = field(default_factory=dict)
    """Settings of the run by the names of their classes."""
    values: dict[str, object] = field(default_factory=dict)
    """Arguments by their names."""
    given: frozenset[str] = frozenset()
    """Those of them that the script does not have: what they are stands in their place."""
    swaps: dict[str, str] = field(default_factory=dict)
    """Expressions, as ``ast.unparse`` writes them, that are given otherwise."""
    swapped: set[str] = field(default_factory=set)
    """Those of them that were met."""
    silent: frozenset[str] = frozenset({"progress", "report_downloads"})
    """Functions whose calls are left out."""
    scope: dict[str, object] = field(default_factory=dict)
    """The names of the code's module."""
    link: Callable[[ast.AST], object] = id
    """Says what the names in new code mean."""


def reduced(text: str, facts: Facts) -> str:
    """Code without what a run does not need."""
    tree = parse(text)
    reduce(tree, facts)
    return write(tree.body)


def reduce(tree: ast.Module, facts: Facts) -> None:
    """Folds and cleans a tree until nothing changes."""
    before = ""
    while before != (before := ast.dump(tree)):
        Folding(facts).visit(tree)
        clean_tree(tree, facts.silent)


class Folding(ast.NodeTransformer):
    """Puts into a tree what is known. Calls bear as ``known`` what is known of their arguments, by place or name."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._values = dict(facts.values)
        self._bound: set[str] = set()

    def visit(self, node: ast.AST) -> Any:
        """Changes an expression that is given otherwise, or whose value is; looks into all others."""
        facts = self._facts
        if (
            facts.swaps
            and isinstance(node, ast.expr)
            and (new := facts.swaps.get(old := ast.unparse(node))) is not None
        ):
            facts.swapped.add(old)
            return self._linked(new)
        if self._is_given(node) and isinstance(node, (ast.Name, ast.Attribute, ast.Call)):
            code = self._code(self.value(node))
            if code is not None:
                return code
        return super().visit(node)

    def _is_given(self, node: ast.AST) -> bool:
        given = self._facts.given
        return bool(given) and any(isinstance(part, ast.Name) and part.id in given for part in ast.walk(node))

    def _code(self, value: object) -> Any:
        """A value as code: plain data, a function of the program, a class of settings, or a dataclass of such; else None."""
        known = any(value is one for one in self._facts.known.values())
        thing: Any = type(value) if known else value
        if isinstance(thing, (type, FunctionType)) and thing.__module__.partition(".")[0] == ROOT:
            name = ast.Name(thing.__name__, ast.Load())
            vars(name)["meant"] = thing.__module__, thing.__qualname__
            code: ast.expr = ast.Call(name, [], []) if known else name
        elif is_dataclass(value) or isinstance(value, (str, int, float, tuple, list, type(None))):
            code = self._linked(repr(value))
        else:
            return None
        vars(code)["stands_for"] = value
        return code

    def _linked(self, text: str) -> ast.expr:
        code = ast.parse(text, mode="eval").body
        self._facts.link(code)
        return code

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Within a function arguments that are settings are known, and what is set once to something known."""
        before = self._values, self._bound
        names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
        arguments = [*node.args.args, *node.args.kwonlyargs]
        self._bound = self._bound.union(names, (argument.arg for argument in arguments))
        self._values = {name: value for name, value in self._values.items() if name not in names}
        for argument in arguments:
            if argument.arg not in names:
                self._know(argument.arg, argument.annotation)
        for part in ast.walk(node):
            match part:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                    self._know(name, annotation)
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if names.count(name) == 1:
                    if (result := self.value(value)) is not UNKNOWN:
                        self._values = {**self._values, name: result}
        self.generic_visit(node)
        self._values, self._bound = before
        return node

    def _know(self, name: str, annotation: ast.expr | None) -> None:
        """Takes a name for the settings that its annotation says."""
        for part in ast.walk(annotation) if annotation else ():
            kind = part.attr if isinstance(part, ast.Attribute) else part.id if isinstance(part, ast.Name) else ""
            if kind in self._facts.known:
                self._values = {**self._values, name: self._facts.known[kind]}

    def visit_If(self, node: ast.If) -> ast.AST | Sequence[ast.AST]:
        """A condition that is known leaves one of its branches."""
        value = self.value(node.test)
        if value is UNKNOWN:
            return self.generic_visit(node)
        row = node.body if value else node.orelse
        if row:
            # What stands above a condition stands above what is left of it.
            vars(row[0])["above"] = [*getattr(node, "above", []), *getattr(row[0], "above", [])]
        return [part for inner in row for part in _listed(self.visit(inner))]

    def visit_For(self, node: ast.For) -> ast.AST | None:
        """A loop over nothing goes."""
        return None if self.value(node.iter) in (range(0), ()) else self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        """A condition that is known leaves one of both."""
        value = self.value(node.test)
        return self.generic_visit(node) if value is UNKNOWN else self.visit(node.body if value else node.orelse)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        """A first part that decides nothing goes."""
        value = self.value(node.values[0])
        if value is UNKNOWN or bool(value) != isinstance(node.op, ast.And):
            return self.generic_visit(node)
        rest = node.values[1:]
        return self.visit(ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0])

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        """Of a union of settings those of the run are left."""
        known = [
            side for side in (node.left, node.right) if isinstance(side, ast.Name) and side.id in self._facts.known
        ]
        return known[0] if known and isinstance(node.op, ast.BitOr) else self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> Any:
        """Nothing is put into a row; arguments that are given stand in it one by one."""
        if isinstance(node.value, ast.List) and not node.value.elts:
            return None
        value = self.value(node.value) if self._is_given(node) else UNKNOWN
        return [self._code(part) for part in value] if isinstance(value, tuple) else self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> Any:
        """So do those with names."""
        value = self.value(node.value) if node.arg is None and self._is_given(node) else UNKNOWN
        if not isinstance(value, dict):
            return self.generic_visit(node)
        return [ast.keyword(name, self._code(part)) for name, part in value.items()]

    def visit_Call(self, node: ast.Call) -> Any:
        """Notes what is known of a call."""
        given = dict[int | str | None, ast.expr](enumerate(node.args)) | {k.arg: k.value for k in node.keywords}
        vars(node)["known"] = {
            name: value for name, argument in given.items() if (value := self.value(argument)) is not UNKNOWN
        }
        return self.generic_visit(node)

    def value(self, node: ast.expr) -> object:
        """What an expression gives, or UNKNOWN where only the script will know."""
        if isinstance(node, ast.BoolOp):
            decisive = isinstance(node.op, ast.Or)
            for value in map(self.value, node.values):
                if value is not UNKNOWN and bool(value) == decisive:
                    return value
        if not all(map(self._is_known, ast.walk(node))):
            return vars(node).get("stands_for", UNKNOWN)
        names = {**_FUNCTIONS, **self._facts.scope, **self._values, "__builtins__": {}}
        try:
            return eval(compile(ast.fix_missing_locations(ast.Expression(node)), "settings", "eval"), names)
        except (AttributeError, TypeError, ValueError, KeyError, IndexError, NameError):
            return UNKNOWN

    def _is_known(self, part: ast.AST) -> bool:
        match part:
            case ast.Name(id=name):
                scope = _FUNCTIONS.keys() | self._facts.scope.keys()
                return name in self._values or (name not in self._bound and name in scope)
            case ast.Call(func=ast.Name(id=name)):
                return name in _FUNCTIONS
            case ast.Call(func=function):
                return isinstance(function, ast.Attribute) and function.attr in _METHODS
        return isinstance(part, _PLAIN)


def _listed(nodes: Any) -> list[ast.AST]:
    return nodes if isinstance(nodes, list) else [] if nodes is None else [nodes]
