"""A table of any kind is read or refused in words; what was done with gaps and words is said."""

from pathlib import Path

import pytest
import torch

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data.source import Source
from workbench.engine.failures import RefusedError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "my table.csv"


def load(path: Path, text: str | None = None, **changes: object) -> Source:
    if text is not None:
        path.write_text(text, encoding="utf-8")
    values: dict[str, object] = {"dataset.kind": "table", "dataset.path": str(path), "model.kind": "mlp"}
    values |= {f"dataset.{name}": value for name, value in changes.items()}
    return data.load(files.change(RunConfig(), values).dataset)


def rows(count: int = 20) -> str:
    return "".join(f"{n},{n % 3},{n * 0.5}\n" for n in range(count))


def refusal(path: Path, text: str | None = None, **changes: object) -> str:
    with pytest.raises(RefusedError) as caught:
        load(path, text, **changes)
    assert caught.value.problem.path.startswith("dataset.")
    return caught.value.problem.what


def test_that_the_task_follows_from_the_target(table: Path) -> None:
    assert load(table, "a,b,c\n" + rows()).task.kind == "regression"
    source = load(table, target="b")
    assert source.task.classes == ("0", "1", "2")
    assert source.shape == (2,)


def test_that_targets_are_scaled_and_scaled_back(table: Path) -> None:
    source = load(table, "a,b,c\n" + rows(), validation=0.0)
    assert source.train.targets.mean().abs() < 1e-6
    back = source.train.targets[:, 0] * source.task.std + source.task.mean
    torch.testing.assert_close(back, torch.arange(20) * 0.5)


def test_that_gaps_are_filled_or_their_rows_left_out(table: Path) -> None:
    text = "a,b,y\n1,x,0\n,x,1\n3,,0\n5,z,1\n7,z,\n"
    filled = load(table, text, validation=0.0)
    assert len(filled.train) == 4
    assert [one.what for one in filled.left_out] == ["row 6"]
    assert filled.shape == (1 + 3,)
    dropped = load(table, validation=0.0, missing="drop")
    assert len(dropped.train) == 2
    assert len(dropped.left_out) == 3


def test_that_text_in_a_number_column_counts_as_missing_and_is_said(table: Path) -> None:
    text = "a,y\n" + "".join(f"{n},{n % 2}\n" for n in range(19)) + "oops,1\n"
    source = load(table, text)
    assert source.shape == (1,)
    assert any("'oops'" in note and "column a" in note for note in source.notes)


def test_that_a_column_of_many_words_is_not_used_and_is_said(table: Path) -> None:
    text = "name,a,y\n" + "".join(f"person {n},{n},{n % 2}\n" for n in range(80))
    source = load(table, text)
    assert source.shape == (1,)
    assert any("column name is not used" in note for note in source.notes)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_that_separators_and_a_byte_order_mark_are_understood(table: Path, separator: str) -> None:
    table.write_text(("a,b,c\n" + rows()).replace(",", separator), encoding="utf-8-sig")
    assert load(table, target="c").shape == (2,)
    assert load(table, target="a").shape == (2,)


def test_that_what_cannot_be_learnt_from_is_refused_in_words(table: Path, tmp_path: Path) -> None:
    assert "there is no file" in refusal(tmp_path / "missing.csv")
    assert "is a folder" in refusal(tmp_path)
    assert "one row only" in refusal(table, "a,y\n1,2\n")
    assert "no row" in refusal(table, "a,y\n")
    assert "one column only" in refusal(table, "y\n1\n2\n")
    assert "no column 'price'" in refusal(table, "a,y\n1,2\n3,4\n", target="price")
    assert "one class only" in refusal(table, "a,y\n1,x\n2,x\n3,x\n")
    assert "no number" in refusal(table, "a,y\n1,x\n2,3\n3,4\n", task="regression")
    table.write_bytes(bytes(range(256)) * 20)
    refusal(table)
    table.write_bytes(b"")
    refusal(table)
