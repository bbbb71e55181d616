"""What can be chosen of an ONNX file: the version of its operators, and the names of its inputs and its output."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QWidget

from workbench.export_formats import OPSETS

USUAL = "Default"


class OnnxForm(QWidget):
    """Three optional settings; what is left as it is, the exporter chooses."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("export.onnx")
        self.opset = QComboBox(self)
        self.opset.setObjectName("export.opset")
        self.opset.setAccessibleName("Opset")
        self.opset.addItem(USUAL, None)
        for version in OPSETS:
            self.opset.addItem(str(version), version)
        self.input_names = self._names("export.inputs", "Input names", "input")
        self.output_names = self._names("export.outputs", "Output name", "output")
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addRow("Opset", self.opset)
        layout.addRow("Input names", self.input_names)
        layout.addRow("Output name", self.output_names)

    def options(self) -> dict[str, Any]:
        """The fields of a request that were chosen."""
        return {
            "opset": self.opset.currentData(),
            "input_names": _listed(self.input_names.text()),
            "output_names": _listed(self.output_names.text()),
        }

    def _names(self, name: str, title: str, usual: str) -> QLineEdit:
        edit = QLineEdit(self)
        edit.setObjectName(name)
        edit.setAccessibleName(title)
        edit.setPlaceholderText(usual)
        edit.setToolTip("Several names are separated by commas.")
        return edit


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",")) if text.strip() else ()
