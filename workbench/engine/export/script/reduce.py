"""Code cut down to what a run needs of it: branches that its settings decide, checks that only refuse, values nobody reads.

A text is parsed, the places that change are noted and changed, and that again until nothing changes: so comments and layout stay.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_SAFE = (
    ast.Compare,
    ast.BoolOp,
    ast.UnaryOp,
    ast.Tuple,
    ast.Set,
    ast.Dict,
    ast.Constant,
    ast.Name,
    ast.Attribute,
    ast.Call,
)
_SAFE += (ast.expr_context, ast.boolop, ast.unaryop, ast.cmpop)  # type: ignore[assignment]
_FUNCTIONS: dict[str, object] = {
    "isinstance": isinstance,
    "len": len,
    "set": set,
    "str": str,
    "bool": bool,
    "any": any,
    "range": range,
}
_METHODS = ("lower", "strip", "startswith")
_GROWING = ("append", "extend", "setdefault", "update", "add")
_BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try)
_REST = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_FUNCTION = (ast.FunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Facts:
    """What is known where code is lifted: settings by the names of their classes, arguments by name, text that replaces other text."""

    known: dict[str, object] = field(default_factory=dict)
    values: dict[str, object] = field(default_factory=dict)
    swaps: dict[str, str] = field(default_factory=dict)
    silent: frozenset[str] = frozenset({"progress", "told"})
    """Functions whose calls are left out."""

    makers: dict[str, Callable[[], object]] = field(default_factory=dict)
    """Classes of settings, whose calls give those of the run."""


Call = tuple[ast.expr, dict[str, object], bool, int]
"""A call: what is called, the known arguments by place or name, whether all can be told apart, and how many stand without names."""


class Edits:
    """Changes of places in a text, made all at once. A change within a changed place is left for the next time."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._text = text
        self._changes: list[tuple[int, int, str]] = []

    def place(self, line: int, column: int) -> int:
        """Where a line (from 1) and a column in bytes lie in the text."""
        return self._starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword) -> tuple[int, int]:
        """The place of a node."""
        return self.place(node.lineno, node.col_offset), self.place(node.end_lineno or 0, node.end_col_offset or 0)

    def code(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self._text[start:end]

    def replace(self, node: ast.expr | ast.stmt | ast.arg, text: str) -> None:
        """Puts a text into a node's place."""
        self._changes.append((*self.span(node), text))

    def replace_lines(self, first: int, last: int, lines: list[str]) -> None:
        """Puts lines into the place of others, counted from 1."""
        text = "".join(f"{line}\n" for line in lines)
        self._changes.append((self._starts[first - 1], self._starts[last], text))

    def drop(self, statement: ast.stmt) -> None:
        """Takes a statement out, with its decorators and the comments above it."""
        first = self.first_line(statement)
        while self.lines[first - 2].lstrip().startswith("#") and first > 1:
            first -= 1
        self.replace_lines(first, statement.end_lineno or first, [])

    def drop_item(self, node: ast.expr | ast.arg | ast.keyword, last: ast.expr | None = None) -> None:
        """Takes an argument out of its row, up to its default where it has one, with the comma that follows or else precedes it."""
        start, end = self.span(node)[0], self.span(last or node)[1]
        after = re.match(r"(\s*,)(\s*)", self._text[end:])
        before = re.search(r",?\s*$", self._text[:start])
        if after:
            newline = after[2].rpartition("\n")
            end += len(after[1]) + (len(after[2]) - len(newline[2]) - 1 if newline[1] else len(after[2]))
            if newline[1]:
                start -= len(self._text[:start]) - len(self._text[:start].rstrip(" ")) + 1
        elif before:
            start = before.start()
        self._changes.append((start, end, ""))

    def drop_operand(self, node: ast.expr) -> bool:
        """Takes the first part out of an ``and`` or ``or``. False where it stands in parentheses."""
        start, end = self.span(node)
        operator = re.match(r"\s+(and|or)\s+", self._text[end:])
        if operator:
            self._changes.append((start, end + operator.end(), ""))
        return operator is not None

    def rename(self, statement: ast.FunctionDef | ast.ClassDef, name: str) -> None:
        """Gives a function or class another name."""
        start = self._text.index(statement.name, self.span(statement)[0])
        self._changes.append((start, start + len(statement.name), name))

    @staticmethod
    def first_line(statement: ast.stmt) -> int:
        """The line on which a statement begins, or its first decorator."""
        return min([statement.lineno, *(node.lineno for node in getattr(statement, "decorator_list", []))])

    def made(self) -> str:
        """The text with the changes."""
        text, reach = "", 0
        for start, end, new in sorted(self._changes, key=lambda change: (change[0], -change[1])):
            if start >= reach:
                text += self._text[reach:start] + new
                reach = end
        return text + self._text[reach:]


def reduced(text: str, facts: Facts, scope: dict[str, object], result: str = "") -> str:
    """Code without what a run does not need. ``scope``: the names of its module. ``result``: what it returns instead of a source."""
    if result:
        tree, edits = ast.parse(text), Edits(text)
        function = tree.body[0]
        assert isinstance(function, ast.FunctionDef)
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node is function.body[-1]:
                edits.replace(node, f"return {result}")
        if function.returns is not None:
            edits.replace(
                function.returns, "tuple[Tensor, Tensor, Tensor, Tensor]" if result.count(",") >= 3 else "Tensor"
            )
        text = edits.made()
    while True:
        before = text
        folding = Folding(text, facts, scope)
        text = folding.edits.made()
        if text == before:
            text = _without_dead(text, facts.silent)
        if text == before:
            return text


class Folding(ast.NodeVisitor):
    """Notes what is known before the script runs: conditions, entries of tables, texts that are given otherwise."""

    def __init__(self, text: str, facts: Facts, scope: dict[str, object]) -> None:
        self.edits = Edits(text)
        self.calls: list[Call] = []
        self._facts, self._scope = facts, scope
        self._env: dict[str, object] = dict(facts.values)
        self._bound: set[str] = set()
        self.visit(ast.parse(text))

    def visit(self, node: ast.AST) -> None:
        """Changes a node whose text is given otherwise, and looks into all others."""
        if self._facts.swaps and isinstance(node, (ast.Call, ast.Attribute, ast.Name, ast.Subscript, ast.ListComp)):
            new = self._facts.swaps.get(ast.unparse(node))
            if new is not None and new != self.edits.code(node):
                self.edits.replace(node, new)
                return
        super().visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before = self._env
        self._env = {**before, **({"self": self._facts.known[node.name]} if node.name in self._facts.known else {})}
        self.generic_visit(node)
        self._env = before

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        before = self._env, self._bound
        stored = [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
        arguments = [*node.args.args, *node.args.kwonlyargs]
        self._bound = self._bound | set(stored) | {argument.arg for argument in arguments}
        self._env = {name: value for name, value in self._env.items() if name not in stored}
        for argument in arguments:
            names = (
                {part.id for part in ast.walk(argument.annotation) if isinstance(part, ast.Name)}
                if argument.annotation
                else set()
            )
            names |= {
                part.attr
                for part in ast.walk(argument.annotation or node)
                if isinstance(part, ast.Attribute) and argument.annotation
            }
            for name in names & self._facts.known.keys():
                if argument.arg not in stored:
                    self._env = {**self._env, argument.arg: self._facts.known[name]}
        for statement in ast.walk(node):
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id=kind)) if kind in self._facts.known:
                    self._env = {**self._env, name: self._facts.known[kind]}
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if stored.count(name) == 1:
                    known, found = self._value(value)
                    if known:
                        self._env = {**self._env, name: found}
        self.generic_visit(node)
        self._env, self._bound = before

    def visit_If(self, node: ast.If) -> None:
        known, value = self._value(node.test)
        header = self.edits.lines[node.lineno - 1].lstrip()
        if not known:
            self.generic_visit(node)
        elif header.startswith("elif"):
            self._fold_elif(node, bool(value))
        elif value:
            last = node.body[-1].end_lineno or 0
            lines = self.edits.lines[node.test.end_lineno or 0 : last]
            self.edits.replace_lines(node.lineno, node.end_lineno or 0, _moved(lines, 4))
        elif node.orelse and self.edits.lines[node.orelse[0].lineno - 1].lstrip().startswith("elif"):
            first = node.orelse[0]
            lines = self.edits.lines[first.lineno - 1 : node.end_lineno]
            self.edits.replace_lines(node.lineno, node.end_lineno or 0, [lines[0].replace("elif", "if", 1), *lines[1:]])
        elif node.orelse:
            first_line = self._else_line(node) + 1
            lines = self.edits.lines[first_line - 1 : node.end_lineno]
            self.edits.replace_lines(node.lineno, node.end_lineno or 0, _moved(lines, 4))
        else:
            self.edits.replace_lines(node.lineno, node.end_lineno or 0, [])

    def _fold_elif(self, node: ast.If, value: bool) -> None:
        """An ``elif`` that is decided becomes an ``else``, or goes."""
        last = node.body[-1].end_lineno or 0
        if value:
            indent = " " * node.col_offset
            lines = [f"{indent}else:", *self.edits.lines[node.test.end_lineno or 0 : last]]
            self.edits.replace_lines(node.lineno, node.end_lineno or 0, lines)
        else:
            self.edits.replace_lines(node.lineno, last, [])

    def _else_line(self, node: ast.If) -> int:
        line = node.orelse[0].lineno
        while self.edits.lines[line - 1].strip() != "else:":
            line -= 1
        return line

    def visit_For(self, node: ast.For) -> None:
        known, value = self._value(node.iter)
        if known and value in (range(0), ()):
            self.edits.replace_lines(node.lineno, node.end_lineno or 0, [])
        else:
            self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        known, value = self._value(node.test)
        if known:
            self.edits.replace(node, self.edits.code(node.body if value else node.orelse))
        else:
            self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        known, value = self._value(node.values[0])
        if not (known and bool(value) == isinstance(node.op, ast.And) and self.edits.drop_operand(node.values[0])):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        given = {str(place): self._value(argument) for place, argument in enumerate(node.args)}
        given |= {str(keyword.arg): self._value(keyword.value) for keyword in node.keywords}
        whole = not any(isinstance(argument, ast.Starred) for argument in node.args) and "None" not in given
        self.calls.append(
            (node.func, {name: value for name, (known, value) in given.items() if known}, whole, len(node.args))
        )
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        known, key = self._value(node.slice)
        if known and isinstance(node.value, ast.Dict):
            keys = [entry.value for entry in node.value.keys if isinstance(entry, ast.Constant)]
            if key in keys and len(keys) == len(node.value.keys):
                self.edits.replace(node, self.edits.code(node.value.values[keys.index(key)]))
                return
        self.generic_visit(node)

    def _value(self, node: ast.expr) -> tuple[bool, object]:
        """Whether an expression is known before the script runs, and its value."""
        if isinstance(node, ast.BoolOp):
            decisive = isinstance(node.op, ast.Or)
            parts = [self._value(part) for part in node.values]
            for known, value in parts:
                if known and bool(value) == decisive:
                    return True, value
        for part in ast.walk(node):
            if not isinstance(part, _SAFE):
                return False, None
            if (
                isinstance(part, ast.Name)
                and part.id not in self._env
                and (part.id in self._bound or part.id not in self._scope)
            ):
                if part.id not in {**_FUNCTIONS, **self._facts.makers}:
                    return False, None
            if isinstance(part, ast.Call) and not (
                (isinstance(part.func, ast.Name) and part.func.id in {**_FUNCTIONS, **self._facts.makers})
                or (isinstance(part.func, ast.Attribute) and part.func.attr in _METHODS)
            ):
                return False, None
        scope = {**_FUNCTIONS, **self._scope, **self._facts.makers, **self._env, "__builtins__": {}}
        try:
            return True, eval(compile(ast.Expression(node), "settings", "eval"), scope)
        # What fails here would fail in the run too, or is no constant.
        except Exception:
            return False, None


def _moved(lines: list[str], columns: int) -> list[str]:
    return [line[columns:] if not line[:columns].strip() else line for line in lines]


def _without_dead(text: str, silent: frozenset[str]) -> str:
    """Code without statements that have no effect: behind a return, checks that only refuse, names that nobody reads."""
    tree, edits = ast.parse(text), Edits(text)
    outer = [inner for node in tree.body for inner in (node.body if isinstance(node, ast.ClassDef) else [node])]
    for function in (node for node in outer if isinstance(node, ast.FunctionDef)):
        _Cleaning(edits, function, silent).clean(function.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            required = len(node.args.args) - len(node.args.defaults)
            for place, argument in enumerate(node.args.args):
                if argument.arg in silent:
                    edits.drop_item(argument, node.args.defaults[place - required] if place >= required else None)
        if isinstance(node, ast.Call):
            for given in node.args:
                if isinstance(given, ast.Name) and given.id in silent:
                    edits.drop_item(given)
    return edits.made()


class _Cleaning:
    """Takes out of a function what has no effect."""

    def __init__(self, edits: Edits, function: ast.FunctionDef, silent: frozenset[str]) -> None:
        self._edits, self._silent = edits, silent
        grown = [node.func.value for node in ast.walk(function) if _grows(node)]  # type: ignore[attr-defined]
        self._read = {
            node.id
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Load, ast.Del)) and node not in grown
        }
        nonlocals = [node for node in ast.walk(function) if isinstance(node, ast.Nonlocal)]
        self._read |= {name for node in nonlocals for name in node.names}

    def clean(self, body: list[ast.stmt]) -> None:
        """Notes what goes of a row of statements."""
        if body and all(map(self.dead, body)):
            self._edits.replace_lines(
                self._edits.first_line(body[0]), body[-1].end_lineno or 0, [" " * body[0].col_offset + "pass"]
            )
            return
        ended = False
        for statement in body:
            if ended or self.dead(statement):
                self._edits.drop(statement)
                continue
            ended = isinstance(statement, _REST)
            match statement:
                case ast.Try(body=inner, handlers=handlers, orelse=[], finalbody=[]) if all(map(_raises, handlers)):
                    lines = self._edits.lines[inner[0].lineno - 1 : inner[-1].end_lineno]
                    self._edits.replace_lines(statement.lineno, statement.end_lineno or 0, _moved(lines, 4))
                case ast.With(items=[ast.withitem(context_expr=ast.Call(func=called))], body=inner) if (
                    _name(called) in self._silent
                ):
                    lines = self._edits.lines[inner[0].lineno - 1 : inner[-1].end_lineno]
                    self._edits.replace_lines(statement.lineno, statement.end_lineno or 0, _moved(lines, 4))
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(
                    values
                ):
                    pairs = [pair for pair in zip(names, values, strict=True) if self._needed(pair[0])]
                    if len(pairs) < len(names):
                        left, right = (
                            ", ".join(self._edits.code(node) for node in row) for row in zip(*pairs, strict=True)
                        )
                        self._edits.replace(statement, f"{left} = {right}")
                case _:
                    for row in _rows(statement):
                        self.clean(row)

    def _needed(self, target: ast.expr) -> bool:
        return not isinstance(target, ast.Name) or target.id in self._read

    def dead(self, statement: ast.stmt) -> bool:
        """Whether a statement has no effect."""
        match statement:
            case ast.Assert():
                return True
            case ast.Assign(targets=[ast.Name(id=left)], value=ast.Name(id=right)) if left == right:
                return True
            case ast.Assign(targets=targets):
                parts = [
                    part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])
                ]
                return not any(self._needed(part) for part in parts)
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                return not self._needed(target)
            case ast.FunctionDef(name=name):
                return name not in self._read
            case ast.Expr(value=value) if _grows(value):
                return not self._needed(value.func.value)  # type: ignore[attr-defined]
            case ast.Expr(value=ast.Call(func=called)) if _name(called) in self._silent:
                return True
            case ast.If(body=[*before, ast.Raise()], orelse=[]) | ast.For(body=[*before, ast.Raise()], orelse=[]):
                return all(isinstance(inner, ast.Assign) for inner in before)
        return isinstance(statement, _BLOCKS) and all(self.dead(inner) for row in _rows(statement) for inner in row)


def _rows(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The rows of statements in a block."""
    if isinstance(statement, (*_BLOCKS, ast.FunctionDef)):
        for name in ("body", "orelse", "finalbody"):
            yield getattr(statement, name, [])
        for handler in getattr(statement, "handlers", []):
            yield handler.body


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _raises(handler: ast.ExceptHandler) -> bool:
    return isinstance(handler.body[-1], ast.Raise)


def _grows(node: ast.AST) -> bool:
    """Whether something is added to what has a name."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _GROWING
        and isinstance(node.func.value, ast.Name)
    )
