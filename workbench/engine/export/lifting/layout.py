"""Code as a tree that remembers its lines: what is not changed is written as it was, with its comments."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from itertools import pairwise
from textwrap import indent

WIDTH = 120
_BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.FunctionDef, ast.ClassDef, ast.ExceptHandler)
_ROWS = ("body", "handlers", "orelse", "finalbody")
Statement = ast.stmt | ast.ExceptHandler


def parse(text: str) -> ast.Module:
    """The tree of a text. Its statements know their lines, and the comments and empty lines above them."""
    tree, lines = ast.parse(text), text.split("\n")
    for node in ast.walk(tree):
        if isinstance(node, Statement):
            first, last = _first_line(node), node.end_lineno or 0
            for inner in [*rows(node), []][0][:1]:
                last = _first_line(inner) - len(_above(inner, lines)) - 1
            own = [
                line[node.col_offset :] if line[: node.col_offset].isspace() else line
                for line in lines[first - 1 : last]
            ]
            # A block on one line has none of its own, and is written anew.
            vars(node).update(above=_above(node, lines), own=own or [""], face=_face(node) if own else "")
    return tree


def write(body: Sequence[Statement]) -> str:
    """A row of statements as text."""
    return "\n".join(line.rstrip() for statement in body for line in _written(statement)) + "\n"


def rows(node: ast.AST) -> list[list[Statement]]:
    """The rows of statements in a statement."""
    return [getattr(node, name) for name in _ROWS if getattr(node, name, None)] if isinstance(node, _BLOCKS) else []


def _first_line(node: Statement) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _above(node: Statement, lines: list[str]) -> list[str]:
    """The comments and empty lines above a statement."""
    last = first = _first_line(node) - 1
    while first and (not lines[first - 1].strip() or lines[first - 1].lstrip().startswith("#")):
        first -= 1
    return [line.strip() for line in lines[first:last]]


def _face(node: Statement) -> str:
    """What a statement is, but for the statements in it."""
    return ast.dump(_without_rows(node))


def _without_rows(node: Statement) -> Statement:
    if not isinstance(node, _BLOCKS):
        return node
    fields = {name: [] if name in _ROWS else value for name, value in ast.iter_fields(node)}
    return type(node)(**fields)


def _written(node: Statement, word: str = "") -> Iterator[str]:
    yield from getattr(node, "above", [])
    if getattr(node, "face", "") == _face(node):
        lines = node.own  # type: ignore[union-attr]
    else:
        lines = _unparsed(node)
    first = lines[0].removeprefix("el") if lines[0].startswith("elif ") else lines[0]
    yield from [word + first, *lines[1:]]
    for name in _ROWS:
        row: list[Statement] = getattr(node, name, []) if isinstance(node, _BLOCKS) else []
        if name == "orelse" and len(row) == 1 and getattr(row[0], "own", [""])[0].startswith("elif "):
            yield from _written(row[0], "el")
            continue
        if name == "body" and isinstance(node, _BLOCKS):
            row = row or [ast.Pass()]
        if name in ("orelse", "finalbody") and row:
            yield "else:" if name == "orelse" else "finally:"
        for inner in row:
            yield from _written(inner) if name == "handlers" else (indent(line, "    ") for line in _written(inner))


def _unparsed(node: Statement) -> list[str]:
    """The lines of a statement that was changed or made."""
    bare = _without_rows(node)
    if isinstance(node, _BLOCKS):
        bare.body = [ast.Pass()]  # type: ignore[union-attr]
    lines = [_quoted(line) for line in ast.unparse(ast.fix_missing_locations(bare)).strip("\n").split("\n")]
    beside = re.search(r"  # .*$", getattr(node, "own", [""])[-1])
    lines = lines[:-1] if isinstance(node, _BLOCKS) else lines
    lines[-1] += beside[0] if beside else ""
    return [part for line in lines for part in _wrapped(line)]


def _tokens(line: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(line).readline))


def _quoted(line: str) -> str:
    """Texts in double quotes, as the program has them."""
    for token in reversed(_tokens(line)):
        if token.type == tokenize.STRING and token.string.startswith("'") and '"' not in token.string:
            line = f'{line[: token.start[1]]}"{token.string[1:-1]}"{line[token.end[1] :]}'
    return line


def _wrapped(line: str) -> list[str]:
    """A line that is too long, with what is in its widest brackets on lines of its own."""
    if len(line) <= WIDTH:
        return [line]
    depth, opened, spans = 0, 0, [(0, 0)]
    cuts: dict[int, list[int]] = {}
    for token in _tokens(line):
        depth -= token.string in (")", "]", "}")
        if depth == 0 and token.string in (")", "]", "}"):
            spans.append((opened, token.start[1]))
        if depth == 0 and token.string in ("(", "[", "{"):
            opened = token.end[1]
        if depth == 1 and token.string in (",", "for"):
            cuts.setdefault(opened, []).append(token.end[1] if token.string == "," else token.start[1])
        depth += token.string in ("(", "[", "{")
    start, end = max(spans, key=lambda span: span[1] - span[0])
    inside = line[start:end].strip().removesuffix(",")
    if len(inside) <= WIDTH - 4:
        return [line[:start], f"    {inside}", line[end:]] if end else [line]
    loop = [at for at in cuts.get(start, []) if line[at:].startswith("for ")]
    ends = [*(loop or cuts.get(start, [])), end]
    parts = [line[first:last].strip() for first, last in pairwise([start, *ends])]
    if not loop and len(parts) > 1:
        parts[-1] += ","
    return [line[:start], *(f"    {row}" for part in parts if part.strip(",") for row in _wrapped(part)), line[end:]]
