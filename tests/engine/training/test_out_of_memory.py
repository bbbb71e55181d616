"""Memory that runs out at any step: the run goes on with the same effective batch, as if it had accumulated from the start.

Long with ``-m campaign``.
"""

from __future__ import annotations

import random
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.engine.attempts.test_resume import create_run, final_weights, stop_at
from tests.waiting import HANG_SECONDS
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.reporting import reporter
from workbench.engine.training.memory_recovery import StepBackup
from workbench.launch import process
from workbench.runs import history, trust
from workbench.runs.folder import RunFolder
from workbench.runs.progress import Progress

BATCH = 64
SMALL = {
    "training.batch_size": BATCH,
    "training.epochs": 2,
    "optimizer.kind": "sgd",
    "model.norm": "none",
    "hardware.threads": 1,
}


class Breaks(torch.autograd.Function):
    """Lets everything through, and runs out of memory on the way back."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return values.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        raise torch.OutOfMemoryError("simulated: 1 GiB is missing")


def scarce(patch: pytest.MonkeyPatch, limits: dict[int, int], backward: Callable[[], bool] = lambda: False) -> None:
    """From the batch of that number on, more samples than its limit are too many for the network's first ReLU."""
    real = nn.ReLU.forward
    batches, layers = [0], list[nn.ReLU]()

    def forward(self: nn.ReLU, inputs: Tensor) -> Tensor:
        layers.append(self)
        if not self.training or self is not layers[0]:
            return real(self, inputs)
        batches[0] += 1
        limit = min([limit for first, limit in limits.items() if first <= batches[0]], default=10**9)
        if len(inputs) <= limit:
            return real(self, inputs)
        if backward():
            inputs = Breaks.apply(inputs)
        else:
            raise torch.OutOfMemoryError("simulated: 1 GiB is missing")
        return real(self, inputs)

    patch.setattr(nn.ReLU, "forward", forward)


def train_run(changes: dict[str, object]) -> tuple[RunFolder, Progress]:
    folder = create_run("digits-mlp", {**SMALL, **changes})
    run_attempt(folder, alone=True)
    return folder, history.load(folder)


def same(ours: tuple[RunFolder, Progress], theirs: tuple[RunFolder, Progress]) -> None:
    """Both runs made the same steps, but for the last digits."""
    (mine, one), (other, two) = ours, theirs
    assert one.state == two.state == "completed", one.log[-1]
    assert one.started is not None
    assert two.started is not None
    assert one.started.batch_size == two.started.batch_size
    assert one.curves.loss.x.tolist() == two.curves.loss.x.tolist()
    np.testing.assert_allclose(one.curves.loss.y, two.curves.loss.y, rtol=2e-4)
    assert [epoch.train["samples"] for epoch in one.epochs] == [epoch.train["samples"] for epoch in two.epochs]
    wanted = final_weights(other)
    for name, value in final_weights(mine).items():
        torch.testing.assert_close(value, wanted[name], rtol=1e-3, atol=1e-4)


@pytest.fixture(autouse=True)
def _every_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter, "POINTS_PER_SECOND", 1e9)


@pytest.mark.parametrize(
    "seeds",
    [pytest.param(range(2), id="short"), pytest.param(range(2, 100), id="long", marks=pytest.mark.campaign)],
)
def test_that_a_run_whose_memory_ran_out_equals_one_that_accumulated_from_the_start(
    seeds: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = train_run({"training.batch_size": BATCH // 4, "training.accumulation": 4})
    for seed in seeds:
        chance = random.Random(seed)
        limits = {chance.randint(1, 30): BATCH // 2, chance.randint(1, 40): BATCH // 4}
        with monkeypatch.context() as patch:
            scarce(patch, limits, lambda chance=chance: chance.random() < 0.5)  # type: ignore[misc]
            ours = train_run({})
        same(ours, theirs)
        progress = ours[1]
        assert progress.started is not None
        assert progress.started.batch_size == BATCH
        assert 1 <= len(progress.recoveries) <= 2
        assert {event.why for event in progress.recoveries} == {"memory"}
        assert progress.recoveries[-1].from_step == progress.recoveries[-1].step - 1
        # The last batch of an epoch has 30 samples: halved there, the passes are of 15.
        passes = [f"{size} samples go through the model at a time" for size in (BATCH // 4, 15)]
        assert any(words in line.text for line in progress.log for words in passes)


@pytest.mark.parametrize("norm", ["batch", "layer"])
@pytest.mark.parametrize("kind", ["adam", "lbfgs"])
def test_that_buffers_and_state_of_a_step_that_broke_are_those_of_its_beginning(
    norm: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"model.norm": norm, "optimizer.kind": kind, "training.batch_size": 480, "training.epochs": 1}
    if kind == "lbfgs":
        changes["optimizer.iterations"] = 2
    theirs = train_run({**changes, "training.batch_size": 240, "training.accumulation": 2})
    scarce(monkeypatch, {0: 240})
    ours = train_run(changes)
    same(ours, theirs)
    assert len(ours[1].recoveries) == 1


def test_that_a_run_stopped_after_memory_ran_out_resumes_with_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, object] = {"model.dropout": [0.3]}
    with monkeypatch.context() as patch:
        scarce(patch, {5: 20})
        straight, whole = train_run(changes)
    assert whole.state == "completed"
    broken = create_run("digits-mlp", {**SMALL, **changes})
    with monkeypatch.context() as patch:
        scarce(patch, {5: 20})
        stop_at(patch, 30)
        assert run_attempt(broken, alone=True) == 0
    # Nothing is scarce any more, and the run keeps to what it has learnt.
    assert run_attempt(broken, alone=True) == 0
    wanted = final_weights(straight)
    assert all(torch.equal(value, wanted[name]) for name, value in final_weights(broken).items())


def test_that_memory_that_does_not_hold_one_sample_is_a_failure_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    scarce(monkeypatch, {30: 0})
    folder, progress = train_run({"output.checkpoint_every": "1"})
    assert progress.state == "failed"
    assert progress.ended is not None
    assert progress.ended.what == "memory ran out in step 30, with one sample at a time"
    assert progress.ended.hint
    # 64, 32, 16, 8, 4, 2, 1.
    assert len(progress.recoveries) == 6
    assert list(folder.checkpoints.glob("*.pt"))


def test_that_an_error_that_is_no_lack_of_memory_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(self: nn.ReLU, inputs: Tensor) -> Tensor:
        raise RuntimeError("something else")

    monkeypatch.setattr(nn.ReLU, "forward", forward)
    _, progress = train_run({})
    assert progress.state == "failed"
    assert not progress.recoveries


def test_that_a_beginning_puts_random_states_and_buffers_back() -> None:
    from workbench.engine.runtime.distributed import World
    from workbench.engine.training import build

    parts = build.build(
        create_run("digits-mlp", {**SMALL, "model.norm": "batch"}).config(), torch.device("cpu"), World()
    )
    beginning = StepBackup(parts)
    beginning.save()
    before = [buffer.clone() for buffer in parts.model.buffers()], torch.get_rng_state()
    parts.model.train()
    parts.model(torch.rand(8, *parts.source.shape))
    torch.rand(3)
    assert not all(map(torch.equal, parts.model.buffers(), before[0]))
    beginning.restore()
    assert all(map(torch.equal, parts.model.buffers(), before[0]))
    assert torch.equal(torch.get_rng_state(), before[1])


NETWORK = textwrap.dedent("""
    import os
    import torch
    from torch import nn

    class Breaks(torch.autograd.Function):
        @staticmethod
        def forward(ctx, values):
            return values.clone()

        @staticmethod
        def backward(ctx, *gradients):
            raise torch.OutOfMemoryError("simulated")

    class Network(nn.Module):
        def __init__(self, shape, outputs):
            super().__init__()
            # Wide: the gradients of the last layer alone are exchanged before those of the first are there.
            self.first, self.last = nn.Linear(64, 32768), nn.Linear(32768, outputs)
            self.register_buffer("seen", torch.zeros(()))
            self.batches = 0

        def forward(self, x):
            x = self.first(x.flatten(1))
            if self.training:
                self.batches += 1
                self.seen += 1
                told = dict(part.split("=") for part in os.environ.get("SCARCE", "").split())
                limit = int(told.get(f"{os.environ.get('RANK')}-{self.batches}", len(x)))
                if len(x) > limit and os.environ["SCARCE_WHERE"] == "forward":
                    raise torch.OutOfMemoryError("simulated")
                if len(x) > limit:
                    x = Breaks.apply(x)
            return self.last(torch.tanh(x))
""")
SEVERAL = {
    "model.kind": "python",
    "training.epochs": 1,
    "training.batch_size": 90,
    "hardware.processes": 2,
    "optimizer.kind": "sgd",
    "optimizer.lr": 0.01,
}


def several(changes: dict[str, object]) -> tuple[RunFolder, Progress]:
    folder = create_run("digits-mlp", {**SEVERAL, **changes})
    process.start(folder).wait(HANG_SECONDS)
    return folder, history.load(folder)


@pytest.mark.parametrize(
    "seeds, places",
    [
        pytest.param(range(1), ("backward",), id="short"),
        pytest.param(range(1, 3), ("forward", "backward"), id="long", marks=pytest.mark.campaign),
    ],
)
def test_that_two_processes_agree_on_smaller_passes(
    seeds: range, places: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = tmp_path / "network.py"
    network.write_text(NETWORK, encoding="utf-8")
    trust.trust(network)
    own: dict[str, object] = {"model.path": str(network)}
    theirs = several({**own, "training.batch_size": 45, "training.accumulation": 2})
    for seed in seeds:
        for place in places:
            chance = random.Random(seed)
            rank, batch = chance.randint(0, 1), chance.randint(1, 7)
            monkeypatch.setenv("SCARCE", f"{rank}-{batch}=45")
            monkeypatch.setenv("SCARCE_WHERE", place)
            ours = several(own)
            monkeypatch.delenv("SCARCE")
            assert [one.step for one in ours[1].recoveries] == [batch], (ours[1].log[-3:], seed, place)
            close(ours, theirs)


def close(ours: tuple[RunFolder, Progress], theirs: tuple[RunFolder, Progress]) -> None:
    """Both runs made the same steps; the points between two reports of several processes may be others."""
    (mine, one), (other, two) = ours, theirs
    assert one.state == two.state == "completed", one.log[-1]
    assert one.step == two.step
    assert one.epochs[0].train["samples"] == two.epochs[0].train["samples"] == 1438
    assert one.epochs[0].train["loss"] == pytest.approx(two.epochs[0].train["loss"], rel=2e-4)
    wanted = final_weights(other)
    for name, value in final_weights(mine).items():
        if name != "seen":
            torch.testing.assert_close(value, wanted[name], rtol=1e-3, atol=1e-4)


def test_that_an_evaluation_whose_memory_runs_out_goes_on_in_smaller_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = train_run({})
    real, tried = nn.ReLU.forward, list[int]()

    def forward(self: nn.ReLU, inputs: Tensor) -> Tensor:
        if not self.training:
            tried.append(len(inputs))
            if len(inputs) > 50:
                raise torch.OutOfMemoryError("simulated: 1 GiB is missing")
        return real(self, inputs)

    monkeypatch.setattr(nn.ReLU, "forward", forward)
    ours = train_run({})
    assert max(tried) > 50 >= tried[-1]
    for one, two in zip(ours[1].epochs, theirs[1].epochs, strict=True):
        assert one.val == pytest.approx(two.val, rel=1e-5)
    texts = [line.text for line in ours[1].log if "memory ran out in validation" in line.text]
    assert len(texts) == 1
    wanted = final_weights(theirs[0])
    assert all(torch.equal(value, wanted[name]) for name, value in final_weights(ours[0]).items())
