"""What was learnt of the data in training and belongs to the model: it goes into every checkpoint, and comes back from there.

Means and deviations, categories, a vocabulary: with another one of them a network's weights mean something else.
"""

from __future__ import annotations

from typing import Any

import torch

from workbench.engine.data.dataset import Normalization, Source, TaskSpec, TensorSplit
from workbench.engine.runtime.failures import RefusedError

NEEDED = {"kind", "shape", "targets", "means", "stds", "factor", "offset", "vocabulary"}
FREE = {
    "path", "name", "download", "validation", "split", "split_seed", "balance", "leave_out", "group", "time", "loading", "workers",
    "prefetch",
}  # fmt: skip
"""Settings of a dataset that what is learnt of it does not depend on, but for which samples they are."""


def to_state(source: Source) -> dict[str, Any]:
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


def applies_to(state: dict[str, Any], dataset: dict[str, Any]) -> bool:
    """Whether what a checkpoint learnt of its data is what its weights need with a dataset's settings.

    Those of a branch may be others. Checkpoints of early versions do not tell it.
    """
    was = state["config"].get("dataset", {})
    if not set(state.get("task", {})) >= NEEDED or was.get("kind") != dataset["kind"]:
        return False
    # Another vocabulary would fit the weights of the embedding, and mean other words.
    return dataset["kind"] == "text" or all(
        was.get(name) == dataset.get(name) for name in {*was, *dataset} - FREE if not name.startswith("augment_")
    )


def from_state(state: dict[str, Any]) -> Source:
    """The source of a checkpoint without its samples. Raises RefusedError for one that does not tell all of it."""
    kept = state.get("task", {})
    try:
        classes, targets = tuple(state["classes"]), tuple(kept["targets"])
        task = TaskSpec(kept["kind"], classes, targets, tuple(kept["means"]), tuple(kept["stds"]))
        shape = tuple(kept["shape"])
        scaling = Normalization(tuple(kept["factor"]), tuple(kept["offset"]))
        vocabulary = int(kept["vocabulary"])
    except (KeyError, TypeError, ValueError) as error:
        what = f"the checkpoint does not tell what its model was given ({type(error).__name__}: {error})"
        raise RefusedError(what, "resume its run for an epoch: that saves a whole one") from error
    none = TensorSplit(torch.empty(0, *shape), torch.empty(0))
    return Source(task, shape, none, none, None, scaling, state["preprocessing"], vocabulary=vocabulary)


def check_classes(task: TaskSpec, saved: dict[str, Any]) -> None:
    """Raises RefusedError when the data's classes are not those that a checkpoint was trained on, in their order."""
    was, now = tuple(saved["classes"]), task.classes
    if was != now:
        gone, new = ", ".join(sorted({*was} - {*now})), ", ".join(sorted({*now} - {*was}))
        changes = "; ".join(f"{word} {names}" for word, names in (("gone:", gone), ("new:", new)) if names)
        what = f"the data's classes are not those the checkpoint was trained on ({changes or 'another order'})"
        raise RefusedError(what, "put the data back as it was, or start a new run", "dataset")
