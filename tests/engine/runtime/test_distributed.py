"""Several processes do the same at the same step, whatever one of them meets: none waits for what never comes."""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.engine.runtime.worlds import Stub, run_ranks
from tests.engine.training.test_loop import create_run
from tests.waiting import until
from workbench.engine.attempts.resume import resume
from workbench.engine.checkpoint import format
from workbench.engine.checkpoint.saver import Saver
from workbench.engine.data.batches import Microbatch
from workbench.engine.data.sampling import StepPlan
from workbench.engine.reporting.reporter import StepLog
from workbench.engine.runtime import distributed, seeding
from workbench.engine.runtime.distributed import World
from workbench.engine.training import build, compilation
from workbench.engine.training.early_stopping import EarlyStopping
from workbench.engine.training.resumable_state import TrainState
from workbench.runs.checkpoints import list_checkpoints
from workbench.runs.folder import RunFolder

PATIENCE = 1.0
"""Seconds after which ranks give each other up where a test wants them to have little patience."""


def state_of(folder: RunFolder, world: World) -> TrainState:
    """A run at its beginning, on the CPU, as one rank of a world sees it."""
    parts = build.build(folder.config(), torch.device("cpu"), World())
    parts.world = world
    log = StepLog(None, world, parts.task, parts.device)
    return TrainState(parts, log, EarlyStopping("val accuracy", True), 1)


def saver_of(folder: RunFolder, world: World) -> Saver:
    """What saves that run."""
    return Saver(folder, world, None, folder.config().output)


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
    folder = create_run({"training.epochs": 1})
    # One stream of random numbers serves both threads: it stays as it is.
    monkeypatch.setattr(seeding, "restore_random_states", lambda found, device: None)

    def resumed(world: Stub) -> str:
        state = state_of(folder, world)
        saved = state.capture()
        saved["versions"]["device"] = told
        state.parts.device = torch.device(now, world.rank)
        before = len(world.calls)
        words = resume(state, saved)
        assert world.calls[before:]
        return words

    words = run_ranks(resumed)
    assert words[0] == words[1]
    assert found in words[0]


def test_that_what_one_rank_finds_holds_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = create_run({"training.epochs": 1})
    monkeypatch.setattr(seeding, "restore_random_states", lambda found, device: None)

    def resumed(world: Stub) -> str:
        state = state_of(folder, world)
        saved = state.capture()
        # The torch of the second machine is another.
        saved["versions"]["torch"] = torch.__version__ if world.is_main else "1.0"
        return resume(state, saved)

    words = run_ranks(resumed)
    assert words[0] == words[1]
    assert f"torch {torch.__version__} instead of 1.0" in words[0]


def test_that_ranks_save_again_together_after_the_disk_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = create_run({"training.epochs": 1})
    real, tries = format.save, list[Path]()

    def save(path: Path, *what: Any) -> Path:
        tries.append(path)
        if len(tries) == 1:
            raise OSError(errno.ENOSPC, "the disk is full")
        return real(path, *what)

    monkeypatch.setattr(format, "save", save)

    def saved(world: Stub) -> tuple[list[bool], list[str]]:
        state, saver = state_of(folder, world), saver_of(folder, world)
        # Refused; taken; there already.
        return [world.broadcast(saver.save(state, "pause")) for _ in range(3)], world.calls

    first, second = run_ranks(saved)
    assert first == second
    assert first[0] == [False, True, True]
    assert len(tries) == 2
    assert [info.step for info in list_checkpoints(folder.checkpoints)] == [0]


def test_that_a_disk_slower_than_the_ranks_are_patient_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = create_run({"training.epochs": 1})
    monkeypatch.setattr(distributed, "PATIENCE_SECONDS", 0.1)
    real = format.save

    def save(path: Path, *what: Any) -> Path:
        enough = time.monotonic() + 3 * PATIENCE
        until(lambda: time.monotonic() > enough)
        return real(path, *what)

    def saved(world: Stub) -> list[str]:
        state, saver = state_of(folder, world), saver_of(folder, world)
        monkeypatch.setattr(format, "save", save)
        state.position.step, state.position.epoch, state.position.batch = 1, 1, 0
        # Written beside the next step, which has another state to be written.
        saver.save_epoch(state, best=True)
        state.position.step = 2
        assert saver.save(state, "stop")
        return world.calls

    first, second = run_ranks(saved, patience=PATIENCE)
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
    folder = create_run({"training.epochs": 1, "training.batch_size": 64})

    def compiled(world: Stub) -> list[int]:
        parts = state_of(folder, world).parts
        sizes: list[int] = []

        def run(step: int, microbatches: list[Microbatch], recorder: object, *, update: bool) -> None:
            # An exchange of gradients.
            world.all_gather(None)
            sizes.extend(len(targets) for _, targets, _ in microbatches)

        monkeypatch.setattr(parts.train_step, "run", run)
        compilation.compile_model(
            parts.model, parts.train_step, parts.loader, plan, parts.task, world, lambda text, share: None
        )
        return sizes

    for rank, found in enumerate(run_ranks(compiled)):
        mine = plan.step(0, rank)[0]
        assert found == [min(size, mine.stop - mine.start) for size in sizes]
