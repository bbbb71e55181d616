"""While a run goes the machine is kept from going to sleep, where the system offers it; afterwards nothing is left of that."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.engine.attempts.test_resume import create_run
from tests.gate import Gate
from tests.waiting import until
from workbench.engine.attempts import attempt, worker
from workbench.engine.runtime.sleep_inhibitor import MAY_SLEEP, STAYS_AWAKE, inhibit_sleep
from workbench.engine.training.boundary import RunBoundary
from workbench.engine.training.loop import AttemptResult, Trainer, train
from workbench.engine.training.lr_backoff import LRBackoff
from workbench.launch import process
from workbench.runs import history
from workbench.runs.folder import RunFolder

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is Linux's")
Fake = Callable[[str], Path]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """``fake(script)`` is systemd-inhibit from now on. It gives the file in which the script may note what it is asked."""

    def install(script: str) -> Path:
        folder = tmp_path / "programs"
        folder.mkdir()
        program, asked = folder / "systemd-inhibit", tmp_path / "asked"
        program.write_text(f"#!/bin/sh\nasked={asked}\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return asked

    return install


GRANTS = """
echo $$ "$@" >> $asked
while [ "${1#--}" != "$1" ]; do shift; done
exec "$@"
"""


def alive(number: int) -> bool:
    try:
        return bool(psutil.Process(number).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def helper(asked: Path) -> int:
    """The process number of the helper that was started last."""
    return int(asked.read_text().splitlines()[-1].split()[0])


def log_texts(folder: RunFolder) -> list[str]:
    return [line.text for line in history.load(folder).log if "suspend" in line.text]


def test_that_the_wish_lasts_as_long_as_the_attempt(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake(GRANTS)
    folder = create_run("digits-mlp", {"training.epochs": 1})
    seen: list[bool] = []

    def check_helper(trainer: Trainer, boundary: RunBoundary, backoff: LRBackoff) -> AttemptResult:
        seen.append(alive(helper(asked)))
        return train(trainer, boundary, backoff)

    monkeypatch.setattr(worker, "train", check_helper)
    assert attempt.run_attempt(folder, alone=True) == 0
    assert seen == [True]
    assert not alive(helper(asked))
    for part in ("--what=sleep:idle", "--who=Workbench", "--why=training digits-mlp", "--mode=block"):
        assert part in asked.read_text()
    assert log_texts(folder) == [f"{STAYS_AWAKE} (systemd-inhibit)"]


def test_that_it_is_taken_back_when_the_attempt_fails(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake(GRANTS)

    def fail(*_: object) -> AttemptResult:
        raise ValueError("no")

    monkeypatch.setattr(worker, "train", fail)
    assert attempt.run_attempt(create_run("digits-mlp", {}), alone=True) == 1
    assert not alive(helper(asked))


def test_that_it_ends_with_an_engine_that_is_killed(fake: Fake, gate: Gate) -> None:
    asked = fake(GRANTS)
    folder = create_run("digits-mlp", {})
    gate.close_after(1)
    engine = process.start(folder)
    until(lambda: history.load(folder).step == 1, what="the first step")
    was_alive = alive(helper(asked))
    os.kill(engine.pid, 9)
    until(lambda: engine.poll() is not None, what="the engine's end")
    assert was_alive
    until(lambda: not alive(helper(asked)), what="the helper's end")


@pytest.mark.parametrize(
    "script, why",
    [("exit 1", "could not be blocked"), ("exec 0<&- 1>&-; kill $$", "could not be blocked"), (None, "offers no way")],
)
def test_that_a_wish_that_is_not_granted_is_one_note(
    fake: Fake, script: str | None, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if script is None:
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        fake(script)
    with inhibit_sleep("a run") as log_texts:
        assert log_texts.startswith(MAY_SLEEP)
        assert why in log_texts
