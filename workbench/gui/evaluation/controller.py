"""Between the evaluation view and the engine: a run's checkpoint on a split, the samples of a cell, the user's own files."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from workbench.gui.dialogs import ask
from workbench.gui.evaluation.view import EvaluationView
from workbench.gui.service.busy_indicator import BusyIndicator
from workbench.gui.service.client import ServiceClient
from workbench.gui.session.session import Session
from workbench.launch.service import RequestType, ServiceReply
from workbench.runs import checkpoints, evaluations
from workbench.runs.folder import RunFolder, given_name
from workbench.runs.service.evaluation import Evaluation, FilePredictions
from workbench.runs.service.requests import DescribeSamples, EvaluateCheckpoint, PredictFiles
from workbench.runs.service.samples import SampleDescriptions

OWN_FILES = (
    "Images, tables and texts (*.png *.jpg *.jpeg *.bmp *.gif *.webp *.tif *.tiff *.csv *.tsv *.parquet *.txt)"
    ";;All files (*)"
)
REQUESTS: tuple[RequestType, ...] = (EvaluateCheckpoint, PredictFiles, DescribeSamples)
MOST_FILES = 10_000
"""Files taken at once, so that a disk that was dropped is not read through."""
MOST_NAMES = 50_000
"""Names read for it, folders among them."""
NO_CHECKPOINT = "The run shown has no checkpoint yet: train first."


class EvaluationController(QObject):
    """Sends the requests of the view, and shows it the answers."""

    opened = Signal()
    """The evaluation is to be brought to the front."""

    def __init__(self, session: Session, service: ServiceClient, view: EvaluationView, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._service, self._view, self._window = session, service, view, window
        self._folder: Path | None = None
        """Where files were chosen last."""
        self._model_name = ""
        """Of the model that predicts files."""
        service.replied.connect(self._apply_reply)
        view.add_busy_indicator(BusyIndicator(service, dict.fromkeys(REQUESTS, ""), "evaluation.waiting", view))
        view.wanted.connect(self.evaluate)
        view.samples_wanted.connect(self._request_samples)
        view.files_wanted.connect(self.choose_files)
        view.files_given.connect(self.predict)

    @Slot()
    def open(self) -> None:
        """Shows the evaluation, and evaluates the run shown on the split that is chosen."""
        self.opened.emit()
        self.evaluate(str(self._view.split.currentData()))

    @Slot(str)
    def evaluate(self, split: str) -> None:
        """Evaluates the run shown on a split."""
        checkpoint = self.checkpoint()
        if checkpoint is None:
            self._view.show_status(NO_CHECKPOINT)
            return
        self._view.show_waiting(f"Evaluating {checkpoint.name}…")
        self._service.send(EvaluateCheckpoint(checkpoint=str(checkpoint), split=split))

    @Slot()
    def choose_files(self) -> None:
        """Asks for files and predicts them."""
        if self.checkpoint() is None:
            self._view.show_status(NO_CHECKPOINT)
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
            self._view.show_status(NO_CHECKPOINT)
            return
        files = list(itertools.islice(_files(paths), MOST_FILES))
        if not files:
            self._view.show_status("There is no file in what was dropped.")
            return
        self._view.show_waiting(f"Predicting {len(files):,} file{'' if len(files) == 1 else 's'}…")
        self._model_name = _name_of(checkpoint)
        self._service.send(PredictFiles(checkpoint=str(checkpoint), files=tuple(str(file) for file in files)))

    def checkpoint(self) -> Path | None:
        """The best checkpoint of the run shown, else its newest."""
        run = self._session.folder
        info = checkpoints.best_else_latest(run.checkpoints) if run is not None else None
        return info.path if info is not None else None

    @Slot(object)
    def _request_samples(self, indices: tuple[int, ...]) -> None:
        shown = self._view.evaluation
        if shown is not None:
            request = DescribeSamples(checkpoint=shown.checkpoint, split=shown.split, indices=indices)
            self._service.send(request)

    @Slot(object)
    def _apply_reply(self, reply: ServiceReply) -> None:
        match reply.answer:
            case Evaluation():
                self._view.show_evaluation(reply.answer)
                self._keep(reply.answer)
            case FilePredictions():
                self._view.show_predictions(reply.answer, by=self._model_name)
            case SampleDescriptions():
                self._view.show_samples(reply.answer)
            case None if isinstance(reply.request, REQUESTS):
                self._view.show_problems(reply.problems)

    def _keep(self, evaluation: Evaluation) -> None:
        """Writes the evaluation into the folder of its run, as the command line does."""
        try:
            evaluations.keep_evaluation(evaluation)
        except OSError as error:
            self._view.show_status(f"The evaluation could not be saved in its run: {error.strerror or error}.")


def _name_of(checkpoint: Path) -> str:
    """The run and the epoch of a checkpoint."""
    info = checkpoints.find(checkpoint)
    return given_name(RunFolder(checkpoint.parent.parent)) + (f", epoch {info.epoch}" if info is not None else "")


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Files, and those below folders, but for hidden ones. The window waits for it: a large tree is not walked to its end."""
    left = MOST_NAMES
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = (name for name in folders if not name.startswith("."))
            visible = (Path(folder, name) for name in names if not name.startswith("."))
            yield from (file for file in visible if file.is_file())
            left -= len(folders) + len(names)
            if left <= 0:
                return
