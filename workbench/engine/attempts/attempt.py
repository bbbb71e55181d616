"""One attempt of a run: takes the lock, decides on devices and processes, trains, and says how it ended, once."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch

from workbench.config.run import RunConfig
from workbench.engine.attempts import resume_check, warm_start
from workbench.engine.checkpoint import format
from workbench.engine.checkpoint.saver import Saver, restore
from workbench.engine.data import fitted, loader, sampling
from workbench.engine.data.dataset import Progress
from workbench.engine.reporting.reporter import Flow, Reporter
from workbench.engine.reporting.tensorboard import Board
from workbench.engine.runtime import devices
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import Failure, RefusedError, explain
from workbench.engine.runtime.sleep_inhibitor import awake
from workbench.engine.training import build
from workbench.engine.training.control import Control, LeaveError
from workbench.engine.training.loop import Monitor, Outcome, Run, train
from workbench.runs import history
from workbench.runs.attempt_options import PLAIN, Request
from workbench.runs.branch import parent_of
from workbench.runs.commands import Inbox
from workbench.runs.events import FORMAT, Ended, EventWriter, Started, last_attempt
from workbench.runs.folder import (
    HEARTBEAT_SECONDS,
    RunBusyError,
    RunFolder,
    given_name,
    locked,
    number,
    read_json,
    write_engine,
    write_whole,
)

COMPLETED, FAILED, REFUSED = 0, 1, 2


def run_attempt(folder: RunFolder, request: Request = PLAIN, *, alone: bool = False) -> int:
    """Runs the next attempt to its end. Gives the exit status: 0 completed, paused or stopped; 1 failed; 2 refused.

    ``alone`` keeps it in this process, whatever the configuration says of processes.
    """
    try:
        with locked(folder):
            return lead(folder, lambda attempt: _compute(folder, attempt, request, alone))
    except RunBusyError:
        return REFUSED


def lead(folder: RunFolder, compute: Callable[[int], Outcome]) -> int:
    """Takes a new attempt through ``compute``, and says how it ended. The caller holds the lock. Gives the exit status."""
    attempt = max(last_attempt(folder.events_file), folder.attempts()) + 1
    with _alive(folder, attempt):
        try:
            try:
                outcome = compute(attempt)
            finally:
                _hear_of_no_worker()
        except BaseException as error:  # noqa: BLE001 - whatever ended the attempt has to be said, and the lock be freed
            _hear_of_no_worker()
            outcome = failed(explain(error))
        _say_end(folder, attempt, outcome)
    return exit_status(outcome)


def _hear_of_no_worker() -> None:
    """Torch raises an error wherever the main thread is when a loader worker has died: not while the end is being said."""
    if hasattr(signal, "SIGCHLD") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def exit_status(outcome: Outcome) -> int:
    """What the engine's process gives to whoever started it."""
    if outcome.status != "failed":
        return COMPLETED
    return REFUSED if outcome.refused else FAILED


def _compute(folder: RunFolder, attempt: int, request: Request, alone: bool) -> Outcome:
    """The attempt itself, on this process or on several."""
    config = folder.config()
    device, count = prepared(folder, config)
    if count > 1 and not alone:
        from workbench.engine.attempts.processes import run_ranks

        return run_ranks(folder, attempt, device, count, request)
    return train_here(folder, attempt, torch.device(device), World(), request)


def prepared(folder: RunFolder, config: RunConfig) -> tuple[str, int]:
    """The device and the number of processes, after a note of what the machine is. Raises RefusedError, OSError."""
    device = devices.choose(config.hardware)
    devices.check_precision(config.hardware, device)
    write_whole(folder.environment_file, json.dumps(devices.machine(), indent=1))
    return device, devices.processes(config.hardware, device)


def failed(failure: Failure) -> Outcome:
    """A failure as an outcome."""
    return Outcome("failed", failure.what, failure.hint, failure.details, refused=failure.refused)


def train_here(folder: RunFolder, attempt: int, device: torch.device, world: World, request: Request) -> Outcome:
    """Builds and trains on this process, as one of a world. The caller holds the lock, or its parent does."""
    config = folder.config()
    _share_threads(config, world.local_size)
    if not world.leads:
        return _train(folder, None, None, (config, device, world), request)
    board = Board(folder.path / "tensorboard") if config.output.tensorboard else None
    reporter = Reporter(folder, attempt, history.load(folder), board)
    control = Control(Inbox(folder.commands, attempt), reporter, config)
    control.listen()
    try:
        with awake(given_name(folder)) as kept:
            return _train(folder, reporter, control, (config, device, world), request, kept)
    except LeaveError:
        return Outcome("stopped", "stopped before the first step", "Resume starts it again")
    finally:
        control.close()
        reporter.close()


def _train(
    folder: RunFolder,
    reporter: Reporter | None,
    control: Control | None,
    what: tuple[RunConfig, torch.device, World],
    request: Request,
    kept: str = "",
) -> Outcome:
    """``kept`` is what the run has to say about the machine staying awake, once it has started."""
    run = _built(folder, reporter, control, what, request)
    try:
        if reporter is not None:
            reporter.note(kept)
        try:
            return train(run)
        finally:
            run.saver.finish(run)
    finally:
        run.parts.loader.close()


def _built(
    folder: RunFolder,
    reporter: Reporter | None,
    control: Control | None,
    what: tuple[RunConfig, torch.device, World],
    request: Request,
) -> Run:
    """A run at its position, all of it built. What was read of a checkpoint is not kept for as long as the run goes."""
    config, device, world = what
    state, wrong = format.load_latest(folder.checkpoints)
    if state is None and wrong:
        raise RefusedError("no checkpoint of the run can be read: " + "; ".join(wrong), "start a new run")
    known = (
        fitted.of_state(state) if state is not None and fitted.goes_with(state, config.as_data()["dataset"]) else None
    )
    busy = _busy(reporter, control, world)
    parts = build.build(config, device, world, busy, restored=state is not None, learnt=known)
    try:
        return _run(folder, parts, reporter, control, request, (state, wrong))
    except BaseException:
        parts.loader.close()
        raise


def _busy(reporter: Reporter | None, control: Control | None, world: World) -> Progress:
    """What is told while a run is built. Alone, the run also listens then: reading data can take minutes."""

    def tell(text: str, share: float | None = None) -> None:
        if reporter is not None:
            reporter.phase(text, share)
        if control is not None and world.size == 1:
            control.leave_if_told()

    return tell


def _run(
    folder: RunFolder,
    parts: build.Parts,
    reporter: Reporter | None,
    control: Control | None,
    request: Request,
    found: tuple[dict[str, Any] | None, list[str]],
) -> Run:
    """A run at its position: the beginning, or where its newest sound checkpoint says.

    ``found``: its state, None where there is none, and what is wrong with later ones.
    """
    state, wrong = found
    config, task = parts.config, parts.source.task
    validated = len(parts.source.val) > 0
    balanced = validated and config.dataset.balance != "none"
    metric = ("balanced_accuracy" if balanced else "accuracy") if task.kind == "classification" else "loss"
    monitor = Monitor(f"{'val' if validated else 'train'} {metric}", metric != "loss")
    flow = Flow(reporter, parts.world, task, parts.device)
    flow.layer_names = tuple(parts.stepper.layers)
    run = Run(
        parts,
        flow,
        Saver(folder, parts.world.leads, config.output.keep),
        request.epochs or config.training.epochs,
        monitor,
        control,
    )
    continued, begun_anew = "", list[str]()
    parent = parent_of(folder)
    if state is not None and parent is not None and warm_start.begins(run, state, parent):
        continued, begun_anew = warm_start.take_over(run, state, parent)
    elif state is not None:
        run.epochs = request.epochs or max(int(state["position"]["epochs"]), config.training.epochs)
        proof = resume_check.replay(run, folder, state, request.replay) if request.replay else None
        continued = restore(run, state)
        if proof is not None and proof.holds:
            continued += f"; {proof.text}"
        elif proof is not None:
            wrong.append(proof.text)
        if request.epochs is not None:
            # Whoever asks for more epochs means them, of a run that had stopped early too.
            run.monitor.waited = 0
        if parent is not None and run.position.step == parent.step:
            continued = f"{parent}; {continued}"
    if reporter is not None:
        reporter.say(_started(run, continued))
        for text in (*folder.renamed_settings(), *begun_anew, *parts.source.notes, *parts.notes):
            reporter.note(text)
        for text in (*wrong, *_left_out(parts)):
            reporter.note(text, "warning")
        reporter.summarise()
    return run


def _started(run: Run, continued: str) -> Started:
    parts = run.parts
    source, world = parts.source, run.world
    new = run.position.step == 0
    return Started(
        format=FORMAT,
        from_step=run.position.step,
        epochs=run.epochs,
        steps_per_epoch=parts.steps.steps,
        total_steps=run.position.step + run.epochs * parts.steps.steps - run.planned,
        task=source.task.kind,
        metric=source.task.metric,
        monitor=run.monitor.name,
        higher_is_better=run.monitor.higher_is_better,
        train_samples=len(source.train),
        val_samples=len(source.val),
        classes=source.task.classes,
        parameters=sum(parameter.numel() for parameter in parts.model.parameters()),
        device=devices.describe(str(parts.device)),
        precision=parts.config.hardware.precision,
        processes=world.size,
        loading=parts.loader.kind,
        batch_size=parts.steps.per_step,
        pid=os.getpid(),
        host=socket.gethostname(),
        torch=str(torch.__version__),
        initial_weights=format.checksum(parts.model.state_dict())[:16] if new else "",
        first_batches=_first_batches(parts) if new else "",
        continued=continued,
    )


def _first_batches(parts: build.Parts) -> str:
    weights = loader.sampler_weights(parts.config, parts.source)
    return sampling.fingerprint(parts.steps, parts.config.training.seed, weights)


def _left_out(parts: build.Parts) -> list[str]:
    left_out = parts.source.left_out
    if not left_out:
        return []
    shown = "; ".join(f"{one.what}: {one.why}" for one in left_out[:5])
    more = f"; and {len(left_out) - 5} more" if len(left_out) > 5 else ""
    return [f"{len(left_out)} samples are left out: {shown}{more}"]


def _share_threads(config: RunConfig, processes: int) -> None:
    """Gives this process its share of the machine's processors, of which ``processes`` want one."""
    wanted = config.hardware.threads
    torch.set_num_threads(wanted if wanted != "auto" else max(1, devices.available_cpus() // processes))


def _say_end(folder: RunFolder, attempt: int, outcome: Outcome) -> None:
    """The last event of the attempt, and the summary that goes with it."""
    told = read_json(folder.summary_file)
    # The attempt has just told how far it is: a history of many hours is not read again for one word.
    known = number(told, "attempt") == attempt and number(told, "steps") == outcome.step > 0
    progress = None if known else history.load(folder)
    fields: dict[str, Any] = {key: value for key, value in vars(outcome).items() if key != "refused"}
    if progress is not None:
        fields |= {"step": outcome.step or progress.step, "epoch": outcome.epoch or progress.epoch}
    ended = Ended(**fields)
    writer = EventWriter(folder.events_file, attempt)
    writer.write(ended)
    writer.close()
    told["status"] = ended.status
    if progress is not None:
        progress.apply(ended.model_copy(update={"attempt": attempt}))
        told = progress.summary()
    # A full disk: the summary can be made again from the events, and the exit status still tells the end.
    with suppress(OSError):
        write_whole(folder.summary_file, json.dumps(told))


@contextmanager
def _alive(folder: RunFolder, attempt: int) -> Iterator[None]:
    """Keeps ``engine.json`` fresh, so that other machines see that the attempt is going."""
    done = threading.Event()
    write_engine(folder, attempt, os.getpid())

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            try:
                write_engine(folder, attempt, os.getpid())
            except OSError:
                continue

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with suppress(OSError):
            write_engine(folder, attempt, os.getpid(), left=True)
