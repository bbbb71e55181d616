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
    """The checkpoint that is meant: that file, or the newest of that run. Raises ConfigError when there is none."""
    path = Path(run_or_checkpoint).expanduser()
    if path.suffix != ".pt":
        return _newest(arguments.found(run_or_checkpoint, root))
    found = checkpoints.find(path)
    if found is None and path.is_file():
        what = f"it cannot be told which step {path} is of: its name and the JSON beside it do not say it"
        raise ConfigError([Problem("--from", what, "give a checkpoint as a run saved it, or open it in the window")])
    if found is None:
        hint = "checkpoints are in a run's folder, under checkpoints"
        raise ConfigError([Problem("--from", f"there is no checkpoint {path}", hint)])
    return found


def branch(checkpoint: CheckpointInfo, config: RunConfig, name: str, root: Path | None) -> RunFolder:
    """Makes a branch, and says what it goes on from. Raises ConfigError."""
    try:
        made = branches.make(checkpoint, config, name, root)
    except OSError as error:
        where = error.filename or root or default_root()
        raise ConfigError(
            [Problem("--runs", f"no branch can be made in {where}: {error.strerror or error}")]
        ) from error
    output.tell(f"changed settings make a branch: {made.name} {branches.parent_of(made)}")
    return made


def changed_branch(run: RunFolder, assignments: list[str], epochs: int | None) -> RunFolder | None:
    """A branch of a run with settings changed; None when they are those of the run already. Raises ConfigError."""
    before = run.config()
    values = files.parse_assignments(assignments)
    if epochs is not None:
        values.setdefault("training.epochs", epochs)
    config = files.with_whole_paths(files.change(before, values), Path.cwd())
    if config == before:
        output.tell(f"these are the settings of {run.name} already: the run itself goes on")
        return None
    return branch(_newest(run), config, given_name(run), run.path.parent)


def _newest(run: RunFolder) -> CheckpointInfo:
    found = checkpoints.latest(run.checkpoints)
    if found is None:
        what = f"{run.name} has no checkpoint to go on from"
        raise ConfigError([Problem("", what, "start a new run, or let it train until it has saved one")])
    return found
