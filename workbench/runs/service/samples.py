"""Samples of a dataset as a person looks at them, and what a preview and a scan tell of a dataset."""

from __future__ import annotations

from typing import Literal

from workbench.runs.service.base import ServiceData
from workbench.runs.service.data_report import DataReport


class Thumbnail(ServiceData):
    """A small image: ``pixels`` are uint8, row by row with channels (1 or 3) last, in base64."""

    label: str
    width: int
    height: int
    channels: int
    pixels: str


class SampleDescription(ServiceData):
    """A sample by its index in its split and its name, as an image or in words."""

    index: int
    what: str
    thumbnail: Thumbnail | None = None
    text: str | None = None


class SampleDescriptions(ServiceData):
    """The answer to DescribeSamples."""

    kind: Literal["samples"] = "samples"
    samples: tuple[SampleDescription, ...]


class ClassCount(ServiceData):
    """Samples of a class in each split; None where there is no such split."""

    name: str
    train: int | None = None
    val: int | None = None
    test: int | None = None


class PreviewTable(ServiceData):
    """The first rows of a table."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class PreviewPoints(ServiceData):
    """Points in the plane; ``label`` numbers their classes."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    label: tuple[int, ...]


class LeftOutSample(ServiceData):
    """A sample that cannot be used, and why."""

    what: str
    why: str


class DatasetPreview(ServiceData):
    """The answer to PreviewDataset. ``shape`` is that of one sample; ``bytes`` of the training and validation samples."""

    kind: Literal["dataset"] = "dataset"
    task: str
    train: int
    val: int
    test: int = 0
    classes: tuple[ClassCount, ...] = ()
    shape: tuple[int, ...]
    bytes: int
    loading: str
    thumbnails: tuple[Thumbnail, ...] = ()
    augmented: tuple[Thumbnail, ...] = ()
    table: PreviewTable | None = None
    points: PreviewPoints | None = None
    left_out: tuple[LeftOutSample, ...] = ()
    left_out_count: int = 0
    notes: tuple[str, ...] = ()
    report: DataReport | None = None
    steps_per_epoch: int


class EmptyClass(ServiceData):
    """A class without a sample in a split."""

    split: str
    name: str


class DuplicateSample(ServiceData):
    """A sample of one split (``what``) that is, value for value, in another (``same``)."""

    what: str
    split: str
    same: str
    other: str
    """The other split."""


class ScanCounts(ServiceData):
    """How many of each sort there are, listed or not."""

    unreadable: int
    empty: int
    duplicates: int
    contradictions: int


class ScanReport(ServiceData):
    """The answer to ScanDataset. ``contradictions`` are equal samples of different classes."""

    kind: Literal["scan"] = "scan"
    classes: tuple[ClassCount, ...]
    counts: ScanCounts
    unreadable: tuple[LeftOutSample, ...]
    empty: tuple[EmptyClass, ...]
    duplicates: tuple[DuplicateSample, ...]
    contradictions: tuple[LeftOutSample, ...]
