"""The engine of a finder: one question on standard input, points as they come on standard output, and the answer last.

It lives for one question, so that no trial sees the memory of another, and ending the process cancels it.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable
from typing import IO, Any

import torch

from workbench.config import files
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig
from workbench.engine.runtime import devices, seeding
from workbench.engine.runtime.failures import RefusedError, explain
from workbench.engine.service.tuning import batch_finder, lr_finder, memory_plan, worker_finder

Tell = Callable[[dict[str, Any]], None]


def serve(questions: IO[bytes], answers: IO[bytes]) -> int:
    """Answers one line, ``{"finder": ..., "config": ...}``, and gives the exit status.

    Lines are ``{"point": {...}}``; the last is ``{"result": {...}}`` or ``{"problems": [...]}``.
    """
    # What libraries print must not come between the answers.
    own = os.fdopen(os.dup(answers.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), answers.fileno())

    def say(line: dict[str, Any]) -> None:
        own.write(json.dumps(line).encode() + b"\n")
        own.flush()

    line = questions.readline()
    if line.strip():
        say(answer(json.loads(line), lambda point: say({"point": point})))
    return 0


def answer(question: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """The last line of the answer."""
    try:
        return {"result": FINDERS[question["finder"]](_prepared(question), tell)}
    except ConfigError as error:
        problems = error.problems
    except RefusedError as error:
        problems = (error.problem,)
    except Exception as error:  # noqa: BLE001 - whatever a trial dies of is said in words
        traceback.print_exc()
        failure = explain(error)
        problems = (Problem("", failure.what, failure.hint),)
    return {"problems": [vars(problem) for problem in problems]}


def _prepared(question: dict[str, Any]) -> RunConfig:
    """The configuration of a trial, its random streams begun anew, and the threads that a run would have."""
    config = files.parse(question["config"])
    wanted = config.hardware.threads
    torch.set_num_threads(wanted if wanted != "auto" else devices.available_cpus())
    seeding.seed_everything(config.training.seed, "finder")
    return config


def _learning_rate(config: RunConfig, tell: Tell) -> dict[str, Any]:
    return lr_finder.sweep(config, _device(config), tell)


def _batch_size(config: RunConfig, tell: Tell) -> dict[str, Any]:
    return batch_finder.trial(config, _device(config))


def _workers(config: RunConfig, tell: Tell) -> dict[str, Any]:
    return worker_finder.trial(config, _device(config))


def _memory(config: RunConfig, tell: Tell) -> dict[str, Any]:
    return memory_plan.plan(config, _device(config))


def _device(config: RunConfig) -> torch.device:
    return torch.device(devices.choose(config.hardware))


FINDERS: dict[str, Callable[[RunConfig, Tell], dict[str, Any]]] = {
    "lr": _learning_rate,
    "batch": _batch_size,
    "workers": _workers,
    "memory": _memory,
}
