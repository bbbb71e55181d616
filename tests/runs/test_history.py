"""The table of runs: what state each is in, and how they differ."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import run_events
from tests.strategies import run_configs
from workbench.config import files
from workbench.config.run import RunConfig
from workbench.runs import history
from workbench.runs.events import CommandDone, Ended, EventWriter, Phase
from workbench.runs.folder import RunFolder, create, locked, write_engine

STARTED = run_events.started(steps_per_epoch=10)


@pytest.fixture
def run() -> RunFolder:
    return create(files.change(RunConfig(), {"training.epochs": 3}), "trial")


def say(run: RunFolder, attempt: int, *said: Any) -> None:
    write_engine(run, attempt, pid=1)
    writer = EventWriter(run.events_file, attempt)
    for event in said:
        writer.write(event)
    writer.close()


def test_that_a_run_that_nobody_started_is_new(run: RunFolder) -> None:
    assert history.state(run) == "new"
    assert history.row(run).changed == (("training.epochs", 3),)


def test_that_a_run_whose_lock_is_held_is_running(run: RunFolder) -> None:
    with locked(run):
        say(run, 1, STARTED)
        assert history.state(run) == "running"


@pytest.mark.parametrize(
    "said", [(), (Phase(text="reading"),), (STARTED,), (STARTED, CommandDone(id="", name="pause"))]
)
def test_that_a_run_with_no_end_and_a_free_lock_was_cut_off(run: RunFolder, said: tuple[Any, ...]) -> None:
    say(run, 1, *said)
    assert history.state(run) == "interrupted"
    assert history.row(run).can_resume


@pytest.mark.parametrize("status", ["completed", "stopped", "failed", "paused"])
def test_that_a_run_is_what_its_end_says_with_or_without_a_summary(run: RunFolder, status: Any) -> None:
    say(run, 1, STARTED, Ended(status=status))
    assert history.state(run) == status
    run.summary_file.write_text(json.dumps(history.load(run).summary()))
    assert history.state(run) == status
    assert history.row(run).can_resume is (status != "completed")


def test_that_the_summary_of_an_earlier_attempt_does_not_speak_for_the_next(run: RunFolder) -> None:
    say(run, 1, STARTED, Ended(status="stopped"))
    run.summary_file.write_text(json.dumps(history.load(run).summary()))
    say(run, 2, STARTED)
    assert history.state(run) == "interrupted"


def test_that_the_table_names_the_newest_run_first(run: RunFolder) -> None:
    rows = history.rows(run.path.parent)
    assert [row.run for row in rows] == [run]


_ANY = st.recursive(
    st.none() | st.floats() | st.text(max_size=3) | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=3,
)
_KEYS = ("status", "attempt", "epochs", "total_epochs", "seconds", "best")


@given(told=st.dictionaries(st.sampled_from(_KEYS), _ANY))
@example(told={"epochs": "x", "best": 5, "attempt": None})
@example(told={"best": {"value": "x", "metric": 3}, "status": []})
def test_that_a_damaged_summary_costs_its_own_row_alone(tmp_path_factory: pytest.TempPathFactory, told: Any) -> None:
    run = create(RunConfig(), "trial", tmp_path_factory.mktemp("runs"))
    run.summary_file.write_text(json.dumps(told))
    assert history.row(run).run == run


def test_that_a_damaged_run_file_costs_its_settings_alone(run: RunFolder) -> None:
    run.config_file.write_text("damaged")
    assert history.row(run).changed == ()


@given(run_configs(), run_configs())
def test_that_what_differs_makes_one_configuration_of_the_other(first: RunConfig, second: RunConfig) -> None:
    assert files.change(first, history.differences(second.as_data(), first.as_data())) == second
    assert history.differences(first.as_data(), first.as_data()) == {}
