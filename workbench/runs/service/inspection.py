"""What lies inside a network: its layers, the tensors of a batch, its graph, its attention."""

from __future__ import annotations

from typing import Literal

from workbench.runs.service.base import ServiceData


class LayerSummary(ServiceData):
    """A layer with the shape that it gives (without the batch axis) and its multiply-adds for one sample."""

    name: str
    type: str
    output: tuple[int, ...]
    parameters: int
    trainable: int
    multiply_adds: int


class ModelSummary(ServiceData):
    """The answer to SummarizeModel; ``bytes`` are those of the parameters."""

    kind: Literal["model"] = "model"
    layers: tuple[LayerSummary, ...]
    parameters: int
    trainable: int
    multiply_adds: int
    bytes: int


class ValueHistogram(ServiceData):
    """Counts in bins of equal width from ``low`` to ``high``."""

    low: float
    high: float
    counts: tuple[int, ...]


class TensorFacts(ServiceData):
    """Form and values of a tensor. Figures are of its finite values, None where it has none; ``not_finite`` counts the others."""

    group: str = ""
    name: str = ""
    shape: tuple[int, ...]
    dtype: str
    device: str
    contiguous: bool
    strides: tuple[int, ...]
    elements: int
    bytes: int
    requires_grad: bool
    not_finite: int
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    histogram: ValueHistogram | None = None


class LayerNorms(ServiceData):
    """L2 norms of a layer's gradients (None where it is frozen) and of its weights."""

    name: str
    type: str
    gradient: float | None
    weights: float


class BatchInspection(ServiceData):
    """The answer to InspectBatch."""

    kind: Literal["batch"] = "batch"
    loss: float
    device: str
    tensors: tuple[TensorFacts, ...]
    layers: tuple[LayerNorms, ...]


class TensorSlice(ServiceData):
    """The answer to SliceTensor: ``values`` are the first of ``rows`` and ``columns``; ``whole`` where they are whole numbers."""

    kind: Literal["slice"] = "slice"
    group: str
    name: str
    shape: tuple[int, ...]
    index: tuple[int, ...]
    rows: int
    columns: int
    values: tuple[tuple[float, ...], ...]
    whole: bool


class GraphNode(ServiceData):
    """A layer, a function between layers, an input or the loss; ``detail`` is its name and the shape that it gives."""

    id: str
    label: str
    kind: str
    detail: str


class ModelGraph(ServiceData):
    """The answer to TraceGraph: nodes, edges as pairs of their ids, and how many nodes there are, shown or not."""

    kind: Literal["graph"] = "graph"
    nodes: tuple[GraphNode, ...]
    edges: tuple[tuple[str, str], ...]
    count: int


class AttentionMaps(ServiceData):
    """The answer to MapAttention: ``maps`` is float16 (heads, steps, steps) in base64, a row for each query."""

    kind: Literal["attention"] = "attention"
    index: int
    samples: int
    what: str
    layer: int
    layers: int
    heads: int
    steps: int
    step_names: tuple[str, ...]
    maps: str
