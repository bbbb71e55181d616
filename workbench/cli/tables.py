"""Tables on standard output."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from workbench.cli import output

if TYPE_CHECKING:
    from rich.table import Table

_WIDE = 10_000
"""Columns of a table that no terminal shows: a file or a pipe gets every line whole."""


def table(*titles: str, numbers: Collection[int] = ()) -> Table:
    """An empty table. Columns whose place is in ``numbers`` stand to the right."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, title in enumerate(titles):
        # The first column is what one types again, so it is never cut.
        made.add_column(title, no_wrap=place == 0, overflow="fold", justify="right" if place in numbers else "left")
    return made


def show(made: Table) -> None:
    """Prints a table."""
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console = Console(markup=False, highlight=False, emoji=False, width=_WIDE)
    with console.capture() as captured:
        console.print(made)
    # One road to standard output, so that a reader who left is met in one place.
    output.line("\n".join(line.rstrip() for line in captured.get().rstrip("\n").splitlines()))
