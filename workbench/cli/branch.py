"""Branches from the terminal: ``train --from`` and ``resume --set``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli import arguments, output
from workbench.config import files
from workbench.config.problems import ConfigError, Problem
from workbench.runs import branch as branches
from workbench.runs import checkpoints
from workbench.runs.folder import RunFolder, default_root, given_name

if TYPE_CHECKING:
    from workbench.config.run import RunConfig
    from workbench.runs.checkpoints import CheckpointInfo


def origin(run_or_checkpoint: str, root: Path | None) -> CheckpointInfo:
    """The checkpoint of that path, or the newest of that run. Raises ConfigError when there is none."""
    path = Path(run_or_checkpoint).expanduser()
    if path.suffix != ".pt":
        return _newest(arguments.find_run(run_or_checkpoint, root))
    checkpoint = checkpoints.find(path)
    if checkpoint is None and path.is_file():
        what = f"the step of {path} is unknown: neither its name nor a JSON file beside it has it"
        raise ConfigError([Problem("--from", what, "give a checkpoint as a run saved it, or open it in the window")])
    if checkpoint is None:
        hint = "checkpoints are in a run's folder, under checkpoints"
        raise ConfigError([Problem("--from", f"there is no checkpoint {path}", hint)])
    return checkpoint


def branch(checkpoint: CheckpointInfo, config: RunConfig, name: str, root: Path | None) -> RunFolder:
    """Makes a branch, and reports what it continues from. Raises ConfigError."""
    try:
        run = branches.create_branch(checkpoint, config, name, root)
    except OSError as error:
        where = error.filename or root or default_root()
        raise ConfigError(
            [Problem("--runs", f"no branch can be created in {where}: {error.strerror or error}")]
        ) from error
    output.error_line(f"new run with changed settings: {run.name} {branches.parent_of(run)}")
    return run


def changed_branch(run: RunFolder, assignments: list[str], epochs: int | None) -> RunFolder | None:
    """A branch of a run with settings changed; None when they are those of the run already. Raises ConfigError."""
    before = run.config()
    values = files.parse_assignments(assignments)
    if epochs is not None:
        values.setdefault("training.epochs", epochs)
    notes: list[str] = []
    config = files.with_absolute_paths(files.change(before, values, notes), Path.cwd())
    arguments.show_notes(notes)
    if config == before:
        output.error_line(f"{run.name} has these settings already: the run itself is resumed")
        return None
    return branch(_newest(run), config, given_name(run), run.path.parent)


def _newest(run: RunFolder) -> CheckpointInfo:
    checkpoint = checkpoints.latest(run.checkpoints)
    if checkpoint is None:
        what = f"{run.name} has no checkpoint to continue from"
        raise ConfigError([Problem("", what, "start a new run, or let it train until it has saved one")])
    return checkpoint
