"""What a run is judged by: the metrics that there are, and which way each is better. Nothing else says so."""

from __future__ import annotations

from collections.abc import Iterable

AUTO = "auto"
HIGHER_IS_BETTER: dict[str, bool] = {
    "loss": False,
    "accuracy": True,
    "balanced_accuracy": True,
    "f1": True,
    "precision": True,
    "recall": True,
    "mae": False,
    "rmse": False,
    "r2": True,
}
PER_CLASS = ("recall", "precision", "f1")
"""Metrics that each class has of its own: ``recall[cat]``."""
OF_CLASS_ONLY = ("recall", "precision")
"""Those of them that only a class has."""
IN_TRAINING = ("loss", "accuracy", "mae", "rmse", "r2")
"""Metrics that are measured of the training samples, too."""
SHOWN_CLASSES = 8


def higher_is_better(metric: str) -> bool:
    """Whether a higher value of a metric, ``recall[cat]`` among them, is better."""
    return HIGHER_IS_BETTER[metric.partition("[")[0]]


def is_known(monitor: str) -> bool:
    """Whether some task has such a metric: ``auto``, ``val.accuracy``, ``val.recall[cat]``."""
    split, _, metric = monitor.partition(".")
    name, bracket, rest = metric.partition("[")
    if monitor == AUTO:
        return True
    if split == "train":
        return metric in IN_TRAINING
    if split != "val" or name not in HIGHER_IS_BETTER:
        return False
    return (name in PER_CLASS and rest.endswith("]") and len(rest) > 1) if bracket else name not in OF_CLASS_ONLY


def all_names() -> str:
    """Every metric that some task has, for a person."""
    whole = [name for name in HIGHER_IS_BETTER if name not in OF_CLASS_ONLY]
    return listed([AUTO, *(f"val.{name}" for name in whole), *(f"val.{name}[class]" for name in PER_CLASS)])


def listed(names: Iterable[str]) -> str:
    """Names for a person; those of the classes after the first few are left out."""
    names = list(names)
    of_class = [name for name in names if name.endswith("]")]
    shown = [name for name in names if name not in of_class[SHOWN_CLASSES:]]
    return ", ".join(shown) + (", …" if len(shown) < len(names) else "")
