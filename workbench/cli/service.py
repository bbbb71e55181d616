"""Questions to the lab from a terminal, which says meanwhile what the lab is doing."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from workbench.launch import service
from workbench.launch.service import Answer, Doing


@contextlib.contextmanager
def asking() -> Iterator[Callable[[str, dict[str, Any]], Answer]]:
    """A lab for as long as it is wanted: gives what asks it and waits for the answer."""
    if sys.stderr is None or not sys.stderr.isatty():
        with service.asking() as ask:
            yield ask
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("starting PyTorch", spinner="line") as status:

        def tell(doing: Doing) -> None:
            status.update(doing.text + (f" {doing.share:.0%}" if doing.share is not None else ""))

        with service.asking(tell) as ask:
            yield ask


def ask_once(method: str, params: dict[str, Any]) -> Answer:
    """Starts a lab, asks one question, ends it."""
    with asking() as ask:
        return ask(method, params)
