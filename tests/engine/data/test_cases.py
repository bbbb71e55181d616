"""Tables as real programs and people write them: each is read as its author meant it, is asked about, or is refused with a cure."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
import torch

from workbench.config import files
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data.dataset import Source
from workbench.engine.data.report import require_answers
from workbench.engine.runtime.failures import RefusedError


def load(path: Path, kind: str = "table", **changes: object) -> Source:
    values: dict[str, object] = {"dataset.kind": kind, "dataset.path": str(path), "model.kind": "mlp"}
    values |= {f"dataset.{name}": value for name, value in changes.items()}
    if kind == "text":
        values["model.kind"] = "transformer"
    return data.load(files.change(RunConfig(), values).dataset)


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def true_numbers(source: Source) -> Any:
    """The targets of all rows in their own units, sorted, as far as float32 holds them."""
    both = torch.cat([source.train.targets, source.val.targets])
    return pytest.approx(sorted(source.task.in_own_units(both)[:, 0].tolist()), rel=1e-5, abs=1e-3)


def questions(source: Source) -> list[str]:
    """The settings that are asked for."""
    assert source.report is not None
    return [finding.setting for finding in source.report.of_severity("question")]


def column(source: Source, name: str) -> Any:
    assert source.report is not None
    return next(one for one in source.report.columns if one.name == name)


def test_that_thousands_marks_of_a_spreadsheet_are_not_read_as_decimals(tmp_path: Path) -> None:
    values = [n * 37 % 3900 + 100 for n in range(120)]
    rows = "".join(f"{n}\t{n % 9}\t{value:,}\n" for n, value in enumerate(values))
    source = load(write(tmp_path / "t.tsv", f"Id\tA\tB\n{rows}", "utf-16"), target="B")
    assert true_numbers(source) == sorted(map(float, values))
    assert column(source, "Id").kind == "identifier"
    assert column(source, "B").thousands == ","


@pytest.mark.parametrize("quote", ['"', ""])
def test_that_decimal_commas_are_numbers_whatever_separates_the_cells(tmp_path: Path, quote: str) -> None:
    mark = "," if quote else ";"
    rows = "".join(f"{quote}{n / 7:.2f}{quote}{mark}{quote}{n / 3:.2f}{quote}\n".replace(".", ",") for n in range(60))
    source = load(write(tmp_path / "t.csv", f"x{mark}y\n{rows}"))
    assert true_numbers(source) == sorted(float(f"{n / 3:.2f}") for n in range(60))
    assert source.shape == (1,)
    assert column(source, "x").kind == "number"


def test_that_what_may_be_both_is_asked_and_the_answer_holds(tmp_path: Path) -> None:
    rows = "".join(f"{n % 5};{n % 9 + 1},{(n * 131) % 900 + 100}\n" for n in range(60))
    path = write(tmp_path / "t.csv", f"x;y\n{rows}")
    assert questions(load(path)) == ["dataset.decimal"]
    with pytest.raises(ConfigError, match=r"dataset\.decimal"):
        require_answers(load(path).report)  # type: ignore[arg-type]
    as_decimals, as_thousands = load(path, decimal=","), load(path, thousands="comma")
    assert questions(as_decimals) == questions(as_thousands) == []
    assert [1000 * value for value in true_numbers(as_decimals).expected] == true_numbers(as_thousands)
    other = write(tmp_path / "o.csv", "x;y;z\n" + "".join(f"{row};{n / 4}\n" for n, row in enumerate(rows.split())))
    assert true_numbers(load(other, target="y")).expected == true_numbers(as_thousands), (
        "the other column has decimal points"
    )


def test_that_units_that_agree_are_taken_off_and_others_are_told(tmp_path: Path) -> None:
    rows = "".join(f'{n} m2,{n / 2}%,"${n * 1000 + 500:,}.50",{n} {"kg" if n % 2 else "g"}\n' for n in range(60))
    source = load(write(tmp_path / "t.csv", f"area,share,price,weight\n{rows}"), target="price")
    assert true_numbers(source) == [n * 1000 + 500.5 for n in range(60)]
    assert [column(source, name).unit for name in ("area", "share", "price")] == ["m2", "%", "$"]
    assert "different units" in column(source, "weight").why
    with pytest.raises(RefusedError, match="different units") as caught:
        load(tmp_path / "t.csv", target="weight", task="regression")
    assert "same unit" in caught.value.problem.hint


@pytest.mark.parametrize(
    "labels", [("01", "1", "007", "7"), ("1_1", "11"), (str(2**53), str(2**53 + 1)), ("1e2", "100")]
)
def test_that_labels_are_the_text_that_stands_in_the_file(tmp_path: Path, labels: tuple[str, ...]) -> None:
    rows = "".join(f"{n / 7},{labels[n % len(labels)]}\n" for n in range(60))
    source = load(write(tmp_path / "t.csv", f"x,y\n{rows}"), task="classification")
    assert set(source.task.classes) == set(labels)


def test_that_labels_are_cleaned_of_blanks_and_composed(tmp_path: Path) -> None:
    labels = ("caf\u00e9", "cafe\u0301", " caf\u00e9\u00a0", "tea")
    rows = "".join(f"{n / 7},{labels[n % 4]}\n" for n in range(60))
    assert load(write(tmp_path / "t.csv", f"x,y\n{rows}")).task.classes == ("caf\u00e9", "tea")


@pytest.mark.parametrize("word", ["None", "NA", "null"])
def test_that_a_word_for_nothing_in_the_labels_is_asked_about_and_can_be_kept(tmp_path: Path, word: str) -> None:
    rows = "".join(f"{n / 7},{(word, 'a', 'b')[n % 3]}\n" for n in range(60))
    path = write(tmp_path / "t.csv", f"x,y\n{rows}")
    assert questions(load(path)) == ["dataset.missing_labels"]
    kept, left = load(path, missing_labels="class"), load(path, missing_labels="leave out")
    assert set(kept.task.classes) == {word, "a", "b"}
    assert (len(kept.train) + len(kept.val), len(left.train) + len(left.val)) == (60, 40)
    assert left.report is not None
    assert (left.report.found, left.report.used) == (60, 40)


def test_that_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="two columns named 'price'"):
        load(write(tmp_path / "t.csv", "x,price,price\n" + "1,2,2\n2,3,3\n" * 20), target="price")


def test_that_lines_with_other_cells_are_named_and_not_cut(tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.csv", "text,label\n" + "great food, would come back,pos\nbad service,neg\n" * 30)
    with pytest.raises(RefusedError, match=r"row 2.*row 4") as caught:
        load(bad, "text")
    assert "double quotes" in caught.value.problem.hint
    rows = "".join(f"{n},{n % 3},{n / 7}\n" for n in range(200))
    few = load(write(tmp_path / "few.csv", f"a,b,y\n{rows}1,2,3,4\n1,2\n"))
    assert [left.what for left in few.left_out] == ["row 202", "row 203"]
    assert few.report is not None
    assert few.report.found == few.report.used + 2 == 202


@pytest.mark.parametrize(
    "encoding, words",
    [
        ("cp949", ("여자", "남자")),
        ("cp932", ("さくら", "ひまわり")),
        ("gb18030", ("北京市", "上海市")),
        ("cp1252", ("Köln", "Málaga")),
    ],
)
def test_that_words_of_old_spreadsheets_are_read(tmp_path: Path, encoding: str, words: tuple[str, ...]) -> None:
    rows = "".join(f"{n / 7:.1f},{n % 5},{words[n % 2]}\n" for n in range(120))
    source = load(write(tmp_path / "t.csv", f"a,b,{words[0]}{words[1]}\n{rows}", encoding))
    assert set(source.task.classes) == set(words)
    assert load(tmp_path / "t.csv", encoding=encoding).task.classes == source.task.classes


def test_that_a_nameless_counting_column_is_no_input(tmp_path: Path) -> None:
    source = load(write(tmp_path / "t.csv", ",x,y\n" + "".join(f"{n},{n * 7 % 11},{'ab'[n % 2]}\n" for n in range(60))))
    assert source.shape == (1,)
    assert any("identifier" in note for note in source.notes)
    r = load(write(tmp_path / "r.csv", "x,y\n" + "".join(f'"{n}",{n * 7 % 11},{"ab"[n % 2]}\n' for n in range(60))))
    assert (r.shape, r.task.classes) == ((1,), ("a", "b"))
    forced = load(tmp_path / "t.csv", inputs=["column 1"])
    assert forced.shape == (2,)


@pytest.mark.parametrize(
    "before", ["sep=;\n", "Report 2024\n\n", "# made by us\n# twice\n", "Umsatz;;\n", "\ufeffsep=;\n"]
)
def test_that_what_stands_before_the_header_is_skipped(tmp_path: Path, before: str) -> None:
    rows = "".join(f"{n / 4};{n % 7};{'ab'[n % 2]}\n" for n in range(60))
    source = load(write(tmp_path / "t.csv", f"{before}x;z;y\n{rows}"))
    assert (source.shape, source.task.classes) == ((2,), ("a", "b"))
    assert len(source.train) + len(source.val) == 60


def test_that_a_trailing_separator_makes_no_column(tmp_path: Path) -> None:
    rows = "".join(f"{n / 4},{n % 7},{'ab'[n % 2]},\n" for n in range(60))
    for header in ("x,z,y", "x,z,y,"):
        source = load(write(tmp_path / "t.csv", f"{header}\n{rows}"), target="y")
        assert source.shape == (2,)


def test_that_a_quote_within_a_cell_is_a_character(tmp_path: Path) -> None:
    rows = "".join(f'{n} {"24" if n % 2 else "30"}" wide,{"ab"[n % 2]}\n' for n in range(60))
    source = load(write(tmp_path / "t.csv", f"title,label\n{rows}"), "text")
    assert len(source.train) + len(source.val) == 60
    opened = "".join(f'"{n} never closed,{"ab"[n % 2]}\n' for n in range(60))
    assert len(load(write(tmp_path / "o.csv", f"title,label\n{opened}"), "text").train) == 48


def test_that_a_header_of_numbers_is_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "".join(f"{n},{n * 7 % 11},{n / 3:.3f}\n" for n in range(60)))
    assert questions(load(path)) == ["dataset.header"]
    source = load(path, header="none")
    assert len(source.train) + len(source.val) == 60
    assert questions(source) == []


def test_that_one_column_of_another_kind_refuses_no_parquet_file(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "x": [n / 7 for n in range(40)],
            "day": [datetime.date(2024, 1, 1) + datetime.timedelta(days=n) for n in range(40)],
            "took": [datetime.timedelta(seconds=n) for n in range(40)],
            "y": [n % 3 for n in range(40)],
        }
    )
    frame.write_parquet(tmp_path / "t.parquet")
    source = load(tmp_path / "t.parquet")
    assert source.task.classes == ("0", "1", "2")
    assert any("took" in note and "left out" in note for note in source.notes)
    assert column(source, "day").kind == "date"
    assert load(tmp_path / "t.parquet", time="day").shape == (1,)


def test_that_excel_files_are_read_and_the_sheet_is_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.append(["x", "day", "y"])
    for n in range(60):
        first.append([n / 4, datetime.date(2024, 1, 1) + datetime.timedelta(days=n), "ab"[n % 2]])
    book.create_sheet("other").append(["nothing"])
    book.save(tmp_path / "t.xlsx")
    source = load(tmp_path / "t.xlsx", target="y")
    assert (source.shape, source.task.classes) == ((1,), ("a", "b"))
    assert column(source, "day").kind == "date"
    assert any("sheets" in note for note in source.notes)
    with pytest.raises(RefusedError, match="no sheet 'third'"):
        load(tmp_path / "t.xlsx", sheet="third")


@pytest.mark.parametrize(
    "form, answer",
    [
        ("%d/%m/%Y", ""),
        ("%m/%d/%Y", ""),
        ("%d.%m.%Y", ""),
        ("%Y.%m.%d", ""),
        ("%Y-%m-%dT%H:%M:%S", ""),
        ("%m/%d/%Y %I:%M %p", ""),
    ],
)
def test_that_dates_split_by_time_in_every_form(tmp_path: Path, form: str, answer: str) -> None:
    start = datetime.datetime(2024, 1, 20)
    days = [start + datetime.timedelta(days=n) for n in range(60)]
    shuffled = sorted(range(60), key=lambda n: n * 37 % 60)
    rows = "".join(f"{days[n].strftime(form)};{n};{n % 2}\n" for n in shuffled)
    source = load(write(tmp_path / "t.csv", f"when;x;y\n{rows}"), time="when", target="x", task="regression")
    assert questions(source) == []
    late = source.task.in_own_units(source.val.targets)[:, 0]
    assert late.min() >= 47


def test_that_an_order_of_dates_that_is_open_is_asked_where_it_is_used(tmp_path: Path) -> None:
    rows = "".join(f"{n % 12 + 1:02}/{n % 11 + 1:02}/2024;{n};{n % 2}\n" for n in range(60))
    path = write(tmp_path / "t.csv", f"when;x;y\n{rows}")
    assert questions(load(path)) == []
    assert questions(load(path, time="when")) == ["dataset.date_order"]
    assert questions(load(path, time="when", date_order="day first")) == []
    assert questions(load(path, dates="calendar")) == ["dataset.date_order"]
    assert load(path, dates="calendar", date_order="month first").shape[0] > 1


def test_that_windows_stay_within_one_series(tmp_path: Path) -> None:
    rows = "".join(
        f"{store},2024-{1 + day // 28:02}-{1 + day % 28:02},{100 * index + day}\n"
        for index, store in enumerate("ABC")
        for day in range(50)
    )
    path = write(tmp_path / "long.csv", f"store,date,sales\n{rows}")
    asked = load(path, "series", target="sales", window=5)
    assert questions(asked) == ["dataset.series_column"]
    source = load(path, "series", target="sales", window=5, series_column="store", time="date")
    assert questions(source) == []
    for split in (source.train, source.val):
        windows = split.read(range(len(split)))[:, :, 0]
        means = source.preprocessing["columns"][0]
        raw = windows * means["std"] + means["mean"]
        assert (raw.diff(dim=1) - 1).abs().max() < 1e-3
    assert source.report is not None
    assert source.report.used == 150


def test_that_a_cure_that_is_named_is_one(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "id,y\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(60)))
    with pytest.raises(RefusedError) as caught:
        load(path)
    assert caught.value.problem.path == "dataset.inputs"
    assert load(path, inputs=["id"]).shape == (1,)
    with pytest.raises(RefusedError) as caught:
        load(path, ignore=["id"])
    assert caught.value.problem.path == "dataset.ignore"


def days(count: int, step: int) -> str:
    first = datetime.date(2023, 1, 1)
    rows = (f"{first + datetime.timedelta(days=n * step)},{n % 7},{'ab'[n % 2]}\n" for n in range(count))
    return "d,x,y\n" + "".join(rows)


def test_that_cells_with_another_decimal_mark_than_their_column_are_counted(tmp_path: Path) -> None:
    rows = "".join(f"{f'{n},5' if n % 9 else f'{n}.75'};{'ab'[n % 2]}\n" for n in range(90))
    source = load(write(tmp_path / "t.csv", f"x;y\n{rows}"))
    assert column(source, "x").misfits == 10
    assert any("10 cells are not numbers (first '0.75' in row 2)" in note for note in source.notes)


@pytest.mark.parametrize("setting", ["categories", "inputs"])
def test_that_what_has_too_many_values_or_none_cannot_be_categories(tmp_path: Path, setting: str) -> None:
    cell = "{}" if setting == "categories" else "text {}"
    rows = "".join(f"{cell.format(n)},{n % 7},,{'ab'[n % 2]}\n" for n in range(3000))
    path = write(tmp_path / "t.csv", f"c,x,nothing,y\n{rows}")
    for name, why in (("c", "more than 2,000 different values"), ("nothing", "no value")):
        with pytest.raises(RefusedError, match=why):
            load(path, "table", **{setting: [name]})


def test_that_other_data_is_read_with_the_columns_that_a_model_knows(tmp_path: Path) -> None:
    """Dates of one year alone, numbers that became words, and known words among many: none of it changes in silence."""

    def again(text: str, learned: Source) -> Source:
        write(tmp_path / "t.csv", text)
        values = {"dataset.kind": "table", "dataset.path": str(tmp_path / "t.csv"), "dataset.dates": "calendar"}
        return data.load(files.change(RunConfig(), {**values, "model.kind": "mlp"}).dataset, learned=learned)

    dated = load(write(tmp_path / "t.csv", days(100, 9)), dates="calendar")
    assert again(days(100, 1), dated).shape == dated.shape
    numbers = load(write(tmp_path / "t.csv", "a,y\n" + "".join(f"{n / 3},{'ab'[n % 2]}\n" for n in range(90))))
    became = again("a,y\n" + "".join(f"{'uvw'[n % 3]},{'ab'[n % 2]}\n" for n in range(90)), numbers)
    assert column(became, "a").misfits == 90
    words = load(write(tmp_path / "t.csv", "a,y\n" + "".join(f"{'uvw'[n % 3]},{'ab'[n % 2]}\n" for n in range(90))))
    many = again("a,y\n" + "".join(f"{'u' if n % 2 else n},{'ab'[n % 2]}\n" for n in range(6000)), words)
    assert int(many.train.read(range(len(many.train))).sum() + many.val.read(range(len(many.val))).sum()) == 3000
