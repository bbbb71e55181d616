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
    """An empty table. Columns whose index is in ``numbers`` are aligned to the right."""
    from rich import box
    from rich.table import Table

    built = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, title in enumerate(titles):
        # The first column is what one types again, so it is never truncated.
        built.add_column(title, no_wrap=index == 0, overflow="fold", justify="right" if index in numbers else "left")
    return built


def show(shown: Table) -> None:
    """Prints a table."""
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console = Console(markup=False, highlight=False, emoji=False, width=_WIDE)
    with console.capture() as captured:
        console.print(shown)
    # One way to standard output, so that a closed pipe is handled in one place.
    output.line("\n".join(line.rstrip() for line in captured.get().rstrip("\n").splitlines()))
