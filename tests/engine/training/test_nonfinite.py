"""Numbers that go wrong: the step is not taken, the first layer is named, nothing spoilt is saved, and a run that may helps itself.

Long with ``-m campaign``.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.engine.attempts.test_resume import create_run, final_weights, stop_at
from tests.waiting import HANG_SECONDS
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.engine.data.dataset import TaskSpec
from workbench.engine.data.resident import ResidentLoader
from workbench.engine.reporting.metrics import StepRecorder
from workbench.engine.tasks import task_of
from workbench.engine.training import precision
from workbench.engine.training.closure_step import ClosureStep
from workbench.engine.training.nonfinite import NonFiniteError, NonFiniteGuard
from workbench.engine.training.precision import Precision
from workbench.engine.training.step import TrainStep
from workbench.launch import process
from workbench.runs import history
from workbench.runs.checkpoints import list_checkpoints
from workbench.runs.folder import RunFolder
from workbench.runs.progress import Progress

EVERY_EPOCH = {"output.checkpoint_every": "1", "output.keep": 50, "hardware.threads": 1}
WILD = {**EVERY_EPOCH, "optimizer.kind": "sgd", "optimizer.lr": 1000.0, "training.batch_size": 64}

TOGETHER = {**WILD, "training.batch_size": 32, "hardware.processes": 2}


def train_run(changes: dict[str, object]) -> tuple[RunFolder, Progress]:
    folder = create_run("digits-mlp", changes)
    run_attempt(folder, alone=True)
    progress = history.load(folder)
    check_weights_are_finite(folder)
    return folder, progress


def check_weights_are_finite(folder: RunFolder) -> None:
    """No checkpoint of the run holds a weight that is not finite."""
    for info in list_checkpoints(folder.checkpoints):
        state = format.load(info.path)
        numbers = [value for value in state["model"].values() if value.is_floating_point()]
        assert all(bool(torch.isfinite(value).all()) for value in numbers), info.path.name


def failure_text(progress: Progress) -> str:
    assert progress.state == "failed", progress.log
    assert progress.ended is not None
    return progress.ended.what


def poison(patch: pytest.MonkeyPatch, epoch: int) -> None:
    """From that epoch on, counted from 0, a sample of every block of the data is no number."""
    real = ResidentLoader._ready

    def ready(self: ResidentLoader, raw: Tensor, plan: Any, now: int, *rest: Any) -> Tensor:
        inputs = real(self, raw, plan, now, *rest)
        if now >= epoch:
            inputs = inputs.clone()
            inputs[3].view(-1)[7] = float("inf")
        return inputs

    patch.setattr(ResidentLoader, "_ready", ready)


def break_layer(patch: pytest.MonkeyPatch, after: int, how: Callable[[Tensor], Tensor], until: int = 10**9) -> None:
    """The first ReLU of the network goes wrong after so many batches, and heals after more."""
    real = nn.ReLU.forward
    calls: dict[int, int] = {}

    def forward(self: nn.ReLU, inputs: Tensor) -> Tensor:
        output = real(self, inputs)
        calls[id(self)] = calls.get(id(self), 0) + self.training
        first = id(self) == next(iter(calls))
        return how(output) if first and self.training and after < calls[id(self)] <= until else output

    patch.setattr(nn.ReLU, "forward", forward)


def test_that_a_learning_rate_that_is_too_high_ends_the_run_at_its_step() -> None:
    folder, progress = train_run(WILD)
    text = failure_text(progress)
    assert f"step {progress.step + 1} has numbers that are not finite" in text
    assert "was not taken" in text
    assert progress.ended is not None
    assert "lower learning rate" in progress.ended.hint
    assert "on_nonfinite" in progress.ended.hint
    assert not list_checkpoints(folder.checkpoints)
    assert bool((progress.curves.loss.y == progress.curves.loss.y).all())


def test_that_data_without_a_number_is_named_and_an_unharmed_checkpoint_is_offered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poison(monkeypatch, epoch=1)
    folder, progress = train_run(EVERY_EPOCH)
    per_epoch = progress.step
    assert "the inputs of 1 of the step's samples" in failure_text(progress)
    assert progress.ended is not None
    assert f"checkpoint (step {per_epoch})" in progress.ended.hint
    assert [info.step for info in list_checkpoints(folder.checkpoints)] == [per_epoch]


def _no_number(output: Tensor) -> Tensor:
    return output * float("nan")


def _no_gradient(output: Tensor) -> Tensor:
    # Adds nothing, and the root of nothing has no slope.
    return output + (output * 0.0).sqrt()


@pytest.mark.parametrize(
    "how, named",
    [
        pytest.param(_no_number, "the output of layer 2 (ReLU)", id="output"),
        pytest.param(_no_gradient, "the gradient of 1.", id="gradient"),
    ],
)
def test_that_the_layer_is_named_where_it_begins(
    how: Callable[[Tensor], Tensor], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_layer(monkeypatch, 30, how)
    _, progress = train_run(EVERY_EPOCH)
    assert named in failure_text(progress)
    assert "step 31 " in failure_text(progress)


@pytest.mark.parametrize("mode", ["lower_lr", "clip"])
def test_that_a_run_goes_back_by_itself_at_most_three_times(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    poison(monkeypatch, epoch=1)
    folder, progress = train_run({**EVERY_EPOCH, "training.on_nonfinite": mode})
    assert "inputs" in failure_text(progress)
    assert progress.ended is not None
    assert "went back 3 times" in progress.ended.hint
    assert [event.why for event in progress.recoveries] == ["numbers"] * 3
    assert sum("returns)" in line.text for line in progress.log) == 3
    recovery: Any = format.load(list_checkpoints(folder.checkpoints)[-1].path)["recovery"]
    assert recovery["returns"] == 3
    assert (recovery["calm"], recovery["clip_norm"]) == (
        (pytest.approx(1e-3), None) if mode == "lower_lr" else (1.0, pytest.approx(0.01))
    )


def test_that_a_run_that_lowered_its_learning_rate_finishes_and_resumes_with_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changes = {**WILD, "training.on_nonfinite": "lower_lr"}
    straight, whole = train_run(changes)
    assert whole.state == "completed"
    assert whole.recoveries
    assert (whole.curves.lr.y[-1:] < 1000.0).all()
    assert (whole.curves.loss.x[1:] > whole.curves.loss.x[:-1]).all()
    broken = create_run("digits-mlp", changes)
    with monkeypatch.context() as patch:
        stop_at(patch, whole.step - 20)
        assert run_attempt(broken, alone=True) == 0
    assert history.load(broken).state == "stopped"
    assert run_attempt(broken, alone=True) == 0
    ends, wanted = final_weights(broken), final_weights(straight)
    assert all(torch.equal(ends[name], wanted[name]) for name in wanted)
    assert len(history.load(broken).recoveries) == len(whole.recoveries)


def test_that_weights_spoilt_by_the_optimiser_are_neither_judged_nor_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    real, steps = TrainStep.step_optimizer, list[int]()

    def step_optimizer(self: TrainStep) -> None:
        real(self)
        steps.append(len(steps) + 1)
        if steps[-1] == 30:
            next(self.model.parameters()).data.view(-1)[0] = float("inf")

    monkeypatch.setattr(TrainStep, "step_optimizer", step_optimizer)
    # 1,438 samples in batches of 96 are 15 steps: the second epoch ends with step 30.
    folder, progress = train_run(EVERY_EPOCH)
    assert "the weights 1.weight" in failure_text(progress)
    assert len(progress.epochs) == 1
    assert [info.step for info in list_checkpoints(folder.checkpoints)] == [15]


def test_that_what_the_device_leaves_out_by_itself_is_found_at_the_next_report(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = failure_text(train_run(WILD)[1])
    real = NonFiniteGuard.__init__

    def later(
        self: NonFiniteGuard, parameters: Any, optimizer: torch.optim.Optimizer, scaler: Any, alone: bool
    ) -> None:
        real(self, parameters, optimizer, scaler, alone)
        self.defers = True
        optimizer.found_inf = self._is_nonfinite  # type: ignore[attr-defined]

    monkeypatch.setattr(NonFiniteGuard, "__init__", later)
    # Nothing is reported before the epoch's end: the steps behind the bad one are left out on the device.
    monkeypatch.setattr("workbench.engine.reporting.reporter.StepLog.is_due", lambda self: False)
    _, progress = train_run(WILD)
    assert failure_text(progress) == wanted
    assert not progress.recoveries
    _, helped = train_run({**WILD, "training.on_nonfinite": "lower_lr"})
    assert helped.state == "completed"
    assert helped.recoveries


class Scaled(Precision):
    """The scaler of fp16 where there is no GPU."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=1.0)


def test_that_steps_left_out_by_fp16_are_counted_and_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "build", lambda name, device: Scaled(device))
    break_layer(monkeypatch, 4, _no_number, until=7)
    _, progress = train_run(EVERY_EPOCH)
    assert progress.state == "completed"
    assert [epoch.skipped for epoch in progress.epochs] == [3, 0, 0]
    assert not progress.recoveries
    assert any("fp16 skipped" in line.text for line in progress.log)


def test_that_fp16_that_no_scale_helps_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "build", lambda name, device: Scaled(device))
    break_layer(monkeypatch, 20, _no_number)
    _, progress = train_run({**EVERY_EPOCH, "training.epochs": 10})
    assert "layer 2 (ReLU)" in failure_text(progress)


def test_that_gradients_of_few_rows_are_looked_at_too() -> None:
    table = nn.Embedding(5, 3, sparse=True)
    guard = NonFiniteGuard(list(table.parameters()), torch.optim.SGD(table.parameters()), None, alone=True)
    table(torch.tensor([1, 2])).sum().backward()
    assert not guard.found_nonfinite()
    (table(torch.tensor([1, 2])) * float("inf")).sum().backward()
    assert guard.found_nonfinite()


@pytest.mark.parametrize("kind", ["adam", "lbfgs", "muon"])
def test_that_a_step_that_is_not_taken_leaves_weights_and_state_as_they_were(kind: str) -> None:
    from workbench.engine.optimizers import build as optimizer_of

    config = create_run("digits-mlp", {"optimizer.kind": kind}).config()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = optimizer_of(config.optimizer, model, torch.device("cpu"))
    kind_of_step = ClosureStep if kind == "lbfgs" else TrainStep
    train_step = kind_of_step(model, optimizer, nn.functional.cross_entropy, Precision(torch.device("cpu")), None)
    train_step.guard = NonFiniteGuard(list(model.parameters()), optimizer, None, alone=True)
    recorder = StepRecorder(task_of(TaskSpec("classification", ("a", "b", "c"))))
    inputs, targets = torch.randn(16, 4), torch.randint(0, 3, (16,))
    train_step.run(1, [(inputs, targets, 1.0)], recorder)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = format.checksum(optimizer.state_dict())
    bad = inputs.clone()
    bad[2, 1] = float("nan")
    with pytest.raises(NonFiniteError):
        train_step.run(2, [(inputs, targets, 0.5), (bad, targets, 0.5)], recorder)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert format.checksum(optimizer.state_dict()) == state


def test_that_two_processes_go_back_together() -> None:
    helped = create_run("digits-mlp", {**TOGETHER, "training.on_nonfinite": "lower_lr"})
    assert process.start(helped).wait(HANG_SECONDS) == 0
    assert history.load(helped).recoveries
    check_weights_are_finite(helped)


@pytest.mark.campaign
def test_that_two_processes_end_together_in_words() -> None:
    failing = create_run("digits-mlp", TOGETHER)
    assert process.start(failing).wait(HANG_SECONDS) == 1
    assert "has numbers that are not finite" in failure_text(history.load(failing))


@pytest.mark.campaign
def test_that_no_checkpoint_is_ever_spoilt(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(0)
    for _ in range(40):
        rate = 10.0 ** chance.uniform(-1, 3)
        with monkeypatch.context() as patch:
            if chance.random() < 0.5:
                break_layer(patch, chance.randint(0, 60), chance.choice([_no_number, _no_gradient]))
            changes = {
                "optimizer.kind": chance.choice(["sgd", "adam", "rmsprop", "adagrad", "muon"]),
                "optimizer.lr": rate,
                "training.on_nonfinite": chance.choice(["stop", "lower_lr", "clip"]),
                "training.batch_size": 256,
                "output.checkpoint_every": "3 steps",
            }
            _, progress = train_run(changes)
        assert progress.state in ("completed", "failed")
        assert len(progress.recoveries) <= 3
        assert progress.ended is not None
        assert progress.state == "completed" or "not finite" in progress.ended.what
