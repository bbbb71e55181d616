"""The model on the user's own files: pictures, texts, rows of a table, series."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.engine.service.test_model_alone import predicted
from tests.engine.training.test_evaluation import train_run
from workbench.cli.predictions import as_csv
from workbench.shipped import shipped


def test_that_a_picture_is_recognised_and_what_is_none_is_left_out_in_words(tmp_path: Path) -> None:
    path = train_run("digits-mlp", {"training.epochs": 6})
    # A one, drawn as the embedded digits are: white on black, 8 by 8.
    picture = np.zeros((8, 8), dtype=np.uint8)
    picture[:, 3:5] = 255
    Image.fromarray(picture).resize((80, 80), Image.Resampling.NEAREST).save(tmp_path / "one.png")
    (tmp_path / "words.png").write_text("no picture")
    found = predicted(path, tmp_path / "one.png", tmp_path / "words.png", tmp_path / "missing.png")
    assert [row.file for row in found.predictions] == [str(tmp_path / "one.png")]
    scores = found.predictions[0].scores or ()
    assert found.predictions[0].prediction == scores[0][0]
    assert list(scores) == sorted(scores, key=lambda pair: -pair[1])
    assert sum(share for _, share in scores) <= 1 + 1e-5
    whys = {Path(left.file).name: left.why for left in found.left_out}
    assert "no such file" in whys["missing.png"]
    assert whys["words.png"]


def test_that_every_row_of_a_table_has_its_guess() -> None:
    path = train_run("tabular-mlp", {"training.epochs": 6})
    table = shipped("tables", "clusters.csv")
    found = predicted(path, table)
    lines = table.read_text(encoding="utf-8").splitlines()
    truths = [line.rpartition(",")[2] for line in lines[1:]]
    guesses = [row.prediction for row in found.predictions]
    assert len(guesses) == len(truths)
    right = sum(a == b for a, b in zip(guesses, truths, strict=True)) / len(truths)
    assert right == pytest.approx(1.0, abs=0.5)
    assert right > 0.4  # five classes


def test_that_rows_that_cannot_be_read_are_left_out_by_name_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    rows = [f"{n},{n % 7},{n / 4}" for n in range(100)]
    source = tmp_path / "in.csv"
    source.write_text("\n".join(["a,b,y", *rows]), encoding="utf-8")
    changes = {"dataset.path": str(source), "dataset.target": "y", "training.epochs": 1}
    model = train_run("tabular-mlp", changes)
    rows[2] = "1,2,3,4"
    (tmp_path / "new.csv").write_text("\n".join(["a,b,y", *rows]), encoding="utf-8")
    found = predicted(model, tmp_path / "new.csv")
    assert [Path(left.file).name for left in found.left_out] == ["new.csv row 4"]
    assert [each.row for each in found.predictions[:4]] == [2, 3, 5, 6]
    assert len(found.predictions) == 99


def test_that_texts_are_told_apart(tmp_path: Path) -> None:
    words = {"weather": "rain sun wind cloud storm", "kitchen": "soup bread salt oven pan"}
    draw = np.random.default_rng(0)
    rows = [f"{' '.join(draw.permutation(text.split()))},{kind}" for _ in range(60) for kind, text in words.items()]
    (tmp_path / "texts.csv").write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    small = {"dataset.path": str(tmp_path / "texts.csv"), "training.epochs": 6, "model.width": 16, "model.layers": 1}
    path = train_run("text-transformer", small)
    for kind, text in words.items():
        (tmp_path / f"{kind}.txt").write_text(text, encoding="utf-8")
    found = predicted(path, tmp_path / "weather.txt", tmp_path / "kitchen.txt")
    assert [row.prediction for row in found.predictions] == ["weather", "kitchen"]


def test_that_a_series_is_carried_on_and_one_too_short_is_left_out(tmp_path: Path) -> None:
    steps = np.arange(400)
    values = np.sin(steps * 0.1)
    (tmp_path / "series.csv").write_text("y\n" + "\n".join(f"{value:.6f}" for value in values), encoding="utf-8")
    (tmp_path / "short.csv").write_text("y\n1\n2\n", encoding="utf-8")
    gaps = [f"{value:.6f}" if step not in (0, 396) else "" for step, value in enumerate(values)]
    (tmp_path / "gaps.csv").write_text("t,y\n" + "\n".join(f"{step},{one}" for step, one in enumerate(gaps)))
    changes = {
        "dataset.kind": "series",
        "dataset.path": str(tmp_path / "series.csv"),
        "dataset.window": 20,
        "training.epochs": 12,
        "optimizer.lr": 5e-3,
    }
    path = train_run("sine-gru", changes)
    found = predicted(path, tmp_path / "series.csv", tmp_path / "short.csv")
    (one,) = found.predictions
    assert next(iter((one.values or {}).values())) == pytest.approx(np.sin(400 * 0.1), abs=0.25)
    assert "a window has 20" in found.left_out[0].why
    (with_gaps,) = predicted(path, tmp_path / "gaps.csv").predictions
    assert next(iter((with_gaps.values or {}).values())) == pytest.approx(np.sin(400 * 0.1), abs=0.3)


def test_that_a_model_of_a_formula_takes_no_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    found = predicted(train_run("linear-regression", {"training.epochs": 2}), tmp_path / "a.csv")
    assert not found.predictions
    assert "takes no files" in found.left_out[0].why


def test_that_rows_keep_their_identifiers_and_unknown_words_are_counted(tmp_path: Path) -> None:
    lines = [f"a{n},{('red', 'blue')[n % 2]},{n},{'small' if n < 30 else 'large'}" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["Id,color,size,kind", *lines]), encoding="utf-8")
    changes = {"dataset.path": str(tmp_path / "t.csv"), "dataset.ignore": ["Id"], "training.epochs": 1}
    path = train_run("tabular-mlp", changes)
    asked = tmp_path / "asked.csv"
    asked.write_text("Id,color,size\nx1,purple,3\nx2,red,4\nx3,purple,\nx4,,5\nx5,teal,6\n", encoding="utf-8")
    found = predicted(path, asked)
    assert [row.identifiers for row in found.predictions] == [{"Id": f"x{n}"} for n in range(1, 6)]
    assert [row.row for row in found.predictions] == [2, 3, 4, 5, 6]
    assert found.target == "kind"
    (unknown,) = found.unknown
    assert (unknown.column, unknown.cells, unknown.words) == ("color", 3, (("purple", 2), ("teal", 1)))
    assert unknown.text == "column color: 3 cells have words that training never saw: “purple” (2), “teal” (1)"
    header, first, *_ = as_csv(found).splitlines()
    assert header == "Id,kind,score"
    assert first.split(",")[0] == "x1"
    assert first.split(",")[1] in ("small", "large")
    # A table with labels keeps them beside the prediction.
    header, first, *_ = as_csv(predicted(path, tmp_path / "t.csv")).splitlines()
    assert header == "Id,kind,predicted kind,score"
    assert first.startswith("a0,small,")
    header, *rows = as_csv(predicted(path, tmp_path / "t.csv", asked)).splitlines()
    assert header == "file,Id,kind,predicted kind,score"
    assert rows[60].startswith(f"{asked},x1,,")


def test_that_rows_without_identifiers_are_numbered_in_csv(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,price\n" + "\n".join(f"{n},{3.5 * n}" for n in range(40)), encoding="utf-8")
    path = train_run("tabular-mlp", {"dataset.path": str(tmp_path / "t.csv"), "training.epochs": 1})
    (tmp_path / "asked.csv").write_text("x\n1\n2\n", encoding="utf-8")
    header, first, second = as_csv(predicted(path, tmp_path / "asked.csv")).splitlines()
    assert header == "row,price"
    assert [line.split(",")[0] for line in (first, second)] == ["2", "3"]
    assert float(first.split(",")[1])
