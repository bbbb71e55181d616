"""Answers about the machine and about settings that were not trained yet."""

from __future__ import annotations

import torch

from workbench.engine import data
from workbench.engine.data.dataset import Progress
from workbench.engine.runtime import devices
from workbench.engine.service import preview, scan, summary
from workbench.engine.training import build
from workbench.runs.service.answers import Environment
from workbench.runs.service.inspection import ModelSummary
from workbench.runs.service.requests import PreviewDataset, ScanDataset, SummarizeModel
from workbench.runs.service.samples import DatasetPreview, ScanReport


def describe_environment() -> Environment:
    """What the machine has."""
    return Environment.model_validate(devices.machine())


def preview_dataset(request: PreviewDataset, progress: Progress) -> DatasetPreview:
    """What a dataset holds: sizes, classes, some samples, what is left out."""
    return preview.preview(request.config, data.load(request.config.dataset, progress))


def scan_dataset(request: ScanDataset, progress: Progress) -> ScanReport:
    """What is wrong with a dataset's samples: unreadable, empty classes, the same in two splits."""
    return scan.scan(data.load(request.config.dataset, progress), progress)


def summarize_model(request: SummarizeModel, progress: Progress) -> ModelSummary:
    """The layer table of an architecture on its dataset."""
    source = data.load(request.config.dataset, progress)
    network = build.build_model(request.config, source, torch.device("cpu"), progress=progress)
    return summary.summarize(network, source)
