"""A gate for real engines: a run takes so many steps and waits, for as long as the test wants it to be still going.

A test that needs a run to be going does not have to guess how many epochs take long enough on which machine.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path

import pytest

from tests.held import sitecustomize
from workbench.runs.folder import write_whole


class Gate:
    """Every engine that is started while there is a gate waits at it, in whatever process: engines on standby as well.

    At the gate a run has said all of its steps: ``history.load(folder).step`` is the step that it may take last. A stop, a pause
    or a signal is answered at once, at the next step; the other commands are acknowledged, and done when it goes on.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def close_after(self, step: int) -> None:
        """Runs take their steps up to this one."""
        write_whole(self._file, str(step))

    def open(self) -> None:
        """Runs go on to their end."""
        self._file.unlink(missing_ok=True)


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """A gate, open at first, for the engines in processes that are started from now on."""
    # Where the engine's loop has moved, that is to be said here, and not by a test that waits in vain.
    assert importlib.util.find_spec(sitecustomize.MODULE), f"there is no {sitecustomize.MODULE} to hold engines in"
    paths = [str(Path(sitecustomize.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv(sitecustomize.GATE, str(tmp_path / "gate"))
    return Gate(tmp_path / "gate")


@pytest.fixture
def gate_here(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The gate, for engines in threads of this process too."""
    owner = getattr(importlib.import_module(sitecustomize.MODULE), sitecustomize.CLASS)
    monkeypatch.setattr(owner, sitecustomize.METHOD, sitecustomize.held(getattr(owner, sitecustomize.METHOD)))
    return gate
