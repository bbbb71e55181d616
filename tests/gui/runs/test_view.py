"""All runs at a glance: read in the background, opened, resumed, drawn beside others."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui import synthetic_runs
from tests.waiting import HANG_MS
from workbench.config.run import RunConfig
from workbench.gui.runs.table import BEST, CHANGED, NAME, STATE, TIME
from workbench.gui.runs.view import RunsView
from workbench.gui.theme import Themes
from workbench.runs.events import EventWriter, Status
from workbench.runs.folder import RunFolder, create, locked

Until = Callable[[Callable[[], bool]], None]


def make_run(root: Path, name: str, status: Status | None = None, epochs: int = 3) -> RunFolder:
    """A run that was trained a little and ended so; without a status it was cut off."""
    folder = create(RunConfig(), name, root)
    progress = synthetic_runs.progress(epochs)
    writer = EventWriter(folder.events_file, 1)
    for event in synthetic_runs.training(epochs):
        writer.write(event)
    if status is not None:
        writer.write(synthetic_runs.ended(status=status))
        progress.apply(synthetic_runs.ended(status=status))
    writer.close()
    engine = {"pid": 1, "host": socket.gethostname(), "attempt": 1, "left": True}
    folder.engine_file.write_text(json.dumps(engine))
    folder.summary_file.write_text(json.dumps(progress.summary()))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "runs"
    found.mkdir()
    return found


@pytest.fixture
def view(qtbot: QtBot, themes: Themes, root: Path) -> Iterator[RunsView]:
    found = RunsView(themes, root)
    qtbot.addWidget(found)
    found.resize(300, 400)
    found.show()
    yield found
    found.close()


def read(view: RunsView, until: Until, count: int) -> None:
    view.refresh()
    until(lambda: len(view.model.rows) == count and not view.reader.busy)


def cells(view: RunsView, column: int) -> dict[str, str]:
    """A column's words by the run's name."""
    model = view.sorted
    return {model.index(row, NAME).data(): model.index(row, column).data() for row in range(model.rowCount())}


def select(view: RunsView, name: str) -> None:
    view.table.selectRow(list(cells(view, NAME)).index(name))


def test_that_without_runs_the_view_says_what_to_do(view: RunsView) -> None:
    assert view.empty.isVisible()
    assert "Press Train" in view.empty.text()


def test_that_every_state_has_a_symbol_and_a_word(view: RunsView, root: Path, until: Until) -> None:
    for status in ("completed", "stopped", "failed", "paused"):
        make_run(root, status, status)
    make_run(root, "gone")
    create(RunConfig(), "fresh", root)
    going = make_run(root, "going")
    with locked(going):
        read(view, until, 7)
        assert cells(view, STATE) == {
            "completed": "✓ completed",
            "stopped": "■ stopped",
            "failed": "✕ failed",
            "paused": "❚❚ paused",
            "gone": "✂ interrupted",
            "fresh": "○ new",
            "going": "● running",
        }
    index = view.sorted.index(0, STATE)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == f"State: {index.data().split(' ', 1)[1]}"


def test_that_best_value_and_time_are_listed(view: RunsView, root: Path, until: Until) -> None:
    make_run(root, "one", "completed")
    read(view, until, 1)
    best = synthetic_runs.progress(3).best
    assert best is not None
    assert cells(view, BEST) == {"one": f"{best.value:.4g}"}
    assert cells(view, TIME) == {"one": "1:40 min"}


def test_that_changed_settings_are_listed(view: RunsView, root: Path, until: Until) -> None:
    config = RunConfig.model_validate({"training": {"epochs": 7}})
    create(config, "seven", root)
    read(view, until, 1)
    create(RunConfig(), "default", root)
    read(view, until, 2)
    assert "Epochs 7" in cells(view, CHANGED)["seven"]
    for text in ("Epochs 7", "training.epochs"):
        view.filter.setText(text)
        assert [*cells(view, CHANGED)] == ["seven"]


def test_that_a_broken_run_folder_does_not_hide_the_others(view: RunsView, root: Path, until: Until) -> None:
    make_run(root, "fine", "completed")
    broken = root / "20260101-000000-broken"
    broken.mkdir()
    (broken / "run.toml").write_text("this is no run file [")
    (broken / "summary.json").write_text("[1, 2")
    read(view, until, 2)
    assert cells(view, STATE)["fine"] == "✓ completed"


def test_that_a_new_run_appears_by_itself(view: RunsView, root: Path, until: Until) -> None:
    make_run(root, "one", "completed")
    read(view, until, 1)
    make_run(root, "two", "completed")
    until(lambda: len(view.model.rows) == 2)


def test_that_refreshing_often_reads_at_most_once_more(view: RunsView, root: Path, until: Until) -> None:
    make_run(root, "one", "completed")
    times: list[object] = []
    view.reader.read.connect(times.append)
    for _ in range(50):
        view.refresh()
    until(lambda: not view.reader.busy)
    assert 1 <= len(times) <= 2


def test_that_a_double_click_opens_the_run(qtbot: QtBot, view: RunsView, root: Path, until: Until) -> None:
    run = make_run(root, "one", "completed")
    read(view, until, 1)
    where = view.table.visualRect(view.sorted.index(0, STATE)).center()
    QTest.mouseClick(view.table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    with qtbot.waitSignal(view.opened, timeout=HANG_MS) as opened:
        QTest.mouseDClick(view.table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert opened.args == [run]


def test_that_enter_opens_the_run(qtbot: QtBot, view: RunsView, root: Path, until: Until) -> None:
    run = make_run(root, "one", "completed")
    read(view, until, 1)
    select(view, "one")
    with qtbot.waitSignal(view.opened, timeout=HANG_MS) as opened:
        QTest.keyClick(view.table, Qt.Key.Key_Return)
    assert opened.args == [run]


def test_that_only_a_run_short_of_its_end_can_be_resumed(
    qtbot: QtBot, view: RunsView, root: Path, until: Until
) -> None:
    make_run(root, "done", "completed")
    run = make_run(root, "short", "stopped")
    read(view, until, 2)
    assert not view.resume.isEnabled()
    select(view, "done")
    assert not view.resume.isEnabled()
    assert "cannot be resumed" in view.resume.toolTip()
    select(view, "short")
    with qtbot.waitSignal(view.resume_wanted, timeout=HANG_MS) as wanted:
        QTest.mouseClick(view.resume, Qt.MouseButton.LeftButton)
    assert wanted.args == [run]


def test_that_no_run_can_be_resumed_from_the_table_while_another_goes(view: RunsView, root: Path, until: Until) -> None:
    make_run(root, "short", "stopped")
    going = make_run(root, "going")
    with locked(going):
        read(view, until, 2)
        select(view, "short")
        assert not view.resume.isEnabled()
        assert "Another run is running" in view.resume.toolTip()
    view.refresh()
    until(view.resume.isEnabled)


def test_that_a_run_that_changes_often_is_read_once_a_second_at_most(
    view: RunsView, root: Path, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings: list[int] = []
    monkeypatch.setattr(view.reader, "refresh", lambda: readings.append(1))
    view._soon.setInterval(50)
    for _ in range(30):
        view.refresh_soon()
    assert readings == []
    until(lambda: bool(readings))
    assert readings == [1]


def test_that_ticked_runs_are_drawn_beside_in_the_order_of_ticking(view: RunsView, root: Path, until: Until) -> None:
    runs = {name: make_run(root, name, "completed") for name in ("a", "b")}
    read(view, until, 2)
    said: list[object] = []
    view.overlays_changed.connect(said.append)
    for name in ("b", "a", "a"):
        select(view, name)
        QTest.keyClick(view.table, Qt.Key.Key_Space)
    assert said == [[runs["b"]], [runs["b"], runs["a"]], [runs["b"]]]


def test_that_a_tick_and_the_selection_stay_when_runs_come(view: RunsView, root: Path, until: Until) -> None:
    run = make_run(root, "a", "completed")
    read(view, until, 1)
    select(view, "a")
    QTest.keyClick(view.table, Qt.Key.Key_Space)
    make_run(root, "b", "completed")
    read(view, until, 2)
    assert view.model.overlays() == [run]
    selected = view.selected()
    assert selected is not None
    assert selected.run == run


def test_that_the_filter_looks_at_every_column(view: RunsView, root: Path, until: Until) -> None:
    make_run(root, "alpha", "completed")
    make_run(root, "beta", "stopped")
    read(view, until, 2)
    view.filter.setText("STOP")
    assert list(cells(view, NAME)) == ["beta"]
    view.filter.setText("alp")
    assert list(cells(view, NAME)) == ["alpha"]


def test_that_sorting_by_best_puts_runs_without_one_last(view: RunsView, root: Path, until: Until) -> None:
    create(RunConfig(), "none", root)
    make_run(root, "short", "completed", epochs=2)
    make_run(root, "long", "completed", epochs=8)
    read(view, until, 3)
    view.table.sortByColumn(BEST, Qt.SortOrder.DescendingOrder)
    assert list(cells(view, NAME)) == ["long", "short", "none"]


def test_that_the_run_shown_is_written_bold(view: RunsView, root: Path, until: Until) -> None:
    run = make_run(root, "one", "completed")
    read(view, until, 1)
    view.set_current(run)
    assert view.sorted.index(0, NAME).data(Qt.ItemDataRole.FontRole).bold()
    view.set_current(None)
    assert view.sorted.index(0, NAME).data(Qt.ItemDataRole.FontRole) is None


@pytest.mark.parametrize("width", [240, 300, 420, 600, 900])
def test_that_name_state_and_best_are_whole_at_every_width(
    view: RunsView, root: Path, until: Until, width: int
) -> None:
    make_run(root, "one", "completed")
    read(view, until, 1)
    view.resize(width, 400)
    table = view.table
    right = table.visualRect(view.sorted.index(0, BEST)).right()
    assert right <= table.viewport().width()
    assert not any(table.isColumnHidden(column) for column in (NAME, STATE, BEST))
    assert table.columnAt(QPoint(2, 2).x()) == NAME


def test_that_a_wide_table_shows_every_column(view: RunsView, root: Path, until: Until) -> None:
    make_run(root, "one", "completed")
    read(view, until, 1)
    view.resize(900, 400)
    until(lambda: not view.table.isColumnHidden(CHANGED))


def test_that_a_stopped_view_reads_no_more(view: RunsView, root: Path) -> None:
    make_run(root, "one", "completed")
    view.refresh()
    view.stop()
    view.refresh()
    assert not view.reader.busy
    assert view.model.rows == []
