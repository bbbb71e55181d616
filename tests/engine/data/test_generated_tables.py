"""Tables with a known meaning, written in dialects drawn at random, come back as exactly that meaning.

Only what is truly ambiguous may be asked about: the generator knows what that is.
"""

from __future__ import annotations

import csv
import datetime
import io
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data.dataset import Source

WORDS = {
    "utf-8": ("red", "grün", "青色", "빨강"),
    "utf-8-sig": ("left", "rechts", "中间"),
    "utf-16": ("north", "süd", "東京都"),
    "cp949": ("서울특별시", "부산광역시", "대구광역시"),
    "gb18030": ("北京市朝阳区", "上海市浦东新区", "广州市天河区"),
    "cp932": ("さくら通り", "ひまわり園", "カタカナの町"),
    "cp1252": ("Köln", "Málaga", "Besançon"),
}
GAPS = ("", "", "NA", "n/a", "NaN", "null", "None")
DATE_FORMS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y.%m.%d")


@dataclass
class Dialect:
    """How a table is written."""

    encoding: str
    separator: str
    decimal: str
    thousands: str
    quoting: int
    gap: str
    before: str
    trailing: bool


@dataclass
class Meaning:
    """What a table says: numbers and words by column, None where there is a gap."""

    numbers: dict[str, list[float | None]] = field(default_factory=dict)
    words: dict[str, list[str | None]] = field(default_factory=dict)
    identifier: bool = False
    may_ask: set[str] = field(default_factory=set)
    """Settings that may be asked for, because the table leaves them open."""


def drawn_dialect(draw: random.Random) -> Dialect:
    separator = draw.choice(",;\t|")
    # Who separates cells by commas and writes decimals with them puts the cells into quotes.
    decimal = draw.choice(".,")
    thousands = draw.choice(["", "", {".": ",", ",": "."}[decimal], " ", "'"])
    quoting = csv.QUOTE_ALL if separator == "," and "," in (decimal, thousands) else csv.QUOTE_MINIMAL
    before = draw.choice(["", "", "", f"sep={separator}\n", "# exported\n", "Report of the year\n\n"])
    if before.startswith("sep=") and separator == "\t":
        before = ""
    gap = draw.choice(GAPS)
    return Dialect(draw.choice(list(WORDS)), separator, decimal, thousands, quoting, gap, before, draw.random() < 0.15)


def written_number(value: float, places: int, dialect: Dialect) -> str:
    text = f"{value:,.{places}f}" if dialect.thousands else f"{value:.{places}f}"
    return text.translate({ord(","): dialect.thousands, ord("."): dialect.decimal})


def drawn_table(seed: int) -> tuple[bytes, Dialect, Meaning]:
    """A table as bytes, how it was written, and what it means. The last column is the target: words."""
    draw = random.Random(seed)
    dialect, meaning, rows = drawn_dialect(draw), Meaning(), draw.randint(60, 90)
    columns: dict[str, list[str]] = {}
    shows_decimal = False
    for number in range(draw.randint(1, 4)):
        name, places = f"n{number}", draw.choice([0, 0, 1, 2])
        size = draw.choice([9, 99, 999, 99_999, 9_999_999])
        values: list[float | None] = [round(draw.uniform(-size if places else 0, size), places) for _ in range(rows)]
        values[0], values[1] = float(size), 0.0 if not places else size / 4
        values = [round(value or 0.0, places) for value in values]
        for row in range(2, rows):
            if draw.random() < 0.05:
                values[row] = None
        meaning.numbers[name] = values
        columns[name] = [dialect.gap if v is None else written_number(v, places, dialect) for v in values]
        shows_decimal |= places > 0
    if dialect.thousands in (".", ",") and not shows_decimal:
        # Whole numbers with one mark before three digits and nothing else that shows what it is.
        meaning.may_ask.add("dataset.decimal")
    words = WORDS[dialect.encoding]
    for number in range(draw.randint(0, 2)):
        name = f"w{number}"
        picked: list[str | None] = [draw.choice(words) if draw.random() > 0.05 else None for _ in range(rows)]
        meaning.words[name] = picked
        columns[name] = [dialect.gap if word is None else word for word in picked]
    if draw.random() < 0.4:
        start, form = datetime.date(2023, 1, 1), draw.choice(DATE_FORMS)
        columns["day"] = [(start + datetime.timedelta(days=draw.randint(0, 700))).strftime(form) for _ in range(rows)]
    if draw.random() < 0.3:
        columns["id"] = [str(1000 + row) for row in range(rows)]
    names = list(columns)
    draw.shuffle(names)
    labels = [words[row % 2] for row in range(rows)]
    meaning.words["label"] = list(labels)
    columns["label"] = labels
    names.append("label")
    text = io.StringIO()
    ends = draw.choice(["\n", "\r\n"])
    quoting: Any = dialect.quoting
    writer = csv.writer(text, delimiter=dialect.separator, quoting=quoting, lineterminator=ends)
    tail = [""] if dialect.trailing else []
    writer.writerow([*names, *tail])
    for row in range(rows):
        writer.writerow([*(columns[name][row] for name in names), *tail])
    if dialect.encoding not in ("utf-8", "utf-8-sig", "utf-16"):
        # Too few characters can be text in several encodings.
        meaning.may_ask.add("dataset.encoding")
    return (dialect.before + text.getvalue()).encode(dialect.encoding), dialect, meaning


def check(source: Source, meaning: Meaning) -> None:
    """Compares what was read, sample by sample, with what was meant."""
    assert source.report is not None
    asked = {finding.setting for finding in source.report.of_severity("question")}
    assert asked <= meaning.may_ask, f"asked needlessly for {asked - meaning.may_ask}"
    if asked:
        return
    rows = len(meaning.words["label"])
    assert source.report.found == source.report.used == rows
    order = [int(split.name(index).split()[-1]) for split in (source.train, source.val) for index in range(len(split))]
    first = min(order)
    inputs = torch.cat([split.read(range(len(split))) for split in (source.train, source.val)])
    at = 0
    for column in source.preprocessing["columns"]:
        if column["kind"] == "number":
            truth = [meaning.numbers[column["name"]][row - first] for row in order]
            read = (inputs[:, at].double() * column["std"] + column["mean"]).tolist()
            wanted = [column["fill"] if value is None else value for value in truth]
            np.testing.assert_allclose(read, wanted, rtol=2e-5, atol=2e-5 * max(map(abs, wanted)))
            at += 1
            continue
        words = column["words"]
        assert set(words) == {word for word in meaning.words[column["name"]] if word is not None}
        width = len(words) + int(column["gap"])
        for sample, row in enumerate(order):
            word = meaning.words[column["name"]][row - first]
            hot = inputs[sample, at : at + width].nonzero().flatten().tolist()
            assert hot == [words.index(word) if word is not None else len(words)]
        at += width
    described = {column["name"] for column in source.preprocessing["columns"]}
    assert described == {*meaning.numbers, *meaning.words} - {"label"}
    targets = torch.cat([source.train.targets, source.val.targets]).tolist()
    truth_labels = [meaning.words["label"][row - first] for row in order]
    assert [source.task.classes[target] for target in targets] == truth_labels


def read_back(folder: Path, seed: int) -> None:
    content, _, meaning = drawn_table(seed)
    path = folder / "table.csv"
    path.write_bytes(content)
    values = {"dataset.kind": "table", "dataset.path": str(path), "dataset.target": "label", "model.kind": "mlp"}
    check(data.load(files.change(RunConfig(), values).dataset), meaning)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_that_a_table_in_any_dialect_is_read_as_it_was_meant(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    read_back(tmp_path_factory.mktemp("table"), seed)


@pytest.mark.campaign
def test_that_ten_thousand_tables_are_read_as_they_were_meant(tmp_path: Path) -> None:
    for seed in range(10_000):
        read_back(tmp_path, seed)
