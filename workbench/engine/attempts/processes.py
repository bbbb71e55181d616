"""One process per device: launched here through torch's elastic launcher, or by torchrun. The first failure ends all."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import sys
import tempfile
import threading
from pathlib import Path

import torch
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, record
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from workbench.config.run import RunConfig
from workbench.engine.attempts.supervise import REFUSED, exit_status, failed, supervise
from workbench.engine.attempts.worker import choose_devices, train_on_this_process
from workbench.engine.runtime import devices, distributed
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import explain
from workbench.engine.training.loop import AttemptResult
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.folder import RunBusyError, RunFolder, locked


def run_processes(folder: RunFolder, attempt: int, device: str, count: int, request: AttemptOptions) -> AttemptResult:
    """Trains with ``count`` processes on this machine. This process holds the lock and waits; rank 0 writes the events."""
    with tempfile.TemporaryDirectory(prefix="workbench-ranks-") as errors:
        # torch's own files about failures go to the temporary folder too, and stay there: this one goes as a whole.
        before, tempfile.tempdir = tempfile.tempdir, errors
        try:
            return _launch(folder, attempt, device, count, request, errors)
        finally:
            tempfile.tempdir = before


def _launch(
    folder: RunFolder, attempt: int, device: str, count: int, request: AttemptOptions, errors: str
) -> AttemptResult:
    """``errors`` is a folder in which a failing process leaves what happened to it."""
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        rdzv_backend="c10d",
        # Port 0: the store takes a free one itself, so that two runs cannot want the same.
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        monitor_interval=0.1,
        start_method="spawn",
        logs_specs=DefaultLogsSpecs(log_dir=errors),
    )
    try:
        results = elastic_launch(config, _rank)(str(folder.path), attempt, device, request)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        text = failure.message
        what = f"process {rank} failed: {_first_line(str(text))}"
        return AttemptResult(
            "failed", what, "Resume to continue from the last checkpoint; the other processes were ended", str(text)
        )
    return AttemptResult(**results[0])


def run_as_rank(folder: RunFolder, request: AttemptOptions) -> int:
    """What each process does that torchrun started, on one machine or on several that share the folder. Gives the exit status.

    Rank 0 holds the lock and writes the events. How many processes there are is torchrun's to say.
    """
    config = folder.config()
    device = devices.choose(config.hardware)
    world, own = distributed.join_world(device)
    try:
        if not world.is_main:
            _own_log(folder, world.rank)
            attempt = world.broadcast(None)
            if attempt is None:
                return REFUSED
            return exit_status(train_on_this_process(folder, attempt, own, world, request))
        return _supervise_ranks(folder, config, own, world, request)
    finally:
        distributed.leave_world()


def _supervise_ranks(
    folder: RunFolder, config: RunConfig, own: torch.device, world: World, request: AttemptOptions
) -> int:
    attempt_announced = False

    def compute(attempt: int) -> AttemptResult:
        nonlocal attempt_announced
        choose_devices(folder, config)
        attempt_announced = True
        world.broadcast(attempt)
        return train_on_this_process(folder, attempt, own, world, request)

    try:
        with locked(folder):
            return supervise(folder, compute)
    except RunBusyError as error:
        print(error, file=sys.stderr)  # noqa: T201 - torchrun shows it to whoever started it
        return REFUSED
    finally:
        if not attempt_announced:
            world.broadcast(None)


@record
def _rank(folder: str, attempt: int, device: str, request: AttemptOptions) -> dict[str, object]:
    """What each process does. A refusal is an outcome; anything else is raised, so that the launcher ends the others."""
    _leave_with_the_launcher()
    run = RunFolder(Path(folder))
    rank = int(os.environ["RANK"])
    if rank > 0:
        _own_log(run, rank)
    world, own = distributed.join_world(device)
    try:
        return vars(train_on_this_process(run, attempt, own, world, request))
    except Exception as error:
        failure = explain(error)
        if failure.refused:
            return vars(failed(failure))
        raise
    finally:
        distributed.leave_world()
        if own.type == "cuda":
            torch.cuda.empty_cache()


def _own_log(run: RunFolder, rank: int) -> None:
    log = os.open(run.log_file(rank), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.close(log)


def _leave_with_the_launcher() -> None:
    """Ends this process when the one that launched it is gone: with it went the lock, the right to write events."""
    launcher = multiprocessing.parent_process()
    if launcher is None:
        return

    def watch() -> None:
        multiprocessing.connection.wait([launcher.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="launcher watch", daemon=True).start()


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "without a message"
