"""The progress of a run on standard error: one line that moves on a terminal, else a plain line for every epoch."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from workbench.cli import output
from workbench.cli.event_text import event_text
from workbench.runs.events import AnyEvent, CheckpointSaved, CommandDone, Ended, Phase
from workbench.runs.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


class PlainLines:
    """For files and pipes: a line for each event that a person would want to find there."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing has to be put away."""

    def show(self, events: list[AnyEvent], progress: Progress) -> None:
        """Shows new events, which ``progress`` contains already."""
        for event in events:
            # The end is reported by the command, which knows more; checkpoints come with every epoch.
            # What a branch has of its parent was reported when it happened.
            if isinstance(event, (Ended, CheckpointSaved)) or event.attempt == 0:
                continue
            text = event_text(event, progress.started.epochs if progress.started else 0)
            if text:
                self.print_line(text)

    def share(self, share: float, text: str) -> None:
        """How much is done, and the last result; empty where that is not worth a line."""
        if text:
            self.print_line(text)

    def print_line(self, text: str) -> None:
        """A line of its own."""
        output.error_line(text)


class MovingLine(PlainLines):
    """For a terminal: the current phase, a bar, epochs, loss, throughput and the time left."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24))
        # Drawn each time the run is read: a thread of its own would only draw the same again.
        self._rich: RichProgress = RichProgress(
            *columns,
            TextColumn("{task.fields[text]}", markup=False),
            console=Console(stderr=True),
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._rich.add_task(name, total=None, text="starting")

    def __enter__(self) -> Self:
        self._rich.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leaves the line as it stands, and the cursor below it."""
        self._rich.stop()

    def show(self, events: list[AnyEvent], progress: Progress) -> None:
        """Notes and epochs scroll by above; the line itself is redrawn."""
        super().show([event for event in events if not isinstance(event, (Phase, CommandDone))], progress)
        total = progress.total_steps or None
        self._rich.update(self._task, completed=progress.step, total=total, text=state_text(progress), refresh=True)

    def share(self, share: float, text: str) -> None:
        """The bar and the line above it."""
        super().share(share, text)
        self._rich.update(self._task, completed=share, total=1.0, text=f"{share:.0%}", refresh=True)

    def print_line(self, text: str) -> None:
        """A line above the moving one."""
        self._rich.console.print(text, markup=False, highlight=False, soft_wrap=True)


def display(name: str) -> PlainLines:
    """What suits the standard error that there is."""
    return MovingLine(name) if sys.stderr is not None and sys.stderr.isatty() else PlainLines()


def state_text(progress: Progress) -> str:
    """What a run is doing now, in a few words."""
    if progress.phase or progress.started is None:
        share = f" {progress.phase_share:.0%}" if progress.phase_share is not None else ""
        return (progress.phase or "starting the engine") + share
    parts: list[str] = ["pausing"] if progress.pausing else [] if progress.state == "running" else [progress.state]
    parts.append(f"epoch {min(progress.epoch + 1, progress.started.epochs)}/{progress.started.epochs}")
    if len(progress.curves.loss):
        parts.append(f"loss {progress.curves.loss.y[-1]:.4g}")
    if progress.samples_per_second:
        parts.append(f"{progress.samples_per_second:,.0f} samples/s")
    if progress.seconds_left is not None:
        parts.append(f"{output.duration(progress.seconds_left)} left")
    return " · ".join(parts)
