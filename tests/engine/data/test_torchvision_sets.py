"""Known sets are read from files as they are published, without their hashes; nothing in them is executed."""

import functools
import http.server
import os
import pickle
import threading
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from tests.engine.data import written
from workbench.config import files
from workbench.config.dataset import Torchvision
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data import torchvision_sets
from workbench.engine.data.dataset import Source
from workbench.engine.runtime.failures import RefusedError


def load(root: Path, name: str = "MNIST", **changes: object) -> Source:
    values = {"dataset.kind": "torchvision", "dataset.name": name, "dataset.path": str(root), "dataset.download": False}
    return data.load(files.change(RunConfig(), values | {f"dataset.{k}": v for k, v in changes.items()}).dataset)


def load_refusal(root: Path, name: str = "MNIST", **changes: object) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        load(root, name, **changes)
    assert caught.value.problem.path == "dataset.path"
    return caught.value


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
def test_that_idx_files_are_read_plain_and_packed(tmp_path: Path, name: str, packed: bool) -> None:
    written.mnist(tmp_path, name, packed=packed)
    source = load(tmp_path, name)
    assert (len(source.train), len(source.val)) == (50, 10)
    assert source.test is not None
    assert len(source.test) == 20
    assert source.shape == (1, 28, 28)
    assert len(source.task.classes) == 10
    picture, label = source.train.read([7])[0], int(source.train.targets[7])
    assert picture.dtype == torch.uint8
    assert int(picture[0, 0, 0]) == label * 25


@pytest.mark.parametrize("name", ["MNIST", "CIFAR10"])
def test_that_the_whole_training_set_trains_where_the_test_set_validates(tmp_path: Path, name: str) -> None:
    if name == "MNIST":
        written.mnist(tmp_path)
    else:
        written.cifar10(tmp_path)
    usual = load(tmp_path, name)
    assert usual.test is not None
    source = load(tmp_path, name, validation_from="test")
    assert len(source.train) == len(usual.train) + len(usual.val)
    assert source.test is None
    assert torch.equal(source.val.targets, usual.test.targets)
    assert torch.equal(source.val.read([0, 3]), usual.test.read([0, 3]))


def test_that_a_set_without_a_test_set_cannot_validate_on_it(tmp_path: Path) -> None:
    written.mnist(tmp_path, test=0)
    with pytest.raises(RefusedError, match="MNIST has no test set with labels") as caught:
        load(tmp_path, validation_from="test")
    assert caught.value.problem.path == "dataset.validation_from"


def test_that_mnist_has_its_well_known_scaling(tmp_path: Path) -> None:
    written.mnist(tmp_path)
    source = load(tmp_path)
    scale = source.scaling.on(torch.device("cpu"), 4)
    torch.testing.assert_close(
        scale(torch.full((1, 1, 2, 2), 255, dtype=torch.uint8)), torch.full((1, 1, 2, 2), (1 - 0.1307) / 0.3081)
    )
    assert source.preprocessing["mean"] == [0.1307]


def test_that_cifar_batches_are_read(tmp_path: Path) -> None:
    written.cifar10(tmp_path)
    written.cifar100(tmp_path)
    ten = load(tmp_path, "CIFAR10")
    assert (len(ten.train), len(ten.val)) == (40, 10)
    assert ten.shape == (3, 32, 32)
    assert ten.task.classes[3] == "class 3"
    assert ten.preprocessing["std"] == [0.2023, 0.1994, 0.2010]
    assert int(ten.train.read([1])[0, 2, 31, 31]) == int(ten.train.targets[1]) * 25
    hundred = load(tmp_path, "CIFAR100")
    assert len(hundred.task.classes) == 100
    assert hundred.task.classes[99] == "fine 99"


class _Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def test_that_a_hostile_batch_is_refused_and_executes_nothing(tmp_path: Path) -> None:
    folder = written.cifar10(tmp_path)
    mark = tmp_path / "executed"
    (folder / "data_batch_3").write_bytes(pickle.dumps({b"data": _Hostile(mark), b"labels": [0]}, protocol=2))
    error = load_refusal(tmp_path, "CIFAR10")
    assert "mkdir" in error.problem.what
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"garbage", pickle.dumps([1, 2]), pickle.dumps({b"data": 3, b"labels": [1]})])
def test_that_a_damaged_batch_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    folder = written.cifar10(tmp_path)
    (folder / "test_batch").write_bytes(content)
    assert "test_batch" in load_refusal(tmp_path, "CIFAR10").problem.what


def test_that_damaged_idx_files_are_refused_in_words(tmp_path: Path) -> None:
    written.mnist(tmp_path)
    labels = tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    whole = labels.read_bytes()
    labels.write_bytes(whole[:-1])
    assert "truncated" in load_refusal(tmp_path).problem.what
    labels.write_bytes(b"no idx")
    assert "not an IDX file" in load_refusal(tmp_path).problem.what
    labels.write_bytes(whole[:-1] + b"\x0b")
    assert "label 11" in load_refusal(tmp_path).problem.what
    labels.unlink()
    labels.with_name(labels.name + ".gz").write_bytes(b"\x1f\x8bnonsense")
    assert "damaged" in load_refusal(tmp_path).problem.what


@pytest.mark.parametrize("name", ["MNIST", "CIFAR10", "SVHN", "STL10", "EMNIST", "USPS"])
def test_that_a_missing_set_says_which_file_where_and_how(tmp_path: Path, name: str) -> None:
    problem = load_refusal(tmp_path, name).problem
    assert str(tmp_path) in problem.what
    assert f"torchvision.datasets.{name}" in problem.hint
    if name == "MNIST":
        assert "train-images-idx3-ubyte" in problem.what


def test_that_a_download_without_a_network_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", nobody)
    for name in ("MNIST", "CIFAR10", "SVHN"):
        problem = load_refusal(tmp_path, name, download=True).problem
        assert "The download failed" in problem.what
        assert name in problem.hint


def test_that_other_sets_are_read_by_torchvision(tmp_path: Path) -> None:
    from PIL import Image

    for label in ("AnnualCrop", "Forest"):
        folder = tmp_path / "eurosat" / "2750" / label
        folder.mkdir(parents=True)
        for number in range(6):
            Image.new("RGB", (64, 64), (number, 0, 100)).save(folder / f"{label}_{number}.jpg")
    source = load(tmp_path, "EuroSAT")
    assert source.shape == (3, 64, 64)
    assert source.task.classes == ("AnnualCrop", "Forest")
    assert source.test is None
    assert len(source.train) + len(source.val) == 12


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_that_a_download_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "set.bin").write_bytes(bytes(2_000_000))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    reports: list[tuple[str, float | None]] = []

    def report(text: str, share: float | None = None) -> None:
        reports.append((text, share))

    dataset = Torchvision(name="MNIST", path=str(tmp_path / "set"), download=True)
    before = torchvision.datasets.utils.tqdm

    def fetched(config: object) -> Callable[..., object]:
        address = f"http://127.0.0.1:{server.server_port}/set.bin"
        return lambda download: torchvision.datasets.utils.download_url(address, tmp_path / "got")

    monkeypatch.setattr(torchvision_sets, "_torchvision_class", fetched)
    try:
        with pytest.raises(RefusedError, match="is missing"):
            torchvision_sets.load(dataset, report)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert (tmp_path / "got" / "set.bin").stat().st_size == 2_000_000
    shares = [share for text, share in reports if text == "downloading MNIST" and share is not None]
    assert len(shares) > 20
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.02)
    assert torchvision.datasets.utils.tqdm is before
