"""Exporting a run's model: the format, the file, and what to know of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from workbench.export_formats import FORMATS
from workbench.gui.dialogs import ask
from workbench.gui.export.onnx_form import OnnxForm
from workbench.gui.service.busy_indicator import BusyIndicator
from workbench.gui.service.client import ServiceClient
from workbench.gui.theme import STEP
from workbench.launch.service import RequestType, ServiceReply
from workbench.runs.service.answers import ExportedModel
from workbench.runs.service.requests import ExportModel


class ExportDialog(QDialog):
    """Of one run. Emits ``wanted`` with format and file; :meth:`apply_reply` and :meth:`show_refusal` show the outcome."""

    wanted = Signal(str, str)
    """:meth:`options` says the rest."""

    def __init__(self, name: str, service: ServiceClient, parent: QWidget | None = None) -> None:
        """``name`` is proposed for the file; ``service`` writes it."""
        super().__init__(parent)
        self.setObjectName("dialog.export")
        self.setWindowTitle("Export")
        self._name = name
        self._waiting = False
        self._agreed = ""
        """A file that the person chose to be written, whether it exists or not."""
        self.form = QComboBox(self)
        self.form.setObjectName("export.format")
        self.form.setAccessibleName("Format")
        for known in FORMATS:
            self.form.addItem(known.title, known.name)
        self.file = QLineEdit(self)
        self.file.setObjectName("export.file")
        self.file.setAccessibleName("File")
        self.file.setMinimumWidth(360)
        browse = QPushButton("Browse…", self)
        browse.setObjectName("export.browse")
        browse.clicked.connect(self._browse)
        self.about = QLabel(self)
        self.about.setObjectName("export.about")
        self.about.setProperty("role", "muted")
        self.about.setWordWrap(True)
        self.status = QLabel(self)
        self.status.setObjectName("export.status")
        self.status.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.start = buttons.addButton("Export", QDialogButtonBox.ButtonRole.ActionRole)
        self.start.setObjectName("export.start")
        self.start.clicked.connect(self._start)
        buttons.rejected.connect(self.reject)
        self.onnx = OnnxForm(self)
        row = QHBoxLayout()
        row.addWidget(self.file, 1)
        row.addWidget(browse)
        layout = QFormLayout(self)
        layout.setContentsMargins(4 * STEP, 4 * STEP, 4 * STEP, 4 * STEP)
        layout.addRow("Format", self.form)
        layout.addRow("", self.about)
        layout.addRow("File", row)
        layout.addRow(self.onnx)
        layout.addRow(self.status)
        texts: dict[RequestType, str] = {ExportModel: ""}
        layout.addRow(BusyIndicator(service, texts, "export.waiting", self))
        layout.addRow(buttons)
        self.form.currentIndexChanged.connect(self._on_format_changed)
        self._on_format_changed()

    def options(self) -> dict[str, Any]:
        """What was chosen for this format alone: fields of the request."""
        return self.onnx.options() if self.form.currentData() == "onnx" else {}

    def apply_reply(self, reply: ServiceReply) -> None:
        """Shows the outcome. A reply that was not waited for is that to a dialog before this one."""
        if not self._waiting:
            return
        self._end_waiting(describe_outcome(reply))

    def show_refusal(self, text: str) -> None:
        """Says why nothing is written."""
        self._end_waiting(text)

    def _end_waiting(self, text: str) -> None:
        self._waiting = False
        self.start.setEnabled(True)
        self.status.setText(text)

    @Slot()
    def _on_format_changed(self) -> None:
        chosen = FORMATS[self.form.currentIndex()]
        self.about.setText(chosen.about)
        self.onnx.setVisible(chosen.name == "onnx")
        path = Path(self.file.text() or str(Path.home() / self._name))
        if self.file.text() and path.suffix in {known.suffix for known in FORMATS}:
            path = path.with_suffix("")
        self.file.setText(str(ask.with_ending(path, chosen.suffix)))

    @Slot()
    def _browse(self) -> None:
        ending = FORMATS[self.form.currentIndex()].suffix
        path = ask.save_file(self, "Export to", ask.with_ending(Path(self.file.text()), ending), "All files (*)")
        if path is not None:
            self._agreed = str(path)
            self.file.setText(self._agreed)

    @Slot()
    def _start(self) -> None:
        file, self._agreed = self.file.text(), self._agreed if self._agreed == self.file.text() else ""
        if not self._agreed and not ask.may_replace(self, "Export", Path(file)):
            return
        self._agreed = ""
        self._waiting = True
        self.start.setEnabled(False)
        self.status.setText("Exporting the model…")
        self.wanted.emit(str(self.form.currentData()), file)


def describe_outcome(reply: ServiceReply) -> str:
    """What became of an export."""
    if isinstance(reply.answer, ExportedModel):
        exported = f"Exported: {reply.answer.file} ({reply.answer.bytes / 1024:,.0f} KiB)"
        check = reply.answer.check
        return exported if check is None else f"{exported}\n{check.text}"
    return "\n".join(str(problem) for problem in reply.problems)
