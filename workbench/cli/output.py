"""What is written to the terminal: results on standard output, everything else on standard error; and the exit statuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.config.problems import Problem

COMPLETED = 0
FAILED = 1
WRONG_REQUEST = 2
INTERRUPTED = 130
"""Ended early, with everything saved: by Ctrl-C, by *stop*, or by a pause that frees the device."""


def exit_status(status: str) -> int:
    """The exit status for a run's ``status``."""
    return {"completed": COMPLETED, "stopped": INTERRUPTED, "paused": INTERRUPTED}.get(status, FAILED)


def line(text: str) -> None:
    """A line of the answer, on standard output. Raises BrokenPipeError when nobody reads it any more."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def result(data: Mapping[str, Any]) -> None:
    """The answer as one line of strict JSON: the last line of ``--json``. NaN and infinity become null."""
    try:
        line(as_json(data))
    except BrokenPipeError:
        # The work is done; only its reader has left.
        drop_standard_output()


def error_line(text: str) -> None:
    """A line for a person, on standard error, beside the answer. A closed standard error is no failure."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def show_problems(problems: Iterable[Problem]) -> None:
    """Every problem of a wrong request, each on a line of its own: where, what, what to do."""
    for problem in problems:
        error_line(" ".join(str(problem).splitlines()))


def as_json(data: Mapping[str, Any]) -> str:
    """``data`` on one line of strict JSON."""
    from workbench.runs import strict_json

    return strict_json.dumps(data)


def drop_standard_output() -> None:
    """Lets what is still written go nowhere, so that Python does not complain about the closed pipe when it ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return


def number(value: float | None) -> str:
    """A number as a person reads it: four significant digits, whole numbers whole."""
    if value is None:
        return ""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """A time span in words: ``8.2 s``, ``3:05 min``, ``2:15 h``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d} min" if whole < 3600 else f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def size(count: float) -> str:
    """A number of bytes in words."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"
