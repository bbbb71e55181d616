"""Cuts code down by what is known before it runs: branches, entries of tables, and text that is given otherwise."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from workbench.engine.export.lifting.cleaning import clean
from workbench.engine.export.lifting.edits import Edits

UNKNOWN = object()
_PLAIN = (
    ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Tuple, ast.Set, ast.Dict, ast.Constant, ast.Name, ast.Attribute, ast.Call,
    ast.keyword, ast.expr_context, ast.boolop, ast.unaryop, ast.cmpop,
)  # fmt: skip
_FUNCTIONS: dict[str, object] = {
    "isinstance": isinstance, "len": len, "set": set, "str": str, "bool": bool, "any": any, "range": range,
}  # fmt: skip
_METHODS = ("lower", "strip", "startswith")
_SWAPPED = (ast.Call, ast.Attribute, ast.Name, ast.Subscript, ast.ListComp)


@dataclass(frozen=True)
class Facts:
    """What is known where code is lifted."""

    known: dict[str, object] = field(default_factory=dict)
    """Settings of the run by the names of their classes."""
    values: dict[str, object] = field(default_factory=dict)
    """Arguments by their names."""
    swaps: dict[str, str] = field(default_factory=dict)
    """Expressions, as ``ast.unparse`` writes them, that are given otherwise."""
    swapped: set[str] = field(default_factory=set)
    """Those of them that were met."""
    silent: frozenset[str] = frozenset({"progress", "report_downloads"})
    """Functions whose calls are left out."""
    scope: dict[str, object] = field(default_factory=dict)
    """The names of the code's module."""
    makers: dict[str, Callable[..., object]] = field(default_factory=dict)
    """Classes whose calls are known: those of settings give those of the run."""
    table: Callable[[str], tuple[ast.expr, str] | None] = lambda name: None
    """What a name of the module is set to, and the module's text."""


class KnownCall(NamedTuple):
    """A call: what is called, the known arguments by place or name, how many have a place, which have names, and whether all
    can be told apart."""

    function: ast.expr
    known: dict[str, object]
    placed: int
    names: frozenset[str]
    whole: bool


def reduced(text: str, facts: Facts) -> str:
    """Code without what a run does not need: folded and cleaned until nothing changes."""
    while True:
        before = text
        text = Folding(text, facts).edits.made()
        if text == before:
            text = clean(text, facts.silent)
        if text == before:
            return text


class Folding(ast.NodeVisitor):
    """Notes the changes in a text, and the calls in it."""

    def __init__(self, text: str, facts: Facts) -> None:
        self.edits = Edits(text)
        self.calls: list[KnownCall] = []
        self._facts = facts
        self._values = dict(facts.values)
        self._bound: set[str] = set()
        self.visit(ast.parse(text))

    def visit(self, node: ast.AST) -> None:
        """Changes a node whose text is given otherwise, and looks into all others."""
        if self._facts.swaps and isinstance(node, _SWAPPED):
            old = ast.unparse(node)
            new = self._facts.swaps.get(old)
            self._facts.swapped.update([old] if new is not None else [])
            if new is not None and new != self.edits.code(node):
                self.edits.replace(node, new)
                return
        super().visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
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
                    if (result := self._value(value)) is not UNKNOWN:
                        self._values = {**self._values, name: result}
        self.generic_visit(node)
        self._values, self._bound = before

    def _know(self, name: str, annotation: ast.expr | None) -> None:
        """Takes a name for the settings that its annotation says."""
        for part in ast.walk(annotation) if annotation else ():
            kind = part.attr if isinstance(part, ast.Attribute) else part.id if isinstance(part, ast.Name) else ""
            if kind in self._facts.known:
                self._values = {**self._values, name: self._facts.known[kind]}

    def visit_If(self, node: ast.If) -> None:
        """A condition that is known leaves one of its branches."""
        value, edits = self._value(node.test), self.edits
        last = node.test.end_lineno or 0
        if value is UNKNOWN:
            self.generic_visit(node)
        elif self._begins(node, "elif"):
            alternative = edits.lines[node.body[-1].end_lineno or 0 : node.end_lineno]
            edits.replace_block(
                node, [" " * node.col_offset + "else:", *edits.body(node.body, last)] if value else alternative
            )
        elif value:
            edits.replace_block(node, edits.body(node.body, last), 4)
        elif not node.orelse:
            edits.drop(node)
        elif self._begins(node.orelse[0], "elif"):
            first, *lines = edits.body(node.orelse)
            edits.replace_block(node, [first.replace("elif", "if", 1), *lines])
        else:
            line = node.orelse[0].lineno
            while edits.lines[line - 1].strip() != "else:":
                line -= 1
            edits.replace_block(node, edits.body(node.orelse, line), 4)

    def _begins(self, node: ast.stmt, word: str) -> bool:
        return self.edits.lines[node.lineno - 1].lstrip().startswith(word)

    def visit_For(self, node: ast.For) -> None:
        """A loop over nothing goes."""
        if self._value(node.iter) in (range(0), ()):
            self.edits.drop(node)
        else:
            self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        """A condition that is known leaves one of both."""
        value = self._value(node.test)
        if value is UNKNOWN:
            self.generic_visit(node)
        else:
            self.edits.replace(node, self.edits.code(node.body if value else node.orelse))

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """A first part that decides nothing goes."""
        value = self._value(node.values[0])
        idle = value is not UNKNOWN and bool(value) == isinstance(node.op, ast.And)
        if not (idle and self.edits.drop_operand(node.values[0])):
            self.generic_visit(node)

    def visit_List(self, node: ast.List) -> None:
        """Nothing is put into a list."""
        for entry in node.elts:
            if isinstance(entry, ast.Starred) and isinstance(entry.value, ast.List) and not entry.value.elts:
                self.edits.drop_item(entry)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """A table's entry whose key is known."""
        entry = self._entry(node)
        if isinstance(node.value, ast.Dict) and entry is not None:
            self.edits.replace(node, self.edits.code(entry[0]))
        else:
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Calls of a table's entries are written out; others are noted."""
        entry = self._entry(node.func) if isinstance(node.func, ast.Subscript) else None
        if entry is not None and isinstance(entry[0], ast.Lambda):
            self.edits.replace(node, self._applied(entry[0], entry[1], node.args))
            return
        given = {str(index): argument for index, argument in enumerate(node.args)}
        given |= {str(keyword.arg): keyword.value for keyword in node.keywords}
        known = {name: value for name, argument in given.items() if (value := self._value(argument)) is not UNKNOWN}
        whole = not any(isinstance(argument, ast.Starred) for argument in node.args) and "None" not in given
        self.calls.append(KnownCall(node.func, known, len(node.args), frozenset(given), whole))
        self.generic_visit(node)

    def _entry(self, node: ast.Subscript) -> tuple[ast.expr, str] | None:
        """The entry of a table whose key is known, and the text that it stands in."""
        table: tuple[ast.expr, str] | None = (node.value, "")
        if isinstance(node.value, ast.Name) and node.value.id not in self._bound:
            table = self._facts.table(node.value.id)
        key = self._value(node.slice)
        if table is None or not isinstance(table[0], ast.Dict) or key is UNKNOWN:
            return None
        keys = [entry.value if isinstance(entry, ast.Constant) else UNKNOWN for entry in table[0].keys]
        return (table[0].values[keys.index(key)], table[1]) if key in keys else None

    def _applied(self, function: ast.Lambda, text: str, arguments: list[ast.expr]) -> str:
        """What a lambda gives for arguments, as code."""
        body = ast.get_source_segment(text, function.body) or ""
        given = dict(
            zip((argument.arg for argument in function.args.args), map(self.edits.code, arguments), strict=True)
        )
        edits = Edits(body)
        for part in ast.walk(ast.parse(body)):
            if isinstance(part, ast.Name) and part.id in given:
                edits.replace(part, given[part.id])
        return edits.made()

    def _value(self, node: ast.expr) -> object:
        """What an expression gives, or UNKNOWN where only the script will know."""
        if isinstance(node, ast.BoolOp):
            decisive = isinstance(node.op, ast.Or)
            for value in map(self._value, node.values):
                if value is not UNKNOWN and bool(value) == decisive:
                    return value
        if not all(map(self._is_known, ast.walk(node))):
            return UNKNOWN
        names = {**_FUNCTIONS, **self._facts.scope, **self._facts.makers, **self._values, "__builtins__": {}}
        try:
            return eval(compile(ast.Expression(node), "settings", "eval"), names)
        except (AttributeError, TypeError, ValueError, KeyError, IndexError, NameError):
            return UNKNOWN

    def _is_known(self, part: ast.AST) -> bool:
        callable_ = _FUNCTIONS.keys() | self._facts.makers.keys()
        match part:
            case ast.Name(id=name):
                return name in self._values or (
                    name not in self._bound and (name in callable_ or name in self._facts.scope)
                )
            case ast.Call(func=ast.Name(id=name)):
                return name in callable_
            case ast.Call(func=function):
                return isinstance(function, ast.Attribute) and function.attr in _METHODS
        return isinstance(part, _PLAIN)
