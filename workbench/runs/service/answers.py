"""The answers to requests, and the lines of a reply: progress and points as they come, then an answer or problems."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter

from workbench.config.problems import Problem
from workbench.runs.service.base import Number, ServiceData
from workbench.runs.service.evaluation import Evaluation, FilePredictions
from workbench.runs.service.inspection import AttentionMaps, BatchInspection, ModelGraph, ModelSummary, TensorSlice
from workbench.runs.service.samples import DatasetPreview, SampleDescriptions, ScanReport
from workbench.runs.service.tuning import (
    BatchSizeTrial,
    LearningRatePoint,
    LearningRateSweep,
    MemoryEstimate,
    WorkersTrial,
)


class ComputeDevice(ServiceData):
    """A device that a run can be computed on; ``memory`` in bytes."""

    id: str
    name: str
    memory: int
    precisions: tuple[str, ...]


class Environment(ServiceData):
    """The answer to DescribeEnvironment. ``chosen`` is the device that ``auto`` means."""

    kind: Literal["environment"] = "environment"
    devices: tuple[ComputeDevice, ...]
    chosen: str
    torch: str
    torchvision: str
    python: str
    platform: str
    cuda: str | None
    cuda_available: bool
    mps_available: bool
    threads: int
    warnings: tuple[str, ...]


class CheckpointDescription(ServiceData):
    """The answer to DescribeCheckpoint. ``config`` may be one that this version cannot use; ``run`` is empty without one."""

    kind: Literal["checkpoint"] = "checkpoint"
    config: dict[str, JsonValue]
    step: int
    epoch: int
    metrics: dict[str, JsonValue]
    classes: tuple[str, ...]
    versions: dict[str, JsonValue]
    run: str


class ExportCheck(ServiceData):
    """What an exported file gives beside what its model gives, on samples of the run as they are before any preparation."""

    samples: int
    origin: str
    """Which samples: those of a split, or random ones and why."""
    batch_sizes: tuple[int, ...]
    difference: Number
    """The largest difference of an output, in its own unit."""

    @property
    def text(self) -> str:
        """All of that as a sentence."""
        sizes = " and ".join(map(str, self.batch_sizes))
        word = "batch size" if len(self.batch_sizes) == 1 else "batch sizes"
        return f"Checked on {self.samples} {self.origin} at {word} {sizes}: outputs differ by at most {self.difference:.2g}."


class ExportedModel(ServiceData):
    """The answer to ExportModel: the file, its size, what to know of the format, and how exact it is."""

    kind: Literal["export"] = "export"
    file: str
    bytes: int
    drawback: str = ""
    check: ExportCheck | None = None
    """None where the file holds no network that could be compared."""


class ExampleSection(ServiceData):
    """A section of a help page, with what its code printed."""

    title: str
    text: str
    code: str
    output: str


class ExamplesPage(ServiceData):
    """The answer to RunExamples."""

    kind: Literal["examples"] = "examples"
    page: str
    title: str
    sections: tuple[ExampleSection, ...]


AnyAnswer = Annotated[
    Environment
    | DatasetPreview
    | ScanReport
    | ModelSummary
    | Evaluation
    | SampleDescriptions
    | CheckpointDescription
    | ExportedModel
    | FilePredictions
    | BatchInspection
    | TensorSlice
    | ModelGraph
    | AttentionMaps
    | ExamplesPage
    | LearningRateSweep
    | BatchSizeTrial
    | WorkersTrial
    | MemoryEstimate,
    Field(discriminator="kind"),
]


class ReplyHead(ServiceData):
    """The part of a line that any version can read."""

    kind: str
    id: int


class WorkProgressed(ServiceData):
    """What the engine is doing for a request; ``share`` from 0 to 1, None where it is not known."""

    kind: Literal["progress"] = "progress"
    id: int
    text: str
    share: float | None = None


class PointMeasured(ServiceData):
    """A point of a sweep."""

    kind: Literal["point"] = "point"
    id: int
    point: LearningRatePoint


class RequestAnswered(ServiceData):
    """The last line of a reply."""

    kind: Literal["answer"] = "answer"
    id: int
    answer: AnyAnswer


class RequestRefused(ServiceData):
    """The last line of a reply: why there is no answer."""

    kind: Literal["problems"] = "problems"
    id: int
    problems: tuple[Problem, ...]


LAST_LINES = ("answer", "problems")
"""The kinds of the last line of a reply."""
AnyReply = Annotated[
    WorkProgressed | PointMeasured | RequestAnswered | RequestRefused,
    Field(discriminator="kind"),
]
REPLY: TypeAdapter[AnyReply] = TypeAdapter(AnyReply, config=ConfigDict(defer_build=True))
"""Reads a line of a reply. Raises ValidationError."""
