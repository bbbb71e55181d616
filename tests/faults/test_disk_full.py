"""A disk that fills up: no file is harmed, the run rests and says why, and goes on when there is space again."""

from __future__ import annotations

import os
import random
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.attempts.test_resume import final_weights
from tests.faults.test_kill import made, same
from tests.gate import Gate
from tests.waiting import HANG_SECONDS, until
from workbench.engine.checkpoint import format
from workbench.launch import process
from workbench.runs import history
from workbench.runs.checkpoints import list_checkpoints
from workbench.runs.folder import RunFolder

KIND = "mlp with dropout"
DISK_BYTES = 4 * 2**20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own. Making one needs the rights of root."""
    mount = tmp_path / "disk"
    mount.mkdir()
    options = f"size={DISK_BYTES},mode=0700"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(mount)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield mount
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def fill(disk: Path) -> Path:
    """Takes every byte that is left."""
    path = disk / "other people's data"
    with path.open("wb", buffering=0) as file:
        for size in (2**16, 2**10, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return path


def look(folder: RunFolder) -> None:
    for info in list_checkpoints(folder.checkpoints):
        format.load(info.path)
    assert not [path for path in folder.checkpoints.glob("*.tmp") if not folder.is_running()]


@pytest.mark.skipif(os.name == "nt", reason="needs a disk that can be mounted")
@pytest.mark.parametrize(
    "times",
    [pytest.param(2, id="short"), pytest.param(50, id="long", marks=pytest.mark.campaign)],
)
def test_that_a_run_rests_while_the_disk_is_full_and_goes_on(
    times: int, disk: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(times)
    straight = process.start(made(KIND))
    assert straight.wait(HANG_SECONDS) == 0
    monkeypatch.setenv("WORKBENCH_RUNS", str(disk))
    for _ in range(times):
        folder = made(KIND)
        target = chance.randint(1, 12)
        gate.close_after(target)
        engine = process.start(folder)
        until(lambda: history.load(folder).step == target, what="the step")  # noqa: B023
        filler = fill(disk)
        gate.open()
        # Nothing can be told through a full disk: the instant is left to chance, from the next step to well into the rest.
        threading.Event().wait(chance.uniform(0.0, 1.0))
        look(folder)
        filler.unlink()
        assert engine.wait(HANG_SECONDS) == 0
        look(folder)
        assert same(final_weights(folder), final_weights(straight.folder))
        assert history.load(folder).state == "completed"
        assert (history.load(folder).curves.loss.x[1:] > history.load(folder).curves.loss.x[:-1]).all()
        subprocess.run(["rm", "-r", str(folder.path)], check=True)
