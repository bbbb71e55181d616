"""The commands that control a running run, wherever it was started.

``stop``, ``pause``, ``unpause`` and ``save`` are answered by the run itself; ``follow`` only reads.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli import arguments, output

if TYPE_CHECKING:
    from workbench.config.problems import ConfigError
    from workbench.launch.follow import Follower
    from workbench.runs.commands import Name
    from workbench.runs.events import AnyEvent
    from workbench.runs.folder import RunFolder
    from workbench.runs.progress import Progress

PATIENCE = 10.0
"""Seconds in which a run has to answer a command. A pause that was answered is waited for until the state is saved."""
START_PATIENCE = 30.0
"""Seconds that ``follow`` gives a run which nobody has started yet: an engine takes a while to load."""
POLL_SECONDS = 0.1

_Release = Annotated[
    bool, typer.Option("--release", help="Let the engine exit, so that the device's memory is free during the pause.")
]


def add(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (stop, pause, unpause, save, follow):
        app.command(command.__name__)(command)


def stop(run: arguments.Run, runs: arguments.Runs = None, json: arguments.Json = False) -> None:
    """Stop a run after saving its state; it can be resumed."""
    raise typer.Exit(_send(arguments.find_run(run, runs), "stop", json))


def pause(
    run: arguments.Run, release: _Release = False, runs: arguments.Runs = None, json: arguments.Json = False
) -> None:
    """Save the state of a run and pause it."""
    raise typer.Exit(_send(arguments.find_run(run, runs), "pause", json, {"release": True} if release else {}))


def unpause(run: arguments.Run, runs: arguments.Runs = None, json: arguments.Json = False) -> None:
    """Continue a paused run. If its engine has exited, another one is started in the background."""
    folder = arguments.find_run(run, runs)
    if folder.is_running():
        raise typer.Exit(_send(folder, "unpause", json))
    _start_again(folder, json)


def save(run: arguments.Run, runs: arguments.Runs = None, json: arguments.Json = False) -> None:
    """Save a checkpoint of a run now."""
    raise typer.Exit(_send(arguments.find_run(run, runs), "save", json))


def follow(run: arguments.Run, runs: arguments.Runs = None, json: arguments.Json = False) -> None:
    """Print the events of a run until it ends. With --json, one line per event, and the result of the run as the last line."""
    raise typer.Exit(_follow(arguments.find_run(run, runs), json))


def _send(folder: RunFolder, name: Name, as_json: bool, values: dict[str, Any] | None = None) -> int:
    """Sends a command and waits for its acknowledgement. Raises ConfigError when nobody is running the run."""
    from workbench.runs.commands import Command, send

    if not folder.is_running():
        raise _not_running(folder)
    command = Command(name, attempt=folder.attempts(), values=values or {})
    send(folder.commands, command)
    accepted, text = _answer(folder, command.id, command.attempt)
    _show_answer(folder, name, bool(accepted), text, as_json)
    if accepted is None:
        return output.FAILED
    return output.COMPLETED if accepted else output.WRONG_REQUEST


def _show_answer(folder: RunFolder, name: Name, accepted: bool, text: str, as_json: bool) -> None:
    if as_json:
        output.result({"run": str(folder.path), "command": name, "accepted": accepted, "text": text})
    elif accepted:
        output.line(text)
    else:
        output.error_line(text)


def _not_running(folder: RunFolder) -> ConfigError:
    from workbench.config.problems import ConfigError, Problem
    from workbench.runs import history

    state = history.state(folder)
    hint = f"workbench resume {folder.name} resumes it" if state != "completed" else ""
    return ConfigError([Problem("", f"{folder.name} is not running: it is {state}", hint)])


def _answer(folder: RunFolder, command: str, attempt: int) -> tuple[bool | None, str]:
    """What became of a command: whether it was accepted (None: no answer), and that in words."""
    from workbench.cli.event_text import ended
    from workbench.launch.follow import Follower
    from workbench.runs.events import CommandDone, Ended

    follower, clock = Follower(folder), threading.Event()
    until = time.monotonic() + PATIENCE
    while True:
        for event in follower.read():
            if isinstance(event, CommandDone) and event.id == command:
                text = f"{folder.name}: {event.text or 'done'}"
                if event.done or not event.accepted:
                    return event.accepted, text
                # It was read and is being carried out: how long that takes depends on the disk.
                output.error_line(text)
                until = math.inf
            if isinstance(event, Ended) and event.attempt >= attempt:
                return True, f"{folder.name} has ended: {ended(event)}"
        if follower.progress.state == "interrupted":
            return None, _interrupted(folder)
        if time.monotonic() > until:
            busy = f"it is busy ({follower.progress.phase})" if follower.progress.phase else "it is busy"
            return (
                None,
                f"{folder.name} has not answered within {PATIENCE:.0f} s: {busy}, and reads the command afterwards",
            )
        clock.wait(POLL_SECONDS)


def _interrupted(folder: RunFolder) -> str:
    return f"{folder.name} was interrupted: its engine is gone (workbench resume {folder.name} resumes it)"


def _start_again(folder: RunFolder, as_json: bool) -> None:
    """The next attempt of a run that was paused and whose engine has exited. Raises ConfigError for any other run."""
    from workbench.config.problems import ConfigError, Problem
    from workbench.launch import process
    from workbench.runs import history
    from workbench.runs.folder import RunBusyError

    state = history.state(folder)
    if state != "paused":
        hint = f"workbench resume {folder.name} resumes it" if state != "completed" else ""
        raise ConfigError([Problem("", f"{folder.name} is not paused: it is {state}", hint)])
    folder.config()
    try:
        process.start(folder)
    except RunBusyError as error:
        raise ConfigError([Problem("", str(error))]) from error
    text = f"the engine of {folder.name} had exited: another one is started in the background"
    _show_answer(folder, "unpause", True, text, as_json)


def _follow(folder: RunFolder, as_json: bool) -> int:
    from workbench.cli.follow import summary
    from workbench.launch.follow import Follower

    follower = Follower(folder)
    if not _print_events(folder, follower, as_json):
        output.error_line(f"{folder.name} has not been started (workbench resume {folder.name} starts it)")
        return output.WRONG_REQUEST
    if follower.progress.ended is None:
        output.error_line(_interrupted(folder))
    status = output.exit_status(follower.progress.state)
    if as_json:
        output.result(summary(folder, follower.progress, failed=status == output.FAILED))
    return status


def _print_events(folder: RunFolder, follower: Follower, as_json: bool) -> bool:
    """Prints events until no more are to come. False when the run was never started."""
    clock, over = threading.Event(), False
    until = time.monotonic() + START_PATIENCE
    while True:
        events = follower.read()
        for event in events:
            _print(event, follower, as_json)
        if events:
            continue
        if over:  # and there was no event between the last two reads
            return True
        if not folder.attempts() and not follower.progress.attempt and time.monotonic() > until:
            return False
        over = _over(folder, follower.progress)
        if not over:
            clock.wait(POLL_SECONDS)


def _over(folder: RunFolder, progress: Progress) -> bool:
    """Whether the run has ended, or whoever ran it is gone. An attempt after the one that ended is waited for."""
    attempts = max(folder.attempts(), progress.attempt)
    if progress.ended is not None and progress.ended.attempt >= attempts:
        return True
    return attempts > 0 and not folder.is_running()


def _print(event: AnyEvent, follower: Follower, as_json: bool) -> None:
    from workbench.cli.event_text import event_text
    from workbench.runs.events import as_line

    if as_json:
        output.line(output.as_json(as_line(event)))
        return
    if event.attempt == 0:
        return  # what a branch has of its parent
    started = follower.progress.started
    text = event_text(event, started.epochs if started else 0)
    if text:
        output.line(f"{time.strftime('%H:%M:%S', time.localtime(event.time))}  {text}")
