"""``workbench gui --train --quit-when-done --screenshot FILE``: the window used by a program instead of a person."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.gui.main_window import MainWindow
from workbench.runs import checkpoints
from workbench.runs.events import Epoch

SETTLE_MS = 100
PATIENCE = 300
"""Looks, a tenth of a second apart, at whether the previews have come. After that the picture is taken without."""
CALM = 5
"""Looks in a row that must find nothing on its way: what has just come is drawn by then."""


@dataclass(frozen=True)
class Wishes:
    """What the command line asked for."""

    train: bool = False
    quit_when_done: bool = False
    screenshot: Path | None = None


class Errand(QObject):
    """Presses Train, tells of every epoch, waits until all is drawn, takes the picture, and says ``done``."""

    done = Signal(int)
    """The exit status: 0 unless the run failed."""

    def __init__(self, window: MainWindow, wishes: Wishes) -> None:
        super().__init__(window)
        self._window = window
        self._wishes = wishes
        self._told = 0
        self._looks = 0
        self._calm = 0
        self._settle = QTimer(self)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._look)

    @Slot()
    def start(self) -> None:
        """Begins. The window is up and its engines are on their way."""
        session = self._window.session
        session.progressed.connect(self._tell)
        session.state_changed.connect(self._on_state)
        session.failed.connect(self._on_failed)
        untrusted = self._window.desk.own_files.untrusted(self._window.document.data)
        if self._wishes.train and self._wishes.quit_when_done and untrusted:
            # Nobody is there to be asked.
            self._on_failed(f"{untrusted[0]} is Python code that is not trusted. workbench new --trust trusts it.")
        elif self._wishes.train:
            self._window.actions_["run.train"].trigger()
            if session.folder is None or not session.folder.is_run():
                self._on_failed(str(self._window.actions_["run.train"].toolTip()))
        elif not session.shown_goes:
            self._settle.start()

    @Slot()
    def _tell(self) -> None:
        progress = self._window.session.progress
        for epoch in progress.epochs[self._told :]:
            total = progress.started.epochs if progress.started is not None else epoch.epoch
            _say(f"epoch {epoch.epoch}/{total}  {_results(epoch)}")
        self._told = len(progress.epochs)

    @Slot(str)
    def _on_state(self, state: str) -> None:
        if state == "ended":
            self._tell()
            self._settle.start()

    @Slot(str)
    def _on_failed(self, why: str) -> None:
        _say(why)
        self._settle.stop()
        if self._wishes.quit_when_done:
            self.done.emit(1)

    @Slot()
    def _look(self) -> None:
        self._looks += 1
        busy = any(self._window.lab.busy(method) for method in ("machine", "dataset", "model"))
        self._calm = 0 if busy else self._calm + 1
        if self._calm >= CALM or self._looks >= PATIENCE:
            self._settle.stop()
            self._finish()

    def _finish(self) -> None:
        progress, folder = self._window.session.progress, self._window.session.folder
        if progress.ended is not None and progress.ended.status == "failed":
            _say(". ".join(part for part in (progress.ended.what, progress.ended.hint) if part))
        if self._wishes.screenshot is not None:
            target = self._wishes.screenshot.expanduser().resolve()
            target.parent.mkdir(parents=True, exist_ok=True)
            if not self._window.grab().save(str(target)):
                _say(f"{target} cannot be written")
                self.done.emit(1)
                return
            _say(f"screenshot: {target}")
        if folder is not None:
            found = checkpoints.best(folder.checkpoints) or checkpoints.latest(folder.checkpoints)
            if found is not None:
                _say(f"checkpoint: {found.path.resolve()}")
        if self._wishes.quit_when_done:
            self.done.emit(1 if progress.state in ("failed", "interrupted") else 0)


def _results(epoch: Epoch) -> str:
    parts = (("train", epoch.train), ("val", epoch.val))
    words = (
        f"{part} {name} {value:.4g}" for part, found in parts for name, value in found.items() if name != "samples"
    )
    return "  ".join(words)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
