"""A loader worker or one of several processes that is killed ends the run in plain words, and leaves no process behind."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.gate import Gate
from tests.waiting import HANG_SECONDS, until
from workbench.config import files
from workbench.config.recipes import start
from workbench.engine.reporting import memory
from workbench.launch import process
from workbench.launch.follow import Follower
from workbench.runs import history
from workbench.runs.folder import RunFolder, create

Begun = Callable[[RunFolder], process.Engine]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")


def pictures(root: Path) -> Path:
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        for number in range(40):
            noise = np.random.default_rng(number).integers(0, 255, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(noise).save(root / name / f"{number}.png")
    return root


@pytest.fixture
def begun() -> Iterator[Callable[[RunFolder], process.Engine]]:
    """Starts a run and waits for its first step. What is left of it at the end is ended."""
    engines: list[process.Engine] = []

    def begin(folder: RunFolder) -> process.Engine:
        engines.append(_begun(folder))
        return engines[-1]

    yield begin
    for engine in engines:
        engine.kill()


def family(engine: process.Engine) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """All processes below an engine, and those of them that compute or load."""
    children, at_work = psutil.Process(engine.pid).children(recursive=True), []
    for child in children:
        with contextlib.suppress(psutil.Error):
            if "spawn_main" in " ".join(child.cmdline()):
                at_work.append(child)
    return children, at_work


def _begun(folder: RunFolder) -> process.Engine:
    engine = process.start(folder)
    comes_to(folder, engine, "step")
    return engine


def comes_to(folder: RunFolder, engine: process.Engine, what: str) -> None:
    """Waits for the first ``step`` or ``epoch`` of a run, which lives to tell of it."""
    follower = Follower(folder)

    def there() -> bool:
        follower.read()
        return getattr(follower.progress, what) > 0 or engine.poll() is not None

    until(there, what=f"the first {what}")
    assert engine.poll() is None, history.load(folder).ended


def ended_in_words(folder: RunFolder, engine: process.Engine, left: list[psutil.Process], word: str) -> None:
    until(lambda: engine.poll() is not None, what="the end")
    ended = history.load(folder).ended
    assert ended is not None
    assert ended.status == "failed"
    assert word in ended.what.lower(), ended.what
    assert ended.hint
    _, alive = psutil.wait_procs(left, timeout=HANG_SECONDS)
    assert not alive
    assert not folder.is_running()


def test_that_a_killed_loader_worker_ends_the_run_in_words(tmp_path: Path, begun: Begun, gate: Gate) -> None:
    changes = {
        "dataset.path": str(pictures(tmp_path / "pictures")),
        "dataset.size": 16,
        "dataset.loading": "streamed",
        "dataset.workers": 2,
        "model.channels": [4],
        "training.epochs": 3,
        "training.batch_size": 4,
    }
    folder = create(files.change(start("image-folder")[1], changes), "worker")
    # Soon after the beginning of the second epoch, of which the workers still have most to read.
    gate.close_after(18)
    engine = begun(folder)
    # Workers that are only starting, as those of the first validation, are killed beside a temporary file of their imports.
    comes_to(folder, engine, "epoch")
    children, workers = family(engine)
    assert workers
    os.kill(workers[-1].pid, signal.SIGKILL)
    gate.open()
    ended_in_words(folder, engine, children, "data-loading process")


def test_that_a_killed_process_of_several_ends_all(begun: Begun, gate: Gate) -> None:
    changes = {"hardware.processes": 2, "training.batch_size": 16}
    folder = create(files.change(start("digits-mlp")[1], changes), "ranks")
    gate.close_after(10)  # where they report for the first time
    engine = begun(folder)
    children, ranks = family(engine)
    assert len(ranks) == 2
    os.kill(ranks[-1].pid, signal.SIGKILL)
    ended_in_words(folder, engine, children, "process")


def test_that_scarce_main_memory_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.engine.attempts.attempt import run_attempt

    monkeypatch.setattr(memory, "main_memory_left", lambda: memory.main_memory() // 100)
    folder = create(files.change(start("digits-mlp")[1], {"training.epochs": 3}), "scarce")
    assert run_attempt(folder, alone=True) == 0
    told = [line for line in history.load(folder).log if "main memory are left" in line.text]
    assert len(told) == 1
    assert told[0].level == "warning"
