"""A scan finds what is wrong with a dataset before training does."""

from pathlib import Path

import pytest
from PIL import Image

from tests.engine.asking import answer_to
from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data.balance import imbalance_findings
from workbench.runs.service.requests import ScanDataset
from workbench.runs.service.samples import ClassCount, EmptyClass, ScanCounts, ScanReport


def config(root: Path, **changes: object) -> RunConfig:
    values = {"dataset.kind": "image-folder", "dataset.path": str(root), "dataset.size": 8}
    return files.change(RunConfig(), values | {f"dataset.{k}": v for k, v in changes.items()})


def save(path: Path, red: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 9), (red, 0, 0)).save(path)


@pytest.mark.parametrize("loading", ["resident", "streamed"])
def test_that_unreadable_files_empty_classes_and_duplicates_are_found(tmp_path: Path, loading: str) -> None:
    for place, label in enumerate(("a", "b", "c")):
        (tmp_path / "train" / label).mkdir(parents=True)
        for number in range(4 if label != "c" else 0):
            save(tmp_path / "train" / label / f"{number}.png", place * 50 + number * 10)
    save(tmp_path / "val" / "a" / "copy.png", 20)
    save(tmp_path / "val" / "b" / "new.png", 200)
    save(tmp_path / "train" / "b" / "like an a.png", 10)
    (tmp_path / "train" / "a" / "broken.png").write_bytes(b"no picture")
    found = answer_to(ScanDataset(config=config(tmp_path, loading=loading)), ScanReport)
    assert found.counts == ScanCounts(unreadable=1, empty=2, duplicates=1, contradictions=1)
    assert found.duplicates[0].what.endswith("copy.png")
    assert (found.duplicates[0].split, found.duplicates[0].other) == ("val", "train")
    assert EmptyClass(split="train", name="c") in found.empty
    assert "broken.png" in found.unreadable[0].what
    assert found.classes[0] == ClassCount(name="a", train=4, val=1)


def test_that_sound_data_has_no_findings() -> None:
    found = answer_to(ScanDataset(config=RunConfig()), ScanReport)
    assert found.counts == ScanCounts(unreadable=0, empty=0, duplicates=0, contradictions=0)
    assert sum((row.train or 0) + (row.val or 0) for row in found.classes) == 1797


def test_that_unequal_classes_are_warned_of() -> None:
    changes = {"dataset.kind": "synthetic", "dataset.shape": "clusters", "model.kind": "mlp"}
    unequal = data.load(files.change(RunConfig(), changes | {"dataset.per_class": [800, 150, 50]}).dataset)
    assert any("class 1 has 640" in text and "class 3 has 40" in text for text in unequal.notes)
    assert imbalance_findings(data.load(files.change(RunConfig(), changes).dataset)) == ()
