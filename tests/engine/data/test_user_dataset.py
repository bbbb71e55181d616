"""The user's own code runs only when its content is trusted; what goes wrong in it is told with its own lines."""

from pathlib import Path

import pytest
import torch

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data.dataset import Source
from workbench.engine.runtime.failures import RefusedError
from workbench.runs import trust

POINTS = """
import torch
from torch.utils.data import Dataset

class Points(Dataset):
    classes = ["even", "odd"]
    def __len__(self):
        return 20
    def __getitem__(self, index):
        return torch.tensor([float(index), 1.0]), index % 2
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(trust.FOLDER_VARIABLE, str(tmp_path / "preferences"))
    monkeypatch.delenv(trust.ONCE_VARIABLE, raising=False)
    return tmp_path / "my data.py"


def load(file: Path, code: str, *, trusted: bool = True, **changes: object) -> Source:
    file.write_text(code, encoding="utf-8")
    if trusted:
        trust.trust(file)
    values = {"dataset.kind": "python", "dataset.path": str(file), "model.kind": "linear"}
    return data.load(files.change(RunConfig(), values | {f"dataset.{k}": v for k, v in changes.items()}).dataset)


def refusal_text(file: Path, code: str, *, trusted: bool = True, **changes: object) -> str:
    with pytest.raises(RefusedError) as caught:
        load(file, code, trusted=trusted, **changes)
    return caught.value.problem.what


def test_that_nothing_runs_before_it_is_trusted_nor_after_it_changed(file: Path, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    code = f"import os\nos.mkdir({str(mark)!r})\n{POINTS}"
    assert "not trusted yet" in refusal_text(file, code, trusted=False)
    file.write_text(POINTS)
    trust.trust(file)
    assert "not trusted yet" in refusal_text(file, code, trusted=False)
    assert not mark.exists()
    load(file, code)
    assert mark.is_dir()


def test_that_trust_for_once_is_not_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(trust.ONCE_VARIABLE, "")
    file.write_text(POINTS)
    trust.trust_once(file)
    assert len(load(file, POINTS, trusted=False).train) == 16
    monkeypatch.setenv(trust.ONCE_VARIABLE, "")
    assert "not trusted yet" in refusal_text(file, POINTS, trusted=False)


def test_that_an_own_dataset_gives_classes_or_numbers(file: Path) -> None:
    source = load(file, POINTS)
    assert source.task.classes == ("even", "odd")
    assert source.shape == (2,)
    assert source.train.targets.dtype == torch.int64
    numbers = load(file, POINTS.replace("index % 2", "[index * 0.5, 1.0]"))
    assert numbers.task.kind == "regression"
    assert numbers.task.outputs == 2


def test_that_a_failure_is_told_with_its_own_lines(file: Path) -> None:
    what = refusal_text(file, POINTS.replace("return 20", "return 20 / 0"))
    assert "ZeroDivisionError" in what
    assert "return 20 / 0" in what
    assert "SystemExit" in refusal_text(file, "import sys\nsys.exit(3)\n")
    assert "SyntaxError" in refusal_text(file, "def broken(:\n")
    assert "0 objects" in refusal_text(file, "x = 1\n")
    assert "has no 'Other'" in refusal_text(file, POINTS, name="Other")
    assert "not a pair" in refusal_text(file, POINTS.replace(", index % 2", ""))
    assert "different shapes" in refusal_text(file, POINTS.replace("[float(index), 1.0]", "[1.0] * (index + 1)"))


def test_that_labels_in_bytes_are_classes(file: Path) -> None:
    code = POINTS.replace("index % 2", "numpy.uint8(index % 2)").replace(
        "import torch\n", "import numpy\nimport torch\n", 1
    )
    source = load(file, code)
    assert (source.task.kind, source.task.classes) == ("classification", ("even", "odd"))
    assert source.train.targets.dtype == torch.int64
