"""The embedded digits: 8 x 8 pixels from 0 to 16."""

from __future__ import annotations

import gzip

import numpy as np
import torch
from torch.nn import functional

from workbench.config.dataset import Digits
from workbench.engine.data.dataset import Progress, Source, TaskSpec, TensorSplit
from workbench.engine.data.images import scaling_of
from workbench.engine.data.split import split
from workbench.shipped import shipped

DIGITS = tuple("0123456789")
WHITE = 16
"""The largest value of a pixel."""


def load(config: Digits, progress: Progress) -> Source:
    """1,797 images, uint8 of shape (n, 1, 8, 8) or enlarged, and their digits; on demand their ink too, from 0 to 1."""
    progress("reading digits", None)
    with gzip.open(shipped("digits", "digits.csv.gz"), "rt", encoding="ascii") as file:
        rows = torch.from_numpy(np.loadtxt(file, delimiter=",", dtype=np.int64))
    images, labels = rows[:, :64].to(torch.uint8).view(-1, 1, 8, 8), rows[:, 64].contiguous()
    if config.size != 8:
        images = functional.interpolate(images.to(torch.float32), (config.size, config.size), mode="bilinear")
        images = images.round().to(torch.uint8)
    classes = labels if config.split == "per-class" else None
    train, val = split(len(labels), classes, config.validation, config.split_seed)
    scaling, preprocessing = scaling_of(images[train], WHITE)
    task, targets = TaskSpec("classification", DIGITS), labels
    if config.target == "digit-and-ink":
        ink = images.to(torch.float32).mean(dim=(1, 2, 3)) / WHITE
        mean, std = float(ink[train].mean()), float(ink[train].std())
        task = TaskSpec("multi-task", DIGITS, targets=("ink",), means=(mean,), stds=(std,))
        targets = torch.stack([labels.to(torch.float32), (ink - mean) / std], dim=1)
    return Source(
        task=task,
        shape=(1, config.size, config.size),
        train=TensorSplit(images[train], targets[train], "digit"),
        val=TensorSplit(images[val], targets[val], "digit"),
        scaling=scaling,
        preprocessing={**preprocessing, "size": config.size, "channels": "gray"},
    )
