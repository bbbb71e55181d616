"""Checks across sections: what is allowed alone but not together. None of them needs torch or looks at a file."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.config.dataset import Dataset, Digits, ImageFolder, Synthetic, Table
from workbench.config.model import CNN, MLP
from workbench.config.problems import Problem
from workbench.config.run import RunConfig
from workbench.config.schedule import Plateau


def problems(config: RunConfig) -> tuple[Problem, ...]:
    """Every problem of a configuration whose single settings are all valid."""
    return (*_source(config), *_architecture(config), *_validation(config), *_hardware(config))


def picture_size(dataset: Dataset) -> int | None:
    """Height and width of a source's pictures in pixels; None where its samples are no pictures."""
    if isinstance(dataset, Digits):
        return 8
    return dataset.size if isinstance(dataset, ImageFolder) else None


def _source(config: RunConfig) -> Iterator[Problem]:
    dataset = config.dataset
    if isinstance(dataset, (ImageFolder, Table)) and not dataset.path.strip():
        what = "folder with pictures" if isinstance(dataset, ImageFolder) else "CSV file"
        yield Problem("dataset.path", f"no {what} is chosen", "give its path")
    if isinstance(dataset, Table) and dataset.target and dataset.target in dataset.ignore:
        yield Problem("dataset.ignore", f"the target column {dataset.target!r} is left out", "take it off the list")
    if isinstance(dataset, (Table, Synthetic)) and dataset.loading == "streamed":
        yield Problem("dataset.loading", "tables and synthetic samples are always resident", "choose auto or resident")


def _architecture(config: RunConfig) -> Iterator[Problem]:
    model = config.model
    if isinstance(model, MLP):
        yield from _one_or_each("model.dropout", model.dropout, len(model.hidden), "hidden layer")
    if not isinstance(model, CNN):
        return
    if not model.channels:
        yield Problem(
            "model.channels", "a convolutional network needs at least one block", "give the channels of each block"
        )
    yield from _one_or_each("model.dropout", model.dropout, len(model.channels), "block")
    yield from _one_or_each("model.head_dropout", model.head_dropout, len(model.head), "hidden layer of the head")
    size = picture_size(config.dataset)
    if size is None:
        yield Problem(
            "model.kind", "a convolutional network needs pictures", "choose mlp or linear, or a source of pictures"
        )
    elif size >> len(model.channels) < 1:
        blocks = size.bit_length() - 1
        yield Problem(
            "model.channels", f"{size} x {size} pixels can be halved {blocks} times only", f"at most {blocks} blocks"
        )


def _one_or_each(path: str, values: tuple[float, ...], layers: int, what: str) -> Iterator[Problem]:
    if len(values) not in (1, layers) and not (layers == 0 and len(values) <= 1):
        yield Problem(
            path, f"{len(values)} values for {layers} times {what}", "give one value for all, or one for each"
        )


def _validation(config: RunConfig) -> Iterator[Problem]:
    # Folders named train and val are a split of their own, which only the engine can see.
    if config.dataset.validation > 0 or isinstance(config.dataset, ImageFolder):
        return
    hint = "give dataset.validation a share"
    if config.training.early_stopping != "off":
        yield Problem("training.early_stopping", "early stopping needs validation samples", hint)
    if isinstance(config.schedule, Plateau):
        yield Problem("schedule.kind", "the plateau schedule needs validation samples", hint)


def _hardware(config: RunConfig) -> Iterator[Problem]:
    hardware = config.hardware
    if hardware.precision in ("fp16", "tf32") and hardware.device in ("cpu", "mps"):
        yield Problem(
            "hardware.precision",
            f"{hardware.precision} needs an NVIDIA GPU, and the device is {hardware.device}",
            "choose fp32 or bf16, or another device",
        )
    several = isinstance(hardware.processes, int) and hardware.processes > 1
    if several and (hardware.device == "mps" or hardware.device.startswith("cuda:")):
        yield Problem(
            "hardware.processes", f"{hardware.device} is one device: one process trains on it", "choose 1 or auto"
        )
