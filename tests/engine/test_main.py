"""The engine's own command line."""

import sys

import pytest

from workbench.engine import __main__ as engine
from workbench.runs.attempt_options import Request


def test_that_options_of_a_later_starter_are_named_and_ignored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[object] = []
    monkeypatch.setattr(sys, "argv", ["workbench.engine", "folder", "--epochs", "3", "--warp", "9"])
    monkeypatch.setattr(engine, "_run", lambda folder, request: given.extend((folder.name, request)) or 0)
    assert engine.main() == 0
    assert given == ["folder", Request(epochs=3)]
    assert capsys.readouterr().err == "ignored, as this version does not know it: --warp 9\n"
