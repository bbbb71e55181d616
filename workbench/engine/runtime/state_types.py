"""The types of the states that a checkpoint holds. Their names are the file's format."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from torch import Tensor

Section = dict[str, object]
"""A section of a configuration as plain data."""


class PositionState(TypedDict):
    """See :class:`workbench.engine.training.resumable_state.Position`."""

    epoch: int
    batch: int
    step: int
    seconds: float
    epochs: int


class OptimizerState(TypedDict):
    """torch's own."""

    state: dict[int, dict[str, object]]
    param_groups: list[dict[str, Any]]


class ScheduleState(TypedDict):
    """See :class:`workbench.engine.training.lr_control.LRSchedule`."""

    base: float
    factor: float
    best: float
    bad: int
    cooling: NotRequired[int]
    follows: NotRequired[str]


class EarlyStoppingState(TypedDict):
    """See :class:`workbench.engine.training.early_stopping.EarlyStopping`."""

    name: str
    best: float | None
    waited: int


class MetricsState(TypedDict):
    """See :class:`workbench.engine.training.resumable_state.RunningMetrics`."""

    train: NotRequired[dict[str, float]]
    val: NotRequired[dict[str, float]]
    sums: list[float]
    sums_format: NotRequired[int]
    monitor: EarlyStoppingState


class RecoveryState(TypedDict):
    """See :class:`workbench.engine.training.recovery.Recovery`."""

    returns: int
    skipped: int
    limit: int | None
    clip_norm: float | None
    calm: float


class VersionsState(TypedDict):
    """Where the checkpoint was written."""

    torch: str
    device: str
    processes: int


class FittedState(TypedDict):
    """What a model's data was fitted to; see :mod:`workbench.engine.data.fitted`."""

    kind: str
    shape: list[int]
    outputs: int
    targets: list[str]
    means: list[float]
    stds: list[float]
    factor: list[float]
    offset: list[float]
    vocabulary: int


class RandomState(TypedDict, total=False):
    """The random streams of one process; ``cuda`` or ``mps`` on such a device."""

    python: Any
    numpy: Any
    cpu: Tensor
    cuda: Tensor
    mps: Tensor


class CheckpointInfoFields(TypedDict, total=False):
    """What is written as JSON beside a checkpoint."""

    epoch: int
    why: str
    best: bool
    value: float | None
    metrics: dict[str, dict[str, float]]


class CheckpointState(TypedDict):
    """Everything."""

    format: int
    config: dict[str, Section]
    versions: VersionsState
    classes: list[str]
    preprocessing: dict[str, Any]
    data: NotRequired[dict[str, Any]]
    task: NotRequired[FittedState]
    model: dict[str, Tensor]
    optimizer: OptimizerState
    ema: NotRequired[dict[str, Tensor]]
    scaler: dict[str, object]
    schedule: ScheduleState
    random: list[RandomState]
    position: PositionState
    metrics: MetricsState
    recovery: NotRequired[RecoveryState]
