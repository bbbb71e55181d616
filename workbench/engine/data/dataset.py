"""What a source gives: samples in splits, the task they pose, and how raw values become the network's input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from workbench.runs.service.data_report import ColumnReport, DataReport, FileReading, Finding

Progress = Callable[[str, float | None], None]


def no_progress(text: str, share: float | None = None) -> None:
    """A progress callback that does nothing."""


@dataclass(frozen=True)
class LeftOut:
    """A sample that is not used, and why; ``chosen``: because the settings say so."""

    what: str
    why: str
    chosen: bool = False


class LeaveOut:
    """The samples to leave out, by name."""

    def __init__(self, names: Sequence[str]) -> None:
        self._wanted = set(names)
        self._met: set[str] = set()
        self.left_out: list[LeftOut] = []

    def keeps(self, *names: str) -> bool:
        """Whether a sample that bears these names is used."""
        met = self._wanted.intersection(names)
        self._met |= met
        if met:
            self.left_out.append(LeftOut(names[0], "left out as chosen", chosen=True))
        return not met

    def findings(self) -> list[Finding]:
        """How many samples were left out, and how many names were not found, for a person."""
        count, missing = len(self.left_out), len(self._wanted - self._met)
        setting, findings = "dataset.leave_out", list[Finding]()
        if count:
            text = f"{count:,} {_samples(count)} left out as chosen"
            findings.append(Finding(severity="assumed", text=text, setting=setting))
        if missing:
            text = f"{missing:,} {_samples(missing)} to be left out but not in the data"
            findings.append(Finding(severity="warning", text=text, hint="correct the names", setting=setting))
        return findings


def _samples(count: int) -> str:
    return "sample is" if count == 1 else "samples are"


@dataclass(frozen=True)
class TaskSpec:
    """What is predicted. ``means`` and ``stds`` scale targets that are numbers back into their own units: one for each, or for all.

    A multi-task has ``classes`` and ``targets``: of its outputs the first are for the classes, the others are the numbers. Its
    targets are float32 (n, 1 + numbers), the number of the class first.
    """

    kind: str
    """The name of the task: classification, regression, multi-task."""
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    means: tuple[float, ...] = (0.0,)
    stds: tuple[float, ...] = (1.0,)

    def scaled(self, values: Tensor) -> Tensor:
        """Numbers in their own units, shape (..., targets), as the network learns them. Keeps a float's dtype."""
        return (values - values.new_tensor(self.means)) / values.new_tensor(self.stds)

    def in_own_units(self, values: Tensor) -> Tensor:
        """Numbers of the network, shape (..., targets), in the units of the targets: float64."""
        values = values.double()
        return values * values.new_tensor(self.stds) + values.new_tensor(self.means)

    @property
    def outputs(self) -> int:
        """Numbers the network gives for one sample."""
        return max(len(self.classes) + len(self.targets), 1)

    @property
    def has_classes(self) -> bool:
        """Whether a class is predicted, alone or beside numbers."""
        return bool(self.classes)

    @property
    def has_numbers(self) -> bool:
        """Whether numbers are predicted, alone or beside a class."""
        return bool(self.targets) or not self.classes

    def class_indices(self, targets: Tensor) -> Tensor | None:
        """The class index of every target, int64 (n,); None where no class is predicted."""
        if not self.has_classes:
            return None
        return targets[:, 0].to(torch.int64) if self.has_numbers else targets


class Split(Protocol):
    """The samples of one split. ``targets``: int64 of shape (n,) for classes, float32 of shape (n, outputs) for numbers."""

    @property
    def targets(self) -> Tensor:
        """The label of every sample."""
        ...

    def __len__(self) -> int: ...

    def read(self, indices: Sequence[int]) -> Tensor:
        """The raw inputs of some samples, shape (len(indices), ...), uint8 or float32."""
        ...

    def name(self, index: int) -> str:
        """The name that is shown for that sample."""
        ...


@dataclass(frozen=True)
class TensorSplit:
    """A split that is a tensor already."""

    inputs: Tensor
    targets: Tensor
    word: str = "sample"
    names: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.targets)

    def read(self, indices: Sequence[int]) -> Tensor:
        """The inputs at ``indices``."""
        return self.inputs[torch.as_tensor(indices)]

    def name(self, index: int) -> str:
        """Its name, or its number where it has none."""
        return self.names[index] if self.names else f"{self.word} {index + 1}"


@dataclass(frozen=True)
class Normalization:
    """input = raw * factor + offset, one factor and offset per channel (axis 1 of a batch)."""

    factor: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)

    @property
    def idle(self) -> bool:
        """Whether it changes nothing."""
        return set(self.factor) == {1.0} and set(self.offset) == {0.0}

    def on(self, device: torch.device, dimensions: int) -> Callable[[Tensor], Tensor]:
        """The scaling as a function from a raw batch of ``dimensions`` axes to float32, its constants on ``device``."""
        if self.idle:
            # Token ids stay what they are: they are looked up, not computed with.
            return lambda raw: raw if raw.dtype == torch.int64 else raw.to(torch.float32)
        shape = (1, -1, *[1] * (dimensions - 2))
        factor = torch.tensor(self.factor, device=device).view(shape)
        offset = torch.tensor(self.offset, device=device).view(shape)
        return lambda raw: torch.addcmul(offset, raw.to(torch.float32), factor)


@dataclass(frozen=True)
class Source:
    """Samples in splits. ``shape`` is that of one sample; ``preprocessing`` is plain data that lets a model be used alone."""

    task: TaskSpec
    shape: tuple[int, ...]
    train: Split
    val: Split
    test: Split | None = None
    scaling: Normalization = Normalization()
    preprocessing: dict[str, Any] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    findings: tuple[Finding, ...] = ()
    found: int | None = None
    """Files, rows or samples that were found; None where every source of a sample is one of those used or left out."""
    unit: str = "sample"
    """What is counted in its report: file, row, sample."""
    used: int | None = None
    """How many of them the samples are made of; None where each is a sample."""
    reading: FileReading | None = None
    columns: tuple[ColumnReport, ...] = ()
    stamp: str = ""
    """Changes when the files do; see :func:`workbench.engine.data.report.stamp_of`."""
    report: DataReport | None = None
    """All of that, counted; see :func:`workbench.engine.data.report.with_report`."""
    vocabulary: int = 0
    """Number of token ids where samples are text, else 0."""
    preview: dict[str, Any] = field(default_factory=dict)
    """What only this source can show of itself: ``table`` (columns and first rows), ``points``."""

    def split(self, name: str) -> Split | None:
        """The split of that name: train, val or test."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]

    @property
    def unusable(self) -> tuple[LeftOut, ...]:
        """What is left out because it cannot be used."""
        return tuple(sample for sample in self.left_out if not sample.chosen)

    @property
    def notes(self) -> tuple[str, ...]:
        """The findings' texts."""
        return tuple(finding.text for finding in self.findings)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one raw sample in memory."""
        return self.train.read([0]).nbytes if len(self.train) else 0
