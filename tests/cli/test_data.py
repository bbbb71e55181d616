"""The data report on the command line: it is printed before a run, asked for what is open, and kept in the run."""

import json
from pathlib import Path

import pytest

from tests.cli.test_end_to_end import last_line, workbench
from workbench.runs.service.data_report import DataReport

pytest.importorskip("torch")


def table(path: Path, word: str) -> Path:
    rows = "".join(f"{n},{n / 7:.2f},{(word, 'a', 'b')[n % 3]}\n" for n in range(60))
    path.write_text(f"id,x,y\n{rows}", encoding="utf-8")
    return path


def test_that_a_report_is_printed_asked_for_and_kept(tmp_path: Path) -> None:
    settings = ("tabular-mlp", "--set", f"dataset.path={table(tmp_path / 't.csv', 'None')}", "--set", "dataset.target=")
    shown = workbench("data", *settings)
    assert shown.returncode == 2
    assert "60 rows found, 40 used, 20 left out" in shown.stdout
    assert "identifier" in shown.stdout
    assert "Question: the column y contains 'None' (20 rows)" in shown.stdout

    refused = workbench("train", *settings)
    assert refused.returncode == 2
    assert "dataset.missing_labels" in refused.stderr

    answered = (*settings, "--set", "dataset.missing_labels=class", "--set", "training.epochs=1", "--json")
    report = last_line(workbench("data", *answered[:-3], "--json"))
    assert (report["found"], report["used"], report["left_out"]) == (60, 60, [])
    assert {column["name"]: column["role"] for column in report["columns"]} == {
        "id": "left out",
        "x": "input",
        "y": "target",
    }

    done = workbench("train", *answered)
    assert done.returncode == 0, done.stderr
    kept = DataReport.model_validate(
        json.loads((Path(last_line(done)["run"]) / "data.json").read_text(encoding="utf-8"))
    )
    assert kept.as_data() == report
    assert "data: 60 rows found, 60 used" in done.stderr
