"""The evaluation with real checkpoints and the real lab: cells that open, forecasts, and the user's own files."""

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
from workbench.gui.evaluation.pairs import LOW_SIDE, Pairs
from workbench.gui.evaluation.view import EvaluationView
from workbench.gui.main_window import MainWindow
from workbench.gui.theme import Themes
from workbench.launch.service import Answer
from workbench.runs.folder import RunFolder, create

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
    """``show(recipe)``: the evaluation of its run, measured by the lab."""

    def evaluated(name: str) -> EvaluationView:
        window.lab.start()
        window.session.show(trained[name])
        window.actions_["run.evaluate"].trigger()
        view = window.central.evaluation
        assert "Measuring" in view.status.text()
        until(lambda: view.result)
        return view

    return evaluated


def drop(view: EvaluationView, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    view.dropEvent(QDropEvent(QPoint(5, 5).toPointF(), action, data, button, Qt.KeyboardModifier.NoModifier))


def test_that_a_cell_of_the_confusion_opens_by_click_and_by_key(
    show: Callable[[str], EvaluationView], qtbot: Any, until: Until
) -> None:
    view = show("digits-mlp")
    matrix = view.confusion
    assert sum(map(sum, matrix.counts)) == view.result["samples"] == 359
    assert not matrix.isHidden()
    assert view.worst.pictures.count() == len(view.result["worst"])
    assert "→" in view.worst.pictures.item(0).text()
    assert view.classes.rowCount() == 10
    assert view.forecast.isHidden()
    row, column = next((r, c) for r in range(10) for c in range(10) if matrix.counts[r][c])
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=matrix.cell_box((row, column)).center().toPoint())
    until(lambda: view.cell.count == min(matrix.counts[row][column], 24))
    assert view.cell.title.text().startswith(matrix.words((row, column)))
    assert view.cell.pictures.count()
    matrix.open_cell = None
    matrix.here = (0, 0)
    for key in (Qt.Key.Key_Down,) * row + (Qt.Key.Key_Right,) * column + (Qt.Key.Key_Up,) * (row + 3):
        qtbot.keyClick(matrix, key)
    assert matrix.here == (0, column)
    assert matrix.accessibleDescription() == matrix.words((0, column))
    other = next(c for c in range(10) if matrix.counts[0][c])
    qtbot.keyClick(matrix, Qt.Key.Key_Home)
    for _ in range(other):
        qtbot.keyClick(matrix, Qt.Key.Key_Right)
    view.cell.hide()
    qtbot.keyClick(matrix, Qt.Key.Key_Return)
    until(lambda: not view.cell.isHidden())
    assert matrix.open_cell == (0, other)
    empty = next((r, c) for r in range(10) for c in range(10) if not matrix.counts[r][c])
    matrix.open(empty)
    assert view.cell.count == 0
    assert view.cell.title.text().endswith("0 samples")


def test_that_a_series_shows_forecast_pairs_and_residuals(show: Callable[[str], EvaluationView]) -> None:
    view = show("sine-gru")
    assert not view.forecast.isHidden()
    assert "repeating the last value" in view.forecast.accessibleDescription()
    assert len(view.forecast.forecast["true"]) == view.result["samples"]
    assert not view.pairs.isHidden()
    (pairs,) = view.pairs.targets
    assert len(pairs["true"]) == view.result["samples"]
    assert len(view.residuals.rows) == 1
    assert sum(view.residuals.rows[0]["counts"]) == view.result["samples"]
    assert view.confusion.isHidden()
    assert view.worst.table.rowCount() == len(view.result["worst"])
    assert not view.grab().isNull()


def test_that_every_target_has_a_square_of_its_own_and_its_points_are_named(qtbot: Any, qapp: Any) -> None:
    pairs = Pairs(Themes())
    qtbot.addWidget(pairs)
    targets = [{"target": name, "true": [0.0, at], "guess": [0.0, at]} for name, at in (("a", 1.0), ("b", 2.0))]
    pairs.show_pairs({"names": ["first", "second"], "targets": targets})
    assert pairs.height() == 2 * LOW_SIDE
    qapp.processEvents()
    pairs.grab()
    lower = pairs._places[-1][0].toPoint()
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
    assert rows.headings == ("File", "Guess", "Score", "Next best")
    cells = [str(rows.data(rows.index(0, column))) for column in range(4)]
    assert cells[0] == "0.png"
    assert cells[1] in "0123456789"
    assert cells[2].endswith("%")
    assert view.predictions.title.text() == "Your files by digits-mlp, epoch 1: 1 prediction"
    assert view.predictions.left_out.text().startswith("Left out: broken.png: ")
    drop(view, tmp_path)
    until(lambda: rows.rowCount() == 2)
    answers.give([])
    qtbot.mouseClick(view.predict, Qt.MouseButton.LeftButton)
    assert not window.lab.busy("predict")


def test_that_without_a_checkpoint_it_says_so(window: MainWindow, find: Callable[[str], Any], tmp_path: Path) -> None:
    view = window.central.evaluation
    for ask in (lambda: find("evaluation.start").click(), view.predict.click, lambda: drop(view, tmp_path)):
        view.say("")
        ask()
        assert "no checkpoint" in view.status.text()


RESULT: dict[str, Any] = {
    "split": "val",
    "samples": 3,
    "epoch": 1,
    "step": 23,
    "metrics": {"accuracy": 0.5},
    "classes": ["a", "b"],
    "confusion": [[1, 1], [0, 1]],
    "cells": [[0, 0, [4]], [0, 1, [5]]],
    "worst": [],
}


@pytest.fixture
def asked(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What the lab is asked; a test answers."""
    questions: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(window.lab, "ask", lambda method, params: questions.append((method, params)))
    return questions


def _answer(window: MainWindow, method: str, result: dict[str, Any]) -> None:
    window.lab.answered.emit(Answer(1, method, True, result))


def test_that_predictions_are_named_by_their_own_model_and_not_by_the_one_that_was_measured_before(
    window: MainWindow, asked: list[tuple[str, dict[str, Any]]], runs: Path, tmp_path: Path
) -> None:
    first, second = create(RunConfig(), "first", runs), create(RunConfig(), "second", runs)
    checkpoint = Engine(first).train()
    checkpoint_of_second = Engine(second).train()
    checkpoint_of_second.with_suffix(".json").write_text('{"epoch": 3}')
    view = window.central.evaluation
    _answer(window, "evaluate", {**RESULT, "checkpoint": str(checkpoint)})
    measured = view.status.text()
    assert measured.startswith("first, epoch 1")
    window.session.show(second)
    (tmp_path / "mine.png").write_bytes(b"")
    drop(view, tmp_path)
    assert asked[-1][1]["checkpoint"] == str(checkpoint_of_second)
    _answer(window, "predict", {"predictions": [{"file": "mine.png", "values": {"price": 1.0}}], "left_out": []})
    assert view.predictions.title.text() == "Your files by second, epoch 3: 1 prediction"
    assert view.status.text() == ""
    assert view.metrics.text().startswith(measured)  # which still stands below


def test_that_samples_of_a_cell_are_not_shown_under_another_that_was_opened_meanwhile(
    window: MainWindow, asked: list[tuple[str, dict[str, Any]]]
) -> None:
    view = window.central.evaluation
    _answer(window, "evaluate", {**RESULT, "checkpoint": "/elsewhere/model.pt"})
    view.confusion.open((0, 1))
    assert asked[-1][1]["indices"] == [5]
    assert "Reading" in view.status.text()
    view.confusion.open((1, 0))
    assert "Reading" not in view.status.text()
    _answer(window, "samples", {"samples": [{"what": "sample 5", "loss": 1.0}]})
    assert view.cell.count == 0
    assert view.cell.title.text().startswith("b, taken for a: 0 samples")


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
    monkeypatch.setattr(controller, "MOST_LOOKED_AT", 60)
    list(controller._files([tmp_path]))
    assert 0 < len(walked) < 40
