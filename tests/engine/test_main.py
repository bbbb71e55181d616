"""The engine's own command line."""

import sys
from pathlib import Path

import pytest

from workbench.engine import __main__ as engine
from workbench.runs.attempt_options import AttemptOptions


def test_that_options_of_a_later_starter_are_named_and_ignored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[object] = []

    def run(folder: Path, request: AttemptOptions) -> int:
        given.extend((folder.name, request))
        return 0

    monkeypatch.setattr(sys, "argv", ["workbench.engine", "folder", "--epochs", "3", "--warp", "9"])
    monkeypatch.setattr(engine, "_run", run)
    assert engine.main() == 0
    assert given == ["folder", AttemptOptions(epochs=3)]
    assert capsys.readouterr().err == "ignored, as this version does not know it: --warp 9\n"
