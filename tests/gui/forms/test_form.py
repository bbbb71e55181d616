"""A form shows any configuration, and gives back exactly what it was given."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QToolButton, QWidget

from tests.strategies import run_configs
from workbench.config.run import RunConfig, sections
from workbench.gui.document.document import Document
from workbench.gui.forms.editors import LineEditor, SliderEditor
from workbench.gui.forms.form import SettingsForm
from workbench.gui.forms.values import same
from workbench.gui.theme import Themes


@pytest.fixture
def document(qapp: Any) -> Document:
    made = Document()
    made.open(RunConfig(), "test", None)
    return made


@pytest.fixture
def form(document: Document, qtbot: Any) -> Iterator[SettingsForm]:
    made = SettingsForm(document, sections(), Themes())
    for unfold in made.findChildren(QToolButton):
        if unfold.objectName().endswith(".advanced"):
            unfold.click()
    made.show()
    yield made
    made.close()
    made.deleteLater()


def given_back(form: SettingsForm, path: str) -> object:
    """What the editor of ``path`` would give the document, were its content typed anew."""
    editor = form.editor(path)
    assert editor is not None
    heard: list[object] = []
    editor.edited.connect(heard.append)
    field = editor.field
    if isinstance(field, QLineEdit):
        field.textEdited.emit(field.text())
    elif isinstance(field, QCheckBox):
        field.toggled.emit(field.isChecked())
    elif isinstance(field, QComboBox):
        field.currentIndexChanged.emit(field.currentIndex())
    return heard[-1]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=run_configs())
def test_that_a_form_gives_back_exactly_what_it_was_given(
    document: Document, form: SettingsForm, config: RunConfig
) -> None:
    document.open(config, "random", None)
    for section, part in config.as_data().items():
        for name, value in part.items():
            assert same(given_back(form, f"{section}.{name}"), value), f"{section}.{name}"
    assert document.config == config
    assert not document.modified


def test_that_another_kind_brings_its_own_fields_and_the_first_comes_back(
    document: Document, form: SettingsForm, qtbot: Any
) -> None:
    lr = form.findChild(QLineEdit, "optimizer.lr")
    assert lr is not None
    lr.setFocus()
    lr.selectAll()
    qtbot.keyClicks(lr, "3e-4")
    assert document.value("optimizer.lr") == 3e-4
    kind = form.findChild(QComboBox, "optimizer.kind")
    assert kind is not None
    kind.setCurrentIndex(kind.findData("sgd"))
    assert document.value("optimizer.kind") == "sgd"
    momentum = form.findChild(QLineEdit, "optimizer.momentum")
    assert momentum is not None
    assert momentum.isVisible()
    shown = [line for line in form.findChildren(QLineEdit, "optimizer.lr") if line.isVisible()]
    assert [line.text() for line in shown] == ["0.01"]
    kind.setCurrentIndex(kind.findData("adamw"))
    assert document.value("optimizer.lr") == 3e-4


def test_that_what_is_typed_is_kept_and_its_problem_stands_below(
    document: Document, form: SettingsForm, qtbot: Any
) -> None:
    epochs = form.findChild(QLineEdit, "training.epochs")
    problem = form.findChild(QLabel, "training.epochs.problem")
    assert epochs is not None
    assert problem is not None
    epochs.setFocus()
    epochs.selectAll()
    qtbot.keyClicks(epochs, "many")
    assert epochs.text() == "many"
    assert document.config is None
    assert problem.isVisible()
    assert "whole number" in problem.text()
    epochs.selectAll()
    qtbot.keyClicks(epochs, "12")
    assert document.config is not None
    assert document.config.training.epochs == 12
    assert not problem.isVisible()


def test_that_a_changed_setting_is_marked_and_can_be_reset(document: Document, form: SettingsForm, qtbot: Any) -> None:
    reset = form.findChild(QToolButton, "training.batch_size.reset")
    assert reset is not None
    assert not reset.isVisible()
    document.set("training.batch_size", 7)
    assert reset.isVisible()
    qtbot.mouseClick(reset, Qt.MouseButton.LeftButton)
    assert document.value("training.batch_size") == RunConfig().training.batch_size
    assert not reset.isVisible()


def test_that_the_arrow_keys_step_a_number(form: SettingsForm, document: Document, qtbot: Any) -> None:
    editor = form.editor("training.epochs")
    assert isinstance(editor, LineEditor)
    editor.line.setFocus()
    qtbot.keyClick(editor.line, Qt.Key.Key_Up)
    assert document.value("training.epochs") == RunConfig().training.epochs + 1
    qtbot.keyClick(editor.line, Qt.Key.Key_Down)
    assert document.value("training.epochs") == RunConfig().training.epochs


def test_that_a_slider_and_its_number_say_the_same(form: SettingsForm, document: Document, qtbot: Any) -> None:
    document.set("model.kind", "torchvision")
    editor = form.editor("model.stage_decay")
    assert isinstance(editor, SliderEditor)
    assert editor.slider.value() == editor.slider.maximum()
    editor.slider.setFocus()
    qtbot.keyClick(editor.slider, Qt.Key.Key_PageDown)
    assert document.value("model.stage_decay") == 0.9
    assert editor.line.text() == "0.9"
    qtbot.keyClick(editor.slider, Qt.Key.Key_Home)
    assert document.value("model.stage_decay") == 0.01
    assert not document.problems
    editor.line.setFocus()
    editor.line.selectAll()
    qtbot.keyClicks(editor.line, "0.655")
    assert document.value("model.stage_decay") == 0.655
    assert editor.slider.value() in (65, 66)
    # A finer number than the slider's steps is not rounded by being shown.
    document.set("model.stage_decay", 0.123)
    assert (editor.line.text(), document.value("model.stage_decay")) == ("0.123", 0.123)


def test_that_every_field_has_a_name_help_and_a_place_in_the_tab_order(form: SettingsForm) -> None:
    fields = [
        w for w in form.findChildren(QWidget) if isinstance(w, QLineEdit | QComboBox | QCheckBox) and w.isVisible()
    ]
    assert len(fields) > 20
    for field in fields:
        assert field.accessibleName(), field.objectName()
        assert field.focusPolicy() & Qt.FocusPolicy.TabFocus, field.objectName()
        assert "." in field.objectName(), field.accessibleName()
        assert field.toolTip()
