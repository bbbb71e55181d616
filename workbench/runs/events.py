"""What a run reports: a closed union of kinds, one line of JSON each in ``events.jsonl``.

``started`` is the first event of an attempt, ``ended`` its last. Writer and reader may be of two versions, as after an update
while a run is running: readers ignore kinds and fields they do not know, read a word they do not know as the nearest that
they do, skip and count lines that are no events, and ignore a last line that has no newline yet.
"""

from __future__ import annotations

import os
import time as clock
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from workbench.runs.service.linear_equation import LinearEquation

FORMAT = 2
"""Of the events. 1 has no number of its own; its ``command`` event answers a *pause* before the state is saved."""
Status = Literal["completed", "paused", "stopped", "failed"]
Level = Literal["info", "warning", "error"]
Count = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""A whole number that a float represents exactly: a damaged line may have one of a thousand digits, which no curve can show."""


def _or_else(fallback: str, *known: str) -> Callable[[object], object]:
    """Reads a word that a later version may have added as ``fallback``. What is no word is left to be refused."""
    return lambda value: fallback if isinstance(value, str) and value not in known else value


class Event(BaseModel):
    """What every event has: ``time`` in seconds since the epoch, and ``attempt`` counted from 1."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")

    time: float = Field(default_factory=clock.time)
    attempt: Count = 1


class Started(Event):
    """An attempt started. Points of earlier attempts beyond ``from_step`` are no longer part of the run."""

    kind: Literal["started"] = "started"
    format: Count = 1
    """The :data:`FORMAT` that the attempt's events are written in."""
    from_step: Count = 0
    epochs: Count
    steps_per_epoch: Count
    total_steps: Count = 0
    """Optimizer steps that the run will have made at its end; 0 where every epoch has ``steps_per_epoch``."""
    task: str
    """``classification``, ``regression``, ``multi-task``, or a task of a later version."""
    metric: str
    """The metric shown beside the loss: ``accuracy``, or ``mae``."""
    monitor: str
    """What makes an epoch the best: for example ``val accuracy``."""
    higher_is_better: bool
    train_samples: Count
    val_samples: Count
    classes: tuple[str, ...] = ()
    parameters: Count
    device: str
    """The device in words."""
    precision: str
    processes: Count
    loading: str
    batch_size: Count
    """Effective batch: samples per optimizer step over all processes."""
    pid: Count
    host: str
    torch: str
    initial_weights: str = ""
    """A hash of the weights before the first step; empty when the run was resumed."""
    first_batches: str = ""
    """A hash of which samples make up which step of the first epoch; empty when the run was resumed."""
    continued: str = ""
    """For a resumed attempt, where it continued, in words."""


class Phase(Event):
    """What the engine is busy with when it is not stepping. ``share`` runs from 0 to 1 where it is known."""

    kind: Literal["phase"] = "phase"
    text: str
    share: float | None = None


class Scalars(Event):
    """Points since the last flush. All lists are as long as ``step``; the gradient norm has steps of its own.

    Above 200 steps a second each point is a bucket: ``step`` its last step, ``loss`` its mean,
    ``loss_min`` and ``loss_max`` its bounds.
    """

    kind: Literal["scalars"] = "scalars"
    epoch: Count
    """Epochs completed before these steps."""
    step: tuple[Count, ...]
    """Optimizer steps done, counted from 1."""
    loss: tuple[float, ...]
    loss_min: tuple[float, ...] = ()
    loss_max: tuple[float, ...] = ()
    metric: tuple[float, ...] = ()
    lr: tuple[float, ...] = ()
    grad_step: tuple[Count, ...] = ()
    grad_norm: tuple[float, ...] = ()
    layer_step: tuple[Count, ...] = ()
    layer_norms: dict[str, tuple[float, ...]] = {}
    """Gradient norm of each layer at ``layer_step``, where it is recorded."""
    samples_per_second: float = 0.0

    @model_validator(mode="after")
    def _lists_agree(self) -> Self:
        """A damaged line may be an event of the right form whose lists do not belong together."""
        count = len(self.step)
        others = (self.loss_min, self.loss_max, self.metric, self.lr)
        if len(self.loss) != count or any(part and len(part) != count for part in others):
            raise ValueError("lists of different lengths")
        if len(self.grad_step) != len(self.grad_norm):
            raise ValueError("gradient norms and their steps differ in number")
        if any(len(part) != len(self.layer_step) for part in self.layer_norms.values()):
            raise ValueError("gradient norms of layers and their steps differ in number")
        return self


class Epoch(Event):
    """An epoch is complete.

    ``train`` and ``val`` map metric to value: ``loss``, ``accuracy`` or ``mae``, ``rmse`` and ``r2``, and ``samples``.
    """

    kind: Literal["epoch"] = "epoch"
    epoch: Count
    """Epochs completed."""
    step: Count
    train: dict[str, float]
    val: dict[str, float] = {}
    lr: float = 0.0
    seconds: float = 0.0
    """Seconds spent in the epoch's training steps."""
    best: bool = False
    skipped: Count = 0
    """Steps of the epoch that fp16 skipped because a gradient overflowed."""


class DeviceMemory(BaseModel):
    """Memory of one device in bytes. ``used`` is by everyone on the machine."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    allocated: Count
    reserved: Count
    used: Count
    total: Count


class Memory(Event):
    """Memory per device, and of the process (with its children) in main memory, in bytes."""

    kind: Literal["memory"] = "memory"
    devices: tuple[DeviceMemory, ...]
    ram: Count
    ram_total: Count


class CheckpointSaved(Event):
    """A checkpoint is safe on disk. ``file`` is its name inside ``checkpoints/``."""

    kind: Literal["checkpoint"] = "checkpoint"
    file: str
    epoch: Count
    step: Count
    why: str
    bytes: Count
    best: bool = False


class CommandDone(Event):
    """The engine has read a command and says what became of it. A *pause* is answered twice: at once, and when it is done."""

    kind: Literal["command"] = "command"
    id: str
    name: str
    accepted: bool = True
    done: bool = True
    """False while the command is still being carried out: another event of the same ``id`` follows."""
    text: str = ""


class Note(Event):
    """Something a person should know."""

    kind: Literal["note"] = "note"
    level: Annotated[Level, BeforeValidator(_or_else("info", *get_args(Level)))] = "info"
    text: str


class Recovered(Event):
    """The run recovered by itself: it continues from ``from_step``, and points beyond that are no longer part of it."""

    kind: Literal["recovered"] = "recovered"
    why: str
    """``memory``: it ran out; ``numbers``: a loss, gradient or weight was not finite; or a reason of a later version."""
    step: Count
    """The step that failed, counted from 1."""
    from_step: Count
    text: str


class Ended(Event):
    """The attempt is over; nothing follows in it. ``what`` and ``hint`` say why and what to do, ``details`` is for a report."""

    kind: Literal["ended"] = "ended"
    status: Annotated[Status, BeforeValidator(_or_else("stopped", *get_args(Status)))]
    what: str = ""
    hint: str = ""
    details: str = ""
    epoch: Count = 0
    step: Count = 0
    equations: tuple[LinearEquation, ...] = ()
    """What a linear regression has learned."""


AnyEvent = Annotated[
    Started | Phase | Scalars | Epoch | Memory | CheckpointSaved | CommandDone | Note | Recovered | Ended,
    Field(discriminator="kind"),
]
_ADAPTER: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
_UNKNOWN_KIND = "union_tag_invalid"


class EventWriter:
    """Appends events to a file. Only the holder of the run's lock may have one.

    An unfinished tail of an earlier writer is truncated before the first append. An append that fails (a full disk) is truncated
    to the last newline, kept, and tried again before the next one.
    """

    def __init__(self, path: Path, attempt: int) -> None:
        self.attempt = attempt
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        self._pending: list[bytes] = []
        self._end = _end_of_last_line(self._file)
        os.ftruncate(self._file, self._end)

    def write(self, event: AnyEvent) -> bool:
        """Appends ``event`` with this writer's attempt. False when it could not be written yet and is kept for later."""
        event = event.model_copy(update={"attempt": self.attempt})
        self._pending.append(event.model_dump_json().encode() + b"\n")
        return self.flush()

    def flush(self) -> bool:
        """Writes pending events. False when the disk refuses."""
        if not self._pending:
            return True
        data = b"".join(self._pending)
        try:
            os.lseek(self._file, self._end, os.SEEK_SET)
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError:
            os.ftruncate(self._file, self._end)
            return False
        self._end += len(data)
        self._pending.clear()
        return True

    def close(self) -> None:
        """Writes pending events and closes the file."""
        if self._file >= 0:
            self.flush()
            os.close(self._file)
            self._file = -1


TAIL_BYTES = 256 * 1024
PIECE_BYTES = 1024 * 1024
"""As much of a long file as is parsed in a few hundredths of a second."""


class EventReader:
    """Reads events as a file grows, from where it stopped the last time. ``bad_lines`` counts what was no event."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.bad_lines = 0

    def read(self, limit: int = 64 * 1024 * 1024) -> list[AnyEvent]:
        """The events that came since the last call, from at most ``limit`` bytes. Empty when there are none, or no file yet."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(limit)
        except FileNotFoundError:
            return []
        end = data.rfind(b"\n") + 1
        if not end and len(data) == limit:
            # No event is that long: waiting for the end of the line would mean waiting forever.
            self.bad_lines += 1
            end = len(data)
            data = b""
        self._offset += end
        return list(self._parse(data[:end]))

    def pieces(self) -> Iterator[list[AnyEvent]]:
        """All events so far, a piece at a time, so that the caller can stop in between."""
        size = PIECE_BYTES
        while True:
            try:
                with self._path.open("rb") as file:
                    file.seek(self._offset)
                    data = file.read(size)
            except FileNotFoundError:
                return
            end = data.rfind(b"\n") + 1
            if end:
                self._offset += end
                yield list(self._parse(data[:end]))
            elif len(data) < size:
                return
            size = PIECE_BYTES if end else 2 * size  # a line that is longer than a piece

    def _parse(self, data: bytes) -> Iterator[AnyEvent]:
        for line in data.splitlines():
            if not line.strip():
                continue
            try:
                yield _ADAPTER.validate_json(line)
            except ValidationError as error:
                self.bad_lines += any(details["type"] != _UNKNOWN_KIND for details in error.errors(include_url=False))


def read_events(path: Path) -> list[AnyEvent]:
    """All events of a file."""
    return EventReader(path).read(limit=-1)


def last_attempt(path: Path) -> int:
    """The attempt of the last event; 0 where there is none. A long file is not read in full for it."""
    try:
        with path.open("rb") as file:
            end = _end_of_last_line(file.fileno())
            file.seek(max(0, end - TAIL_BYTES))
            lines = file.read(end - file.tell()).splitlines()
    except OSError:
        return 0
    for line in reversed(lines):
        try:
            return int(_ADAPTER.validate_json(line).attempt)
        except ValidationError:
            continue  # a line of another version, or the end of one that is longer than the tail
    return max((event.attempt for event in read_events(path)), default=0)


def position_text(epoch: int, step: int) -> str:
    """How far a run is, the same everywhere: ``step 122 (5 epochs completed)``. ``epoch`` counts epochs completed."""
    return f"step {step:,} ({epoch:,} {'epoch' if epoch == 1 else 'epochs'} completed)"


def significant(value: float) -> float:
    """``value`` with six significant digits, as events carry it. NaN and infinity stay."""
    return float(f"{value:.6g}")


def _end_of_last_line(file: int) -> int:
    """Offset behind the last newline of an open file (0 when it has none)."""
    position = os.lseek(file, 0, os.SEEK_END)
    while position > 0:
        start = max(position - 65536, 0)
        os.lseek(file, start, os.SEEK_SET)
        newline = os.read(file, position - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        position = start
    return 0


def as_line(event: AnyEvent) -> dict[str, Any]:
    """The event as plain data, for ``workbench follow --json``."""
    return event.model_dump(mode="json")
