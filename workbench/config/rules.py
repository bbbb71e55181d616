"""Checks across sections: settings that are valid alone but not together. None of them needs torch or looks at a file."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.config import monitor
from workbench.config.dataset import (
    Dataset,
    Digits,
    ImageCSV,
    ImageFolder,
    PythonData,
    SampleKind,
    Series,
    Synthetic,
    Table,
    Text,
    Torchvision,
)
from workbench.config.fields import kind_of, title_of
from workbench.config.model import CNN, MLP, Heads, ModelSection, PythonModel, ResNet, Transformer
from workbench.config.optimizer import LBFGS, SGD
from workbench.config.problems import Problem
from workbench.config.run import RunConfig
from workbench.config.schedule import Plateau


def problems(config: RunConfig) -> tuple[Problem, ...]:
    """Every problem of a configuration whose single settings are all valid."""
    return (
        *_dataset(config),
        *_architecture(config),
        *_optimizer(config),
        *_validation(config),
        *_hardware(config),
    )


def image_size(dataset: Dataset) -> int | None:
    """The shorter side of a dataset's images in pixels; None where its samples are no images, or where it is not known."""
    if isinstance(dataset, Torchvision):
        return dataset.form[0]
    if isinstance(dataset, (ImageFolder, ImageCSV)):
        return min(dataset.size, dataset.image_width)
    return dataset.size if isinstance(dataset, Digits) else None


def sample_of(dataset: Dataset) -> SampleKind:
    """What one sample of a dataset is."""
    return dataset.sample_kind if isinstance(dataset, PythonData) else dataset.sample


def _dataset(config: RunConfig) -> Iterator[Problem]:
    dataset = config.dataset
    if isinstance(dataset, (ImageFolder, ImageCSV, Table, Series, Text, PythonData)) and not dataset.path.strip():
        wanted = {"image-folder": "folder with images", "python": "Python file"}.get(dataset.kind, "CSV file")
        yield Problem("dataset.path", f"no {wanted} is selected", "select one")
    if isinstance(dataset, Table) and dataset.target and dataset.target in dataset.ignore:
        yield Problem("dataset.ignore", f"the target column {dataset.target!r} is excluded", "remove it from the list")
    if isinstance(dataset, Table):
        yield from _table(dataset)
    if isinstance(dataset, Digits) and dataset.target == "digit-and-ink" and dataset.mixes:
        path = "dataset.augment_mixup" if dataset.augment_mixup > 0 else "dataset.augment_cutmix"
        yield Problem(path, "images with two targets cannot be mixed", "set it to 0")
    if sample_of(dataset) != "images" and dataset.loading == "streamed":
        yield Problem("dataset.loading", "only images can be streamed", "choose auto or resident (in memory)")
    if isinstance(dataset, Synthetic) and dataset.shape == "clusters" and len(dataset.per_class) == 1:
        yield Problem("dataset.per_class", "there is only one class", "give the number of samples of each class")


def _table(dataset: Table) -> Iterator[Problem]:
    if dataset.more_targets and not dataset.target:
        yield Problem(
            "dataset.more_targets", "there are additional targets but no target", "select the target column as well"
        )
    if dataset.group and dataset.time:
        yield Problem("dataset.group", "rows can be split by group or by time, not both", "leave one of them empty")
    used = [name for name in (dataset.target, dataset.group, dataset.time, *dataset.ignore) if name]
    for name in dataset.more_targets:
        if name in used or dataset.more_targets.count(name) > 1:
            yield Problem("dataset.more_targets", f"the column {name!r} is given twice", "remove one of them")
    if dataset.target and dataset.target in (dataset.group, dataset.time):
        yield Problem("dataset.target", f"the column {dataset.target!r} is given twice", "choose another column")


def _architecture(config: RunConfig) -> Iterator[Problem]:
    model, sample = config.model, sample_of(config.dataset)
    if sample not in model.accepts:
        names = {"images": "images", "vector": "rows of numbers", "series": "time series", "text": "texts"}
        accepted = " or ".join(names[kind] for kind in model.accepts)
        yield Problem(
            "model.kind",
            f"{title_of(type(model))} accepts {accepted}, but the samples are {names[sample]}",
            f"choose {', '.join(kind_of(kind) for kind in _models() if sample in kind.accepts)}, or another dataset",
        )
    if (
        isinstance(config.dataset, Digits)
        and config.dataset.target == "digit-and-ink"
        and not isinstance(model, (Heads, PythonModel))
    ):
        yield Problem("model.kind", "two tasks need a model with multiple heads", "choose heads")
    if isinstance(model, MLP):
        yield from _check_count("model.dropout", model.dropout, len(model.hidden), "hidden layer")
    if isinstance(model, Heads):
        yield from _check_count("model.dropout", model.dropout, len(model.trunk), "hidden layer of the trunk")
    if isinstance(model, Transformer) and model.width % model.attention_heads:
        yield Problem(
            "model.attention_heads",
            f"the model width {model.width} is not divisible by {model.attention_heads} attention heads",
            "choose a divisor of the model width",
        )
    if isinstance(model, PythonModel) and not model.path.strip():
        yield Problem("model.path", "no Python file is selected", "select one")
    if isinstance(model, ResNet):
        yield from _check_count("model.dropout", model.dropout, 1, "output")
        if not model.blocks:
            yield Problem(
                "model.blocks", "a residual network needs at least one stage", "give the number of blocks of each stage"
            )
    if isinstance(model, CNN):
        yield from _cnn(config, model)
    yield from _norm_groups(model)


def _models() -> tuple[type[ModelSection], ...]:
    from workbench.config.run import variants

    return tuple(kind for kind in variants("model") if issubclass(kind, ModelSection))


def _norm_groups(model: ModelSection) -> Iterator[Problem]:
    groups = model.norm_groups if isinstance(model, (MLP, CNN, ResNet, Heads)) and model.norm == "group" else "auto"
    if groups == "auto":
        return
    wrong = [width for width in _normalized_widths(model) if width % groups]
    if wrong:
        what = f"{wrong[0]} units or channels cannot be divided into {groups} groups"
        yield Problem("model.norm_groups", what, "choose a number that divides all of them, or auto")


def _normalized_widths(model: ModelSection) -> tuple[int, ...]:
    """Units or channels of the layers that are normalized; those of a residual network's later stages are multiples."""
    match model:
        case MLP():
            return model.hidden
        case CNN():
            return model.channels
        case ResNet():
            return (model.width,)
        case Heads():
            return model.trunk
    return ()


def _cnn(config: RunConfig, model: CNN) -> Iterator[Problem]:
    if not model.channels:
        yield Problem(
            "model.channels", "a convolutional network needs at least one block", "give the channels of each block"
        )
    yield from _check_count("model.dropout", model.dropout, len(model.channels), "block")
    yield from _check_count("model.head_dropout", model.head_dropout, len(model.head), "hidden layer of the head")
    size = image_size(config.dataset)
    if size is not None and size >> len(model.channels) < 1:
        blocks = size.bit_length() - 1
        yield Problem(
            "model.channels",
            f"{size} x {size} pixels can be halved only {blocks} times",
            f"use at most {blocks} blocks",
        )


def _check_count(path: str, values: tuple[float, ...], layers: int, what: str) -> Iterator[Problem]:
    if len(values) not in (1, layers) and not (layers == 0 and len(values) <= 1):
        yield Problem(
            path, f"there are {len(values)} values for {layers} × {what}", "give one value for all, or one for each"
        )


def _optimizer(config: RunConfig) -> Iterator[Problem]:
    optimizer, hardware = config.optimizer, config.hardware
    if isinstance(optimizer, SGD) and optimizer.nesterov and optimizer.dampening > 0:
        yield Problem("optimizer.dampening", "Nesterov momentum cannot be used with dampening", "set it to 0")
    if hardware.parallel == "data-parallel" and isinstance(hardware.processes, int) and hardware.processes > 1:
        yield Problem("hardware.processes", "DataParallel uses all GPUs from one process", "choose 1 or auto")
    if hardware.parallel == "data-parallel" and hardware.compile:
        yield Problem(
            "hardware.compile",
            "DataParallel copies the model at every step and cannot be compiled",
            "choose DistributedDataParallel",
        )
    if isinstance(optimizer, LBFGS):
        if isinstance(hardware.processes, int) and hardware.processes > 1:
            yield Problem("hardware.processes", "LBFGS supports only one process", "choose 1, or another optimizer")
        if hardware.precision == "fp16":
            yield Problem(
                "hardware.precision", "LBFGS does not support the loss scaling of fp16", "choose fp32 or bf16"
            )
        if optimizer.groups:
            yield Problem(
                "optimizer.groups", "LBFGS supports only one learning rate for all parameters", "leave them empty"
            )


def _validation(config: RunConfig) -> Iterator[Problem]:
    wanted = config.training.monitor
    if not monitor.is_known(wanted):
        yield Problem("training.monitor", f"there is no metric “{wanted}”", f"choose {monitor.all_names()}")
    # Folders named train and val are a split of their own, which only the engine can see.
    if config.dataset.validation > 0 or isinstance(config.dataset, ImageFolder):
        return
    if isinstance(config.dataset, Torchvision) and config.dataset.validation_from == "test":
        return
    hint = "set a validation split above 0"
    if config.training.early_stopping != "off":
        yield Problem("training.early_stopping", "early stopping needs validation samples", hint)
    if wanted.startswith("val.") and monitor.is_known(wanted):
        yield Problem("training.monitor", f"“{wanted}” needs validation samples", hint)
    if isinstance(config.schedule, Plateau):
        yield Problem("schedule.kind", "the plateau schedule needs validation samples", hint)


def _hardware(config: RunConfig) -> Iterator[Problem]:
    hardware = config.hardware
    if hardware.precision in ("fp16", "tf32") and hardware.device in ("cpu", "mps"):
        yield Problem(
            "hardware.precision",
            f"{hardware.precision} needs an NVIDIA GPU, but the device is {hardware.device}",
            "choose fp32 or bf16, or another device",
        )
    several = isinstance(hardware.processes, int) and hardware.processes > 1
    if several and (hardware.device == "mps" or hardware.device.startswith("cuda:")):
        yield Problem(
            "hardware.processes",
            f"{hardware.device} is a single device, which supports one process",
            "choose 1 or auto",
        )
