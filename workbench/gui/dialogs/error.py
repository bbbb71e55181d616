"""An error as a person meets it: what happened, what to do, and the details to pass on."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget


class ReportDialog(QDialog):
    """A sentence, what to do about it, and a longer text that can be copied. Showing it blocks nothing."""

    def __init__(self, title: str, what: str, hint: str, details: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dialog.report")
        self.setWindowTitle(title)
        self.text = "\n\n".join(part for part in (what, hint, details) if part)
        """All that it says."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        for text, role in ((what, "title"), (hint, "")):
            if text:
                layout.addWidget(_label(text, role))
        if details:
            layout.addWidget(self._details_view(details))
        layout.addStretch(1)
        layout.addWidget(self._buttons(bool(details)))
        self.resize(560, 400 if details else 140)

    def _details_view(self, details: str) -> QPlainTextEdit:
        view = QPlainTextEdit(details, self)
        view.setObjectName("dialog.report.details")
        view.setAccessibleName("Details")
        view.setReadOnly(True)
        view.setTabChangesFocus(True)
        view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        return view

    def _buttons(self, copyable: bool) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        if copyable:
            copy = buttons.addButton("Copy details", QDialogButtonBox.ButtonRole.ActionRole)
            copy.setObjectName("dialog.report.copy")
            copy.clicked.connect(self._copy)
        return buttons

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)


def show_error(
    parent: QWidget | None, what: str, hint: str = "", details: str = "", title: str = "Workbench"
) -> ReportDialog:
    """Shows an error, or a report, in front of the window. The window stays usable meanwhile."""
    dialog = ReportDialog(title, what, hint, details, parent)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def _label(text: str, role: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setProperty("role", role)
    label.setTextInteractionFlags(label.textInteractionFlags().TextSelectableByMouse)
    return label
