"""Pictures that a CSV file names are read like those of a folder."""

from pathlib import Path

import pytest
from PIL import Image

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data.dataset import Source
from workbench.engine.runtime.failures import RefusedError


def load(path: Path, **changes: object) -> Source:
    values = {"dataset.kind": "image-csv", "dataset.path": str(path), "dataset.size": 8}
    return data.load(files.change(RunConfig(), values | {f"dataset.{k}": v for k, v in changes.items()}).dataset)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "my pictures").mkdir()
    lines = ["image,photographer,label"]
    for number in range(12):
        name = f"my pictures/그림 {number}.png"
        Image.new("RGB", (10, 9), (number * 20, 0, 0)).save(tmp_path / name)
        lines.append(f"{name},somebody,{'cat' if number % 2 else 'dog'}")
    whole = tmp_path / "my pictures" / "whole.png"
    Image.new("L", (10, 9), 7).save(whole)
    lines += [f"{whole},somebody,cat", "gone.png,somebody,cat", ",somebody,dog", "x.png,somebody,"]
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("loading", ["resident", "streamed"])
def test_that_paths_are_taken_from_the_files_own_folder(table: Path, loading: str) -> None:
    source = load(table, loading=loading)
    assert source.task.classes == ("cat", "dog")
    assert len(source.train) + len(source.val) == 13
    assert source.shape == (3, 8, 8)
    assert source.train.read([0]).shape == (1, 3, 8, 8)
    assert len(source.left_out) == 3
    assert any("gone.png" in sample.what for sample in source.left_out)


def test_that_columns_are_chosen_and_wrong_ones_refused(table: Path) -> None:
    assert load(table, image_column="image", label_column="label").task.classes == ("cat", "dog")
    with pytest.raises(RefusedError, match="no column 'path'"):
        load(table, image_column="path")
    with pytest.raises(RefusedError, match="1 different labels"):
        load(table, label_column="photographer")


def test_that_a_group_of_pictures_is_never_divided(table: Path) -> None:
    lines = table.read_text(encoding="utf-8").splitlines()
    grouped = [lines[0] + ",patient", *(f"{line},{number // 2}" for number, line in enumerate(lines[1:13]))]
    table.write_text("\n".join(grouped), encoding="utf-8")
    assert load(table, group="patient").task.classes == ("cat", "dog"), "the last column is none of classes here"
    with pytest.raises(RefusedError, match="used twice"):
        load(table, label_column="label", group="label")
    source = load(table, label_column="label", group="patient", validation=0.3)
    patient = {(table.parent / line.split(",")[0]).name: line.rsplit(",", 1)[1] for line in grouped[1:]}
    sides = [
        {patient[Path(split.name(index)).name] for index in range(len(split))} for split in (source.train, source.val)
    ]
    assert all(sides)
    assert not sides[0] & sides[1]
    with pytest.raises(RefusedError, match="only one group"):
        load(table, label_column="label", group="photographer")
