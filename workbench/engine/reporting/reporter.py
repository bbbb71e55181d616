"""When to report, and how: the only place where a tensor becomes a number, at most ten times a second."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from workbench.engine.reporting import memory
from workbench.engine.reporting.metrics import StepMetrics, StepRecorder, Sums, add_rows
from workbench.engine.reporting.tensorboard import TensorBoardWriter
from workbench.engine.runtime.distributed import World
from workbench.runs.events import AnyEvent, EventWriter, Memory, Note, Phase, Scalars, significant
from workbench.runs.folder import RunFolder, write_whole
from workbench.runs.progress import Progress
from workbench.runs.service.data_report import DataReport

FLUSH_SECONDS = 0.1
MEMORY_SECONDS = 1.0
SCARCE = 0.05
"""Of main memory: with less than this left the system may soon end processes."""
_GIB = 2**30
POINTS_PER_SECOND = 200
"""Above as many steps a second, points are buckets of several steps."""


class Reporter:
    """Writes a run's events and keeps its summary. Only the leading process has one."""

    def __init__(
        self, folder: RunFolder, attempt: int, progress: Progress, tensorboard: TensorBoardWriter | None = None
    ) -> None:
        self.folder = folder
        self.attempt = attempt
        self.progress = progress
        self._writer = EventWriter(folder.events_file, attempt)
        self._tensorboard = tensorboard

    def report(self, event: AnyEvent) -> None:
        """Appends an event, and applies it to the progress that the summary is made of."""
        event = event.model_copy(update={"attempt": self.attempt})
        self._writer.write(event)
        if self._tensorboard is not None:
            self._tensorboard.write(event)
        self.progress.apply(event)

    def phase(self, text: str, share: float | None = None) -> None:
        """Reports what the engine is busy with."""
        self.report(Phase(text=text, share=share))

    def note(self, text: str, level: str = "info") -> None:
        """Reports something that a person should know."""
        self.report(Note(text=text, level=level))  # type: ignore[arg-type]

    def summarize(self) -> None:
        """Replaces ``summary.json``. A full disk is no reason to end a run: the next time it is tried again."""
        try:
            write_whole(self.folder.summary_file, json.dumps(self.progress.summary()))
        except OSError:
            return

    def keep_data_report(self, report: DataReport) -> None:
        """Replaces ``data.json``, as far as the disk has room."""
        with contextlib.suppress(OSError):
            write_whole(self.folder.data_file, report.model_dump_json(indent=1, by_alias=True))

    def close(self) -> None:
        """Writes what is left, with the summary of it, and closes the events."""
        self.summarize()
        if self._tensorboard is not None:
            self._tensorboard.close()
        self._writer.close()


class StepLog:
    """The stream of a run's steps into events: gathers what the steps leave, and flushes it by time."""

    def __init__(
        self,
        reporter: Reporter | None,
        world: World,
        metrics: StepMetrics,
        device: torch.device,
    ) -> None:
        self.observers: list[Callable[[list[int], Sums], None]] = []
        """Each is given the steps of every flush and their sums, (steps, columns), over all processes."""
        self.recorder = StepRecorder(metrics)
        self.reporter = reporter
        self.epoch = 0
        self.layer_names: tuple[str, ...] = ()
        """Layers whose gradient norms the steps leave, in their order."""
        self.sums: Sums = np.zeros(metrics.columns)
        """Sums over the epoch's steps so far, over all processes."""
        self._world = world
        self._metrics = metrics
        self._device = device
        self._last = time.monotonic()
        self._last_memory = 0.0
        self._scarce = False

    def is_due(self) -> bool:
        """Whether it is time to flush."""
        return time.monotonic() - self._last >= FLUSH_SECONDS

    def restart_clock(self) -> None:
        """Leaves what was no training (an evaluation, a pause) out of the throughput."""
        self._last = time.monotonic()

    def _layer_norms(self) -> dict[str, Any]:
        recorded = self.recorder.read_layer_norms()
        columns = zip(*(values for _, values in recorded), strict=True)
        norms = {name: _short(column) for name, column in zip(self.layer_names, columns, strict=False)}
        return {"layer_step": [step for step, _ in recorded], "layer_norms": norms} if norms else {}

    def flush(self) -> float:
        """Reads what the steps left, adds it up over all processes, and reports it. Every process calls it at the same step.

        Gives the seconds since the last time, or since :meth:`restart_clock`.
        """
        steps, table = self.recorder.read()
        norms = self.recorder.read_grad_norms()
        now = time.monotonic()
        elapsed, self._last = max(now - self._last, 1e-9), now
        if steps:
            table = self._world.all_reduce_sum(table)
            add_rows(self.sums, table)
            for observe in self.observers:
                observe(steps, table)
        memory_due = self._world.broadcast(now - self._last_memory >= MEMORY_SECONDS)
        if memory_due:
            self._last_memory = now
            self._report_memory()
        if steps and self.reporter is not None:
            self._report_steps(steps, table, norms, elapsed)
        self.recorder.lr.clear()
        self.recorder.layer_norms.clear()
        return elapsed

    def _report_steps(
        self, steps: Sequence[int], table: Sums, norms: Sequence[tuple[int, float]], elapsed: float
    ) -> None:
        counts = np.maximum(table[:, 0], 1.0)
        loss, metric = table[:, 1] / counts, table[:, self._metrics.shown] / counts
        rate = [self.recorder.lr.get(step, 0.0) for step in steps]
        buckets = max(1, round(POINTS_PER_SECOND * max(elapsed, FLUSH_SECONDS)))
        event = {"step": steps, "loss": _short(loss), "metric": _short(metric), "lr": _short(rate)}
        if len(steps) > buckets:
            starts = np.arange(buckets) * len(steps) // buckets
            sizes, last = np.diff(starts, append=len(steps)), np.append(starts[1:], len(steps)) - 1
            event = {
                "step": np.array(steps)[last].tolist(),
                "loss": _short(np.add.reduceat(loss, starts) / sizes),
                "loss_min": _short(np.minimum.reduceat(loss, starts)),
                "loss_max": _short(np.maximum.reduceat(loss, starts)),
                "metric": _short(np.add.reduceat(metric, starts) / sizes),
                "lr": _short(np.array(rate)[last]),
            }
        speed = significant(float(table[:, 0].sum()) / elapsed)
        grad = {"grad_step": [step for step, _ in norms], "grad_norm": _short([norm for _, norm in norms])}
        if self.reporter is not None:
            fields: dict[str, Any] = {**event, **grad, **self._layer_norms()}
            self.reporter.report(Scalars(epoch=self.epoch, samples_per_second=speed, **fields))

    def _report_memory(self) -> None:
        own = memory.sample(self._device).model_dump()
        samples = self._world.all_gather((socket.gethostname(), own, memory.process_memory(), memory.main_memory()))
        if self.reporter is None:
            return
        hosts = {host: whole for host, _, _, whole in samples}
        # Several processes on one CPU hold parts of the same memory: they are one device.
        devices: dict[str, dict[str, Any]] = {}
        for host, sample, _, _ in samples:
            # Every machine counts its GPUs from 0.
            name = f"{host}: {sample['name']}" if len(hosts) > 1 else sample["name"]
            if name in devices:
                devices[name]["allocated"] += sample["allocated"]
                devices[name]["reserved"] += sample["reserved"]
            else:
                devices[name] = {**sample, "name": name}
        ram = sum(held for _, _, held, _ in samples)
        self._warn_of_scarce_memory()
        self.reporter.report(Memory(devices=tuple(devices.values()), ram=ram, ram_total=sum(hosts.values())))  # type: ignore[arg-type]

    def _warn_of_scarce_memory(self) -> None:
        """Warns that main memory runs out before the system ends a process to get some."""
        left, whole = memory.main_memory_left(), memory.main_memory()
        scarce = left < SCARCE * whole
        if scarce and not self._scarce and self.reporter is not None:
            text = f"only {left / _GIB:.1f} of {whole / _GIB:.1f} GiB of main memory are left: the system may end this run. "
            hint = "Close other programs, or stop the run and resume it with a smaller batch, fewer workers or streamed samples"
            self.reporter.note(text + hint, "warning")
        # Warned again only after there was enough for a while.
        self._scarce = scarce or (self._scarce and left < 2 * SCARCE * whole)


def _short(values: Any) -> list[float]:
    return [significant(float(value)) for value in values]
