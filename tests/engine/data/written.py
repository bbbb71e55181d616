"""Small data sets written in the formats that people publish them in."""

import gzip
import pickle
import struct
from pathlib import Path

import numpy as np


def idx(path: Path, array: np.ndarray, packed: bool = False) -> None:
    """An array of bytes as an IDX file, plain or packed by gzip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = (
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    )
    if packed:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(data))
    else:
        path.write_bytes(data)


def mnist(root: Path, name: str = "MNIST", train: int = 60, test: int = 20, packed: bool = False) -> None:
    """Pictures whose brightness tells their class, as the four files of MNIST."""
    for start, count in (("train", train), ("t10k", test)):
        labels = np.arange(count) % 10
        pictures = np.broadcast_to((labels * 25)[:, None, None], (count, 28, 28))
        idx(root / name / "raw" / f"{start}-images-idx3-ubyte", pictures, packed)
        idx(root / name / "raw" / f"{start}-labels-idx1-ubyte", labels, packed)


def cifar10(root: Path, each: int = 10) -> Path:
    """The batches of CIFAR-10 as Python 2 pickled them: protocol 2, byte strings as keys."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        labels = [number % 10 for number in range(each)]
        data = np.repeat(np.array(labels, dtype=np.uint8)[:, None] * 25, 3072, axis=1)
        batch = {b"data": data, b"labels": labels, b"batch_label": name.encode(), b"filenames": [b"a.png"] * each}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    names = [f"class {number}".encode() for number in range(10)]
    (folder / "batches.meta").write_bytes(pickle.dumps({b"label_names": names, b"num_vis": 3072}, protocol=2))
    return folder


def cifar100(root: Path, count: int = 200) -> None:
    """CIFAR-100's two parts and its names."""
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True)
    labels = [number % 100 for number in range(count)]
    data = np.repeat(np.array(labels, dtype=np.uint8)[:, None], 3072, axis=1)
    batch = {b"data": data, b"fine_labels": labels, b"coarse_labels": [0] * count}
    for name in ("train", "test"):
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    (folder / "meta").write_bytes(pickle.dumps({b"fine_label_names": [b"fine %d" % n for n in range(100)]}, protocol=2))
