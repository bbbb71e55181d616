"""The command line in this process and as a program of its own, and runs that an engine's understudy plays."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import fake_tuning
from tests.cli import terminal
from tests.waiting import until
from workbench.cli import app
from workbench.cli.gui_request import GuiRequest
from workbench.config import files, recipes
from workbench.launch import process, tuning
from workbench.runs import folder, history
from workbench.runs.folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The JSON object on the last line of standard output; strict, as RFC 8259 has it."""

        def refuse(word: str) -> None:
            pytest.fail(f"{word} is no JSON")

        found = json.loads(self.out.splitlines()[-1], parse_constant=refuse)
        assert isinstance(found, dict)
        return found


Workbench = Callable[..., Said]


@pytest.fixture
def asked() -> list[GuiRequest]:
    """What the window was asked for."""
    return []


@pytest.fixture
def workbench(
    asked: list[GuiRequest], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Workbench:
    """Runs a command line in this process, with the understudy for an engine."""
    monkeypatch.setattr(process, "interpreter", terminal.interpreter)
    monkeypatch.setattr(tuning, "spawn", fake_tuning.spawn)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def show(request: GuiRequest) -> int:
        asked.append(request)
        return 0

    def call(*arguments: str) -> Said:
        capfd.readouterr()
        status = app.run(app.build(show), arguments)
        return Said(status, *capfd.readouterr())

    return call


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Tells the understudy what to play."""
    return lambda kind: monkeypatch.setenv("FAKE_ENGINE", kind)


@pytest.fixture
def make_run() -> Callable[..., RunFolder]:
    """A run that nobody has started."""

    def make(name: str = "trial", epochs: int = 2) -> RunFolder:
        config = files.change(recipes.start("digits-mlp")[1], {"training.epochs": epochs})
        return folder.create(config, name)

    return make


@pytest.fixture
def going(
    workbench: Workbench, plays: Callable[[str], None], make_run: Callable[..., RunFolder]
) -> Iterator[Callable[[str], RunFolder]]:
    """A run that is going: it has listened, or will not (``deaf``)."""
    engines: list[process.Engine] = []

    def start(kind: str = "listen") -> RunFolder:
        plays(kind)
        run = make_run()
        engines.append(process.start(run))
        until(lambda: history.load(run).epoch == 1)
        return run

    yield start
    for engine in engines:
        engine.kill()


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts a command line as a program of its own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        command = [sys.executable, str(Path(terminal.__file__)), *arguments]
        started.append(subprocess.Popen(command, text=True, encoding="utf-8", cwd=ROOT, env=dict(os.environ), **pipes))
        return started[-1]

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
        one.communicate()
