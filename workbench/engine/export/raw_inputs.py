"""What stands in front of an exported network: raw values, as they are in a file, become the numbers that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workbench.engine.data.dataset import Source
from workbench.engine.data.tables.description import Description

GAP = -1
"""The number of a category that stands for an empty cell."""
MAX_RELATIVE_MEAN = 1e4
"""A mean that is more deviations away from 0 than this leaves too few of float32's digits to tell the values apart."""
SCALING, FILLING, CATEGORIES, UNITS = "scaling", "filling of missing values", "categories", "units of the targets"


@dataclass(frozen=True)
class RawInput:
    """An input of an exported model: a batch of ``shape``. ``columns`` are those of a table or a series, in their order."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    about: str
    columns: tuple[Description, ...] = ()


@dataclass(frozen=True)
class Front:
    """The part in front of the network, its inputs, and what it does and leaves to whoever calls it."""

    module: nn.Module
    inputs: tuple[RawInput, ...]
    inside: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


class ChannelScaling(nn.Module):
    """Scales raw samples channel by channel."""

    factor: Tensor
    offset: Tensor

    def __init__(self, source: Source) -> None:
        super().__init__()
        shape = (1, -1, *[1] * (len(source.shape) - 1))
        self.register_buffer("factor", torch.tensor(source.scaling.factor).view(shape))
        self.register_buffer("offset", torch.tensor(source.scaling.offset).view(shape))

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, channels, ...) to the same shape."""
        return inputs * self.factor + self.offset


class WindowScaling(nn.Module):
    """Fills the gaps (NaN) of windows with the value before, at a window's beginning with the value behind, and standardizes."""

    mean: Tensor
    std: Tensor

    def __init__(self, columns: Sequence[Description], steps: int) -> None:
        super().__init__()
        self.shifts = [1 << power for power in range((steps - 1).bit_length())]
        """Powers of two: a gap of any length is filled in so few rounds."""
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor([float(column[name]) for column in columns]))

    def forward(self, values: Tensor) -> Tensor:
        """(b, steps, columns) to the same shape."""
        for shift in self.shifts:
            before = torch.cat([values[:, :shift], values[:, :-shift]], dim=1)
            values = torch.where(torch.isnan(values), before, values)
        for shift in self.shifts:
            behind = torch.cat([values[:, shift:], values[:, -shift:]], dim=1)
            values = torch.where(torch.isnan(values), behind, values)
        values = torch.where(torch.isnan(values), self.mean, values)
        return (values - self.mean) / self.std


class NumberColumns(nn.Module):
    """Fills the gaps (NaN) of columns of numbers and standardizes them."""

    fill: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, columns: Sequence[Description], dtype: torch.dtype) -> None:
        super().__init__()
        for name in ("fill", "mean", "std"):
            self.register_buffer(name, torch.tensor([column[name] for column in columns], dtype=dtype))

    def forward(self, numbers: Tensor) -> Tensor:
        """(b, columns) to float32 of the same shape."""
        filled = torch.where(torch.isnan(numbers), self.fill, numbers)
        return ((filled - self.mean) / self.std).to(torch.float32)


class CategoryColumns(nn.Module):
    """Numbers of categories become one input for each category. A number that no category has becomes zeros."""

    owner: Tensor
    number: Tensor

    def __init__(self, columns: Sequence[Description]) -> None:
        super().__init__()
        owners, numbers = list[int](), list[int]()
        for index, column in enumerate(columns):
            categories = [*range(len(column["words"])), *[GAP] * int(column["gap"])]
            owners += [index] * len(categories)
            numbers += categories
        self.register_buffer("owner", torch.tensor(owners))
        self.register_buffer("number", torch.tensor(numbers))

    def forward(self, categories: Tensor) -> Tensor:
        """int64 (b, columns) to float32 (b, categories of all columns)."""
        return (categories.index_select(1, self.owner) == self.number).to(torch.float32)


class MixedColumns(nn.Module):
    """Numbers and categories, side by side in the order that the network knows."""

    order: Tensor

    def __init__(self, numbers: NumberColumns, categories: CategoryColumns, order: list[int]) -> None:
        super().__init__()
        self.numbers, self.categories = numbers, categories
        self.register_buffer("order", torch.tensor(order))

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        """Both (b, columns) to float32 (b, inputs)."""
        return torch.cat([self.numbers(numbers), self.categories(categories)], dim=1).index_select(1, self.order)


def front_of(source: Source) -> Front:
    """What an exported model of this source has in front of its network."""
    facts = source.preprocessing
    if source.vocabulary:
        # A source of the user's own may give token ids without a tokenizer.
        told = "text to token ids: by the tokenizer in “preprocessing”, truncated or padded with 0 to the length"
        outside = (told,) if "tokenizer" in facts else ()
        return Front(nn.Identity(), (RawInput("input", source.shape, torch.int64, "token ids"),), (), outside)
    columns = facts.get("columns", [])
    if (
        facts.get("kind") == "table"
        and columns
        and all(column.get("kind") in ("number", "words") for column in columns)
    ):
        return _table_front(columns)
    if facts.get("kind") == "series" and columns and all({"mean", "std"} <= set(column) for column in columns):
        about = "windows of the columns in their own units, the oldest row first; NaN is a missing value"
        described = RawInput("input", source.shape, torch.float32, about, tuple(columns))
        return Front(WindowScaling(columns, source.shape[0]), (described,), (SCALING, FILLING))
    scaled = not source.scaling.idle
    outside = ()
    about = "the numbers of a sample"
    if facts.get("kind") == "pictures":
        about = f"the values of pixels, from 0 to {facts.get('white', 255)}"
        outside = ("resizing and cropping of the image, and its number of channels",)
    elif facts.get("kind") in ("table", "series"):
        about, outside = "inputs prepared as in “preprocessing”", ("everything in “preprocessing”",)
    described = RawInput("input", source.shape, torch.float32, about)
    module = ChannelScaling(source) if scaled else nn.Identity()
    return Front(module, (described,), (SCALING,) if scaled else (), outside)


def float_for(means: Sequence[float], stds: Sequence[float]) -> torch.dtype:
    """The type in which numbers of these means and deviations can be told apart."""
    far = any(abs(mean) > MAX_RELATIVE_MEAN * std for mean, std in zip(means, stds, strict=True))
    return torch.float64 if far else torch.float32


def _table_front(columns: Sequence[Description]) -> Front:
    numbers = [column for column in columns if column["kind"] == "number"]
    words = [column for column in columns if column["kind"] == "words"]
    means, stds = [column["mean"] for column in numbers], [column["std"] for column in numbers]
    dtype = float_for(means, stds)
    inputs, inside = [], [SCALING, FILLING] if numbers else []
    if numbers:
        about = "the columns of numbers in their own units; NaN is a missing value"
        inputs.append(RawInput("input", (len(numbers),), dtype, about, tuple(numbers)))
    if words:
        inside.append(CATEGORIES)
        about = (
            f"the number of each column's category in its “words”, counted from 0; {GAP} is a missing value, "
            "and any other number a category that was not known in training"
        )
        inputs.append(RawInput("categories", (len(words),), torch.int64, about, tuple(words)))
    outside = ("words to the numbers of their categories: by the “words” of each column",) if words else ()
    if numbers and words:
        module: nn.Module = MixedColumns(NumberColumns(numbers, dtype), CategoryColumns(words), _order(columns))
    else:
        module = NumberColumns(numbers, dtype) if numbers else CategoryColumns(words)
    return Front(module, tuple(inputs), tuple(inside), outside)


def _order(columns: Sequence[Description]) -> list[int]:
    """Where each of the network's inputs stands among those of all numbers, followed by those of all categories."""
    number = 0
    category = sum(column["kind"] == "number" for column in columns)
    order = list[int]()
    for column in columns:
        if column["kind"] == "number":
            order.append(number)
            number += 1
        else:
            width = len(column["words"]) + int(column["gap"])
            order += range(category, category + width)
            category += width
    return order
