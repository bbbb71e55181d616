"""``workbench gui --train --quit-when-done --screenshot FILE``: the window used by a script instead of a person."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.gui.main_window import MainWindow
from workbench.runs import checkpoints
from workbench.runs.events import Epoch
from workbench.runs.service.requests import DescribeEnvironment, PreviewDataset, SummarizeModel

SETTLE_MS = 100
MOST_CHECKS = 300
"""Checks, a tenth of a second apart, whether the previews have come. After that the screenshot is taken without."""
IDLE_CHECKS = 5
"""Checks in a row that must find nothing on its way: what has just come is drawn by then."""


@dataclass(frozen=True)
class HeadlessOptions:
    """What the command line asked for."""

    train: bool = False
    quit_when_done: bool = False
    screenshot: Path | None = None


class HeadlessRun(QObject):
    """Presses Train, prints every epoch, waits until all is drawn, saves the screenshot, and emits ``done``."""

    done = Signal(int)
    """The exit status: 0 unless the run failed."""

    def __init__(self, window: MainWindow, options: HeadlessOptions) -> None:
        super().__init__(window)
        self._window = window
        self._options = options
        self._printed = 0
        self._checks = 0
        self._idle = 0
        self._settle = QTimer(self)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._check)

    @Slot()
    def start(self) -> None:
        """Begins. The window is up and its engines are on their way."""
        session = self._window.session
        session.progressed.connect(self._print_epochs)
        session.state_changed.connect(self._on_state)
        session.failed.connect(self._on_failed)
        untrusted = self._window.trusted_files.untrusted(self._window.document.data)
        if self._options.train and self._options.quit_when_done and untrusted:
            # Nobody is there to be asked.
            self._on_failed(
                f"{untrusted[0]} is Python code that is not trusted yet. Trust it with: workbench new --trust"
            )
        elif self._options.train:
            self._window.actions_["run.train"].trigger()
            if session.folder is None or not session.folder.is_run():
                self._on_failed(str(self._window.actions_["run.train"].toolTip()))
        elif not session.shown_is_active:
            self._settle.start()

    @Slot()
    def _print_epochs(self) -> None:
        progress = self._window.session.progress
        for epoch in progress.epochs[self._printed :]:
            total = progress.started.epochs if progress.started is not None else epoch.epoch
            _print(f"epoch {epoch.epoch}/{total}  {_results(epoch)}")
        self._printed = len(progress.epochs)

    @Slot(str)
    def _on_state(self, state: str) -> None:
        if state == "ended":
            self._print_epochs()
            self._settle.start()

    @Slot(str)
    def _on_failed(self, why: str) -> None:
        _print(why)
        self._settle.stop()
        if self._options.quit_when_done:
            self.done.emit(1)

    @Slot()
    def _check(self) -> None:
        self._checks += 1
        previews = (DescribeEnvironment, PreviewDataset, SummarizeModel)
        busy = any(self._window.service.is_busy(request_type) for request_type in previews)
        self._idle = 0 if busy else self._idle + 1
        if self._idle >= IDLE_CHECKS or self._checks >= MOST_CHECKS:
            self._settle.stop()
            self._finish()

    def _finish(self) -> None:
        progress, folder = self._window.session.progress, self._window.session.folder
        if progress.ended is not None and progress.ended.status == "failed":
            _print(". ".join(part for part in (progress.ended.what, progress.ended.hint) if part))
        if self._options.screenshot is not None:
            target = self._options.screenshot.expanduser().resolve()
            target.parent.mkdir(parents=True, exist_ok=True)
            if not self._window.grab().save(str(target)):
                _print(f"{target} cannot be written")
                self.done.emit(1)
                return
            _print(f"screenshot: {target}")
        if folder is not None:
            checkpoint = checkpoints.best_else_latest(folder.checkpoints)
            if checkpoint is not None:
                _print(f"checkpoint: {checkpoint.path.resolve()}")
        if self._options.quit_when_done:
            self.done.emit(1 if progress.state in ("failed", "interrupted") else 0)


def _results(epoch: Epoch) -> str:
    parts = (("train", epoch.train), ("val", epoch.val))
    texts = (
        f"{part} {name} {value:.4g}" for part, metrics in parts for name, value in metrics.items() if name != "samples"
    )
    return "  ".join(texts)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
