"""The status line, and the header of the tool bar: name, epoch, progress bar and time left of the run shown."""

from __future__ import annotations

import time

from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QWidget

from workbench.gui.plots import ticks
from workbench.gui.theme import STEP
from workbench.runs.progress import Progress

_MEMORY_SECONDS = 2.0
"""The window's own memory is measured at most this often."""
_BAR = 1000


class StatusLine(QLabel):
    """State, step, throughput, loss and memory of the run shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("ready", parent)
        self.setObjectName("view.status")
        self.setAccessibleName("Status")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._window_memory = 0
        self._measured = -_MEMORY_SECONDS

    def show_progress(self, progress: Progress | None, session_state: str) -> None:
        """Shows the run as it is now."""
        parts = [state_summary(progress, session_state)]
        if progress is not None and progress.started is not None:
            parts.append(f"step {progress.step:,}/{progress.total_steps:,}")
            if progress.samples_per_second > 0:
                parts.append(f"{progress.samples_per_second:,.0f} samples/s")
            if (loss := progress.curves.loss.last()) is not None:
                parts.append(f"loss {ticks.number(loss, 3)}")
        parts.append(f"window {ticks.size(self._measure_memory())}")
        if progress is not None and progress.ram and session_state in ("running", "paused", "stopping"):
            parts.append(f"engine {ticks.size(progress.ram)}")
        text = " · ".join(parts)
        if text != self.text():
            self.setText(text)
            self.setToolTip(text)

    def _measure_memory(self) -> int:
        now = time.monotonic()
        if now - self._measured >= _MEMORY_SECONDS:
            import psutil

            self._measured, self._window_memory = now, psutil.Process().memory_info().rss
        return self._window_memory


class RunHeader(QWidget):
    """Name, epoch, bar and time left of the run shown. A phase, such as loading data, takes the place of the epoch."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.header")
        self.setAccessibleName("Progress of the run")
        self.name = QLabel()
        self.name.setProperty("role", "title")
        self.position = QLabel()
        self.bar = QProgressBar()
        self.bar.setRange(0, _BAR)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.bar.setObjectName("view.header.bar")
        self.bar.setAccessibleName("Share of the run that is done")
        self.left = QLabel()
        self.left.setProperty("role", "muted")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * STEP, 0, 2 * STEP, 0)
        layout.setSpacing(2 * STEP)
        layout.addStretch(1)
        for widget in (self.name, self.position, self.bar, self.left):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.bar.hide()

    def set_name(self, name: str) -> None:
        """Of the run, or of what would be trained."""
        self.name.setText(name)

    def show_progress(self, progress: Progress | None, session_state: str) -> None:
        """Shows how far the run is."""
        share, position, left = _header(progress, session_state)
        _put(self.position, position)
        _put(self.left, left)
        self.bar.setVisible(share is not None or session_state == "starting")
        if share is None:
            self.bar.setRange(0, 0 if self.bar.isVisibleTo(self) else _BAR)
        else:
            self.bar.setRange(0, _BAR)
            self.bar.setValue(round(_BAR * share))
        self.bar.setToolTip(f"{share:.0%} of the run" if share is not None else position)


def state_summary(progress: Progress | None, session_state: str) -> str:
    """The state of the run in a word or two."""
    if session_state == "idle" or progress is None:
        return "ready"
    if session_state in ("starting", "stopping"):
        return f"{session_state}: {progress.phase}" if progress.phase else session_state
    if progress.phase and session_state == "running":
        return progress.phase
    return progress.state if session_state == "ended" else session_state


def _header(progress: Progress | None, session_state: str) -> tuple[float | None, str, str]:
    """Share that is done, epoch or phase, and time left."""
    if progress is None or session_state == "idle":
        return None, "", ""
    if progress.phase and session_state in ("starting", "running", "stopping"):
        return progress.phase_share, progress.phase, ""
    if progress.started is None:
        return None, state_summary(progress, session_state), ""
    position = f"epoch {min(progress.epoch + _inside(progress), progress.started.epochs)}/{progress.started.epochs}"
    left = progress.seconds_left
    if session_state == "ended":
        return progress.share, position, f"{progress.state} after {ticks.duration(progress.seconds)}"
    if session_state != "running":
        return progress.share, position, session_state
    return progress.share, position, f"{progress.share:.0%} · {ticks.duration(left)} left" if left is not None else ""


def _inside(progress: Progress) -> int:
    """1 inside an epoch, as people count the epoch they are in."""
    last = progress.epochs[-1].step if progress.epochs else 0
    return int(progress.step > last)


def _put(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
