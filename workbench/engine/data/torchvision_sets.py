"""The sets that torchvision knows. Those that come as whole arrays are read here from their own files, without asking for
hashes: a user's files in the same format are as good. The others are read by torchvision, image by image."""

from __future__ import annotations

import gzip
import importlib
import inspect
import io
import pickle
import struct
import urllib.error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from workbench.config.dataset import Torchvision
from workbench.engine.data import downloading
from workbench.engine.data.dataset import Normalization, Progress, Source, Split, TaskSpec, TensorSplit
from workbench.engine.data.images import scaling_of
from workbench.engine.data.split import split
from workbench.engine.runtime.failures import RefusedError

STANDARD = {
    "MNIST": ((0.1307,), (0.3081,)),
    "CIFAR10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
}
"""Means and standard deviations that everybody uses for these sets."""
STATISTICS_SAMPLES = 5000
PUBLISHED = "use a batch of CIFAR as it is published"
DIGITS = tuple("0123456789")
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
KUZUSHIJI = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
IDX = {"MNIST": DIGITS, "FashionMNIST": FASHION, "KMNIST": KUZUSHIJI}


@dataclass(frozen=True)
class _Batches:
    """Where one of CIFAR's sets has its parts, and how it calls them."""

    folder: str
    train: tuple[str, ...]
    test: str
    meta: str
    names: str
    labels: str


CIFAR = {
    "CIFAR10": _Batches(
        "cifar-10-batches-py",
        tuple(f"data_batch_{number}" for number in range(1, 6)),
        "test_batch",
        "batches.meta",
        "label_names",
        "labels",
    ),
    "CIFAR100": _Batches("cifar-100-python", ("train",), "test", "meta", "fine_label_names", "fine_labels"),
}

Arrays = tuple[Tensor, Tensor, Tensor, Tensor, tuple[str, ...]]
"""Images and labels of training and of the test, and the classes."""


def load(config: Torchvision, progress: Progress) -> Source:
    """A known set, its test part as the test split. Raises RefusedError."""
    root = Path(config.path).expanduser()
    progress(f"reading {config.name}", None)
    with downloading.report_downloads(progress, config.name):
        return _load(config, root, progress)


def _load(config: Torchvision, root: Path, progress: Progress) -> Source:
    if config.name in IDX or config.name in CIFAR:
        read = _read_idx if config.name in IDX else _read_cifar
        arrays = _with_download(config, root, progress, lambda: read(config.name, root))
        return _of_arrays(config, arrays)
    return _of_torchvision(config, root, progress)


def _of_arrays(config: Torchvision, arrays: Arrays) -> Source:
    images, labels, test, test_labels, classes = arrays
    train, val = _divide(config, labels)
    train_images = images[train]
    train_split = TensorSplit(train_images, labels[train], "image")
    test_split = TensorSplit(test, test_labels, "test image") if len(test) else None
    val_split: Split = TensorSplit(images[val], labels[val], "image")
    if config.validation_from == "test":
        val_split, test_split = _required_test(config, test_split), None
    scaling, preprocessing = _scaling(config.name, train_images)
    return Source(
        task=TaskSpec("classification", classes),
        shape=tuple(images.shape[1:]),
        train=train_split,
        val=val_split,
        test=test_split,
        scaling=scaling,
        preprocessing={
            **preprocessing,
            "size": images.shape[-1],
            "channels": "gray" if images.shape[1] == 1 else "rgb",
        },
    )


def _divide(config: Torchvision, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The training set's indices for training and for validation: all for training where the test set validates."""
    share = 0.0 if config.validation_from == "test" else config.validation
    return split(len(labels), labels if config.split == "per-class" else None, share, config.split_seed)


def _required_test(config: Torchvision, test: Split | None) -> Split:
    if test is None:
        what = f"{config.name} has no test set with labels"
        raise RefusedError(what, "validate on a part of the training set", "dataset.validation_from")
    return test


def _scaling(name: str, images: Tensor) -> tuple[Normalization, dict[str, Any]]:
    if name in STANDARD:
        means, stds = STANDARD[name]
        offset = tuple(-mean / std for mean, std in zip(means, stds, strict=True))
        preprocessing = {"kind": "pictures", "white": 255, "mean": list(means), "std": list(stds)}
        return Normalization(tuple(1 / (255 * std) for std in stds), offset), preprocessing
    return scaling_of(images[:: max(1, len(images) // STATISTICS_SAMPLES)])


def _with_download(config: Torchvision, root: Path, progress: Progress, read: Callable[[], Any]) -> Any:
    """What ``read`` gives; after a download where files are missing and one is wanted. Raises RefusedError."""
    try:
        return read()
    except FileNotFoundError as error:
        missing = str(error)
        if not config.download:
            raise _missing(config, root, missing, "") from None
    progress(f"downloading {config.name}", None)
    try:
        _torchvision_class(config)(download=True)
        return read()
    except FileNotFoundError as error:
        raise _missing(config, root, str(error), "") from None
    except (urllib.error.URLError, RuntimeError, OSError) as error:
        raise _missing(config, root, missing, f" The download failed: {error}.") from error


def _missing(config: Torchvision, root: Path, what: str, why: str) -> RefusedError:
    text = f"{config.name} is not in {root.resolve()}: {what} is missing.{why}"
    hint = (
        f"where there is a network, download it with torchvision.datasets.{config.name}(root, download=True); "
        "then copy the folder here, or choose the folder that contains it"
    )
    return RefusedError(text, hint, "dataset.path")


# --- arrays in files ---


def _read_idx(name: str, root: Path) -> Arrays:
    """The IDX files of MNIST and its like, plain or packed by gzip. Raises FileNotFoundError, RefusedError."""
    folder = root / name / "raw"
    parts = []
    for start in ("train", "t10k"):
        images = idx(folder / f"{start}-images-idx3-ubyte", 3)
        labels = idx(folder / f"{start}-labels-idx1-ubyte", 1).to(torch.int64)
        if len(images) != len(labels):
            raise RefusedError(
                f"{folder} has {len(images)} images and {len(labels)} labels", "download it again", "dataset.path"
            )
        parts += [images[:, None], labels]
    classes = IDX[name]
    if len(parts[1]) and int(parts[1].max()) >= len(classes):
        what = f"{folder} contains the label {int(parts[1].max())}, and {name} has {len(classes)} classes"
        raise RefusedError(what, "download it again", "dataset.path")
    return (parts[0], parts[1], parts[2], parts[3], classes)


def idx(path: Path, dimensions: int) -> Tensor:
    """An IDX file of bytes as uint8. The format: two zeros, type 8, the dimensions, their sizes as big-endian int32, the bytes.

    Raises FileNotFoundError with the file's name, RefusedError for another content.
    """
    packed = path.with_name(path.name + ".gz")
    if not path.is_file() and not packed.is_file():
        raise FileNotFoundError(str(path))
    try:
        data = path.read_bytes() if path.is_file() else gzip.decompress(packed.read_bytes())
    except (OSError, EOFError) as error:
        raise RefusedError(f"{packed} is damaged: {error}", "download it again", "dataset.path") from error
    head = 4 + 4 * dimensions
    if len(data) < head or data[:4] != bytes([0, 0, 8, dimensions]):
        raise RefusedError(f"{path} is not an IDX file of {dimensions} dimensions", "download it again", "dataset.path")
    sizes = struct.unpack(f">{dimensions}I", data[4:head])
    if len(data) - head != int(np.prod(sizes, dtype=np.int64)):
        raise RefusedError(f"{path} is truncated or too long", "download it again", "dataset.path")
    return torch.from_numpy(np.frombuffer(data, dtype=np.uint8, offset=head).reshape(sizes).copy())


class _ArraysOnly(pickle.Unpickler):
    """Reads pickles that hold plain containers and NumPy arrays, and nothing that could run code."""

    KNOWN = frozenset(
        (module, name)
        for names, modules in (
            (("_reconstruct",), ("numpy.core.multiarray", "numpy._core.multiarray")),
            (("ndarray", "dtype"), ("numpy",)),
            (("encode",), ("_codecs",)),
        )
        for module in modules
        for name in names
    )

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle asks for by name. Raises UnpicklingError for all but arrays."""
        if (module, name) not in self.KNOWN:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}")
        return super().find_class(module, name)


def unpickle(path: Path) -> dict[Any, Any]:
    """A pickled dictionary of arrays. Executes nothing. Raises FileNotFoundError, RefusedError."""
    if not path.is_file():
        raise FileNotFoundError(str(path))
    try:
        content = _ArraysOnly(io.BytesIO(path.read_bytes()), encoding="bytes").load()
    # A damaged pickle makes the reader fail in any way it likes.
    except Exception as error:
        raise RefusedError(f"{path} cannot be opened: {error}", PUBLISHED, "dataset.path") from error
    if not isinstance(content, dict):
        raise RefusedError(f"{path} contains no batch of images", PUBLISHED, "dataset.path")
    return {key.decode() if isinstance(key, bytes) else key: value for key, value in content.items()}


def _read_cifar(name: str, root: Path) -> Arrays:
    kind = CIFAR[name]
    folder = root / kind.folder
    named = unpickle(folder / kind.meta).get(kind.names, [])
    classes = tuple(word.decode() if isinstance(word, bytes) else str(word) for word in named)
    parts = [_batch(folder / batch, kind.labels, len(classes)) for batch in (*kind.train, kind.test)]
    images = torch.cat([part[0] for part in parts[:-1]])
    labels = torch.cat([part[1] for part in parts[:-1]])
    return images, labels, *parts[-1], classes


def _batch(path: Path, key: str, classes: int) -> tuple[Tensor, Tensor]:
    content = unpickle(path)
    try:
        data = np.asarray(content["data"], dtype=np.uint8).reshape(-1, 3, 32, 32)
        labels = torch.tensor([int(label) for label in content[key]])
    except (KeyError, ValueError, TypeError) as error:
        raise RefusedError(
            f"{path} contains no batch of images: {error}", "download it again", "dataset.path"
        ) from error
    if len(data) != len(labels) or (len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes):
        raise RefusedError(f"{path}: images and labels do not match", "download it again", "dataset.path")
    return torch.from_numpy(data.copy()), labels


# --- images by torchvision ---


@dataclass(frozen=True)
class KnownSplit:
    """Some samples of one of torchvision's datasets, decoded when they are asked for."""

    dataset: Any
    indices: Sequence[int]
    targets: Tensor
    size: int
    channels: str

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, indices: Sequence[int]) -> Tensor:
        """uint8 (n, channels, size, size)."""
        return torch.stack([self._image(self.dataset[self.indices[index]][0]) for index in indices])

    def name(self, index: int) -> str:
        """Its number in the set."""
        return f"image {self.indices[index] + 1}"

    def _image(self, image: Image.Image) -> Tensor:
        image = image.convert("RGB" if self.channels == "rgb" else "L")
        if image.size != (self.size, self.size):
            image = ImageOps.fit(image, (self.size, self.size), Image.Resampling.BILINEAR)
        array = np.array(image, dtype=np.uint8)
        return torch.from_numpy(array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1)))


def _torchvision_class(config: Torchvision) -> Callable[..., Any]:
    """The set's class with its root, and with its part where it has several."""
    dataset_class = getattr(importlib.import_module("torchvision.datasets"), config.name)
    root = Path(config.path).expanduser()
    extra = {"split": config.subset} if config.name == "EMNIST" else {}

    def create(**arguments: Any) -> Any:
        known = inspect.signature(dataset_class.__init__).parameters
        wanted = {name: value for name, value in {**extra, **arguments}.items() if name in known or "kwargs" in known}
        return dataset_class(str(root), **wanted)

    return create


def _of_torchvision(config: Torchvision, root: Path, progress: Progress) -> Source:
    create = _torchvision_class(config)
    try:
        whole = _part(config, create, "train", config.download and not root.is_dir())
    except (RuntimeError, FileNotFoundError, urllib.error.URLError, OSError) as error:
        if not config.download:
            raise _missing(config, root, str(error), "") from error
        progress(f"downloading {config.name}", None)
        try:
            whole = _part(config, create, "train", True)
        except (RuntimeError, urllib.error.URLError, OSError) as again:
            raise _missing(config, root, "a file", f" The download failed: {again}.") from again
    labels, classes = _labels(whole)
    size, channels = config.form
    train, held_out = (
        KnownSplit(whole, indices.tolist(), labels[indices], size, channels) for indices in _divide(config, labels)
    )
    val: Split = held_out
    try:
        held = _part(config, create, "test", config.download)
        held_labels, _ = _labels(held)
        test: Split | None = KnownSplit(held, list(range(len(held_labels))), held_labels, size, channels)
    # Some sets have no test part, or none with labels.
    except (RuntimeError, ValueError, urllib.error.URLError, OSError):
        test = None
    if config.validation_from == "test":
        val, test = _required_test(config, test), None
    step = max(1, len(train) // STATISTICS_SAMPLES)
    scaling, preprocessing = scaling_of(train.read(range(0, len(train), max(step, 1))[:STATISTICS_SAMPLES]))
    form = {"size": size, "channels": channels}
    shape = (3 if channels == "rgb" else 1, size, size)
    return Source(TaskSpec("classification", classes), shape, train, val, test, scaling, {**preprocessing, **form})


def _part(config: Torchvision, create: Callable[..., Any], name: str, download: bool) -> Any:
    """Training or test part, whichever way the set's class names it; a set without parts is all training."""
    known = inspect.signature(getattr(importlib.import_module("torchvision.datasets"), config.name).__init__).parameters
    if config.name == "EMNIST" or "train" in known:
        return create(train=name == "train", download=download)
    if config.name == "OxfordIIITPet":
        return create(split="trainval" if name == "train" else "test", download=download)
    if "split" in known:
        return create(split=name, download=download)
    if name != "train":
        raise ValueError("no test part")
    return create(download=download)


def _labels(dataset: Any) -> tuple[Tensor, tuple[str, ...]]:
    values = next(
        (getattr(dataset, name) for name in ("targets", "labels", "_labels", "y") if hasattr(dataset, name)), None
    )
    if values is None:
        values = [dataset[index][1] for index in range(len(dataset))]
    labels = torch.as_tensor(np.asarray(values)).to(torch.int64).flatten()
    named = getattr(dataset, "classes", None) or getattr(dataset, "categories", None)
    count = int(labels.max()) + 1 if len(labels) else 0
    classes = tuple(map(str, named)) if named and len(named) >= count else tuple(str(number) for number in range(count))
    return labels, classes
