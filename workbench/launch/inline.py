"""The engine in the calling thread: for debugging, and one process only. The sole place outside the engine that imports torch."""

from __future__ import annotations

import os

from workbench.runs.attempt_options import PLAIN, AttemptOptions
from workbench.runs.folder import RunFolder


def run_inline(folder: RunFolder, request: AttemptOptions = PLAIN) -> int:
    """Runs a run to its end in this thread; its exit status. Raises OSError on Windows, where torch cannot follow Qt."""
    if os.name == "nt":
        raise OSError("On Windows, a run cannot be trained in the window's own process")
    from workbench.engine.attempts.attempt import run_attempt

    return run_attempt(folder, request, alone=True)
