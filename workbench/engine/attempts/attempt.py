"""One attempt of a run: locks its folder, decides on devices and processes, and trains."""

from __future__ import annotations

import torch

from workbench.engine.attempts.supervise import REFUSED, supervise
from workbench.engine.attempts.worker import choose_devices, train_on_this_process
from workbench.engine.runtime.distributed import World
from workbench.engine.training.loop import AttemptResult
from workbench.runs.attempt_options import PLAIN, AttemptOptions
from workbench.runs.folder import (
    RunBusyError,
    RunFolder,
    locked,
)


def run_attempt(folder: RunFolder, request: AttemptOptions = PLAIN, *, alone: bool = False) -> int:
    """Runs the next attempt to its end. Gives the exit status: 0 completed, paused or stopped; 1 failed; 2 refused.

    ``alone`` keeps it in this process, whatever the configuration says of processes.
    """

    def compute(attempt: int) -> AttemptResult:
        device, processes = choose_devices(folder, folder.config())
        if processes > 1 and not alone:
            # The launcher takes its time to import, and few runs want it.
            from workbench.engine.attempts.processes import run_processes

            return run_processes(folder, attempt, device, processes, request)
        return train_on_this_process(folder, attempt, torch.device(device), World(), request)

    try:
        with locked(folder):
            return supervise(folder, compute)
    except RunBusyError:
        return REFUSED
