"""Takes out of code what has no effect: checks that only refuse, names that nobody reads, what stands behind a return."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from workbench.engine.export.lifting.edits import Edits

_GROWING = ("append", "extend", "setdefault", "update", "add")
_BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try)
_LAST = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def clean(text: str, silent: frozenset[str]) -> str:
    """Code without statements that have no effect. ``silent``: functions whose calls have none, and arguments of these names."""
    tree, edits = ast.parse(text), Edits(text)
    outer = [inner for node in tree.body for inner in (node.body if isinstance(node, ast.ClassDef) else [node])]
    for function in (node for node in outer if isinstance(node, ast.FunctionDef)):
        _Cleaning(edits, function, silent).clean(function.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            drop_arguments(edits, node, [index for index, given in enumerate(node.args.args) if given.arg in silent])
        for given in node.args if isinstance(node, ast.Call) else ():
            if isinstance(given, ast.Name) and given.id in silent:
                edits.drop_item(given)
    return edits.made()


def drop_arguments(edits: Edits, function: ast.FunctionDef, indices: list[int]) -> None:
    """Takes arguments out of a function's first line, with their defaults."""
    required = len(function.args.args) - len(function.args.defaults)
    for index in indices:
        default = function.args.defaults[index - required] if index >= required else None
        edits.drop_item(function.args.args[index], default)


class _Cleaning:
    """What has no effect in one function."""

    def __init__(self, edits: Edits, function: ast.FunctionDef, silent: frozenset[str]) -> None:
        self._edits, self._silent = edits, silent
        nodes = list(ast.walk(function))
        grown = {id(node.func.value) for node in nodes if _grows(node)}  # type: ignore[attr-defined]
        names = [node for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)]
        self._read = {node.id for node in names if id(node) not in grown}
        self._read.update(name for node in nodes if isinstance(node, ast.Nonlocal) for name in node.names)

    def clean(self, row: list[ast.stmt]) -> None:
        """Notes what goes of a row of statements."""
        edits, ended = self._edits, False
        if row and all(map(self._dead, row)):
            # A block has to hold something.
            edits.replace_block(row[0], [" " * row[0].col_offset + "pass"])
            row = row[1:]
        for statement in row:
            if ended or self._dead(statement):
                edits.drop(statement)
                continue
            ended = isinstance(statement, _LAST)
            inner = self._unwrapped(statement)
            if inner:
                edits.replace_block(statement, edits.body(inner), 4)
            elif not self._shortened(statement):
                for block in _rows(statement):
                    self.clean(block)

    def _unwrapped(self, statement: ast.stmt) -> list[ast.stmt]:
        """The body of a block that only tells of errors or progress."""
        match statement:
            case ast.Try(body=body, handlers=handlers, orelse=[], finalbody=[]):
                return body if all(isinstance(handler.body[-1], ast.Raise) for handler in handlers) else []
            case ast.With(items=[ast.withitem(context_expr=ast.Call(func=function))], body=body):
                return body if name_of(function) in self._silent else []
        return []

    def _shortened(self, statement: ast.stmt) -> bool:
        """Leaves in ``a, b = 1, 2`` what is read. False where that is all or cannot be told."""
        match statement:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
                pairs = [pair for pair in zip(names, values, strict=True) if self._needed(pair[0])]
                rows = [", ".join(map(self._edits.code, row)) for row in zip(*pairs, strict=True)]
                if len(pairs) < len(names):
                    self._edits.replace(statement, " = ".join(rows))
                return len(pairs) < len(names)
        return False

    def _needed(self, target: ast.expr) -> bool:
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        return any(not isinstance(part, ast.Name) or part.id in self._read for part in parts)

    def _dead(self, statement: ast.stmt) -> bool:
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
            case ast.Expr(value=value) if _grows(value):
                return not self._needed(value.func.value)  # type: ignore[attr-defined]
            case ast.Expr(value=ast.Call(func=function)) if name_of(function) in self._silent:
                return True
            case ast.If(body=[*before, ast.Raise()], orelse=[]) | ast.For(body=[*before, ast.Raise()], orelse=[]):
                return all(isinstance(inner, ast.Assign) for inner in before)
        return isinstance(statement, _BLOCKS) and all(self._dead(inner) for row in _rows(statement) for inner in row)


def _rows(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The rows of statements in a block."""
    if isinstance(statement, (*_BLOCKS, ast.FunctionDef)):
        yield from (getattr(statement, name, []) for name in ("body", "orelse", "finalbody"))
        yield from (handler.body for handler in getattr(statement, "handlers", []))


def name_of(function: ast.AST) -> str:
    """The last word of what is called."""
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _grows(node: ast.AST) -> bool:
    """Whether something is added to what has a name."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(), attr=name)):
            return name in _GROWING
    return False
