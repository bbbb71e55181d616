"""The embedded digits: 8 x 8 pixels from 0 to 16."""

from __future__ import annotations

import gzip

import numpy as np
import torch

from workbench.config.dataset import Digits
from workbench.engine.data.pictures import scaling_of
from workbench.engine.data.source import Progress, Source, Task, TensorSplit
from workbench.engine.data.split import split
from workbench.shipped import shipped

WHITE = 16
"""The largest value of a pixel."""


def load(config: Digits, progress: Progress) -> Source:
    """1,797 pictures, uint8 of shape (n, 1, 8, 8), and their digits."""
    progress("reading digits", None)
    with gzip.open(shipped("digits", "digits.csv.gz"), "rt", encoding="ascii") as file:
        rows = torch.from_numpy(np.loadtxt(file, delimiter=",", dtype=np.int64))
    pictures, labels = rows[:, :64].to(torch.uint8).view(-1, 1, 8, 8), rows[:, 64].contiguous()
    classes = labels if config.split == "per-class" else None
    train, val = split(len(labels), classes, config.validation, config.split_seed)
    scaling, preprocessing = scaling_of(pictures[train], WHITE)
    return Source(
        task=Task("classification", tuple("0123456789")),
        shape=(1, 8, 8),
        train=TensorSplit(pictures[train], labels[train], "digit"),
        val=TensorSplit(pictures[val], labels[val], "digit"),
        scaling=scaling,
        preprocessing={**preprocessing, "size": 8, "channels": "grey"},
    )
