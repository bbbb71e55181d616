"""The evaluation with real checkpoints and the real engine: cells that open, forecasts, and the user's own files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent, QHelpEvent
from PySide6.QtWidgets import QToolTip

from tests.gui.conftest import Answers
from tests.gui.scripted import Engine
from tests.waiting import HANG_MS
from workbench.config import files, recipes
from workbench.config.run import RunConfig
from workbench.gui.evaluation import controller
from workbench.gui.evaluation.class_scores import ClassScoresTable
from workbench.gui.evaluation.confusion_cells import ConfusionCells
from workbench.gui.evaluation.forecast import ForecastPart
from workbench.gui.evaluation.number_errors import NumberErrors
from workbench.gui.evaluation.pairs import LOW_SIDE, Pairs
from workbench.gui.evaluation.task_views import TASK_VIEWS
from workbench.gui.evaluation.view import EvaluationView
from workbench.gui.main_window import MainWindow
from workbench.gui.theme import Themes
from workbench.launch.service import ServiceReply
from workbench.runs.evaluations import evaluation_file, read_evaluation
from workbench.runs.folder import RunFolder, create
from workbench.runs.service.answers import AnyAnswer
from workbench.runs.service.evaluation import Evaluation, FilePrediction, FilePredictions, PredictionPairs, TargetPairs
from workbench.runs.service.requests import AnyRequest, DescribeSamples, EvaluateCheckpoint, PredictFiles
from workbench.runs.service.samples import SampleDescription, SampleDescriptions

Until = Callable[[Callable[[], object]], None]
ROOT = Path(__file__).parents[3]
CHANGES: dict[str, dict[str, Any]] = {
    "digits-mlp": {"training.epochs": 1, "model.hidden": [16]},
    "sine-gru": {"training.epochs": 1, "dataset.points": 240, "dataset.window": 10, "model.units": 4},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    """A short run of each recipe in ``CHANGES``."""
    root = tmp_path_factory.mktemp("trained")
    found = {
        name: create(files.change(recipes.start(name)[1], changes), name, root) for name, changes in CHANGES.items()
    }
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for run in found.values():
        command = [sys.executable, "-m", "workbench.engine", str(run.path)]
        subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=HANG_MS / 1000
        )
    return found


@pytest.fixture
def until(qtbot: Any) -> Until:
    return lambda condition: qtbot.waitUntil(lambda: bool(condition()), timeout=HANG_MS)


@pytest.fixture
def show(window: MainWindow, trained: dict[str, RunFolder], until: Until) -> Callable[[str], EvaluationView]:
    """``show(recipe)``: the evaluation of its run, evaluated by the real engine."""

    def evaluated(name: str) -> EvaluationView:
        window.service.start()
        window.session.show(trained[name])
        window.actions_["run.evaluate"].trigger()
        view = window.central.evaluation
        assert "Evaluating" in view.status.text()
        until(lambda: view.evaluation is not None)
        return view

    return evaluated


def shown(view: EvaluationView) -> Evaluation:
    assert view.evaluation is not None
    return view.evaluation


def cells_of(view: EvaluationView) -> ConfusionCells:
    part = view.parts[ConfusionCells]
    assert isinstance(part, ConfusionCells)
    return part


def drop(view: EvaluationView, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    view.dropEvent(QDropEvent(QPoint(5, 5).toPointF(), action, data, button, Qt.KeyboardModifier.NoModifier))


def test_that_a_cell_of_the_confusion_opens_by_click_and_by_key(
    show: Callable[[str], EvaluationView], find: Callable[[str], Any], qtbot: Any, until: Until
) -> None:
    view = show("digits-mlp")
    cells = cells_of(view)
    matrix = cells.confusion
    assert sum(map(sum, matrix.counts)) == shown(view).samples == 359
    assert not matrix.isHidden()
    assert view.worst.images.count() == len(shown(view).worst)
    assert "→" in view.worst.images.item(0).text()
    assert view.parts_shown() == [cells, view.parts[ClassScoresTable]]
    assert find("evaluation.classes").rowCount() == 10
    assert ForecastPart not in view.parts
    row, column = next((r, c) for r in range(10) for c in range(10) if matrix.counts[r][c])
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=matrix.cell_box((row, column)).center().toPoint())
    until(lambda: cells.cell.count == min(matrix.counts[row][column], 24))
    assert cells.cell.title.text().startswith(matrix.cell_text((row, column)))
    assert cells.cell.images.count()
    matrix.open_cell = None
    matrix.here = (0, 0)
    for key in (Qt.Key.Key_Down,) * row + (Qt.Key.Key_Right,) * column + (Qt.Key.Key_Up,) * (row + 3):
        qtbot.keyClick(matrix, key)
    assert matrix.here == (0, column)
    assert matrix.accessibleDescription() == matrix.cell_text((0, column))
    other = next(c for c in range(10) if matrix.counts[0][c])
    qtbot.keyClick(matrix, Qt.Key.Key_Home)
    for _ in range(other):
        qtbot.keyClick(matrix, Qt.Key.Key_Right)
    cells.cell.hide()
    qtbot.keyClick(matrix, Qt.Key.Key_Return)
    until(lambda: not cells.cell.isHidden())
    assert matrix.open_cell == (0, other)
    empty = next((r, c) for r in range(10) for c in range(10) if not matrix.counts[r][c])
    matrix.open(empty)
    assert cells.cell.count == 0
    assert cells.cell.title.text().endswith("0 samples")


def test_that_a_series_shows_forecast_pairs_and_residuals(show: Callable[[str], EvaluationView]) -> None:
    view = show("sine-gru")
    forecast, numbers = view.parts_shown()
    assert isinstance(forecast, ForecastPart)
    assert isinstance(numbers, NumberErrors)
    assert not forecast.isHidden()
    assert "repeat the last value" in forecast.plot.accessibleDescription()
    assert forecast.plot.forecast is not None
    assert len(forecast.plot.forecast.true) == shown(view).samples
    assert not numbers.pairs.isHidden()
    (pairs,) = numbers.pairs.targets
    assert len(pairs.true) == shown(view).samples
    assert len(numbers.residuals.targets) == 1
    assert sum(numbers.residuals.targets[0].counts) == shown(view).samples
    assert ConfusionCells not in view.parts
    assert view.worst.table.rowCount() == len(shown(view).worst)
    assert not view.grab().isNull()


def test_that_every_target_has_a_square_of_its_own_and_its_points_are_named(qtbot: Any, qapp: Any) -> None:
    pairs = Pairs(Themes())
    qtbot.addWidget(pairs)
    targets = tuple(
        TargetPairs(target=name, true=(0.0, at), predicted=(0.0, at)) for name, at in (("a", 1.0), ("b", 2.0))
    )
    pairs.show_pairs(PredictionPairs(names=("first", "second"), targets=targets))
    assert pairs.height() == 2 * LOW_SIDE
    qapp.processEvents()
    pairs.grab()
    lower = pairs._points[-1][0].toPoint()
    assert lower.y() > LOW_SIDE
    qapp.sendEvent(pairs, QHelpEvent(QEvent.Type.ToolTip, lower, pairs.mapToGlobal(lower)))
    assert QToolTip.text() == "second: true 2, predicted 2"
    QToolTip.hideText()
    pairs.show_pairs(None)
    assert pairs.isHidden()


def test_that_own_files_are_predicted_and_what_cannot_be_is_told(
    show: Callable[[str], EvaluationView],
    window: MainWindow,
    answers: Answers,
    qtbot: Any,
    until: Until,
    tmp_path: Path,
) -> None:
    view = show("digits-mlp")
    for number in range(2):
        Image.new("L", (20, 20), number * 200).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    answers.give([tmp_path / "0.png", tmp_path / "broken.png"])
    qtbot.mouseClick(view.predict, Qt.MouseButton.LeftButton)
    assert "Predicting 2 files" in view.status.text()
    until(lambda: view.predictions.isVisible())
    rows = view.predictions.rows
    assert rows.headings == ("File", "Prediction", "Score", "Runners-up")
    cells = [str(rows.data(rows.index(0, column))) for column in range(4)]
    assert cells[0] == "0.png"
    assert cells[1] in "0123456789"
    assert cells[2].endswith("%")
    assert view.predictions.title.text() == "1 prediction (model digits-mlp, epoch 1)"
    assert view.predictions.left_out.text().startswith("Left out: broken.png: ")
    drop(view, tmp_path)
    until(lambda: rows.rowCount() == 2)
    answers.give([])
    qtbot.mouseClick(view.predict, Qt.MouseButton.LeftButton)
    assert not window.service.is_busy(PredictFiles)


def test_that_without_a_checkpoint_it_says_so(window: MainWindow, find: Callable[[str], Any], tmp_path: Path) -> None:
    view = window.central.evaluation
    for ask in (lambda: find("evaluation.start").click(), view.predict.click, lambda: drop(view, tmp_path)):
        view.show_status("")
        ask()
        assert "no checkpoint" in view.status.text()


def evaluation_of(checkpoint: str) -> Evaluation:
    return Evaluation(
        split="val",
        task="classification",
        samples=3,
        epoch=1,
        step=23,
        metrics={"accuracy": 0.5},
        classes=("a", "b"),
        confusion=((1, 1), (0, 1)),
        cells=((0, 0, (4,)), (0, 1, (5,))),
        checkpoint=checkpoint,
    )


@pytest.fixture
def sent(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[AnyRequest]:
    """What is requested; a test answers."""
    requests: list[AnyRequest] = []
    monkeypatch.setattr(window.service, "send", requests.append)
    return requests


def _answer(window: MainWindow, request: AnyRequest, answer: AnyAnswer) -> None:
    window.service.replied.emit(ServiceReply(1, request, answer))


def test_that_predictions_are_named_by_their_own_model_and_not_by_the_one_that_was_measured_before(
    window: MainWindow, sent: list[AnyRequest], runs: Path, tmp_path: Path
) -> None:
    first, second = create(RunConfig(), "first", runs), create(RunConfig(), "second", runs)
    checkpoint = Engine(first).train()
    checkpoint_of_second = Engine(second).train()
    checkpoint_of_second.with_suffix(".json").write_text('{"epoch": 3}')
    view = window.central.evaluation
    request = EvaluateCheckpoint(checkpoint=str(checkpoint), split="val")
    _answer(window, request, evaluation_of(str(checkpoint)))
    assert read_evaluation(evaluation_file(first, checkpoint, "val")).run == str(first.path)
    measured = view.status.text()
    assert measured.startswith("first, epoch 1")
    window.session.show(second)
    (tmp_path / "mine.png").write_bytes(b"")
    drop(view, tmp_path)
    assert isinstance(sent[-1], PredictFiles)
    assert sent[-1].checkpoint == str(checkpoint_of_second)
    row = FilePrediction(file="mine.png", values={"price": 1.0}, prediction="1")
    _answer(window, sent[-1], FilePredictions(predictions=(row,), left_out=()))
    assert view.predictions.title.text() == "1 prediction (model second, epoch 3)"
    assert view.status.text() == ""
    assert view.metrics.text().startswith(measured)  # which still stands below


def test_that_samples_of_a_cell_are_not_shown_under_another_that_was_opened_meanwhile(
    window: MainWindow, sent: list[AnyRequest]
) -> None:
    view = window.central.evaluation
    elsewhere = "/elsewhere/model.pt"
    _answer(window, EvaluateCheckpoint(checkpoint=elsewhere, split="val"), evaluation_of(elsewhere))
    cells_of(view).confusion.open((0, 1))
    request = sent[-1]
    assert isinstance(request, DescribeSamples)
    assert request.indices == (5,)
    assert "Reading" in view.status.text()
    cells_of(view).confusion.open((1, 0))
    assert "Reading" not in view.status.text()
    _answer(window, request, SampleDescriptions(samples=(SampleDescription(index=5, what="sample 5"),)))
    assert cells_of(view).cell.count == 0
    assert cells_of(view).cell.title.text().startswith("b, predicted a: 0 samples")


def test_that_of_two_cells_opened_in_turn_each_is_given_its_own_samples(
    window: MainWindow, sent: list[AnyRequest]
) -> None:
    view = window.central.evaluation
    elsewhere = "/elsewhere/model.pt"
    _answer(window, EvaluateCheckpoint(checkpoint=elsewhere, split="val"), evaluation_of(elsewhere))
    cells = cells_of(view)
    cells.confusion.open((0, 0))
    first = sent[-1]
    cells.confusion.open((0, 1))
    second = sent[-1]
    _answer(window, first, SampleDescriptions(samples=(SampleDescription(index=4, what="sample 4"),)))
    assert cells.cell.count == 0
    _answer(window, second, SampleDescriptions(samples=(SampleDescription(index=5, what="sample 5"),)))
    assert cells.cell.count == 1
    assert cells.cell.title.text().startswith("a, predicted b")


def test_that_every_task_has_its_parts_in_their_order_and_an_unknown_one_its_metrics(
    window: MainWindow, sent: list[AnyRequest]
) -> None:
    view = window.central.evaluation
    request = EvaluateCheckpoint(checkpoint="/elsewhere/model.pt", split="val")
    evaluation = evaluation_of("/elsewhere/model.pt")
    for task in (*TASK_VIEWS, "classification", "of a later version"):
        _answer(window, request, evaluation.model_copy(update={"task": task}))
        parts = view.parts_shown()
        assert [type(part) for part in parts] == list(TASK_VIEWS.get(task, ()))
        assert all(part.isHidden() for part in view.parts.values() if part not in parts)
        assert not view.metrics.isHidden()
        assert [view._task_layout.indexOf(part) for part in parts] == list(range(len(parts)))


def test_that_of_a_dropped_folder_hidden_trees_are_left_out_and_the_walk_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (".git/objects/a.png", ".hidden.png", "one/a.png", "one/deeper/b.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    given = tmp_path / "one" / "a.png"
    found = list(controller._files([given, tmp_path]))
    assert found == [given, given, tmp_path / "one" / "deeper" / "b.png"]
    for number in range(50):
        (tmp_path / f"folder-{number}" / "inside").mkdir(parents=True)
    walked: list[Any] = []
    scan = os.scandir

    def counted(path: Any) -> Any:
        walked.append(path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", counted)
    monkeypatch.setattr(controller, "MOST_NAMES", 60)
    list(controller._files([tmp_path]))
    assert 0 < len(walked) < 40
