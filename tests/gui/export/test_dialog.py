"""Exporting: the dialog offers every format, and asks for a file that fits it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QPushButton

from tests.gui.conftest import Answers
from tests.gui.scripted import Engine
from workbench.config.run import RunConfig
from workbench.export_formats import FORMATS
from workbench.gui.dialogs import ask
from workbench.gui.export.dialog import ExportDialog
from workbench.gui.main_window import MainWindow
from workbench.gui.service.client import ServiceClient
from workbench.launch.service import ServiceReply
from workbench.runs.folder import create
from workbench.runs.service.answers import ExportCheck, ExportedModel
from workbench.runs.service.requests import AnyRequest, ExportModel

Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def service(qapp: Any) -> Iterator[ServiceClient]:
    """Never started: what is requested waits."""
    client = ServiceClient()
    yield client
    client.close()
    client.deleteLater()


@pytest.fixture
def dialog(service: ServiceClient) -> Iterator[ExportDialog]:
    made = ExportDialog("lr-0.001", service)
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def wanted(dialog: ExportDialog) -> list[str]:
    """The files that are to be written."""
    files: list[str] = []
    dialog.wanted.connect(lambda _form, file: files.append(file))
    return files


def _choose(dialog: ExportDialog, form: str) -> None:
    dialog.form.setCurrentIndex(dialog.form.findData(form))


def test_that_every_format_is_offered(dialog: ExportDialog) -> None:
    offered = [dialog.form.itemData(row) for row in range(dialog.form.count())]
    assert offered == [export_format.name for export_format in FORMATS]


def test_that_a_script_is_wanted_as_a_python_file(service: ServiceClient) -> None:
    dialog = ExportDialog("digits 1.5", service)
    wanted: list[tuple[str, str]] = []
    dialog.wanted.connect(lambda form, file: wanted.append((form, file)))
    dialog.form.setCurrentIndex(dialog.form.findData("script"))
    assert "trains anew" in dialog.about.text()
    dialog.start.click()
    ((form, file),) = wanted
    assert (form, Path(file).suffix) == ("script", ".py")
    assert not dialog.start.isEnabled()
    request = ExportModel(checkpoint="model.pt", format=form, file=file)
    check = ExportCheck(samples=9, origin="rows of the table", batch_sizes=(1, 9), difference=2.5e-7)
    dialog.apply_reply(ServiceReply(1, request, ExportedModel(file=file, bytes=2048, check=check)))
    assert "2 KiB" in dialog.status.text()
    assert "9 rows of the table at batch sizes 1 and 9: outputs differ by at most 2.5e-07." in dialog.status.text()
    assert dialog.start.isEnabled()
    dialog.close()
    dialog.deleteLater()


def test_that_a_name_with_dots_keeps_them_and_gets_the_ending_of_the_format(dialog: ExportDialog) -> None:
    assert Path(dialog.file.text()).name == "lr-0.001.onnx"
    _choose(dialog, "torch-export")
    assert Path(dialog.file.text()).name == "lr-0.001.pt2"
    _choose(dialog, "state-dict")
    assert Path(dialog.file.text()).name == "lr-0.001.pt"
    dialog.file.setText("mine-0.5")
    _choose(dialog, "onnx")
    assert dialog.file.text() == "mine-0.5.onnx"


def test_that_a_chosen_name_with_dots_gets_the_ending_and_a_file_in_its_way_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = str(tmp_path / "lr-0.001")
    monkeypatch.setattr("workbench.gui.dialogs.ask.QFileDialog.getSaveFileName", lambda *_: (chosen, ""))
    start = tmp_path / "run.toml"
    assert ask.save_file(None, "Save", start, "") == tmp_path / "lr-0.001.toml"
    (tmp_path / "lr-0.001.toml").write_text("")
    asked: list[str] = []

    def choose(_parent: object, _title: str, text: str, _choices: object) -> str:
        asked.append(text)
        return ask.CANCEL if len(asked) == 1 else ask.REPLACE

    monkeypatch.setattr(ask, "choose", choose)
    assert ask.save_file(None, "Save", start, "") is None
    assert ask.save_file(None, "Save", start, "") == tmp_path / "lr-0.001.toml"
    assert asked == ["“lr-0.001.toml” already exists."] * 2


def test_that_a_file_that_exists_is_replaced_only_when_the_person_says_so(
    dialog: ExportDialog, wanted: list[str], answers: Answers, tmp_path: Path
) -> None:
    file = tmp_path / "model.onnx"
    file.write_text("old")
    dialog.file.setText(str(file))
    answers.give(ask.CANCEL)
    dialog.start.click()
    assert wanted == []
    assert dialog.start.isEnabled()
    answers.give(ask.REPLACE)
    dialog.start.click()
    assert wanted == [str(file)]


def test_that_a_file_chosen_in_the_files_dialog_is_not_asked_about_again(
    dialog: ExportDialog, wanted: list[str], answers: Answers, tmp_path: Path
) -> None:
    file = tmp_path / "model.onnx"
    file.write_text("old")
    answers.give(file)
    dialog.findChild(QPushButton, "export.browse").click()  # type: ignore[union-attr]
    dialog.start.click()
    assert wanted == [str(file)]


def test_that_the_model_written_is_that_of_the_run_the_dialog_was_opened_for(
    window: MainWindow, wait: Wait, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[ExportModel] = []

    def send(request: AnyRequest) -> None:
        if isinstance(request, ExportModel):
            sent.append(request)

    monkeypatch.setattr(window.service, "send", send)
    first, second = create(RunConfig(), "first", runs), create(RunConfig(), "second", runs)
    checkpoint = Engine(first).train()
    Engine(second).train()
    window.controllers.runs.show_run(first)
    wait(lambda: window.actions_["file.export"].isEnabled())
    window.actions_["file.export"].trigger()
    dialog = window.findChild(ExportDialog)
    assert dialog is not None
    window.controllers.runs.show_run(second)
    dialog.file.setText(str(tmp_path / "model.onnx"))
    dialog.onnx.opset.setCurrentText("20")
    dialog.onnx.input_names.setText("raw, kinds")
    dialog.start.click()
    assert [request.checkpoint for request in sent] == [str(checkpoint)]
    assert (sent[0].opset, sent[0].input_names, sent[0].output_names) == (20, ("raw", "kinds"), ())
    _choose(dialog, "torch-export")
    assert dialog.options() == {}
    assert not dialog.onnx.isVisible()
    window.service.replied.emit(ServiceReply(1, sent[0], ExportedModel(file="model.onnx", bytes=2048)))
    assert "Exported" in dialog.status.text()
    checkpoint.unlink()
    dialog.start.click()
    assert len(sent) == 1
    assert "no checkpoint" in dialog.status.text()
    assert dialog.start.isEnabled()
    dialog.close()
    wait(lambda: window.findChild(ExportDialog) is None)
