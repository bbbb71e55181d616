"""What each process of an attempt does: builds, goes where the run continues, trains."""

from __future__ import annotations

import json
import os
import socket
from functools import partial

import torch

from workbench.config.dataset import ImageDataset
from workbench.config.run import RunConfig
from workbench.config.schedule import Plateau
from workbench.config.warnings import warnings as config_warnings
from workbench.engine.attempts.resume import Continuation, resume
from workbench.engine.attempts.resume_check import replay
from workbench.engine.attempts.warm_start import is_warm_start, warm_start
from workbench.engine.checkpoint import format
from workbench.engine.checkpoint.saver import Saver
from workbench.engine.data import batches, fitted, sampling
from workbench.engine.data.dataset import Progress, Source
from workbench.engine.reporting.reporter import Reporter, StepLog
from workbench.engine.reporting.tensorboard import TensorBoardWriter
from workbench.engine.runtime import devices
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.runtime.sleep_inhibitor import inhibit_sleep
from workbench.engine.runtime.state_types import CheckpointState
from workbench.engine.training import build, monitor
from workbench.engine.training.boundary import RunBoundary
from workbench.engine.training.control import Control, StopBeforeStartError
from workbench.engine.training.loop import AttemptResult, Trainer, train
from workbench.engine.training.lr_backoff import LRBackoff
from workbench.engine.training.resumable_state import TrainState, changed_files
from workbench.runs import history
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.branch import parent_of
from workbench.runs.commands import Inbox
from workbench.runs.events import FORMAT, Started
from workbench.runs.folder import (
    RunFolder,
    given_name,
    write_whole,
)


def train_on_this_process(
    folder: RunFolder, attempt: int, device: torch.device, world: World, request: AttemptOptions
) -> AttemptResult:
    """Builds and trains on this process, as one of a world. The caller holds the lock, or its parent does."""
    config = folder.config()
    _share_threads(config, world.local_size)
    if not world.is_main:
        return _train(folder, config, device, world, request)
    tensorboard = TensorBoardWriter(folder.path / "tensorboard") if config.output.tensorboard else None
    reporter = Reporter(folder, attempt, history.load(folder), tensorboard)
    control = Control(Inbox(folder.commands, attempt), reporter, config)
    control.listen()
    try:
        with inhibit_sleep(given_name(folder)) as note:
            return _train(folder, config, device, world, request, reporter, control, note)
    except StopBeforeStartError:
        return AttemptResult("stopped", "stopped before the first step", "Resume the run to start it again")
    finally:
        control.close()
        reporter.close()


def _train(
    folder: RunFolder,
    config: RunConfig,
    device: torch.device,
    world: World,
    request: AttemptOptions,
    reporter: Reporter | None = None,
    control: Control | None = None,
    note: str = "",
) -> AttemptResult:
    """Builds a run, puts it where it continues, and trains. ``reporter`` and ``control`` are there on the main process.

    ``note`` is reported once the run has started. What was read of a checkpoint is not kept for as long as the run trains.
    """
    saved, warnings = format.load_latest(folder.checkpoints)
    if saved is None and warnings:
        raise RefusedError("no checkpoint of the run can be read: " + "; ".join(warnings), "start a new run")
    learned = None
    if saved is not None and fitted.applies_to(saved, config.as_data()["dataset"]):
        learned = fitted.from_state(saved)
    busy = _report_progress(reporter, control, world)
    parts = build.build(config, device, world, busy, restored=saved is not None, learned=learned)
    saver = Saver(folder, world, reporter, config.output)
    try:
        log = StepLog(reporter, world, parts.task, device)
        log.layer_names = tuple(parts.train_step.layers)
        early_stopping = monitor.early_stopping(config, parts.task, len(parts.source.val) > 0)
        state = TrainState(parts, log, early_stopping, request.epochs or config.training.epochs)
        continuation = _continue_from(saved, state, folder, request, reporter, control)
        del saved
        continuation.warnings[:0] = warnings
        if reporter is not None:
            _report_start(reporter, folder, state, continuation)
            reporter.note(note)
            parts.loader.unreadable.tell = partial(reporter.note, level="warning")
        boundary = RunBoundary(state, log, saver, control)
        trainer = Trainer(parts, state, log, boundary)
        try:
            return train(trainer, boundary, LRBackoff(state, saver, log, trainer.memory_recovery.backup))
        finally:
            saver.close()
    finally:
        parts.loader.close()


def _report_progress(reporter: Reporter | None, control: Control | None, world: World) -> Progress:
    """What is reported while a run is built. Alone, the run also listens then: reading data can take minutes."""

    def report(text: str, share: float | None = None) -> None:
        if reporter is not None:
            reporter.phase(text, share)
        if control is not None and world.size == 1:
            control.raise_if_stopped()

    return report


def _continue_from(
    saved: CheckpointState | None,
    state: TrainState,
    folder: RunFolder,
    request: AttemptOptions,
    reporter: Reporter | None,
    control: Control | None,
) -> Continuation:
    """Puts a run that was just built where it continues: at its checkpoint, at its parent's, or at the beginning."""
    if saved is None:
        return Continuation()
    config, parent = state.parts.config, parent_of(folder)
    if parent is not None and is_warm_start(config.as_data(), saved, parent):
        return warm_start(state, saved, parent)
    position = state.position
    position.epochs = request.epochs or max(int(saved["position"]["epochs"]), config.training.epochs)
    proof = replay(state, folder, saved, request.replay, reporter, control) if request.replay else None
    continuation = Continuation(resume(state, saved))
    continuation.warnings += filter(None, [changed_files(saved, state.parts.source.stamp)])
    continuation.notes += _plateau_notes(state)
    if proof is not None and proof.holds:
        continuation.text += f"; {proof.text}"
    elif proof is not None:
        continuation.warnings.append(proof.text)
    if request.epochs is not None:
        # Whoever asks for more epochs means them, of a run that had stopped early too.
        state.metrics.early_stopping.waited = 0
    if parent is not None and position.step == parent.step:
        continuation.text = f"{parent}; {continuation.text}"
    return continuation


def _plateau_notes(state: TrainState) -> list[str]:
    """That a plateau schedule goes on following what it followed in an earlier version."""
    schedule, name = state.parts.config.schedule, state.metrics.early_stopping.name
    follows = state.parts.lr_schedule.follows or name
    if not isinstance(schedule, Plateau) or follows == (monitor.followed_by_plateau(state.parts.config) or name):
        return []
    return [f"the plateau schedule follows {follows}, as it did when the run was started"]


def _report_start(reporter: Reporter, folder: RunFolder, state: TrainState, continuation: Continuation) -> None:
    parts = state.parts
    reporter.report(_started(state, continuation.text))
    dataset = parts.config.dataset
    if isinstance(dataset, ImageDataset) and dataset.augmentations:
        reporter.note(f"training images are augmented: {', '.join(dataset.augmentations)}")
    for text in (*folder.renamed_settings(), *continuation.notes, *parts.notes):
        reporter.note(text)
    for text in continuation.warnings:
        reporter.note(text, "warning")
    for problem in config_warnings(parts.config, len(parts.source.train)):
        reporter.note(str(problem), "warning")
    _report_data(reporter, parts.source)
    reporter.summarize()


def _started(state: TrainState, continued: str) -> Started:
    parts, position = state.parts, state.position
    source, early_stopping = parts.source, state.metrics.early_stopping
    new = position.step == 0
    return Started(
        format=FORMAT,
        from_step=position.step,
        epochs=position.epochs,
        steps_per_epoch=parts.plan.steps,
        total_steps=position.step + position.epochs * parts.plan.steps - state.planned_step,
        task=source.task.kind,
        metric=parts.task.metric,
        monitor=early_stopping.name,
        higher_is_better=early_stopping.higher_is_better,
        train_samples=len(source.train),
        val_samples=len(source.val),
        classes=source.task.classes,
        parameters=sum(parameter.numel() for parameter in parts.model.parameters()),
        device=devices.describe(str(parts.device)),
        precision=parts.config.hardware.precision,
        processes=parts.world.size,
        loading=parts.loader.kind,
        batch_size=parts.plan.per_step,
        pid=os.getpid(),
        host=socket.gethostname(),
        torch=str(torch.__version__),
        initial_weights=format.checksum(parts.model.state_dict())[:16] if new else "",
        first_batches=_first_batches(parts) if new else "",
        continued=continued,
    )


def _first_batches(parts: build.Parts) -> str:
    weights = batches.sampler_weights(parts.config, parts.source)
    return sampling.fingerprint(parts.plan, parts.config.training.seed, weights)


def _report_data(reporter: Reporter, source: Source) -> None:
    """Sums up what the data are in the log, and keeps all of it in the run."""
    report = source.report
    if report is None:
        return
    reporter.keep_data_report(report)
    reporter.note(f"data: {report.counts_text()}", "warning" if report.was_left_out else "info")
    for finding in report.findings:
        reporter.note(finding.text, "info" if finding.severity == "assumed" else "warning")


def _share_threads(config: RunConfig, processes: int) -> None:
    """Gives this process its share of the machine's processors, of which ``processes`` want one."""
    wanted = config.hardware.threads
    torch.set_num_threads(wanted if wanted != "auto" else max(1, devices.available_cpus() // processes))


def choose_devices(folder: RunFolder, config: RunConfig) -> tuple[str, int]:
    """The device and the number of processes, after a note of what the machine is. Raises RefusedError, OSError."""
    device = devices.choose(config.hardware)
    devices.check_precision(config.hardware, device)
    write_whole(folder.environment_file, json.dumps(devices.machine(), indent=1))
    return device, devices.processes(config.hardware, device)
