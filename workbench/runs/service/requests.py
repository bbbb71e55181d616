"""What the engine can be asked for beside training: one class for each request, and their union."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.runs.service.base import ServiceData


def _read_config(data: object) -> object:
    """A configuration from the wire is read as one from a file: what is wrong with it is raised as ConfigError."""
    return files.parse(data) if isinstance(data, Mapping) else data


SentConfig = Annotated[RunConfig, BeforeValidator(_read_config)]


class ServiceRequest(ServiceData):
    """A request. Paths are absolute; splits are ``train``, ``val`` or ``test``."""


class DescribeEnvironment(ServiceRequest):
    """What the machine has to compute with. Answered by Environment."""

    kind: Literal["environment"] = "environment"


class PreviewDataset(ServiceRequest):
    """Sizes, classes and some samples of a dataset. Answered by DatasetPreview."""

    kind: Literal["dataset"] = "dataset"
    config: SentConfig


class ScanDataset(ServiceRequest):
    """What is wrong with a dataset's samples. Answered by ScanReport."""

    kind: Literal["scan"] = "scan"
    config: SentConfig


class SummarizeModel(ServiceRequest):
    """The layers of an architecture on its dataset. Answered by ModelSummary."""

    kind: Literal["model"] = "model"
    config: SentConfig


class EvaluateCheckpoint(ServiceRequest):
    """A checkpoint's metrics on a split of its dataset. Answered by Evaluation."""

    kind: Literal["evaluate"] = "evaluate"
    checkpoint: str
    split: str


class DescribeSamples(ServiceRequest):
    """Some samples of a checkpoint's dataset as a person looks at them. Answered by SampleDescriptions."""

    kind: Literal["samples"] = "samples"
    checkpoint: str
    split: str
    indices: tuple[int, ...]


class DescribeCheckpoint(ServiceRequest):
    """What a checkpoint is of. Answered by CheckpointDescription."""

    kind: Literal["checkpoint"] = "checkpoint"
    path: str


class ExportModel(ServiceRequest):
    """A checkpoint's model written to ``file`` in another format. Answered by ExportedModel."""

    kind: Literal["export"] = "export"
    checkpoint: str
    format: str
    file: str
    opset: int | None = None
    """The version of ONNX's operators; None is the exporter's own choice. It and the names are for ONNX alone."""
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()


class PredictFiles(ServiceRequest):
    """A checkpoint's model on the user's own files. Answered by FilePredictions."""

    kind: Literal["predict"] = "predict"
    checkpoint: str
    files: tuple[str, ...]


class InspectedModel(ServiceData):
    """What is inspected: a checkpoint, or a configuration with fresh weights."""

    checkpoint: str = ""
    config: SentConfig | None = None


class InspectionRequest(ServiceRequest):
    """A request about ``subject``."""

    subject: InspectedModel = InspectedModel()


class InspectBatch(InspectionRequest):
    """The tensors of a batch after one forward and one backward pass. Answered by BatchInspection."""

    kind: Literal["inspect"] = "inspect"


class SliceTensor(InspectionRequest):
    """The last two axes of one of these tensors, at ``index`` of the axes before them. Answered by TensorSlice."""

    kind: Literal["slice"] = "slice"
    group: str
    name: str
    index: tuple[int, ...]


class TraceGraph(InspectionRequest):
    """The graph of a network from its input to its loss. Answered by ModelGraph."""

    kind: Literal["graph"] = "graph"


class MapAttention(InspectionRequest):
    """The attention maps of one layer for one sample, both counted from 0. Answered by AttentionMaps."""

    kind: Literal["attention"] = "attention"
    split: str
    index: int
    layer: int


class RunExamples(ServiceRequest):
    """A help page with what its examples print. Answered by ExamplesPage."""

    kind: Literal["examples"] = "examples"
    page: str


class SweepLearningRate(ServiceRequest):
    """Loss against learning rate; every LearningRatePoint comes as it is measured. Answered by LearningRateSweep."""

    kind: Literal["tune lr"] = "tune lr"
    config: SentConfig


class TryBatchSize(ServiceRequest):
    """Throughput and memory at the configuration's batch size. Answered by BatchSizeTrial."""

    kind: Literal["tune batch"] = "tune batch"
    config: SentConfig


class TryWorkers(ServiceRequest):
    """Throughput with the configuration's loader workers. Answered by WorkersTrial."""

    kind: Literal["tune workers"] = "tune workers"
    config: SentConfig


class PlanMemory(ServiceRequest):
    """The memory that a run will need, measured by one real step. Answered by MemoryEstimate."""

    kind: Literal["tune memory"] = "tune memory"
    config: SentConfig


TuningRequest = SweepLearningRate | TryBatchSize | TryWorkers | PlanMemory
"""Each is answered by a process of its own, so that no trial sees the memory of another."""
AnyInspection = InspectBatch | SliceTensor | TraceGraph | MapAttention
AnyRequest = Annotated[
    DescribeEnvironment
    | PreviewDataset
    | ScanDataset
    | SummarizeModel
    | EvaluateCheckpoint
    | DescribeSamples
    | DescribeCheckpoint
    | ExportModel
    | PredictFiles
    | AnyInspection
    | RunExamples
    | TuningRequest,
    Field(discriminator="kind"),
]


class CallId(ServiceData):
    """The part of a call that any version can read."""

    id: int


class ServiceCall(CallId):
    """A request as a line to the engine; its ``id`` stands in every line of the reply."""

    request: AnyRequest
