"""What the command line asks of the window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class GuiRequest:
    """How the window is opened, as given on the command line."""

    start: str | None = None
    """A recipe, a run file or a run; None opens what was open last."""
    train: bool = False
    quit_when_done: bool = False
    screenshot: Path | None = None
    set: tuple[str, ...] = ()
    """Settings changed by path, as ``optimizer.lr=3e-4``."""
    runs: Path | None = None
