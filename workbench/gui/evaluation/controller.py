"""Between the evaluation view and the lab: a run's checkpoint on a split, the samples of a cell, the user's own files."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from workbench.gui.dialogs import ask
from workbench.gui.evaluation.view import EvaluationView
from workbench.gui.service.busy_indicator import WaitLine
from workbench.gui.service.client import LabClient
from workbench.gui.session.session import Session
from workbench.launch.service import Answer
from workbench.runs import checkpoints
from workbench.runs.folder import RunFolder, given_name

OWN_FILES = (
    "Pictures, tables and texts (*.png *.jpg *.jpeg *.bmp *.gif *.webp *.tif *.tiff *.csv *.tsv *.parquet *.txt)"
    ";;All files (*)"
)
METHODS = ("evaluate", "predict", "samples")
MOST_FILES = 10_000
"""Files taken at once, so that a disk that was dropped is not read through."""
MOST_LOOKED_AT = 50_000
"""Names looked at for it, folders among them."""
NO_CHECKPOINT = "The run shown has no checkpoint yet: train first."


class EvaluationController(QObject):
    """Asks the lab what the view wants to know."""

    opened = Signal()
    """The evaluation is to be brought to the front."""

    def __init__(self, session: Session, lab: LabClient, view: EvaluationView, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._lab, self._view, self._window = session, lab, view, window
        self._folder: Path | None = None
        """Where files were chosen last."""
        self._predicts = ""
        """The model that predicts files, in words."""
        lab.answered.connect(self._take)
        view.put_wait_line(WaitLine(lab, dict.fromkeys(METHODS, ""), "evaluation.waiting", view))
        view.wanted.connect(self.evaluate)
        view.cell_wanted.connect(self._describe)
        view.files_wanted.connect(self.choose_files)
        view.files_given.connect(self.predict)

    @Slot()
    def open(self) -> None:
        """Shows the evaluation, and measures the run shown on the split that is chosen."""
        self.opened.emit()
        self.evaluate(str(self._view.split.currentData()))

    @Slot(str)
    def evaluate(self, split: str) -> None:
        """Measures the run shown on a split."""
        checkpoint = self.checkpoint()
        if checkpoint is None:
            self._view.say(NO_CHECKPOINT)
            return
        self._view.wait_for(f"Measuring {checkpoint.name}…")
        self._lab.ask("evaluate", {"checkpoint": str(checkpoint), "split": split})

    @Slot()
    def choose_files(self) -> None:
        """Asks for files and predicts them."""
        if self.checkpoint() is None:
            self._view.say(NO_CHECKPOINT)
            return
        files = ask.open_files(self._window, "Predict files", self._folder, OWN_FILES)
        if files:
            self._folder = files[0].parent
            self.predict(files)

    @Slot(object)
    def predict(self, paths: list[Path]) -> None:
        """Has the model of the run shown predict files, and those below folders."""
        checkpoint = self.checkpoint()
        if checkpoint is None:
            self._view.say(NO_CHECKPOINT)
            return
        files = list(itertools.islice(_files(paths), MOST_FILES))
        if not files:
            self._view.say("There is no file in what was dropped.")
            return
        self._view.wait_for(f"Predicting {len(files):,} file{'' if len(files) == 1 else 's'}…")
        self._predicts = _words(checkpoint)
        self._lab.ask("predict", {"checkpoint": str(checkpoint), "files": [str(file) for file in files]})

    def checkpoint(self) -> Path | None:
        """The best checkpoint of the run shown, else its newest."""
        return best_checkpoint(self._session.folder)

    @Slot(object)
    def _describe(self, indices: list[int]) -> None:
        result = self._view.result
        asked = {"checkpoint": result["checkpoint"], "split": result["split"], "indices": indices}
        self._lab.ask("samples", asked)

    @Slot(object)
    def _take(self, answer: Answer) -> None:
        shows: dict[str, Callable[[dict[str, Any]], None]] = {
            "evaluate": self._view.show_result,
            "predict": partial(self._view.show_predictions, by=self._predicts),
            "samples": self._view.show_cell,
        }
        if answer.method not in shows:
            return
        if answer.ok:
            shows[answer.method](answer.result)
        else:
            self._view.refuse(answer.problems)


def best_checkpoint(run: RunFolder | None) -> Path | None:
    """A run's best checkpoint, else its newest."""
    found = (checkpoints.best(run.checkpoints) or checkpoints.latest(run.checkpoints)) if run is not None else None
    return found.path if found is not None else None


def _words(checkpoint: Path) -> str:
    """Of which run and which epoch a checkpoint is."""
    info = checkpoints.find(checkpoint)
    return given_name(RunFolder(checkpoint.parent.parent)) + (f", epoch {info.epoch}" if info is not None else "")


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Files, and those below folders, but for hidden ones. The window waits for it: a large tree is not walked to its end."""
    left = MOST_LOOKED_AT
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = (name for name in folders if not name.startswith("."))
            found = (Path(folder, name) for name in names if not name.startswith("."))
            yield from (file for file in found if file.is_file())
            left -= len(folders) + len(names)
            if left <= 0:
                return
