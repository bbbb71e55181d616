"""States of runs as a person reads them."""

from __future__ import annotations

_SHOWN = {"cut off": "interrupted"}


def state_text(state: str) -> str:
    """The word that is shown for a state of :class:`workbench.runs.progress.Progress`."""
    return _SHOWN.get(state, state)
