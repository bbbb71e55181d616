"""The evaluations of a run: one file for each checkpoint and split, in ``evaluation/``."""

from __future__ import annotations

from pathlib import Path

from workbench.runs import strict_json
from workbench.runs.folder import RunFolder, write_whole
from workbench.runs.service.evaluation import Evaluation


def with_run(evaluation: Evaluation) -> Evaluation:
    """The evaluation with the folder of its run, where its checkpoint lies in one."""
    run = _run_of(evaluation)
    return evaluation if run is None else evaluation.model_copy(update={"run": str(run.path)})


def keep_evaluation(evaluation: Evaluation) -> Evaluation:
    """Writes an evaluation into the folder of its run, where its checkpoint lies in one. Gives it with ``run`` and ``file``.

    Raises OSError.
    """
    run = _run_of(evaluation)
    if run is None:
        return evaluation
    path = evaluation_file(run, Path(evaluation.checkpoint), evaluation.split)
    evaluation = with_run(evaluation)
    run.evaluation.mkdir(exist_ok=True)
    write_whole(path, strict_json.dumps(evaluation.as_data(exclude_none=True), indent=1))
    return evaluation.model_copy(update={"file": str(path)})


def read_evaluation(path: Path) -> Evaluation:
    """An evaluation that this or an earlier version has written. Raises OSError, ValidationError."""
    return Evaluation.model_validate_json(path.read_bytes())


def evaluation_file(run: RunFolder, checkpoint: Path, split: str) -> Path:
    """Where the evaluation of a checkpoint on a split is kept."""
    return run.evaluation / f"{checkpoint.stem}-{split}.json"


def _run_of(evaluation: Evaluation) -> RunFolder | None:
    checkpoint = Path(evaluation.checkpoint)
    run = RunFolder(checkpoint.parent.parent)
    return run if checkpoint.parent == run.checkpoints and run.is_run() else None
