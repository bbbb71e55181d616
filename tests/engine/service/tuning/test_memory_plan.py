"""The plan of memory: parts that are known are told to the byte, activations grow with the batch, and what fits is offered."""

from typing import Any

import pytest
import torch
from torch import nn

from workbench.config import files
from workbench.config.recipes import start
from workbench.engine.reporting import memory
from workbench.engine.service.tuning import memory_plan
from workbench.engine.training import build
from workbench.launch.tuning import describe_memory
from workbench.runs.service.tuning import MemoryEstimate

CPU = torch.device("cpu")


def planned(**changes: Any) -> MemoryEstimate:
    config = files.change(start("digits-mlp")[1], {key.replace("__", "."): value for key, value in changes.items()})
    return memory_plan.plan(config, CPU)


def test_that_weights_gradients_and_optimiser_are_told_to_the_byte() -> None:
    parts = planned(optimizer__kind="adam").parts
    weights = 4 * (65 * 256 + 257 * 128 + 129 * 10)
    assert parts["weights"] == parts["gradients"] == weights
    assert parts["optimizer"] == 2 * weights + 4 * 6  # two moments, and a counter for each tensor
    assert parts["data"] == 1797 * 64


def test_that_activations_grow_with_the_batch() -> None:
    small, large = (planned(training__batch_size=size).parts["activations"] for size in (64, 512))
    assert large == pytest.approx(8 * small, rel=0.02)


def test_that_the_largest_batch_that_fits_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = planned(training__batch_size=512)
    fixed = whole.needs - whole.parts["activations"]
    monkeypatch.setattr(memory_plan, "_there", lambda device: round((fixed + whole.parts["activations"] / 2) / 0.9))
    monkeypatch.setattr(memory, "process_memory", lambda: whole.parts["program"])
    found = planned(training__batch_size=512)
    assert not found.fits
    assert 248 <= found.largest_batch <= 256
    assert "batch 2" in describe_memory(found)


def test_that_memory_that_runs_out_in_the_trial_is_a_smaller_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    real = build.build_model

    class Small(nn.Module):
        """Takes 100 samples at once, and no more."""

        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            if len(inputs) > 100:
                raise torch.OutOfMemoryError("out of memory")
            found: torch.Tensor = self.inner(inputs)
            return found

    monkeypatch.setattr(build, "build_model", lambda *given: Small(real(*given)))
    found = planned(training__batch_size=512)
    assert not found.fits
    assert found.largest_batch > 0


def test_that_nothing_fits_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_given: object) -> nn.Module:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(build, "build_model", never)
    found = planned()
    assert (found.fits, found.largest_batch) == (False, 0)
    assert "not even one sample" in describe_memory(found)
