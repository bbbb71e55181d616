"""The events of a run as lines for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.cli.output import duration, number, size
from workbench.runs.events import (
    AnyEvent,
    CheckpointSaved,
    CommandDone,
    Ended,
    Epoch,
    Memory,
    Note,
    Phase,
    Recovered,
    Scalars,
    Started,
    position_text,
)


def event_text(event: AnyEvent, epochs: int = 0) -> str:
    """One event as a line; empty for one that would only flood a terminal. ``epochs`` is the run's total, where it is known."""
    match event:
        case Started():
            return _started(event)
        case Phase():
            return event.text if event.share is None else f"{event.text}: {event.share:.0%}"
        case Epoch():
            return _epoch(event, epochs)
        case CheckpointSaved():
            return f"checkpoint {event.file} saved at {position_text(event.epoch, event.step)}: {event.why}, {size(event.bytes)}"
        case CommandDone():
            return f"{event.name}: {event.text or ('done' if event.accepted else 'refused')}"
        case Note():
            return event.text if event.level == "info" else f"{event.level}: {event.text}"
        case Recovered():
            return f"warning: {event.text}"
        case Ended():
            return ended(event)
        case Scalars() | Memory():
            return ""


def ended(event: Ended) -> str:
    """How an attempt ended, and what to do."""
    hint = f". {event.hint}" if event.hint[:1].isupper() else f" ({event.hint})" if event.hint else ""
    return (event.what or event.status) + hint


def metrics(values: Mapping[str, float]) -> str:
    """``loss 0.213, accuracy 0.971``; without the number of samples."""
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items() if name != "samples")


def _started(event: Started) -> str:
    several = f", {event.processes} processes" if event.processes > 1 else ""
    samples = f"{event.train_samples:,} training samples, {event.val_samples:,} validation samples"
    where = f"{event.device}{several}, {event.precision}"
    return f"{event.continued or 'started'} on {where}; {samples}; {event.parameters:,} parameters"


def _epoch(event: Epoch, epochs: int) -> str:
    total = f"/{epochs}" if epochs else ""
    parts = [f"epoch {event.epoch}{total}", f"training {metrics(event.train)}"]
    if event.val:
        parts.append(f"validation {metrics(event.val)}")
    samples = event.train.get("samples", 0.0)
    if event.seconds > 0 and samples:
        parts.append(f"{number(round(samples / event.seconds))} samples/s")
    if event.skipped:
        parts.append(f"{event.skipped} steps skipped by fp16")
    return " · ".join([*parts, duration(event.seconds)]) + (" · best" if event.best else "")
