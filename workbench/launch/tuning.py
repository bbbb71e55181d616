"""Tuning: tries learning rates, batch sizes, numbers of loader workers or memory in engines of their own, and suggests one."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from workbench.config import files
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig
from workbench.launch.process import kill_tree, spawn
from workbench.launch.service import close_pipes, read_replies, write_call
from workbench.runs.service.answers import PointMeasured, RequestAnswered, RequestRefused
from workbench.runs.service.requests import (
    PlanMemory,
    ServiceCall,
    SweepLearningRate,
    TryBatchSize,
    TryWorkers,
    TuningRequest,
)
from workbench.runs.service.tuning import (
    SWEEP_STEPS,
    BatchSizeTrial,
    LearningRatePoint,
    LearningRateSweep,
    MemoryEstimate,
    TuningPoint,
    WorkersTrial,
)

TuningKind = Literal["lr", "batch", "workers", "memory"]
ReportPoint = Callable[[TuningPoint, float], None]
"""Is given every point, and the share of the search that is done."""
SMALLEST_BATCH, LARGEST_BATCH = 8, 65536
MOST_WORKERS = 8
_GIB = 2**30
GOOD_ENOUGH = 0.95
"""Of several that are as good, the smallest: within this share of the best throughput."""
RULE = "the smallest within 5 % of the best throughput"
TUNED_SETTINGS: dict[TuningKind, str] = {
    "lr": "optimizer.lr",
    "batch": "training.batch_size",
    "workers": "dataset.workers",
    "memory": "training.batch_size",
}
"""The setting that each kind of tuning suggests a value for."""
_Answer = TypeVar("_Answer", LearningRateSweep, BatchSizeTrial, WorkersTrial, MemoryEstimate)


class CancelledError(Exception):
    """The search was cancelled."""


class _EngineDiedError(ConfigError):
    """The engine of a trial ended without a reply: often memory ran out, and the system ended it."""


@dataclass(frozen=True)
class TuningResult:
    """What a search has come to. ``suggestion`` is None, and ``note`` says why, where there is none."""

    points: tuple[TuningPoint, ...]
    suggestion: float | int | None
    note: str
    setting: str


class TuningSearch:
    """One search. :meth:`run` blocks; :meth:`cancel` may be called from another thread and ends it at once."""

    def __init__(self, kind: TuningKind, config: RunConfig) -> None:
        self.kind = kind
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._cancelled = False

    def run(self, report_point: ReportPoint) -> TuningResult:
        """Tries until there is a result.

        Raises ConfigError when the configuration cannot be tried, CancelledError, OSError when no engine can be started.
        """
        setting = TUNED_SETTINGS[self.kind]
        match self.kind:
            case "lr":
                points, sweep = self._sweep_learning_rate(report_point)
                return TuningResult(points, sweep.suggestion, sweep.note, setting)
            case "memory":
                estimate = self._try(PlanMemory(config=self._config), MemoryEstimate)
                report_point(estimate, 1.0)
                batch_size = None if estimate.fits or not estimate.largest_batch else estimate.largest_batch
                return TuningResult((estimate,), batch_size, describe_memory(estimate), setting)
            case "batch":
                sizes = list(_report_all(self._try_batch_sizes(), report_point))
                best = smallest_good([(trial.batch_size, trial.samples_per_second) for trial in sizes if trial.fits])
                return TuningResult(tuple(sizes), best, _note(best), setting)
            case "workers":
                counts = list(_report_all(self._try_workers(), report_point))
                best = smallest_good([(trial.workers, trial.samples_per_second) for trial in counts])
                return TuningResult(tuple(counts), best, _note(best), setting)

    def cancel(self) -> None:
        """Ends the engine at work. ``run`` then raises CancelledError."""
        with self._lock:
            self._cancelled = True
            if self._process is not None:
                _kill(self._process)

    def _sweep_learning_rate(
        self, report_point: ReportPoint
    ) -> tuple[tuple[LearningRatePoint, ...], LearningRateSweep]:
        points: list[LearningRatePoint] = []

        def add_point(point: LearningRatePoint) -> None:
            points.append(point)
            report_point(point, min(len(points) / SWEEP_STEPS, 1.0))

        sweep = self._try(SweepLearningRate(config=self._config), LearningRateSweep, add_point)
        return tuple(points), sweep

    def _try_batch_sizes(self) -> Iterator[tuple[BatchSizeTrial, float]]:
        """Doubles the size until memory runs out, the samples do, or two larger sizes were slower than one before."""
        trials: list[BatchSizeTrial] = []
        size, most = SMALLEST_BATCH, LARGEST_BATCH
        while size <= most:
            trial = self._try_batch_size(size)
            most = min(most, max(trial.train_samples or most, SMALLEST_BATCH))
            # What the search alone must know is no part of its result.
            trials.append(trial.model_copy(update={"train_samples": None}))
            total = max(most.bit_length() - SMALLEST_BATCH.bit_length() + 1, 1)
            yield trials[-1], len(trials) / total
            if not trial.fits or _is_past_best([each.samples_per_second for each in trials]):
                return
            size *= 2

    def _try_batch_size(self, size: int) -> BatchSizeTrial:
        config = files.change(self._config, {"training.batch_size": size})
        try:
            return self._try(TryBatchSize(config=config), BatchSizeTrial)
        except _EngineDiedError:
            # Where main memory runs out, the system ends the process before it can say so.
            return BatchSizeTrial(batch_size=size, fits=False, samples_per_second=0.0, memory=0)

    def _try_workers(self) -> Iterator[tuple[WorkersTrial, float]]:
        cpus = os.cpu_count() or 1
        counts = [count for count in (0, 1, 2, 4, 8) if count <= min(MOST_WORKERS, max(2, cpus))]
        for tried, count in enumerate(counts, start=1):
            config = files.change(self._config, {"dataset.workers": count})
            yield self._try(TryWorkers(config=config), WorkersTrial), tried / len(counts)

    def _try(
        self,
        request: TuningRequest,
        answer_type: type[_Answer],
        add_point: Callable[[LearningRatePoint], None] | None = None,
    ) -> _Answer:
        """Has a fresh engine answer this request; its points go to ``add_point`` as they come."""
        process = self._start()
        last: RequestAnswered | RequestRefused | None = None
        try:
            write_call(process, ServiceCall(id=1, request=request))
            for reply in read_replies(process):
                if isinstance(reply, PointMeasured) and add_point is not None:
                    add_point(reply.point)
                elif isinstance(reply, RequestAnswered | RequestRefused):
                    last = reply
                    break
        finally:
            self._end(process)
        if self._cancelled:
            raise CancelledError
        if isinstance(last, RequestAnswered) and isinstance(last.answer, answer_type):
            return last.answer
        if isinstance(last, RequestRefused):
            raise ConfigError(last.problems)
        raise _EngineDiedError([Problem("", "the engine that tried it ended unexpectedly", "perhaps memory ran out")])

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._cancelled:
                raise CancelledError
            self._process = spawn(["--service"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            return self._process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._process = None
        _kill(process)
        process.wait()
        close_pipes(process)


_Trial = TypeVar("_Trial", BatchSizeTrial, WorkersTrial)


def _report_all(trials: Iterator[tuple[_Trial, float]], report_point: ReportPoint) -> Iterator[_Trial]:
    for trial, share in trials:
        report_point(trial, min(share, 1.0))
        yield trial


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the engine and its loader workers: they hold its pipe, and whoever reads there would wait for them."""
    if process.poll() is None:
        kill_tree(process.pid)


def smallest_good(speeds: Sequence[tuple[int, float]]) -> int | None:
    """Of (value, samples per second) the smallest value within 5 % of the best throughput; None of none."""
    most = max((speed for _, speed in speeds), default=0.0)
    return next((value for value, speed in speeds if speed >= GOOD_ENOUGH * most), None)


def describe_memory(estimate: MemoryEstimate) -> str:
    """An estimate in one sentence, such as "needs 9.1 of 11.0 GiB; batch 48 fits"."""
    there = f"{estimate.there / _GIB:.1f} GiB"
    if not estimate.largest_batch:
        return f"not even one sample fits into {there}"
    needs = f"needs {estimate.needs / _GIB:.2f} of {there}"
    return needs if estimate.fits else f"{needs}; batch {estimate.largest_batch:,} fits"


def _note(suggestion: int | None) -> str:
    return RULE if suggestion is not None else "memory runs out at every size"


def _is_past_best(speeds: Sequence[float]) -> bool:
    """Whether the last two were slower than the one before: beyond its best, throughput only falls."""
    if len(speeds) < 3:
        return False
    before, *after = speeds[-3:]
    return all(speed < before for speed in after)
