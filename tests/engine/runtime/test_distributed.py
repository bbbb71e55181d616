"""Several processes do the same at the same step, whatever one of them meets: none waits for what never comes."""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.engine.runtime.worlds import Stub, together
from tests.engine.training.test_loop import made
from tests.waiting import until
from workbench.engine.checkpoint import format, saver
from workbench.engine.checkpoint.saver import Saver
from workbench.engine.data.sampling import StepPlan
from workbench.engine.reporting.reporter import StepLog
from workbench.engine.runtime import distributed, seeding
from workbench.engine.runtime.distributed import World
from workbench.engine.training import build, compilation
from workbench.engine.training.loop import EarlyStopping, Run
from workbench.engine.training.step import TrainStep
from workbench.runs.checkpoints import list_checkpoints
from workbench.runs.folder import RunFolder

PATIENCE = 1.0
"""Seconds after which ranks give each other up where a test wants them to have little patience."""


def run_of(folder: RunFolder, world: World) -> Run:
    """A run at its beginning, on the CPU, as one rank of a world sees it."""
    parts = build.build(folder.config(), torch.device("cpu"), World())
    parts.world = world
    flow = StepLog(None, world, parts.source.task, parts.device)
    return Run(parts, flow, Saver(folder, world.is_main, 3), 1, EarlyStopping("val accuracy", True))


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
    monkeypatch.setattr(seeding, "restore_random_states", lambda found, device: None)

    def resumed(world: Stub) -> str:
        run = run_of(folder, world)
        state = saver.capture(run)
        state["versions"]["device"] = told
        run.parts.device = torch.device(now, world.rank)
        before = len(world.said)
        words = saver.restore(run, state)
        assert world.said[before:]
        return words

    words = together(resumed)
    assert words[0] == words[1]
    assert found in words[0]


def test_that_what_one_rank_finds_holds_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made({"training.epochs": 1})
    monkeypatch.setattr(seeding, "restore_random_states", lambda found, device: None)

    def resumed(world: Stub) -> str:
        run = run_of(folder, world)
        state: dict[str, Any] = saver.capture(run)
        # The torch of the second machine is another.
        state["versions"]["torch"] = torch.__version__ if world.is_main else "1.0"
        return saver.restore(run, state)

    words = together(resumed)
    assert words[0] == words[1]
    assert f"torch {torch.__version__} instead of 1.0" in words[0]


def test_that_ranks_save_again_together_after_the_disk_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made({"training.epochs": 1})
    real, tries = format.save, list[Path]()

    def save(path: Path, *what: Any) -> Path:
        tries.append(path)
        if len(tries) == 1:
            raise OSError(errno.ENOSPC, "the disk is full")
        return real(path, *what)

    monkeypatch.setattr(format, "save", save)

    def saved(world: Stub) -> tuple[list[bool], list[str]]:
        run = run_of(folder, world)
        # Refused; taken; there already.
        return [world.broadcast(run.saver.save(run, "pause")) for _ in range(3)], world.said

    first, second = together(saved)
    assert first == second
    assert first[0] == [False, True, True]
    assert len(tries) == 2
    assert [info.step for info in list_checkpoints(folder.checkpoints)] == [0]


def test_that_a_disk_slower_than_the_ranks_are_patient_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made({"training.epochs": 1})
    monkeypatch.setattr(distributed, "PATIENCE_SECONDS", 0.1)
    real = format.save

    def save(path: Path, *what: Any) -> Path:
        enough = time.monotonic() + 3 * PATIENCE
        until(lambda: time.monotonic() > enough)
        return real(path, *what)

    def saved(world: Stub) -> list[str]:
        run = run_of(folder, world)
        monkeypatch.setattr(format, "save", save)
        run.position.step, run.position.epoch, run.position.batch = 1, 1, 0
        # Written beside the next step, which has another state to be written.
        run.saver.epoch_done(run, best=True)
        run.position.step = 2
        assert run.saver.save(run, "stop")
        return world.said

    first, second = together(saved, patience=PATIENCE)
    assert first == second
    assert [info.step for info in list_checkpoints(folder.checkpoints)] == [1, 2]


@pytest.mark.parametrize(
    "plan, sizes",
    [
        pytest.param(StepPlan(255, 64, 1, 2), [64, 63], id="the last step leaves one rank less than the other"),
        pytest.param(StepPlan(65, 64, 1, 2), [33, 32], id="so does the first"),
        pytest.param(StepPlan(129, 64, 1, 2), [64, 1], id="one rank has nothing left"),
        pytest.param(StepPlan(128 * 3 + 67, 64, 2, 2), [64, 34, 33], id="with accumulation"),
        pytest.param(StepPlan(256, 64, 1, 2), [64], id="all are alike"),
    ],
)
def test_that_ranks_compile_with_as_many_passes(
    plan: StepPlan, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nn.Module, "compile", lambda self: None)
    folder = made({"training.epochs": 1, "training.batch_size": 64})

    def compiled(world: Stub) -> list[int]:
        run = run_of(folder, world)
        found: list[int] = []

        def probe(self: TrainStep, passes: list[Any], recorder: object) -> None:
            # An exchange of gradients.
            world.all_gather(None)
            found.extend(len(targets) for _, targets, _ in passes)

        parts = run.parts
        parts.stepper.probe = probe.__get__(parts.stepper)  # type: ignore[method-assign]
        compilation.compile_model(
            parts.model, parts.stepper, parts.loader, plan, parts.source.task, world, lambda text, share: None
        )
        return found

    for rank, found in enumerate(together(compiled)):
        mine = plan.step(0, rank)[0]
        assert found == [min(size, mine.stop - mine.start) for size in sizes]
