"""Several processes do the same at the same step, whatever one of them meets: none waits for what never comes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.engine.test_train import made
from tests.engine.worlds import Stub, together
from workbench.engine import build, saving, seeding
from workbench.engine.distributed import World
from workbench.engine.reporter import Flow
from workbench.engine.saving import Saver
from workbench.engine.train import Monitor, Run
from workbench.runs.folder import RunFolder


def run_of(folder: RunFolder, world: World) -> Run:
    """A run at its beginning, on the CPU, as one rank of a world sees it."""
    parts = build.build(folder.config(), torch.device("cpu"), World())
    parts.world = world
    flow = Flow(None, world, parts.source.task, parts.device)
    return Run(parts, flow, Saver(folder, world.leads, 3), 1, Monitor("val accuracy", True))


@pytest.mark.parametrize(
    "told, now, found",
    [
        pytest.param("cuda:0", "cuda", "continued exactly", id="every rank has its own GPU"),
        pytest.param("cuda", "cuda", "continued exactly", id="once it had no number"),
        pytest.param("cpu", "cuda", "with device cuda instead of cpu", id="another kind of device"),
    ],
)
def test_that_ranks_on_gpus_of_their_own_resume_together(
    told: str, now: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeding, "device_state", lambda device: None)
    folder = made({"training.epochs": 1})
    # One stream of random numbers serves both threads: it stays as it is.
    monkeypatch.setattr(seeding, "restore", lambda found, device: None)

    def resumed(world: Stub) -> str:
        run = run_of(folder, world)
        state = saving.capture(run)
        state["versions"]["device"] = told
        run.parts.device = torch.device(now, world.rank)
        before = len(world.said)
        words = saving.restore(run, state)
        assert world.said[before:]
        return words

    words = together(resumed)
    assert words[0] == words[1]
    assert found in words[0]


def test_that_what_one_rank_finds_holds_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made({"training.epochs": 1})
    monkeypatch.setattr(seeding, "restore", lambda found, device: None)

    def resumed(world: Stub) -> str:
        run = run_of(folder, world)
        state: dict[str, Any] = saving.capture(run)
        # The torch of the second machine is another.
        state["versions"]["torch"] = torch.__version__ if world.leads else "1.0"
        return saving.restore(run, state)

    words = together(resumed)
    assert words[0] == words[1]
    assert f"torch {torch.__version__} instead of 1.0" in words[0]
