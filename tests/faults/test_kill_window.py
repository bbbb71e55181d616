"""kill -9 of the window while a run goes: the run does not notice, another window finds it, and nothing is left at the end.

The windows are the program itself, off screen, with real engines. Long with ``-m campaign``.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from pytestqt.qtbot import QtBot

from tests.gate import Gate
from tests.real_window import real_windows
from tests.waiting import HANG_MS, until
from workbench.gui.main_window import MainWindow
from workbench.launch import process
from workbench.launch.follow import Follower
from workbench.runs import history
from workbench.runs.folder import list_runs

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
ROOT = Path(__file__).resolve().parents[2]
EPOCH = 23
"""Steps of an epoch."""
Opens = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def opens(folders: Any, tmp_path: Path, gate: Gate) -> Iterator[Opens]:
    """``opens(...)`` is the program's window in a process of its own. All are ended at the end, and the runs with them."""
    made: list[subprocess.Popen[bytes]] = []
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": paths}

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "workbench", "gui", *arguments]
        with (tmp_path / "window.txt").open("ab") as log:
            made.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment))
        return made[-1]

    yield start
    for window in made:
        window.kill()
        window.wait()
    for run in list_runs():
        engine = process.attach(run)
        if engine is not None:
            engine.kill()
    until(lambda: not left_over(folders.runs), what="the end of every process")


@pytest.fixture
def window(qapp: Any, qtbot: QtBot) -> Iterator[Callable[[], MainWindow]]:
    """A window in this process, to look into."""
    with real_windows(qtbot) as open_one:
        yield lambda: open_one("digits-mlp")


def left_over(runs: Path) -> list[psutil.Process]:
    """Processes that belong to this test, whoever their parent is by now: they know its folder of runs."""
    found = []
    for one in psutil.process_iter():
        try:
            mine = one.pid != os.getpid() and one.status() != psutil.STATUS_ZOMBIE
            if mine and one.environ().get("WORKBENCH_RUNS") == str(runs):
                found.append(one)
        except psutil.Error:
            continue
    return found


def has_attached(window: subprocess.Popen[bytes]) -> bool:
    """Whether a window is so far that it has looked for runs: the service is started after that."""
    assert window.poll() is None, "the window ended by itself"
    try:
        return any("--service" in child.cmdline() for child in psutil.Process(window.pid).children())
    except psutil.Error:
        return False


@pytest.mark.parametrize(
    "kills", [pytest.param(1, id="short"), pytest.param(50, id="long", marks=pytest.mark.campaign)]
)
def test_that_a_run_outlives_windows_that_are_killed(
    kills: int, opens: Opens, gate: Gate, window: Callable[[], MainWindow], qtbot: QtBot, folders: Any
) -> None:
    chance = random.Random(kills)
    gate.close_after(EPOCH + 1)
    current = opens("digits-mlp", "--train", "--set", f"training.epochs={10 + 3 * kills}")
    until(lambda: list_runs() and history.load(list_runs()[0]).epoch > 0, what="an epoch")
    run = list_runs()[0]
    follower = Follower(run)

    def step() -> int:
        follower.read()
        return follower.progress.step

    for _ in range(kills):
        target = step() + chance.randint(0, 50)
        gate.close_after(target + 1)
        until(lambda: step() >= target, what="some steps")  # noqa: B023
        current.kill()
        current.wait()
        gate.close_after(target + 2)
        until(lambda: step() == target + 2, what="a step without a window")  # noqa: B023
        current = opens()
        until(lambda: has_attached(current), what="the next window")  # noqa: B023
    current.kill()
    current.wait()

    last = window()
    assert last.session.attach_active_run()
    qtbot.waitUntil(lambda: last.session.state == "running" and last.session.history_loaded, timeout=HANG_MS)
    last.session.stop()
    qtbot.waitUntil(lambda: last.session.state == "ended", timeout=HANG_MS)
    shown, told = last.session.progress, history.load(run)
    assert len(list_runs()) == 1
    assert (shown.state, shown.attempt, shown.step) == ("stopped", 1, told.step)
    assert np.array_equal(shown.curves.loss.x, told.curves.loss.x)
    assert np.array_equal(shown.curves.loss.y, told.curves.loss.y)
    assert shown.curves.loss.x[-1] == shown.step
    assert [epoch.epoch for epoch in shown.epochs] == list(range(1, shown.epoch + 1))
    until(lambda: not left_over(folders.runs), what="the end of every process")
