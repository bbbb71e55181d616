"""What a source gives: samples in splits, the task they pose, and how raw values become the network's input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

Progress = Callable[[str, float | None], None]


def no_progress(text: str, share: float | None = None) -> None:
    """A progress callback that does nothing."""


@dataclass(frozen=True)
class LeftOut:
    """A sample that cannot be used, and why."""

    what: str
    why: str


class LeaveOut:
    """The samples to leave out, by name."""

    def __init__(self, names: Sequence[str]) -> None:
        self._wanted = set(names)
        self._met: set[str] = set()
        self._count = 0

    def keeps(self, *names: str) -> bool:
        """Whether a sample that bears these names is used."""
        met = self._wanted.intersection(names)
        self._met |= met
        self._count += bool(met)
        return not met

    def notes(self) -> list[str]:
        """How many samples were left out, and how many names were not found, for a person."""
        missing = len(self._wanted - self._met)
        notes = [f"{self._count:,} {_samples(self._count)} left out as chosen"] if self._count else []
        return notes + ([f"{missing:,} {_samples(missing)} to be left out but not in the data"] if missing else [])


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
    names: tuple[str, ...] = ()

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
    notes: tuple[str, ...] = ()
    vocabulary: int = 0
    """Number of token ids where samples are text, else 0."""
    preview: dict[str, Any] = field(default_factory=dict)
    """What only this source can show of itself: ``table`` (columns and first rows), ``points``."""

    def split(self, name: str) -> Split | None:
        """The split of that name: train, val or test."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]

    @property
    def sample_bytes(self) -> int:
        """Bytes of one raw sample in memory."""
        return self.train.read([0]).nbytes if len(self.train) else 0
