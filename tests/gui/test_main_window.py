"""The window as a person uses it: clicks and keys, by object name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QComboBox, QLabel, QLineEdit, QToolTip, QWidget

from tests.gui.conftest import Answers, close
from tests.gui.scripted import Engine, Engines
from tests.waiting import HANG_MS
from workbench.config.run import RunConfig
from workbench.gui import preferences
from workbench.gui.actions import ENTRIES, MenuEntry
from workbench.gui.app import create_window
from workbench.gui.dialogs import ask
from workbench.gui.document.controller import DISCARD, SAVE
from workbench.gui.main_window import SIZE, MainWindow
from workbench.gui.session.run_controller import KEEP_RUNNING, STOP
from workbench.gui.shell.collapsible_panel import PanelDock
from workbench.runs.folder import create, list_runs
from workbench.runs.service.samples import ClassCount, DatasetPreview

Find = Callable[[str], Any]
Wait = Callable[[Callable[[], object]], None]
LEFT = Qt.MouseButton.LeftButton


def _begin(window: MainWindow, engines: Engines, wait: Wait) -> Engine:
    window.actions_["run.train"].trigger()
    wait(lambda: engines.all)
    engines.last.begin()
    wait(lambda: window.session.state == "running")
    return engines.last


def test_that_what_others_rely_on_bears_its_name(find: Find) -> None:
    views = ("view.curves", "view.memory", "view.runs", "view.log")
    panels = ("panel.dataset", "panel.architecture", "panel.optimizer", "panel.device")
    actions = [entry.id for entry in ENTRIES if isinstance(entry, MenuEntry)]
    for name in (*views, *panels, *actions, "optimizer.lr", "optimizer.kind", "dataset.kind", "training.epochs"):
        find(name)


def test_that_without_a_run_the_curves_say_what_train_would_begin_with(window: MainWindow, find: Find) -> None:
    panel = find("panel.dataset")
    panel.show_dataset(
        DatasetPreview(
            task="classification",
            train=1438,
            val=359,
            shape=(1, 8, 8),
            classes=tuple(ClassCount(name=digit, train=144, val=36) for digit in "0123456789"),
            bytes=100_000,
            loading="resident",
            steps_per_epoch=23,
        )
    )
    assert window.central.curves.empty.text() == "Press Train to start with 1,797 handwritten digits."
    window.document.set("dataset.kind", "image-folder")  # of which no folder was chosen
    window.document.set("dataset.path", "")
    panel._show_problems(())
    assert window.central.curves.empty.text() == "Press Train to see the curves of a run here."


def test_that_a_click_on_train_starts_a_run_that_is_shown(
    window: MainWindow, find: Find, engines: Engines, wait: Wait, qtbot: Any, runs: Path
) -> None:
    qtbot.mouseClick(find("toolbar.run.train"), LEFT)
    assert window.session.state == "starting"
    wait(lambda: engines.all)
    engines.last.train()
    wait(lambda: window.session.state == "ended")
    assert window.session.progress.epoch == 3
    assert [run.name.endswith("digits-cnn") for run in list_runs(runs)] == [True]


def test_that_a_checkpoint_that_is_saved_after_its_epoch_can_be_used_at_once(
    window: MainWindow, engines: Engines, wait: Wait
) -> None:
    engine = _begin(window, engines, wait)
    shown: list[int] = []
    window.session.progressed.connect(lambda: shown.append(window.session.progress.epoch))
    engine.train_epoch()
    wait(lambda: shown and shown[-1] == 1)
    assert not window.actions_["file.export"].isEnabled()
    engine.checkpoint()
    wait(lambda: window.session.progress.checkpoints)
    wait(lambda: window.actions_["file.export"].isEnabled() and window.actions_["run.evaluate"].isEnabled())


def test_that_the_actions_are_refreshed_without_reading_what_is_written_beside_checkpoints(
    window: MainWindow, wait: Wait, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create(RunConfig(), "old", runs)
    Engine(run).train()
    window.controllers.runs.show_run(run)
    wait(lambda: window.actions_["file.export"].isEnabled())
    read: list[Path] = []

    def note(path: Path) -> dict[str, Any]:
        read.append(path)
        return {}

    monkeypatch.setattr("workbench.runs.checkpoints.read_json", note)
    window.actions_.refresh()
    assert window.actions_["file.export"].isEnabled()
    assert read == []


def test_that_keys_train_pause_and_stop(
    window: MainWindow, find: Find, engines: Engines, wait: Wait, qtbot: Any
) -> None:
    qtbot.keyClick(window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    wait(lambda: engines.all)
    engines.last.begin()
    wait(lambda: window.session.state == "running")
    qtbot.keyClick(window, Qt.Key.Key_Space)
    wait(lambda: window.session.state == "paused")
    assert window.actions_["run.pause"].iconText() == "Continue"
    assert window.actions_["run.pause"].text() == "Con&tinue\tSpace"
    assert find("toolbar.run.pause").accessibleName() == "Continue"
    qtbot.keyClick(window, Qt.Key.Key_Space)
    wait(lambda: window.session.state == "running")
    assert window.actions_["run.pause"].text() == "&Pause\tSpace"
    assert find("toolbar.run.pause").accessibleName() == "Pause"
    qtbot.keyClick(window, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    wait(lambda: window.session.state == "ended")
    assert window.session.progress.state == "stopped"


def test_that_a_pause_may_free_the_device_and_continue_starts_another_engine(
    window: MainWindow, engines: Engines, wait: Wait
) -> None:
    assert not window.actions_["run.release"].isEnabled()
    _begin(window, engines, wait)
    window.actions_["run.release"].trigger()
    assert not window.actions_["run.release"].isEnabled()
    wait(lambda: window.session.state == "ended")
    assert not engines.last.alive
    assert "free already" in window.actions_["run.release"].toolTip()
    assert window.actions_["run.pause"].iconText() == "Continue"
    window.actions_["run.pause"].trigger()
    wait(lambda: len(engines.all) == 2)
    engines.last.begin()
    wait(lambda: window.session.state == "running")
    assert window.actions_["run.release"].isEnabled()


def test_that_space_in_a_field_is_a_space(
    window: MainWindow, find: Find, engines: Engines, wait: Wait, qtbot: Any
) -> None:
    engine = _begin(window, engines, wait)
    field = QLineEdit(window)
    field.show()
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Space)
    assert field.text() == " "
    assert not engine.heard


def test_that_control_and_a_digit_lead_to_a_panel(window: MainWindow, find: Find, qtbot: Any) -> None:
    for number, name in enumerate(("dataset", "architecture", "optimizer", "device"), 1):
        window.column.panels[number - 1].collapse(True)
        qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)
        assert find(f"panel.{name}").isAncestorOf(window.focusWidget()), name
        assert not window.column.panels[number - 1].collapsed


def test_that_f1_tells_what_the_focused_setting_is_for(window: MainWindow, find: Find, qtbot: Any) -> None:
    find("training.epochs").setFocus()
    qtbot.keyClick(window, Qt.Key.Key_F1)
    qtbot.waitUntil(lambda: "passes over the training samples" in QToolTip.text(), timeout=HANG_MS)
    QToolTip.hideText()


def test_that_train_says_why_it_is_off(window: MainWindow, find: Find) -> None:
    window.document.set("training.epochs", 0)
    train = window.actions_["run.train"]
    assert not train.isEnabled()
    assert "at least 1" in train.toolTip()
    window.document.undo_stack.undo()
    assert train.isEnabled()


def test_that_the_title_names_the_document_and_marks_changes(window: MainWindow) -> None:
    assert window.windowTitle() == "Workbench — digits-cnn"
    window.document.set("training.epochs", 7)
    assert window.windowTitle() == "Workbench — digits-cnn*"


def test_that_while_a_run_goes_settings_are_marked_as_the_next_runs(
    window: MainWindow, find: Find, engines: Engines, wait: Wait, qtbot: Any, answers: Answers
) -> None:
    banner, text, button = (find(f"banner.next_run{part}") for part in ("", ".text", ".show"))
    assert not banner.isVisible()
    engine = _begin(window, engines, wait)
    assert banner.isVisible()
    assert "running with these settings" in text.text()
    window.document.set("training.epochs", 7)
    assert "These settings apply to the next run. Running: digits-cnn" in text.text()
    answers.give(DISCARD)
    qtbot.mouseClick(button, LEFT)
    assert window.document.value("training.epochs") != 7
    engine.end()
    wait(lambda: not banner.isVisible())


def test_that_at_its_first_size_nothing_scrolls_sideways(window: MainWindow) -> None:
    assert window.size() == SIZE or window.width() < SIZE.width()  # a small screen cuts the window
    column = window.column
    content = column.widget()
    assert content is not None
    assert content.width() <= column.viewport().width()
    for area in column.findChildren(QAbstractScrollArea):
        if area.isVisible():
            assert area.horizontalScrollBar().maximum() == 0, area.objectName()


def test_that_folded_and_closed_panels_are_remembered(window: MainWindow, find: Find, qtbot: Any) -> None:
    qtbot.mouseClick(find("panel.dataset.header"), LEFT)
    find("view.panel.device").trigger()
    assert not find("panel.dataset").isVisible()
    window.close()
    again = create_window("digits-cnn")
    again.show()
    assert again.column.panels[0].collapsed
    assert not again.column.panels[3].isVisible()
    again.actions_["view.reset_layout"].trigger()
    assert again.column.panels[3].isVisible()
    assert not again.column.panels[0].collapsed
    close(again)


def test_that_a_panel_leaves_the_column_and_comes_back(window: MainWindow, find: Find, qtbot: Any) -> None:
    qtbot.mouseClick(find("panel.optimizer.detach"), LEFT)
    dock = find("dock.panel.optimizer")
    panel = find("panel.optimizer")
    assert dock.isFloating()
    assert dock.isAncestorOf(panel)
    assert panel.isVisible()
    find("optimizer.lr").setFocus()
    qtbot.keyClick(window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert panel.isAncestorOf(dock.focusWidget())
    find("view.panel.optimizer").trigger()
    assert not panel.isVisible()
    find("view.panel.optimizer").trigger()
    assert panel.isVisible()
    dock.close()
    assert window.column.isAncestorOf(panel)
    assert panel.isVisible()
    qtbot.waitUntil(lambda: not window.findChildren(PanelDock), timeout=HANG_MS)


def test_that_a_panel_at_another_side_is_remembered(window: MainWindow, find: Find, qtbot: Any) -> None:
    qtbot.mouseClick(find("panel.device.detach"), LEFT)
    dock = find("dock.panel.device")
    dock.setFloating(False)
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
    window.close()
    again = create_window("digits-cnn")
    again.show()
    (dock,) = again.findChildren(PanelDock)
    assert not dock.isFloating()
    assert again.dockWidgetArea(dock) == Qt.DockWidgetArea.BottomDockWidgetArea
    assert dock.isAncestorOf(again.column.panels[3].panel)
    again.actions_["view.reset_layout"].trigger()
    assert again.column.isAncestorOf(again.column.panels[3].panel)
    close(again)


def test_that_the_theme_is_changed_and_remembered(window: MainWindow, qtbot: Any, find: Find) -> None:
    before = window.themes.current.name
    qtbot.mouseClick(find("toolbar.view.theme"), LEFT)
    after = window.themes.current.name
    assert {before, after} == {"light", "dark"}
    window.close()
    assert preferences.load().theme == after
    window.themes.choose("light")


# --- closing ---


def test_that_closing_asks_about_unsaved_settings(window: MainWindow, answers: Answers, tmp_path: Path) -> None:
    window.document.set("training.epochs", 7)
    answers.give(ask.CANCEL)
    assert not window.close()
    assert window.isVisible()
    answers.give(SAVE, tmp_path / "mine.toml")
    assert window.close()
    assert (tmp_path / "mine.toml").exists()


def test_that_a_run_may_be_left_running(window: MainWindow, engines: Engines, wait: Wait, answers: Answers) -> None:
    engine = _begin(window, engines, wait)
    answers.give(ask.CANCEL)
    assert not window.close()
    answers.give(KEEP_RUNNING)
    assert window.close()
    assert engine.alive
    assert not engine.heard


def test_that_a_run_may_be_stopped_and_the_window_waits_for_it(
    window: MainWindow, engines: Engines, wait: Wait, answers: Answers
) -> None:
    _begin(window, engines, wait)
    answers.give(STOP)
    assert not window.close()
    wait(lambda: not window.isVisible())
    assert not engines.last.alive
    assert any(command.name == "stop" for command in engines.last.heard)


def test_that_a_run_in_the_queue_does_not_begin_when_the_window_stops_the_one_before_it_and_closes(
    window: MainWindow, engines: Engines, wait: Wait, answers: Answers, runs: Path
) -> None:
    _begin(window, engines, wait)
    window.actions_["run.queue"].trigger()
    answers.give(STOP)
    assert not window.close()
    wait(lambda: not window.isVisible())
    # The queue hears of the end through an event: this one comes after it.
    later: list[bool] = []
    QTimer.singleShot(0, lambda: later.append(True))
    wait(lambda: later)
    assert len(engines.all) == len(list_runs(runs)) == 1


# --- dropping ---


def _drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, buttons, keys))


def test_that_a_dropped_folder_is_taken_as_pictures(window: MainWindow, tmp_path: Path) -> None:
    _drop(window, tmp_path)
    assert window.document.data["dataset"]["kind"] == "image-folder"
    assert window.document.value("dataset.path") == str(tmp_path)
    window.document.undo_stack.undo()
    assert window.document.value("dataset.kind") == "digits"


def test_that_a_dropped_csv_file_is_taken_as_a_table(window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "houses.csv"
    path.write_text("a,b\n1,2\n")
    _drop(window, path)
    assert window.document.value("dataset.kind") == "table"
    assert window.document.value("dataset.path") == str(path)


def test_that_a_dropped_run_is_shown(window: MainWindow, runs: Path, wait: Wait) -> None:
    run = create(RunConfig(), "old", runs)
    Engine(run).train()
    _drop(window, run.path)
    wait(lambda: window.session.progress.state == "completed")
    assert window.document.name == "old"


def test_that_an_unknown_file_is_said_to_be_none(window: MainWindow, find: Find, tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(b"")
    _drop(window, path)
    dialog = find("dialog.report")
    assert dialog.isVisible()
    dialog.close()


# --- for everybody ---


def _controls(window: QWidget) -> Iterator[QWidget]:
    for widget in window.findChildren(QWidget):
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and not _part_of_another(widget):
            yield widget


def _part_of_another(widget: QWidget) -> bool:
    """Whether it is one of the pieces that Qt makes a control of: a list that drops down, the inside of a scroll area."""
    parent = widget.parentWidget()
    if parent is None or widget.objectName().startswith("qt_"):
        return True
    if isinstance(parent, QAbstractScrollArea) and parent.viewport() is widget:
        return True
    return isinstance(parent, QComboBox) or isinstance(parent.parentWidget(), QComboBox)


def test_that_every_control_has_a_name_for_those_who_listen(window: MainWindow) -> None:
    window.central.fill()
    nameless = [
        f"{type(widget).__name__} {widget.objectName()} in {widget.parent()}"
        for widget in _controls(window)
        if not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
        and not isinstance(widget, QLabel)  # is read out by its text
    ]
    assert not nameless, "\n".join(nameless)


def test_that_every_control_is_reached_by_the_tab_key(window: MainWindow) -> None:
    unreached = [
        f"{type(widget).__name__} {widget.objectName()}"
        for widget in window.findChildren(QAbstractButton)
        if widget.isVisible()
        and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not widget.objectName().startswith("qt_")
        and not isinstance(widget.parentWidget(), QComboBox)
    ]
    assert not unreached, "\n".join(unreached)


def test_that_every_menu_entry_has_words_and_a_reason_when_it_is_off(window: MainWindow) -> None:
    for entry in ENTRIES:
        if isinstance(entry, MenuEntry):
            action = window.actions_[entry.id]
            assert action.text()
            assert action.toolTip()
            assert action.isEnabled() or action.toolTip() != entry.tip


def test_that_recent_files_are_offered_again(
    window: MainWindow, find: Find, answers: Answers, tmp_path: Path, qtbot: Any
) -> None:
    answers.give(tmp_path / "mine.toml")
    window.actions_["file.save_as"].trigger()
    window.actions_["file.new"].trigger()
    assert window.document.name == "untitled"
    find("file.recent.mine.toml").trigger()
    assert window.document.name == "mine"
    window.close()
    assert json.loads(preferences.preferences_file().read_text())["recent"] == [str(tmp_path / "mine.toml")]
