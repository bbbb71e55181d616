"""Changes of places in a text of Python, so that comments and layout stay as they were."""

from __future__ import annotations

import ast
import re

Place = ast.expr | ast.stmt | ast.arg | ast.keyword


class Edits:
    """Changes that are made all at once. A change within a changed place is left for the next time."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._text = text
        self._changes: list[tuple[int, int, str]] = []

    def span(self, node: Place) -> tuple[int, int]:
        """Where a node begins and ends in the text."""
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno or 0, node.end_col_offset or 0)

    def code(self, node: Place) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self._text[start:end]

    def replace(self, node: Place, text: str) -> None:
        """Puts a text into a node's place."""
        self._changes.append((*self.span(node), text))

    def replace_block(self, statement: ast.stmt, lines: list[str], outdent: int = 0) -> None:
        """Puts whole lines into a statement's place, with ``outdent`` fewer spaces in front of each."""
        moved = [line[outdent:] if not line[:outdent].strip() else line for line in lines]
        last = statement.end_lineno or statement.lineno
        self._changes.append(
            (self._starts[first_line(statement) - 1], self._starts[last], "".join(f"{line}\n" for line in moved))
        )

    def body(self, statements: list[ast.stmt], after: int = 0) -> list[str]:
        """The lines of a row of statements, from the line behind ``after`` on: with the comments above the first."""
        return self.lines[after or first_line(statements[0]) - 1 : statements[-1].end_lineno]

    def drop(self, statement: ast.stmt) -> None:
        """Takes a statement out, with its decorators and the comments above it."""
        first = first_line(statement)
        while first > 1 and self.lines[first - 2].lstrip().startswith("#"):
            first -= 1
        self._changes.append((self._starts[first - 1], self._starts[statement.end_lineno or first], ""))

    def drop_item(self, node: Place, last: ast.expr | None = None) -> None:
        """Takes an argument or entry out of its row, up to its default where it has one, with a comma beside it."""
        start, end = self.span(node)[0], self.span(last or node)[1]
        after = re.match(r"\s*,", self._text[end:])
        alone = re.search(r"\n\s*$", self._text[:start]), re.match(r"\s*,?[ \t]*(?=\n)", self._text[end:])
        if all(alone):
            start, end = alone[0].start(), end + alone[1].end()  # type: ignore[union-attr]
        elif after:
            end += len(re.match(r"\s*,\s*", self._text[end:])[0])  # type: ignore[index]
        else:
            start = re.search(r",?\s*$", self._text[:start]).start()  # type: ignore[union-attr]
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
        start = self._text.index(statement.name, self._offset(statement.lineno, statement.col_offset))
        self._changes.append((start, start + len(statement.name), name))

    def made(self) -> str:
        """The text with the changes."""
        text, reach = "", 0
        for start, end, new in sorted(self._changes, key=lambda change: (change[0], -change[1])):
            if start >= reach:
                text += self._text[reach:start] + new
                reach = end
        return text + self._text[reach:]

    def _offset(self, line: int, column: int) -> int:
        """Where a line (from 1) and a column in bytes lie in the text."""
        return self._starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())


def first_line(statement: ast.stmt) -> int:
    """The line on which a statement begins, or its first decorator."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(node.lineno for node in decorators)])
