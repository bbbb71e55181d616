"""The columns of a table in the dataset panel: roles and kinds are chosen by a click, and what is open keeps Train off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.gui.main_window import MainWindow
from workbench.runs.service.data_report import ColumnReport, DataReport, Finding, LeftOutGroup
from workbench.runs.service.samples import DatasetPreview


def report(*findings: Finding) -> DataReport:
    columns = (
        ColumnReport(
            name="id", kind="identifier", role="left out", why="it only numbers the rows", examples=("1", "2")
        ),
        ColumnReport(name="code", kind="number", role="input", missing=2, examples=("10", "20")),
        ColumnReport(name="when", kind="date", role="left out", why="it is a date", order="day first"),
        ColumnReport(name="price", kind="number", role="target", unit="€", decimal=","),
    )
    left_out = (LeftOutGroup(why="no value in the target column price", count=2, names=("row 5", "row 9")),)
    return DataReport(
        source="table", unit="row", found=12, used=10, left_out=left_out, columns=columns, findings=findings
    )


@pytest.fixture
def show(window: MainWindow, find: Callable[[str], Any], tmp_path: Path) -> Callable[..., None]:
    """Shows a report in the panel, as the engine's answer does."""
    window.document.set("dataset.kind", "table")
    window.document.set("dataset.path", str(tmp_path / "table.csv"))
    window.document.set("model.kind", "mlp")
    panel = find("panel.dataset")

    def shown(*findings: Finding) -> None:
        preview = DatasetPreview(
            task="regression",
            train=8,
            val=2,
            shape=(1,),
            bytes=80,
            loading="resident",
            steps_per_epoch=1,
            report=report(*findings),
        )
        panel.show_dataset(preview)

    return shown


def test_that_roles_are_chosen_by_a_click_and_undone(
    window: MainWindow, find: Callable[[str], Any], show: Callable[..., None]
) -> None:
    show()
    table, document = find("dataset.columns"), window.document
    assert [table.item(row, 0).text() for row in range(4)] == ["id", "code", "when", "price"]
    assert find("dataset.columns.3.role").currentText() == "target"
    before = document.data["dataset"]

    def choose(row: int, role: str) -> None:
        box = find(f"dataset.columns.{row}.role")
        box.setCurrentText(role)
        box.textActivated.emit(role)

    choose(0, "input")
    assert document.value("dataset.inputs") == ["id"]
    choose(1, "left out")
    assert document.value("dataset.ignore") == ["code"]
    choose(2, "time")
    assert document.value("dataset.time") == "when"
    choose(1, "target")
    assert (document.value("dataset.target"), document.value("dataset.ignore")) == ("code", [])
    choose(1, "group")
    assert (document.value("dataset.target"), document.value("dataset.group")) == ("", "code")
    for _ in range(5):
        document.undo_stack.undo()
    assert document.data["dataset"] == before


def test_that_numbers_are_read_as_categories_by_a_click(
    window: MainWindow, find: Callable[[str], Any], show: Callable[..., None]
) -> None:
    show()
    find("dataset.columns.1.kind").textActivated.emit("category")
    assert window.document.value("dataset.categories") == ["code"]
    window.document.undo_stack.undo()
    assert window.document.value("dataset.categories") == []


def test_that_an_open_question_stands_at_its_setting_and_keeps_train_off(
    window: MainWindow, find: Callable[[str], Any], show: Callable[..., None]
) -> None:
    show()
    assert window.actions_["run.train"].isEnabled()
    assert "12 rows found, 10 used" in find("dataset.assumed").text()
    asked = Finding(severity="question", text="it may be both", hint="choose one", setting="dataset.decimal")
    told = Finding(severity="warning", text="it is few")
    show(asked, told)
    assert not window.actions_["run.train"].isEnabled()
    assert find("dataset.questions").text() == "It may be both (choose one)"
    assert find("dataset.warning").text() == "It is few"
    assert any(problem.path == "dataset.decimal" for problem in window.document.problems)
    show()
    assert window.actions_["run.train"].isEnabled()
