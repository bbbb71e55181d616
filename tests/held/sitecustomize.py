"""Lets the training loop wait for the test: loaded by every Python that is started with this folder on its path.

It needs nothing but the standard library until an engine trains, and what it changes of an engine is named here alone.
"""

from __future__ import annotations

import importlib.util
import math
import os
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

MODULE, CLASS, METHOD = "workbench.engine.training.boundary", "RunBoundary", "is_due"
"""Asked by every process of a run before each of its steps: whether to report and to listen after that step."""
GATE = "WORKBENCH_TEST_GATE"
"""Names the file with the number of steps that a run may take. Where there is none, it may take all."""
LOOK_SECONDS = 0.01

Due = Callable[[Any], bool]


def allowed() -> float:
    """The last step that may be taken."""
    try:
        return int(Path(os.environ[GATE]).read_text())
    except (KeyError, FileNotFoundError):
        return math.inf


def held(due: Due) -> Due:
    """The same question, asked only when the step may be taken.

    At the gate a run has reported all of its steps. It goes through to where it can leave when it is told to.
    """

    def is_due(boundary: Any) -> bool:
        step, control, world = boundary._state.position.step + 1, boundary._control, boundary._world
        reached = step >= allowed()
        # The other processes of a run wait for the main one by themselves.
        while control is not None and step > allowed() and not control.wants_to_leave():
            threading.Event().wait(LOOK_SECONDS)
        # Several processes have agreed on when they report and listen, and keep to it.
        return due(boundary) or (reached and world.size == 1)

    return is_due


class _Patch(MetaPathFinder):
    """Changes the module when it is imported, which most Pythons never do."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def execute_and_hold(module: ModuleType) -> None:
            execute(module)
            owner = getattr(module, CLASS)
            setattr(owner, METHOD, held(getattr(owner, METHOD)))

        spec.loader.exec_module = execute_and_hold  # type: ignore[method-assign]
        return spec


if __name__ == "sitecustomize" and GATE in os.environ:
    sys.meta_path.insert(0, _Patch())
