"""Samples that are to be left out come in no split, and those that are not there are told."""

from pathlib import Path

import pytest
from PIL import Image

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data.dataset import Source


def load(kind: str, path: Path, leave_out: list[str], **changes: object) -> Source:
    values = {"dataset.kind": kind, "dataset.path": str(path), "dataset.leave_out": leave_out, "model.kind": "linear"}
    return data.load(files.change(RunConfig(), values | {f"dataset.{k}": v for k, v in changes.items()}).dataset)


def names(source: Source) -> set[str]:
    return {split.name(index) for split in (source.train, source.val) for index in range(len(split))}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(6):
            Image.new("RGB", (9, 9), (number * 20, 0, 0)).save(tmp_path / label / f"{number}.png")
    return tmp_path


@pytest.mark.parametrize("loading", ["resident", "streamed"])
def test_that_pictures_are_left_out_by_either_name(pictures: Path, loading: str) -> None:
    whole = names(load("image-folder", pictures, [], loading=loading))
    chosen = [str(pictures / "a" / "0.png"), "b/1.png", "b/no such.png"]
    source = load("image-folder", pictures, chosen, loading=loading)
    gone = {str(pictures / "a" / "0.png"), str(pictures / "b" / "1.png")}
    assert names(source) == whole - gone
    assert len(whole) == 12
    assert "2 samples are left out as chosen" in source.notes
    assert "1 sample is to be left out but not in the data" in source.notes
    assert not source.unusable


def test_that_a_picture_that_cannot_be_read_is_not_even_tried_when_it_is_left_out(pictures: Path) -> None:
    (pictures / "a" / "broken.png").write_bytes(b"no picture")
    assert len(load("image-folder", pictures, []).unusable) == 1
    assert not load("image-folder", pictures, ["a/broken.png"]).unusable


def test_that_pictures_of_a_csv_are_left_out(pictures: Path) -> None:
    table = pictures / "names.csv"
    rows = [f"{label}/{number}.png,{label}" for label in ("a", "b") for number in range(6)]
    table.write_text("\n".join(["file,class", *rows]))
    source = load("image-csv", table, ["a/0.png", str(pictures / "b" / "5.png")])
    assert len(names(source)) == 10
    assert not any(name.endswith(("a/0.png", "b/5.png")) for name in names(source))


def test_that_rows_of_a_table_are_left_out_by_number(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["x,y", *(f"{number},{number}.5" for number in range(10)), "outlier,"]))
    source = load("table", table, ["row 3", "row 12", "row 99"])
    assert names(source) == {f"row {number}" for number in range(2, 12)} - {"row 3"}
    assert not source.unusable
    assert source.notes[:2] == ("2 samples are left out as chosen", "1 sample is to be left out but not in the data")
