"""Slow work on the disk, away from the window's thread: a branch with its long history, a copy of a large checkpoint."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.runs import checkpoints
from workbench.runs.folder import RunFolder, create, unfinished_of


class BackgroundJob(QThread):
    """Emits ``made`` with the result, or ``refused`` with a sentence."""

    made = Signal(object)
    refused = Signal(str)

    def __init__(self, make: Callable[[], object], failing: str, parent: QObject | None = None) -> None:
        """``make`` is called in the thread. ``failing`` begins the sentence: what cannot be done."""
        super().__init__(parent)
        self.setObjectName("background job")
        self._make, self._failing = make, failing

    def run(self) -> None:
        """Calls ``make``."""
        try:
            result = self._make()
        except ConfigError as problems:
            self.refused.emit(f"{self._failing}: {problems}.")
        except OSError as error:
            self.refused.emit(f"{self._failing}: {error.strerror or error}.")
        else:
            self.made.emit(result)


def adopt_checkpoint(checkpoint: Path, config: RunConfig, name: str, step: int, root: Path) -> RunFolder:
    """Makes a run of a checkpoint that came from elsewhere, to be resumed. Raises OSError; nothing is left behind then."""

    def fill(folder: RunFolder) -> None:
        target = folder.checkpoints / checkpoints.file_name(step)
        shutil.copyfile(checkpoint, target)
        beside = checkpoint.with_suffix(".json")
        if beside.is_file():
            shutil.copyfile(beside, target.with_suffix(".json"))

    return create(config, name, root, fill)


def copy_file(source: Path, target: Path) -> Path:
    """Copies a file, whole or not at all. Gives ``target``. Raises OSError."""
    unfinished = unfinished_of(target)
    try:
        shutil.copyfile(source, unfinished)
        unfinished.replace(target)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    return target
