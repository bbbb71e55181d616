"""What went wrong, as sentences for a person: what happened, and what to do."""

from __future__ import annotations

import errno
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.config.problems import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable


class RefusedError(Exception):
    """The run cannot be done as configured: data that is not there, a device that is missing, a file of another kind."""

    def __init__(self, what: str, hint: str = "", path: str = "") -> None:
        super().__init__(what)
        self.problem = Problem(path, what, hint)


@dataclass(frozen=True)
class Failure:
    """Why a run ended: for the person (``what``, ``hint``) and for a report (``details``). ``refused``: it never could start."""

    what: str
    hint: str = ""
    details: str = ""
    refused: bool = False


class FailedError(Exception):
    """The run cannot continue, and the reason is already known as a sentence."""

    def __init__(self, what: str, hint: str = "", details: str = "") -> None:
        super().__init__(what)
        self.failure = Failure(what, hint, details)


_DISK_FULL = "There is no space left on the disk"
_READER_GONE = "A data-loading process ended unexpectedly"
_READER_HINT = "Use fewer loader workers (dataset.workers): often memory ran out"
_BY_WORDS: tuple[tuple[str, str, str], ...] = (
    (
        "Expected more than 1 value per channel when training",
        "Batch normalization needs at least two samples in every batch",
        "Choose another batch size, or drop the last batch (training.drop_last)",
    ),
    (
        "DataLoader worker",
        _READER_GONE,
        _READER_HINT,
    ),
    ("No space left on device", _DISK_FULL, "Make space and resume the run"),
    (
        "CUDA error",
        "The GPU reported an error, after which its process cannot continue",
        "Resume the run; the details are in its log",
    ),
    ("NCCL", "The connection between the GPUs failed", "Resume the run; the details are in its log"),
)


def explain(error: BaseException) -> Failure:
    """The failure that an exception stands for."""
    import torch

    details = "".join(traceback.format_exception(error))
    match error:
        case RefusedError():
            where = f"{error.problem.path}: " if error.problem.path else ""
            return Failure(where + error.problem.what, error.problem.hint, refused=True)
        case ConfigError():
            return Failure(_joined(error.problems), refused=True)
        case FailedError():
            return error.failure
        case torch.OutOfMemoryError():
            hint = "Halve training.batch_size and double training.accumulation: the effective batch stays"
            return Failure("The GPU ran out of memory", hint, details)
        case MemoryError():
            return Failure(
                "The machine ran out of memory", "Choose a smaller batch, or dataset.loading = streamed", details
            )
        case OSError() if error.errno == errno.ENOSPC:
            return Failure(_DISK_FULL, "Make space and resume the run", details)
        case ConnectionError() | EOFError() if "dataloader" in details:
            # The process that a batch was to be fetched from is gone, before its end was noticed.
            return Failure(_READER_GONE, _READER_HINT, details)
    text = str(error)
    for words, what, hint in _BY_WORDS:
        if words in text:
            return Failure(what, hint, details)
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    return Failure(f"The run failed: {first}", "See the run's log for the details", details)


_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "_STATUS_ALLOC_FAILED")


def memory_ran_out(error: BaseException) -> bool:
    """Whether an exception says that memory, the device's or the machine's, ran out."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def _joined(problems: Iterable[Problem]) -> str:
    return "\n".join(str(problem) for problem in problems)
