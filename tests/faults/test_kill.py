"""kill -9 at random instants of a run that saves every step: nothing that was saved is lost, and the resumed run has the same bits.

Children are forked from a parent that has torch loaded and computes with one thread, which makes a start cheap; some runs are
started as users start them. Long with ``-m campaign``.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
from typing import Any

import pytest
import torch

from tests.engine.attempts.test_resume import final_weights
from tests.gate import Gate
from tests.waiting import HANG_SECONDS, until
from workbench.config import files
from workbench.config.recipes import start
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.launch import process
from workbench.runs import history
from workbench.runs.checkpoints import latest, list_checkpoints
from workbench.runs.folder import RunFolder, create

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no SIGKILL and no fork on Windows")

EVERY_STEP = {
    "output.checkpoint_every": "1 steps",
    "training.epochs": 2,
    "training.batch_size": 180,
    "hardware.threads": 1,
}
KINDS: dict[str, dict[str, Any]] = {
    "mlp with dropout": {
        "model.kind": "mlp",
        "model.hidden": [16],
        "model.dropout": [0.3],
        "schedule.kind": "one-cycle",
    },
    "cnn with augmentation": {
        "model.channels": [4],
        "model.head": [8],
        "dataset.augment_crop": 1,
        "dataset.augment_rotation": 10.0,
        "dataset.augment_erasing": 0.3,
    },
    "lstm with an average": {
        "dataset.kind": "sine",
        "model.kind": "lstm",
        "model.units": 8,
        "model.dropout": 0.2,
        "training.ema": 0.9,
        "schedule.kind": "one-cycle",
    },
    "accumulation": {"model.kind": "mlp", "model.hidden": [16], "training.accumulation": 2, "training.batch_size": 60},
}
PARENT = textwrap.dedent("""
    import json, os, random, signal, sys, threading
    import torch
    torch.set_num_threads(1)
    from workbench.engine.attempts.attempt import run_attempt
    from workbench.runs.folder import RunFolder
    for line in sys.stdin:
        folder, seconds = json.loads(line)
        child = os.fork()
        if child == 0:
            sys.stdin.close()
            signal.setitimer(signal.ITIMER_REAL, seconds) if seconds else None
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            os._exit(run_attempt(RunFolder(__import__("pathlib").Path(folder)), alone=True))
        _, status = os.waitpid(child, 0)
        print(json.dumps([os.WIFSIGNALED(status), os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1]), flush=True)
""")


def made(kind: str) -> RunFolder:
    name, config = start("digits-cnn")
    return create(files.change(config, EVERY_STEP | KINDS[kind]), name)


class Forks:
    """A process with torch loaded that runs attempts in children of its own, each killed after so many seconds."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, folder: RunFolder, seconds: float) -> tuple[bool, int]:
        """Whether it was killed, and its exit status. 0 seconds lets it run to its end."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps([str(folder.path), seconds]) + "\n")
        self._parent.stdin.flush()
        killed, status = json.loads(self._parent.stdout.readline())
        return killed, status

    def close(self) -> None:
        self._parent.communicate()


def said_saved(folder: RunFolder) -> int:
    """The newest step of which the run has said that it is saved."""
    return max((saved.step for saved in history.load(folder).checkpoints), default=0)


def saved(folder: RunFolder) -> int:
    """The newest step of which there is a checkpoint."""
    newest = latest(folder.checkpoints)
    return newest.step if newest is not None else 0


def look_after_death(folder: RunFolder) -> None:
    """No checkpoint is unreadable, and none of which the run has said that it is saved is lost."""
    found = list_checkpoints(folder.checkpoints)
    assert saved(folder) >= said_saved(folder)
    for info in found[-1:]:
        assert format.load(info.path)["position"]["step"] == info.step


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    "kills, runs",
    [
        pytest.param(8, 4, id="short"),
        pytest.param(1000, 100, id="long", marks=pytest.mark.campaign),
    ],
)
def test_that_killed_runs_lose_nothing_and_end_with_the_same_bits(kills: int, runs: int) -> None:
    chance = random.Random(kills)
    forks = Forks()
    try:
        wanted, length = {}, {}
        for kind in KINDS:
            folder = made(kind)
            assert forks.run(folder, 0.0) == (False, 0)
            wanted[kind] = final_weights(folder)
            times = [event.time for event in (history.load(folder).started, history.load(folder).ended) if event]
            length[kind] = times[-1] - times[0]
        done = ended = 0
        while done < kills or ended < runs:
            kind = list(KINDS)[ended % len(KINDS)]
            folder = made(kind)
            while done < kills and chance.random() < 0.92:
                killed, status = forks.run(folder, chance.uniform(0.005, 1.2 * length[kind] + 0.3))
                assert killed or status == 0
                look_after_death(folder)
                done += killed
                process.close_unfinished(folder)
            assert forks.run(folder, 0.0) == (False, 0)
            assert same(final_weights(folder), wanted[kind]), f"{kind}: other weights after {done} kills"
            ended += 1
    finally:
        forks.close()


@pytest.mark.parametrize(
    "starts",
    [pytest.param(2, id="short"), pytest.param(20, id="long", marks=pytest.mark.campaign)],
)
def test_that_real_engines_that_are_killed_lose_nothing(starts: int, gate: Gate) -> None:
    chance = random.Random(starts)
    kind = "mlp with dropout"
    straight = made(kind)
    assert run_attempt(straight, alone=True) == 0
    folder, last = made(kind), history.load(straight).step
    for _ in range(starts):
        # It is killed before its end, however fast it is. What it has saved it says a step later, which it may never take.
        target = min(saved(folder) + chance.randint(1, 3), last - 1)
        gate.close_after(target)
        engine = process.start(folder)
        until(lambda: saved(folder) >= target, what="a save")  # noqa: B023
        assert engine.poll() is None
        engine.kill()
        look_after_death(folder)
    gate.open()
    engine = process.start(folder)
    assert engine.wait(HANG_SECONDS) == 0
    assert same(final_weights(folder), final_weights(straight))


def test_that_a_killed_engine_leaves_no_process_and_is_told_in_words(gate: Gate) -> None:
    folder = made("mlp with dropout")
    gate.close_after(1)
    engine = process.start(folder)
    until(lambda: history.load(folder).step == 1, what="the first step")
    os.kill(engine.pid, signal.SIGKILL)
    until(lambda: engine.poll() is not None, what="the end")
    ended = history.load(folder).ended
    assert ended is not None
    assert ended.status == "failed"
    assert ended.hint
