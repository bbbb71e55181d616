"""One rank may take far longer than the others wait for a collective: a pause, a download, a disk that is to be cleared."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.engine.attempts.test_processes import create_run
from tests.engine.runtime.worlds import Stub, run_ranks
from tests.waiting import HANG_SECONDS, until
from workbench.engine.runtime import distributed
from workbench.engine.runtime.failures import FailedError, RefusedError
from workbench.runs import history
from workbench.runs.commands import Command, send
from workbench.runs.folder import RunFolder

PATIENCE = 3.0
"""Seconds after which a rank gives the others up in these tests."""
LONG = 2 * PATIENCE
SEVERAL = textwrap.dedent(f"""
    import sys
    from datetime import timedelta
    from pathlib import Path

    import torch.distributed as dist

    from workbench.engine.attempts import processes
    from workbench.engine.training.boundary import RunBoundary
    from workbench.runs.attempt_options import PLAIN
    from workbench.runs.folder import RunFolder

    rest = RunBoundary._rest

    def rest_with_little_patience(self):
        self._world.broadcast(None)
        usual = self._world.control
        self._world.control = dist.new_group(backend="gloo", timeout=timedelta(seconds={PATIENCE}))
        try:
            return rest(self)
        finally:
            self._world.control = usual

    RunBoundary._rest = rest_with_little_patience
    if __name__ == "__main__":
        sys.exit(processes.run_as_rank(RunFolder(Path(sys.argv[1])), PLAIN))
""")


def several(folder: RunFolder, script: Path) -> subprocess.Popen[bytes]:
    script.write_text(SEVERAL, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--log-dir", str(folder.path / "torchrun"), str(script), str(folder.path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_that_two_processes_rest_longer_than_they_wait_for_each_other(tmp_path: Path) -> None:
    folder = create_run({"training.batch_size": 32, "training.epochs": 1})
    send(folder.commands, Command("pause", 1))
    engine = several(folder, tmp_path / "several.py")
    try:
        until(lambda: history.state(folder) == "paused" or engine.poll() is not None, what="the pause")
        enough = time.monotonic() + LONG
        until(lambda: time.monotonic() > enough or engine.poll() is not None)
        assert engine.poll() is None
        send(folder.commands, Command("unpause", 1))
        said, _ = engine.communicate(timeout=HANG_SECONDS)
    finally:
        engine.terminate()
        engine.communicate(timeout=HANG_SECONDS)
    assert engine.returncode == 0, said.decode()
    assert history.load(folder).state == "completed"


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "PATIENCE_SECONDS", 0.1)


def late(thing: str) -> str:
    enough = time.monotonic() + LONG
    until(lambda: time.monotonic() > enough)
    return thing


@pytest.mark.usefixtures("little_patience")
def test_that_what_takes_long_reaches_every_rank() -> None:
    assert run_ranks(lambda world: world.broadcast_when_done(lambda: late("done")), patience=PATIENCE) == [
        "done",
        "done",
    ]


@pytest.mark.usefixtures("little_patience")
def test_that_every_rank_may_be_the_late_one() -> None:
    def work(world: Stub) -> list[str]:
        return world.all_gather_when_done(lambda: "at once" if world.is_main else late("late"))

    assert run_ranks(work, patience=PATIENCE) == [["at once", "late"]] * 2


@pytest.mark.usefixtures("little_patience")
@pytest.mark.parametrize("fails", [0, 1])
@pytest.mark.parametrize(
    "error, kind, words",
    [
        pytest.param(RefusedError("no such file", "look", "dataset.path"), RefusedError, "no such file", id="refused"),
        pytest.param(ValueError("odd"), FailedError, "odd", id="failed"),
    ],
)
def test_that_what_one_rank_cannot_do_ends_all(error: Exception, kind: type, words: str, fails: int) -> None:
    def work(rank: int) -> None:
        if rank == fails:
            raise error

    def raised_error(world: Stub) -> BaseException:
        with pytest.raises(kind if world.rank != fails else type(error), match=words) as caught:
            world.all_gather_when_done(lambda: work(world.rank))
        return caught.value

    for raised in run_ranks(raised_error, patience=PATIENCE):
        assert words in str(raised)
        assert not isinstance(raised, RefusedError) or raised.problem.path == "dataset.path"


def test_that_a_rank_alone_waits_for_nobody() -> None:
    assert distributed.World().all_gather_when_done(lambda: 3) == [3]
    with pytest.raises(ValueError, match="odd"):
        distributed.World().broadcast_when_done(lambda: int("odd"))
