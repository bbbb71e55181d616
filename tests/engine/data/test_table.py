"""A table of any kind is read or refused in words; what was done with gaps and words is said."""

from pathlib import Path

import polars as pl
import pytest
import torch

from workbench.config import files
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data.dataset import Source
from workbench.engine.runtime.failures import RefusedError


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


def refusal_text(path: Path, text: str | None = None, **changes: object) -> str:
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
    back = source.task.in_own_units(source.train.targets)[:, 0]
    torch.testing.assert_close(back, torch.arange(20, dtype=torch.float64) * 0.5, rtol=0, atol=1e-6)


def test_that_gaps_are_filled_or_their_rows_left_out(table: Path) -> None:
    text = "a,b,y\n1,x,0\n,x,1\n3,,0\n5,z,1\n7,z,\n"
    filled = load(table, text, validation=0.0)
    assert len(filled.train) == 4
    assert [row.what for row in filled.left_out] == ["row 6"]
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


@pytest.mark.parametrize(
    "encoding, said", [("cp1252", "read as Windows-1252"), ("utf-16", "read as UTF-16"), ("utf-8-sig", "")]
)
def test_that_words_are_read_in_other_encodings(table: Path, encoding: str, said: str) -> None:
    towns = ("Köln", "Käln", "Ulm")
    table.write_bytes(("town,y\n" + "".join(f"{towns[n % 3]},{n / 7}\n" for n in range(30))).encode(encoding))
    source = load(table)
    assert source.shape == (3,), "every town is a category of its own"
    assert source.preprocessing["columns"][0]["words"] == sorted(towns)
    assert [note for note in source.notes if "read as" in note] == (
        [f"the table is {said}: it is not UTF-8"] if said else []
    )


def test_that_decimal_commas_are_numbers_where_no_comma_divides(table: Path) -> None:
    lines = "".join(f"1.{n:03d}.000,5;word {n % 2};{n},25;a,{n % 2}x\n" for n in range(12))
    source = load(table, "big;kind;y;list\n" + lines, target="y")
    assert source.task.kind == "regression"
    assert [column["kind"] for column in source.preprocessing["columns"]] == ["number", "words", "words"]
    targets = source.task.in_own_units(torch.cat([source.train.targets, source.val.targets])).flatten().sort().values
    assert targets.tolist() == pytest.approx([n + 0.25 for n in range(12)])
    assert any("decimal commas are read as points in big, y" in note for note in source.notes)
    with pytest.raises(RefusedError, match="which is not a number") as caught:
        load(table, target="y", more_targets=["kind"])
    assert caught.value.problem.path == "dataset.more_targets"


@pytest.mark.parametrize("kind, task", [("word", "auto"), ("number", "classification")])
def test_that_numbers_beside_a_class_are_a_second_task(table: Path, kind: str, task: str) -> None:
    names = ("low", "middle", "high") if kind == "word" else (3, 5, 8)
    text = "a,b,y,z\n" + "".join(f"{n},{n % 4},{names[n % 3]},{n * 10}\n" for n in range(30))
    source = load(table, text, target="y", more_targets=["z"], task=task)
    assert (source.task.kind, source.task.targets) == ("multi-task", ("z",))
    assert set(source.task.classes) == {str(name) for name in names}
    assert source.shape == (2,), "no target is an input"
    assert source.train.targets.shape == (len(source.train), 2)
    targets = torch.cat([source.train.targets, source.val.targets])
    rows = targets[torch.argsort(targets[:, 1])]
    assert source.task.in_own_units(rows[:, 1:]).flatten().tolist() == pytest.approx(
        [n * 10 for n in range(30)], abs=1e-3
    )
    assert [source.task.classes[int(index)] for index in rows[:, 0]] == [str(names[n % 3]) for n in range(30)]
    assert any("multi-task: the class y and the numbers z" in note for note in source.notes)
    assert load(table, target="b", more_targets=["z"]).task.kind == "regression", (
        "few numbers are no classes of themselves"
    )


def test_that_what_cannot_be_learnt_from_is_refused_in_words(table: Path, tmp_path: Path) -> None:
    assert "there is no file" in refusal_text(tmp_path / "missing.csv")
    assert "is a folder" in refusal_text(tmp_path)
    assert "only one usable row" in refusal_text(table, "a,y\n1,2\n")
    assert "no usable row" in refusal_text(table, "a,y\n")
    assert "only one column" in refusal_text(table, "y\n1\n2\n")
    assert "no column 'price'" in refusal_text(table, "a,y\n1,2\n3,4\n", target="price")
    assert "only one class" in refusal_text(table, "a,y\n1,x\n2,x\n3,x\n")
    assert "not a number" in refusal_text(table, "a,y\n1,x\n2,3\n3,4\n", task="regression")
    table.write_bytes(bytes(range(256)) * 20)
    refusal_text(table)
    table.write_bytes(b"")
    refusal_text(table)


def test_that_parquet_is_read_with_its_numbers_words_and_gaps(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    columns = {"a": [float(n) for n in range(20)], "b": ["x", None] * 10, "c": [n % 2 == 0 for n in range(20)]}
    pl.DataFrame({**columns, "nested": [[1, 2]] * 20, "y": [n * 0.25 for n in range(20)]}).write_parquet(path)
    source = load(path)
    assert source.task.kind == "regression"
    assert source.shape == (1 + 2 + 2,)
    path.write_bytes(path.read_bytes()[:100])
    assert "cannot be read as a table" in refusal_text(path)


def test_that_several_targets_are_one_regression_each_in_its_own_unit(table: Path) -> None:
    source = load(table, "a,b,c\n" + rows(), target="b", more_targets=["c"], validation=0.0)
    assert source.task.targets == ("b", "c")
    assert source.task.outputs == 2
    assert source.shape == (1,)
    back = source.task.in_own_units(source.train.targets)
    torch.testing.assert_close(back[7], torch.tensor([1.0, 3.5], dtype=torch.float64), rtol=0, atol=1e-6)
    assert "no column 'd'" in refusal_text(table, target="b", more_targets=["d"])
    for target, task in (("", "auto"), ("c", "auto")):
        with pytest.raises(ConfigError):
            load(table, more_targets=["c"], target=target, task=task)


def test_that_a_group_is_never_divided(table: Path) -> None:
    text = "a,patient,y\n" + "".join(f"{n},p{n % 7},{n % 2}\n" for n in range(70))
    source = load(table, text, group="patient")
    assert source.shape == (1,)
    sides = [{int(name.split()[1]) % 7 for name in getattr(part, "names", ())} for part in (source.train, source.val)]
    assert sides[0].isdisjoint(sides[1])
    assert sides[0] | sides[1] == set(range(7))
    assert 10 <= len(source.val) <= 20
    assert [load(table, group="patient").val.name(n) for n in range(10)] == [source.val.name(n) for n in range(10)]
    assert "only one group" in refusal_text(table, "a,g,y\n" + "1,same,1\n2,same,0\n" * 4, group="g")


@pytest.mark.parametrize("form", ["{}", "2024-01-{:02}", "2024-01-{:02} 12:30:00"])
def test_that_a_time_column_keeps_the_latest_rows_for_validation(table: Path, form: str) -> None:
    days = [n * 7 % 20 + 1 for n in range(20)]
    text = "a,y,when\n" + "".join(f"{day},{day * 0.5},{form.format(day)}\n" for day in days)
    source = load(table, text, time="when")
    assert source.task.targets == ("y",)
    known, later = (source.task.in_own_units(part.targets) for part in (source.train, source.val))
    assert len(later) == 4
    assert float(later.min()) > float(known.max())


def test_that_a_time_that_is_none_is_refused_in_words(table: Path) -> None:
    assert "not a time" in refusal_text(table, "a,when,y\n1,monday,0\n2,tuesday,1\n", time="when")
    assert "none is left" in refusal_text(table, "a,when,y\n1,3,0\n2,3,1\n", time="when")
    with pytest.raises(ConfigError):
        load(table, time="when", group="a")
