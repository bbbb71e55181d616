"""What is shown of a run, folded from its events: the same events, the same progress."""

from __future__ import annotations

import math

from tests.gui import synthetic_runs
from workbench.runs.events import AnyEvent, CommandDone, Ended, Epoch, Note, Phase, Recovered
from workbench.runs.progress import LOG_LINES, Progress


def folded(*events: AnyEvent) -> Progress:
    progress = Progress()
    progress.apply_all(events)
    return progress


def test_that_nothing_is_known_of_a_run_that_said_nothing() -> None:
    progress = Progress()
    assert (progress.state, progress.total_steps, progress.share, progress.seconds_left) == ("new", 0, 0.0, None)


def test_that_every_curve_has_every_point() -> None:
    progress = synthetic_runs.progress(epochs=4)
    curves = progress.curves
    assert len(curves.loss) == len(curves.metric) == len(curves.lr) == len(curves.loss_min) == 4 * 23
    assert len(curves.val["accuracy"]) == len(curves.train["loss"]) == len(curves.throughput) == 4
    assert (progress.epoch, progress.step, progress.total_steps) == (4, 92, 690)


def test_that_the_best_epoch_is_the_last_that_said_so() -> None:
    progress = synthetic_runs.progress(epochs=4)
    best = max(progress.epochs, key=lambda epoch: epoch.val["accuracy"])
    assert progress.best is not None
    assert (progress.best.epoch, progress.best.metric) == (best.epoch, "val accuracy")
    assert progress.best.value == best.val["accuracy"]


def test_that_a_phase_before_the_start_is_shown_and_leaves_with_the_start() -> None:
    progress = folded(Phase(text="loading data", share=0.5))
    assert (progress.phase, progress.phase_share) == ("loading data", 0.5)
    progress.apply(synthetic_runs.started())
    assert (progress.phase, progress.phase_share, progress.state) == ("", None, "running")


def test_that_a_resumed_attempt_drops_what_lies_beyond_its_start() -> None:
    progress = synthetic_runs.progress(epochs=4)
    progress.apply(synthetic_runs.started(attempt=2, from_step=40, continued="resumed from epoch 1"))
    assert progress.step == 40
    assert progress.curves.loss.x[-1] == 40
    assert [epoch.epoch for epoch in progress.epochs] == [1]
    assert progress.best is not None
    assert progress.best.epoch == 1
    assert len(progress.curves.val["accuracy"]) == 1


def test_that_a_run_that_helped_itself_goes_on_from_where_it_says() -> None:
    progress = synthetic_runs.progress(epochs=4)
    progress.apply(Recovered(why="numbers", step=93, from_step=40, text="the run goes back to step 40"))
    assert (progress.state, progress.step, progress.epoch) == ("running", 40, 1)
    assert progress.curves.loss.x[-1] == 40
    assert [one.from_step for one in progress.recoveries] == [40]
    assert (progress.log[-1].level, progress.log[-1].text) == ("warning", "the run goes back to step 40")
    progress.apply(synthetic_runs.started(attempt=2, from_step=20))
    assert not progress.recoveries


def test_that_the_time_left_follows_from_the_pace() -> None:
    progress = folded(
        synthetic_runs.started(epochs=1, steps_per_epoch=100),
        synthetic_runs.steps(1, [1.0]),
        synthetic_runs.steps(21, [1.0]),
    )
    assert progress.seconds_left is not None
    assert math.isclose(progress.seconds_left, 79.0)


def test_that_a_pause_has_no_time_left_and_unpausing_measures_anew() -> None:
    progress = folded(synthetic_runs.started(), synthetic_runs.steps(1, [1.0]), synthetic_runs.steps(9, [1.0]))
    progress.apply(CommandDone(id="1", name="pause", attempt=1))
    assert (progress.state, progress.seconds_left) == ("paused", None)
    progress.apply(CommandDone(id="2", name="unpause", attempt=1))
    assert (progress.state, progress.seconds_left) == ("running", None)


def test_that_a_run_without_an_end_that_nobody_runs_was_cut_off() -> None:
    progress = folded(synthetic_runs.started())
    states = []
    for going in (True, False):
        progress.settle(going)
        states.append(progress.state)
    assert states == ["running", "interrupted"]


def test_that_the_end_tells_the_state_and_why() -> None:
    progress = folded(
        synthetic_runs.started(), synthetic_runs.ended(status="failed", what="no space left", hint="Free some")
    )
    assert progress.state == "failed"
    assert (progress.log[-1].level, progress.log[-1].text) == ("error", "no space left. Free some")
    progress.settle(is_running=False)
    assert progress.state == "failed"


def test_that_an_end_without_a_start_is_an_end() -> None:
    assert folded(Ended(status="failed", what="the folder is empty")).state == "failed"


def test_that_a_loss_that_is_no_number_stays_in_the_curve() -> None:
    progress = folded(synthetic_runs.started(), synthetic_runs.steps(1, [1.0, math.nan, 0.5]))
    assert math.isnan(progress.curves.loss.y[1])
    assert progress.curves.loss.last() == 0.5


def test_that_the_log_keeps_its_newest_lines() -> None:
    progress = folded(*(Note(text=str(number)) for number in range(LOG_LINES + 5)))
    assert len(progress.log) == LOG_LINES
    assert progress.log[-1].text == str(LOG_LINES + 4)


def test_that_memory_runs_over_the_seconds_since_the_start() -> None:
    progress = folded(synthetic_runs.started(), synthetic_runs.memory(0.0), synthetic_runs.memory(5.0))
    run, everyone = progress.memory_curves["CPU"]
    assert run.x.tolist() == [0.0, 5.0]
    assert everyone.y[-1] > run.y[-1] > 0


def test_that_the_summary_counts_samples_of_training_time_only() -> None:
    progress = folded(
        synthetic_runs.started(), Epoch(epoch=1, step=23, train={"loss": 1.0, "samples": 1000.0}, seconds=0.5)
    )
    assert progress.summary()["samples_per_second"] == 2000.0
