"""What was fitted to the data in training and belongs to the model: it goes into every checkpoint, and comes back from there.

Means and deviations, categories, a vocabulary: with another one of them a network's weights mean something else.
"""

from __future__ import annotations

import torch

from workbench.engine.data.class_names import composed
from workbench.engine.data.dataset import Normalization, Source, TaskSpec, TensorSplit
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.runtime.state_types import CheckpointState, FittedState

NEEDED = {"kind", "shape", "targets", "means", "stds", "factor", "offset", "vocabulary"}
FREE = {
    "path", "name", "download", "validation", "split", "split_seed", "balance", "leave_out", "group", "time", "loading", "workers",
    "prefetch", "validation_from",
}  # fmt: skip
"""Settings of a dataset that what is learned from it does not depend on, except through which samples they are."""


def to_state(source: Source) -> FittedState:
    """What a checkpoint keeps of a source, beside its classes and its preprocessing: plain data."""
    task = source.task
    return {
        "kind": task.kind,
        "shape": list(source.shape),
        "outputs": task.outputs,
        "targets": list(task.targets),
        "means": list(task.means),
        "stds": list(task.stds),
        "factor": list(source.scaling.factor),
        "offset": list(source.scaling.offset),
        "vocabulary": source.vocabulary,
    }


def applies_to(state: CheckpointState, dataset: dict[str, object]) -> bool:
    """Whether what a checkpoint learned from its data is what its weights need with a dataset's settings.

    Those of a branch may be others. Checkpoints of early versions do not record it.
    """
    was = state["config"].get("dataset", {})
    if not set(state.get("task", {})) >= NEEDED or was.get("kind") != dataset["kind"]:
        return False
    # Another vocabulary would fit the weights of the embedding, and mean other words.
    return dataset["kind"] == "text" or all(
        was.get(name) == dataset.get(name) for name in {*was, *dataset} - FREE if not name.startswith("augment_")
    )


def from_state(state: CheckpointState) -> Source:
    """The source of a checkpoint without its samples. Raises RefusedError for one that does not record all of it."""
    fields = state.get("task", {})
    try:
        classes, targets = tuple(state["classes"]), tuple(fields["targets"])
        task = TaskSpec(fields["kind"], classes, targets, tuple(fields["means"]), tuple(fields["stds"]))
        shape = tuple(fields["shape"])
        scaling = Normalization(tuple(fields["factor"]), tuple(fields["offset"]))
        vocabulary = int(fields["vocabulary"])
    except (KeyError, TypeError, ValueError) as error:
        what = f"the checkpoint does not record how its samples were prepared ({type(error).__name__}: {error})"
        raise RefusedError(what, "resume its run for one epoch to save a complete checkpoint") from error
    empty = TensorSplit(torch.empty(0, *shape), torch.empty(0))
    return Source(task, shape, empty, empty, None, scaling, state["preprocessing"], vocabulary=vocabulary)


def check_classes(task: TaskSpec, saved: CheckpointState) -> None:
    """Raises RefusedError when the data's classes are not those that a checkpoint was trained on, in their order."""
    # Composed and decomposed letters are the same letters.
    before, now = (tuple(composed(name) for name in names) for names in (saved["classes"], task.classes))
    if before != now:
        removed, added = ", ".join(sorted({*before} - {*now})), ", ".join(sorted({*now} - {*before}))
        changes = "; ".join(f"{word} {names}" for word, names in (("removed:", removed), ("added:", added)) if names)
        what = f"the classes of the data differ from those of the checkpoint ({changes or 'another order'})"
        raise RefusedError(what, "restore the data, or start a new run", "dataset")
