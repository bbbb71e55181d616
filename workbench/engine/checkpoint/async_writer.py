"""Checkpoints written beside the training: a thread writes what the step boundary has copied, one file after the other."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from workbench.engine.checkpoint import format
from workbench.engine.runtime.state_types import CheckpointInfoFields, CheckpointState

SPARE_BYTES = 2**16
"""Space that is left on the disk beside a checkpoint: for the run's events, and for everybody else."""


@dataclass(frozen=True)
class WriteResult:
    """The outcome of writing a checkpoint. ``error`` is None when it lies whole on the disk."""

    state: CheckpointState
    info: CheckpointInfoFields
    bytes: int = 0
    seconds: float = 0.0
    error: OSError | None = None


class AsyncWriter:
    """Writes into a folder of checkpoints, and keeps the newest ``keep`` and the best. The caller's thread never writes."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._folder = folder
        self._keep = keep
        self._thread: threading.Thread | None = None
        self._results: list[WriteResult] = []
        self._failure: BaseException | None = None
        self._needed = 0

    def submit(self, state: CheckpointState, info: CheckpointInfoFields) -> None:
        """Begins to write. Waits for the checkpoint before this one: memory holds one copy, and files come in their order."""
        self.wait()
        self._needed = tensor_bytes(state)
        # No daemon: a process that ends finishes its file first.
        self._thread = threading.Thread(target=self._write, args=(state, info), name="checkpoint", daemon=False)
        self._thread.start()

    def wait(self) -> None:
        """Returns when nothing is being written. Raises what went wrong other than the disk's refusal."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def results(self) -> list[WriteResult]:
        """The outcomes of the checkpoints that were finished since the last call."""
        results, self._results = self._results, []
        return results

    def has_space(self) -> bool:
        """Whether there is space for as much as was submitted last."""
        try:
            _check_space(self._folder, self._needed)
        except OSError:
            return False
        return True

    def _write(self, state: CheckpointState, info: CheckpointInfoFields) -> None:
        began = time.monotonic()
        try:
            _check_space(self._folder, self._needed)
            path = format.save(self._folder, state, info)
            # The oldest goes only now that the new one is safe.
            format.prune(self._folder, self._keep, state["position"]["step"])
            size = path.stat().st_size
        except OSError as error:
            self._results.append(WriteResult(state, info, error=error))
        # Raised where the run can say it: an exception in a thread is reported to nobody.
        except BaseException as error:  # noqa: BLE001
            self._failure = error
        else:
            self._results.append(WriteResult(state, info, size, time.monotonic() - began))


def _check_space(folder: Path, needed: int) -> None:
    """Raises OSError before a disk is filled to its last byte."""
    if shutil.disk_usage(folder.parent).free < needed + SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def tensor_bytes(value: object) -> int:
    """Bytes of all tensors in nested state."""
    if isinstance(value, torch.Tensor):
        return value.nbytes
    if isinstance(value, dict):
        return sum(tensor_bytes(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return sum(tensor_bytes(item) for item in value)
    return 0
