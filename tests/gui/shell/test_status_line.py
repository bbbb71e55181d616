"""One line, and one header, that say how a run goes."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from tests.gui import synthetic_runs
from workbench.gui.shell.status_line import RunHeader, StatusLine
from workbench.runs.events import Phase
from workbench.runs.progress import Progress


@pytest.fixture
def line(qtbot: QtBot) -> StatusLine:
    found = StatusLine()
    qtbot.addWidget(found)
    return found


@pytest.fixture
def header(qtbot: QtBot) -> RunHeader:
    found = RunHeader()
    qtbot.addWidget(found)
    found.show()
    return found


def test_that_a_run_is_told_in_one_line(line: StatusLine) -> None:
    line.show_progress(synthetic_runs.progress(12), "running")
    parts = line.text().split(" · ")
    assert parts[0] == "running"
    assert parts[1] == "step 276/690"
    assert parts[2].endswith(" samples/s")
    assert parts[3].startswith("loss 0.")
    assert parts[4].startswith("window ")
    assert parts[5] == "engine 640 MiB"


def test_that_without_a_run_the_line_says_ready(line: StatusLine) -> None:
    line.show_progress(None, "idle")
    assert line.text().startswith("ready · window ")


def test_that_a_phase_is_named_in_place_of_the_state(line: StatusLine) -> None:
    progress = Progress()
    progress.apply(Phase(text="loading data"))
    line.show_progress(progress, "starting")
    assert line.text().startswith("starting: loading data")


def test_that_an_engine_that_has_left_has_no_memory(line: StatusLine) -> None:
    progress = synthetic_runs.progress(2)
    progress.apply(synthetic_runs.ended())
    line.show_progress(progress, "ended")
    assert line.text().startswith("completed · ")
    assert "engine" not in line.text()


def test_that_the_header_says_epoch_share_and_time_left(header: RunHeader) -> None:
    header.set_name("digits-cnn")
    header.show_progress(synthetic_runs.progress(12), "running")
    assert (header.name.text(), header.position.text()) == ("digits-cnn", "epoch 12/30")
    assert header.bar.value() == 400
    assert header.left.text().startswith("40% · ")
    assert header.left.text().endswith(" left")


def test_that_the_epoch_named_is_the_one_the_run_is_in(header: RunHeader) -> None:
    progress = synthetic_runs.progress(12)
    progress.apply(synthetic_runs.steps(277, [0.1]))
    header.show_progress(progress, "running")
    assert header.position.text() == "epoch 13/30"


def test_that_a_phase_takes_the_place_of_the_epoch(header: RunHeader) -> None:
    progress = Progress()
    progress.apply(Phase(text="loading data", share=0.25))
    header.show_progress(progress, "starting")
    assert (header.position.text(), header.bar.value()) == ("loading data", 250)


def test_that_a_wait_of_unknown_length_shows_that_something_goes_on(header: RunHeader) -> None:
    header.show_progress(Progress(), "starting")
    assert header.bar.isVisible()
    assert header.bar.maximum() == 0


def test_that_the_end_is_said_with_the_time_it_took(header: RunHeader) -> None:
    progress = synthetic_runs.progress(30)
    progress.apply(synthetic_runs.ended())
    header.show_progress(progress, "ended")
    assert header.left.text() == "completed after 1:40 min"
    assert header.bar.value() == 1000


def test_that_without_a_run_there_is_no_bar(header: RunHeader) -> None:
    header.show_progress(synthetic_runs.progress(1), "running")
    header.show_progress(None, "idle")
    assert not header.bar.isVisible()
    assert header.position.text() == ""
