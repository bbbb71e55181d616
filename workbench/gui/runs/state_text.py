"""States of runs as a person reads them."""

from __future__ import annotations

INTERRUPTED = "interrupted"
"""The state of a run whose engine ended without saying so, as :mod:`workbench.runs.progress` names it."""


def state_text(state: str) -> str:
    """The word that is shown for a state of a run."""
    return "interrupted" if state == INTERRUPTED else state
