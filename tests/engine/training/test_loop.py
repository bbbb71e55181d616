"""The training loop does what its settings say, says what it does, and answers to what it is told."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.engine.asking import answer_to, problems_of
from tests.gate import Gate
from tests.waiting import HANG_SECONDS, until
from workbench.config import files
from workbench.config.fields import kind_of
from workbench.config.model import Transformer
from workbench.config.recipes import start
from workbench.config.run import variants
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.engine.training.boundary import RunBoundary
from workbench.engine.training.resumable_state import Position
from workbench.launch.follow import Follower
from workbench.runs import history
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.checkpoints import latest, list_checkpoints
from workbench.runs.commands import Command, Inbox, Name, send
from workbench.runs.events import (
    CheckpointSaved,
    CommandDone,
    Ended,
    Epoch,
    Memory,
    Phase,
    Scalars,
    Started,
    read_events,
)
from workbench.runs.folder import RunFolder, create, read_json
from workbench.runs.progress import Progress
from workbench.runs.service.answers import Environment
from workbench.runs.service.evaluation import Evaluation
from workbench.runs.service.inspection import ModelSummary
from workbench.runs.service.requests import DescribeEnvironment, EvaluateCheckpoint, PreviewDataset, SummarizeModel
from workbench.runs.service.samples import DatasetPreview


def create_run(changes: dict[str, Any], recipe: str = "digits-mlp") -> RunFolder:
    name, config = start(recipe)
    return create(files.change(config, {"training.epochs": 2, **changes}), name)


def train_run(changes: dict[str, Any], recipe: str = "digits-mlp") -> tuple[RunFolder, Progress]:
    folder = create_run(changes, recipe)
    run_attempt(folder, alone=True)
    return folder, history.load(folder)


def weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    newest = latest(folder.checkpoints)
    assert newest is not None
    weights_there: dict[str, torch.Tensor] = format.load(newest.path)["model"]
    return weights_there


def test_that_digits_are_learnt_and_events_come_in_their_order() -> None:
    folder, progress = train_run({"training.epochs": 6}, "digits-cnn")
    assert progress.state == "completed"
    assert progress.epochs[-1].val["accuracy"] > 0.95
    events = [event for event in read_events(folder.events_file) if not isinstance(event, Phase)]
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Ended)
    assert sum(isinstance(event, Ended) for event in events) == 1
    assert sum(isinstance(event, Epoch) for event in events) == 6
    assert any(isinstance(event, Memory) and event.devices[0].allocated > 0 for event in events)
    assert sum(len(event.step) for event in events if isinstance(event, Scalars)) <= progress.step
    # The end itself comes a moment after what the summary tells of.
    summary = read_json(folder.summary_file)
    assert summary == {**progress.summary(), "seconds": summary["seconds"]}


def test_that_accumulated_batches_equal_one_large_batch() -> None:
    small = train_run({"training.batch_size": 32, "training.accumulation": 3, "training.epochs": 1})[0]
    large = train_run({"training.batch_size": 96, "training.epochs": 1})[0]
    wanted = weights(large)
    for name, value in weights(small).items():
        torch.testing.assert_close(value, wanted[name], rtol=1e-3, atol=1e-4)


CHANCE = 2.302
"""The cross-entropy of ten classes that are guessed alike: the logarithm of ten."""


@pytest.mark.parametrize("kind", [kind_of(variant) for variant in variants("optimizer")])
def test_that_every_optimizer_lowers_the_loss(kind: str) -> None:
    # LBFGS measures the curvature of the whole data, as its authors meant it.
    how = {"training.batch_size": 2048, "training.clip_norm": 1e6} if kind == "lbfgs" else {"training.clip_norm": 5.0}
    progress = train_run({"optimizer.kind": kind, **how})[1]
    assert progress.state == "completed", progress.ended
    assert progress.epochs[-1].train["loss"] < CHANCE
    assert len(progress.curves.grad_norm) == progress.step


@pytest.mark.parametrize("kind", [kind_of(variant) for variant in variants("schedule")])
def test_that_every_schedule_is_what_is_drawn_of_it(kind: str) -> None:
    folder, progress = train_run({"schedule.kind": kind, "schedule.warmup": 0.5, "training.batch_size": 256})
    config = folder.config()
    assert progress.started is not None
    from workbench.config.schedule import Plan

    plan = Plan(2, progress.started.steps_per_epoch)
    for step, rate in zip(progress.curves.lr.x, progress.curves.lr.y, strict=True):
        assert rate == pytest.approx(config.optimizer.lr * config.schedule.factor(int(step) - 1, plan), rel=1e-5)


def test_that_bf16_trains_and_what_the_cpu_lacks_is_refused_with_the_reason() -> None:
    assert train_run({"hardware.precision": "bf16"})[1].state == "completed"
    for changes in ({"hardware.precision": "fp16"}, {"hardware.precision": "tf32"}, {"hardware.device": "cuda"}):
        if torch.cuda.is_available():
            continue
        folder = create_run(changes)
        assert run_attempt(folder, alone=True) == 2
        ended = history.load(folder).ended
        assert ended is not None
        assert "NVIDIA GPU" in ended.what
        assert ended.hint


def test_that_a_regression_tells_its_metrics_in_the_targets_unit() -> None:
    folder, progress = train_run({"dataset.validation": 0.25, "training.epochs": 300}, "linear-regression")
    val = progress.epochs[-1].val
    assert set(val) == {"loss", "mae", "rmse", "r2", "samples"}
    assert val["rmse"] == pytest.approx(val["loss"] ** 0.5, rel=1e-4)
    assert val["r2"] > 0.95
    trained = weights(folder)
    assert float(trained["0.weight"]) == pytest.approx(3.0, abs=0.15)
    assert float(trained["0.bias"]) == pytest.approx(2.0, abs=0.15)


def test_that_a_loss_that_is_no_number_ends_the_run_in_words() -> None:
    folder, progress = train_run({"optimizer.kind": "sgd", "optimizer.lr": 1000.0})
    assert progress.state == "failed"
    assert progress.ended is not None
    assert "not finite" in progress.ended.what
    assert "lower learning rate" in progress.ended.hint
    assert all(torch.isfinite(info).all() for path in folder.checkpoints.glob("*.pt") for info in _model(path).values())


def _model(path: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = format.load(path)["model"]
    return found


def test_that_a_run_stops_early_when_it_no_longer_improves() -> None:
    progress = train_run({"training.epochs": 200, "training.early_stopping": 2, "optimizer.lr": 1e-12})[1]
    assert progress.state == "completed"
    assert progress.epoch < 10
    assert any("stopped early" in line.text for line in progress.log)


def test_that_a_full_disk_costs_a_checkpoint_and_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.fsync, iter(range(1000))

    def fails_once(file: int) -> None:
        if next(calls) == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(file)

    monkeypatch.setattr(os, "fsync", fails_once)
    folder, progress = train_run({})
    assert progress.state == "completed"
    assert any(line.level == "error" and "could not be saved" in line.text for line in progress.log)
    assert list_checkpoints(folder.checkpoints)
    assert not list(folder.path.rglob("*.tmp"))


@pytest.mark.parametrize("every", [1, 7])
def test_that_a_checkpoint_is_saved_at_exactly_every_so_many_steps(every: int) -> None:
    _, progress = train_run({"output.checkpoint_every": f"{every} steps", "training.epochs": 2})
    saved = [event.step for event in progress.checkpoints if event.why == f"every {every} steps"]
    assert saved == list(range(every, progress.step + 1, every))


def test_that_several_processes_save_and_report_at_the_same_steps() -> None:
    """What makes a step a boundary is known to every process alike: its number, and what they have agreed on."""
    position = Position()
    state: Any = SimpleNamespace(position=position, parts=SimpleNamespace(world=SimpleNamespace(size=2)))
    saver: Any = SimpleNamespace(is_due_at=lambda step: step % 7 == 0)
    log: Any = None
    boundary = RunBoundary(state, log, saver, None)
    boundary._exchange_every = 5
    boundaries = set()
    for step in range(1, 36):
        position.step = step - 1
        if boundary.is_due():
            boundaries.add(step)
    assert boundaries == {5, 7, 10, 14, 15, 20, 21, 25, 28, 30, 35}


def test_that_a_pause_is_answered_at_once_and_again_when_its_state_is_saved(gate_here: Gate) -> None:
    folder = create_run({"output.checkpoint_every": "100000"})
    gate_here.close_after(30)  # of the 46 steps of two epochs
    thread = threading.Thread(target=run_attempt, args=(folder,), kwargs={"alone": True})
    thread.start()
    follower = Follower(folder)

    def read_until(condition: Callable[[], bool]) -> None:
        until(lambda: (follower.read(), condition())[1])

    read_until(lambda: follower.progress.epoch > 0)
    sent = send(folder.commands, Command("pause", attempt=1))
    read_until(lambda: follower.progress.state == "paused")
    again = send(folder.commands, Command("pause", attempt=1))
    unknown = send(folder.commands, Command("teleport", attempt=1))
    read_until(lambda: len(answers(folder, again)) == len(answers(folder, unknown)) == 1)
    send(folder.commands, Command("stop", attempt=1))
    thread.join()
    first, last = answers(folder, sent)
    assert (first.done, last.done) == (False, True)
    assert (first.text, last.text) == ("pausing: the state is saved first", "paused, checkpoint saved")
    events = read_events(folder.events_file)
    step = follower.progress.step
    saved = next(n for n, event in enumerate(events) if isinstance(event, CheckpointSaved) and event.step == step)
    assert saved < events.index(last)
    (second,) = answers(folder, again)
    assert (second.done, second.text) == (True, "the run is paused already")
    (refused,) = answers(folder, unknown)
    assert not refused.accepted
    assert "does not know the command 'teleport'" in refused.text


def answers(folder: RunFolder, command: str) -> list[CommandDone]:
    return [
        event for event in read_events(folder.events_file) if isinstance(event, CommandDone) and event.id == command
    ]


def test_that_a_run_answers_to_what_it_is_told(gate_here: Gate) -> None:
    folder = create_run({"output.checkpoint_every": "100000"})
    gate_here.close_after(30)  # of the 46 steps of two epochs
    thread = threading.Thread(target=run_attempt, args=(folder,), kwargs={"alone": True})
    thread.start()
    follower = Follower(folder)
    progress = follower.progress

    def wait_for(condition: Callable[[], object], what: str) -> None:
        until(lambda: follower.read() is not None and condition(), what=what)

    def send_and_wait(name: Name, **values: Any) -> None:
        sent = send(folder.commands, Command(name, attempt=1, values=values))
        answered = lambda: any(isinstance(e, CommandDone) and e.id == sent for e in read_events(folder.events_file))  # noqa: E731
        wait_for(answered, f"the answer to {name}")

    wait_for(lambda: progress.step == 30, "a step of the second epoch")
    assert progress.epoch == 1
    send_and_wait("set", **{"optimizer.lr": 5e-4})
    gate_here.close_after(32)
    wait_for(lambda: progress.step == 32, "a step with the new rate")
    assert progress.curves.lr.last() == 5e-4
    send_and_wait("set", **{"training.epochs": 3})
    assert any("cannot be changed" in line.text for line in progress.log)
    send_and_wait("save")
    gate_here.close_after(33)
    wait_for(
        lambda: any("requested" in saved.why for saved in progress.checkpoints), "the checkpoint that was requested"
    )
    send_and_wait("pause")
    wait_for(lambda: progress.checkpoints[-1].why == "pause", "the checkpoint of the pause")
    assert (progress.state, progress.step) == ("paused", 34)
    send_and_wait("save")
    assert any("was saved when the run paused" in line.text for line in progress.log)
    send_and_wait("unpause")
    gate_here.close_after(36)
    wait_for(lambda: progress.step == 36, "steps after the pause")
    send_and_wait("stop")
    thread.join(HANG_SECONDS)
    assert not thread.is_alive()
    follower.read()
    assert progress.state == "stopped"
    newest = latest(folder.checkpoints)
    assert newest is not None
    assert newest.step == progress.step == 37


def test_that_evaluation_of_a_checkpoint_tells_what_the_run_told() -> None:
    folder, progress = train_run({})
    newest = latest(folder.checkpoints)
    assert newest is not None
    found = answer_to(EvaluateCheckpoint(checkpoint=str(newest.path), split="val"), Evaluation)
    told = progress.epochs[-1].val
    assert found.metrics["accuracy"] == pytest.approx(told["accuracy"], abs=1e-6)
    assert found.metrics["loss"] == pytest.approx(told["loss"], rel=1e-4)
    confusion = torch.tensor(found.confusion)
    assert confusion.sum() == 359
    assert confusion.diag().sum() / 359 == pytest.approx(told["accuracy"], abs=1e-4)
    assert (found.worst[0].loss or 0.0) >= (found.worst[-1].loss or 0.0)


def test_that_the_service_answers_and_refuses_in_words() -> None:
    digits = start("digits-cnn")[1]
    preview = answer_to(PreviewDataset(config=digits), DatasetPreview)
    assert (preview.train, preview.val, len(preview.thumbnails)) == (1438, 359, 60)
    model = answer_to(SummarizeModel(config=digits), ModelSummary)
    assert model.parameters == sum(layer.parameters for layer in model.layers) == model.trainable
    assert model.layers[-1].output == (10,)
    assert answer_to(DescribeEnvironment(), Environment).devices[-1].id == "cpu"
    folder = files.change(digits, {"dataset.kind": "image-folder", "dataset.path": "/nowhere/at all"})
    (problem,) = problems_of(PreviewDataset(config=folder))
    assert problem.path == "dataset.path"
    assert "there is no folder" in problem.what
    assert problems_of(SummarizeModel(config=digits.model_copy(update={"model": Transformer()})))


def test_that_what_is_said_behind_an_unpause_counts_too(gate_here: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = create_run({"output.checkpoint_every": "100000"})
    gate_here.close_after(1)
    thread = threading.Thread(target=run_attempt, args=(folder,), kwargs={"alone": True})
    thread.start()
    until(lambda: history.load(folder).step == 1, what="the first step")
    send(folder.commands, Command("pause", attempt=1))
    until(lambda: history.load(folder).checkpoints, what="the checkpoint of the pause")
    # All of them are there before the run looks again, so that it finds them at once.
    real, gathered = Inbox.poll, list[Command]()

    def poll(self: Inbox) -> list[Command]:
        gathered.extend(real(self))
        names = [command.name for command in gathered]
        return [gathered.pop(0) for _ in names] if "stop" in names else []

    monkeypatch.setattr(Inbox, "poll", poll)
    send(folder.commands, Command("unpause", attempt=1))
    send(folder.commands, Command("set", attempt=1, values={"optimizer.lr": 5e-4}))
    send(folder.commands, Command("stop", attempt=1))
    thread.join(HANG_SECONDS)
    assert not thread.is_alive()
    progress = history.load(folder)
    assert progress.state == "stopped"
    assert any("set optimizer.lr" in line.text for line in progress.log)


def test_that_the_end_is_told_without_reading_the_whole_history_again(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = list[RunFolder]()
    real = history.load

    def load(folder: RunFolder) -> Progress:
        loads.append(folder)
        return real(folder)

    monkeypatch.setattr(history, "load", load)
    folder, _ = train_run({"training.epochs": 1})
    assert len(loads) == 2  # by the attempt, of what was before it, and by this test
    summary = read_json(folder.summary_file)
    assert summary == {**real(folder).summary(), "seconds": summary["seconds"]}
    assert run_attempt(folder, AttemptOptions(epochs=2), alone=True) == 0
    assert [event.attempt for event in read_events(folder.events_file) if isinstance(event, Ended)] == [1, 2]
