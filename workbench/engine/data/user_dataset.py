"""A Dataset of the user's own, read once into memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from workbench.config.dataset import PythonData
from workbench.engine.data.dataset import Progress, Source, TaskSpec, TensorSplit
from workbench.engine.data.images import scaling_of
from workbench.engine.data.split import split
from workbench.engine.runtime import user_code
from workbench.engine.runtime.failures import RefusedError

REPORT_EVERY = 256
STATISTICS_SAMPLES = 5000
"""Of mean and deviation: what more samples would change is far below what matters."""


def load(config: PythonData, progress: Progress) -> Source:
    """Every pair of the user's Dataset: input and target. Whole numbers are classes, others a regression.

    A ``classes`` attribute names the classes. Raises RefusedError.
    """
    maker = user_code.load(config.path, config.name, "dataset", _suits)
    dataset = user_code.call(maker, config.path, "dataset") if callable(maker) else maker
    inputs, targets = _read(dataset, config, progress)
    classes: tuple[str, ...] = ()
    if targets.dtype == torch.int64 and targets.dim() == 1:
        named = getattr(dataset, "classes", None)
        count = int(targets.max()) + 1 if len(targets) else 0
        classes = tuple(map(str, named)) if named is not None else tuple(str(number) for number in range(count))
        if int(targets.min()) < 0 or count > len(classes):
            raise RefusedError("the classes are not numbered from 0", "check the targets", "dataset.path")
        task = TaskSpec("classification", classes)
    else:
        targets = targets.to(torch.float32).reshape(len(targets), -1)
        task = TaskSpec("regression", targets=tuple(f"target {number + 1}" for number in range(targets.shape[1])))
    by_class = targets if classes and config.split == "per-class" else None
    train, val = split(len(targets), by_class, config.validation, config.split_seed)
    holds_images = config.sample_kind == "images" and inputs.dtype == torch.uint8
    extra: dict[str, Any] = {"preprocessing": {"kind": "none"}}
    if holds_images:
        extra["scaling"], extra["preprocessing"] = scaling_of(
            inputs[train[:: max(1, len(train) // STATISTICS_SAMPLES)]]
        )
        extra["preprocessing"] |= {"size": inputs.shape[-1], "channels": "gray" if inputs.shape[1] == 1 else "rgb"}
    if config.sample_kind == "text":
        extra["vocabulary"] = int(inputs.max()) + 1
    first, second = (TensorSplit(inputs[part], targets[part]) for part in (train, val))
    return Source(task, tuple(inputs.shape[1:]), first, second, **extra)


def _suits(value: object) -> bool:
    return isinstance(value, type) and hasattr(value, "__getitem__") and hasattr(value, "__len__")


def _read(dataset: Any, config: PythonData, progress: Progress) -> tuple[Tensor, Tensor]:
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        what = f"{config.path} gives a {type(dataset).__name__}, which is not a Dataset"
        raise RefusedError(what, "define __len__ and __getitem__", "dataset.name")
    count = user_code.call(dataset.__len__, config.path, "dataset")
    if count < 2:
        what = f"the Dataset has {count} samples, and at least two are needed"
        raise RefusedError(what, "add samples", "dataset.path")
    inputs, targets = [], []
    for index in range(count):
        pair = user_code.call(lambda index: dataset[index], config.path, "dataset", index=index)
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise RefusedError(f"sample {index} is not a pair of input and target", "return both", "dataset.path")
        inputs.append(_tensor(pair[0]))
        targets.append(_label(pair[1]))
        if index % REPORT_EVERY == 0:
            progress("reading your Dataset", index / count)
    try:
        x, y = torch.stack(inputs), torch.stack(targets)
    except RuntimeError as error:
        raise RefusedError(
            f"the samples have different shapes: {error}", "return samples of one shape", "dataset.path"
        ) from error
    wanted = {"images": 4, "vector": 2, "series": 3, "text": 2}[config.sample_kind]
    if config.sample_kind == "vector":
        x = x.reshape(len(x), -1)
    if x.dim() != wanted:
        what = f"a sample has the shape {tuple(x.shape[1:])}, which does not fit {config.sample_kind}"
        raise RefusedError(what, "choose the sample type", "dataset.sample_kind")
    if config.sample_kind == "text":
        return x.to(torch.int64), y
    return x if x.dtype == torch.uint8 and config.sample_kind == "images" else x.to(torch.float32), y


def _label(value: Any) -> Tensor:
    """A target. Small whole numbers are classes as well as large ones: bytes are kept for images alone."""
    target = _tensor(value)
    return target if target.is_floating_point() else target.to(torch.int64)


def _tensor(value: Any) -> Tensor:
    if isinstance(value, Image.Image):
        array = np.array(value, dtype=np.uint8)
        return torch.from_numpy(array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1)))
    tensor = value if isinstance(value, Tensor) else torch.as_tensor(np.asarray(value))
    return tensor if tensor.is_floating_point() or tensor.dtype == torch.uint8 else tensor.to(torch.int64)
