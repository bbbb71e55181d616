"""Finders: try learning rates, batch sizes or numbers of loader workers in engines of their own, and suggest one."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.config import files
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig
from workbench.launch.process import kill_tree, spawn

Kind = Literal["lr", "batch", "workers", "memory"]
Point = dict[str, Any]
LR_STEPS = 120
"""At most so many points has the sweep over learning rates."""
SMALLEST_BATCH, LARGEST_BATCH = 8, 65536
MOST_WORKERS = 8
_GIB = 2**30
GOOD_ENOUGH = 0.95
"""Of several that are as good, the smallest: within this share of the best throughput."""
RULE = "the smallest within 5 % of the best throughput"
SETTINGS: dict[Kind, str] = {
    "lr": "optimizer.lr",
    "batch": "training.batch_size",
    "workers": "dataset.workers",
    "memory": "training.batch_size",
}
"""What each finder's suggestion is for."""


class CancelledError(Exception):
    """The search was cancelled."""


@dataclass(frozen=True)
class Found:
    """What a search found. ``suggestion`` is None, and ``note`` says why, where there is none."""

    points: list[Point]
    suggestion: float | int | None
    note: str = ""
    setting: str = field(default="")


class Search:
    """One search. :meth:`run` blocks; :meth:`cancel` may be called from another thread and ends it at once."""

    def __init__(self, kind: Kind, config: RunConfig) -> None:
        self.kind = kind
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._cancelled = False

    def run(self, tell: Callable[[Point, float], None]) -> Found:
        """Tries until there is an answer; ``tell`` is given every point and the share that is done.

        Raises ConfigError when the configuration cannot be tried, CancelledError, OSError when no engine can be started.
        """
        points: list[Point] = []

        def take(point: Point, share: float) -> None:
            points.append(point)
            tell(point, min(share, 1.0))

        if self.kind == "lr":
            result = self._try("lr", self._config, lambda point: take(point, (len(points) + 1) / LR_STEPS))
            return Found(points, result["suggestion"], str(result["note"]), SETTINGS["lr"])
        if self.kind == "memory":
            result = self._try("memory", self._config)
            take(result, 1.0)
            best = None if result["fits"] or not result["largest_batch"] else int(result["largest_batch"])
            return Found(points, best, memory_words(result), SETTINGS["memory"])
        if self.kind == "batch":
            for point, share in self._batch_sizes():
                take(point, share)
            key = "batch_size"
        else:
            for point, share in self._workers():
                take(point, share)
            key = "workers"
        best = suggest(points, key)
        return Found(points, best, RULE if best is not None else "memory runs out at every size", SETTINGS[self.kind])

    def cancel(self) -> None:
        """Ends the engine at work. ``run`` then raises CancelledError."""
        with self._lock:
            self._cancelled = True
            if self._process is not None:
                _kill(self._process)

    def _batch_sizes(self) -> Iterator[tuple[Point, float]]:
        """Doubles the size until memory runs out, the samples do, or two larger sizes were slower than one before."""
        points: list[Point] = []
        size, most = SMALLEST_BATCH, LARGEST_BATCH
        while size <= most:
            point = self._try("batch", files.change(self._config, {"training.batch_size": size}))
            most = min(most, max(int(point.pop("train_samples", most)), SMALLEST_BATCH))
            points.append(point)
            total = max(most.bit_length() - SMALLEST_BATCH.bit_length() + 1, 1)
            yield point, len(points) / total
            if not point["fits"] or _past_best(points):
                return
            size *= 2

    def _workers(self) -> Iterator[tuple[Point, float]]:
        cpus = os.cpu_count() or 1
        counts = [count for count in (0, 1, 2, 4, 8) if count <= min(MOST_WORKERS, max(2, cpus))]
        for place, count in enumerate(counts, start=1):
            yield self._try("workers", files.change(self._config, {"dataset.workers": count})), place / len(counts)

    def _try(self, finder: Kind, config: RunConfig, take: Callable[[Point], None] | None = None) -> dict[str, Any]:
        """Has a fresh engine try this configuration. Its result; its points go to ``take`` as they come."""
        process = self._start()
        last: dict[str, Any] = {}
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            # A broken pipe means that the process died: there is no answer then.
            with contextlib.suppress(OSError):
                process.stdin.write(json.dumps({"finder": finder, "config": config.as_data()}).encode() + b"\n")
                process.stdin.flush()
            for line in process.stdout:
                said = _read(line)
                if "point" in said and take is not None:
                    take(said["point"])
                elif said:
                    last = said
        finally:
            self._end(process)
        if self._cancelled:
            raise CancelledError
        return self._result(finder, config, last)

    def _result(self, finder: Kind, config: RunConfig, last: dict[str, Any]) -> dict[str, Any]:
        if "result" in last:
            return dict(last["result"])
        if "problems" in last:
            raise ConfigError([Problem(one["path"], one["what"], one.get("hint", "")) for one in last["problems"]])
        if finder == "batch":
            # Where main memory runs out, the system ends the process before it can say so.
            return {
                "batch_size": config.training.batch_size,
                "fits": False,
                "samples_per_second": 0.0,
                "memory": 0,
            }
        raise ConfigError([Problem("", "the engine that tried it ended unexpectedly", "perhaps memory ran out")])

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._cancelled:
                raise CancelledError
            self._process = spawn(["--find"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            return self._process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._process = None
        _kill(process)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the engine and its loader workers: they hold its pipe, and whoever reads there would wait for them."""
    if process.poll() is None:
        kill_tree(process.pid)


def suggest(points: list[Point], key: str) -> int | None:
    """The smallest value of ``key`` within 5 % of the best throughput; None when nothing fits."""
    fits = [point for point in points if point.get("fits", True)]
    most = max((point["samples_per_second"] for point in fits), default=0.0)
    return next((int(point[key]) for point in fits if point["samples_per_second"] >= GOOD_ENOUGH * most), None)


def memory_words(plan: Point) -> str:
    """A plan of memory in one sentence, such as "needs 9.1 of 11.0 GiB; batch 48 fits"."""
    there = f"{plan['there'] / _GIB:.1f} GiB"
    if not plan["largest_batch"]:
        return f"not even one sample fits into {there}"
    needs = f"needs {plan['needs'] / _GIB:.2f} of {there}"
    return needs if plan["fits"] else f"{needs}; batch {plan['largest_batch']:,} fits"


def _past_best(points: list[Point]) -> bool:
    """Whether the last two were slower than the one before: beyond its best, throughput only falls."""
    if len(points) < 3:
        return False
    before, *after = (point["samples_per_second"] for point in points[-3:])
    return all(speed < before for speed in after)


def _read(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
