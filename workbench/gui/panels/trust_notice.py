"""Says in a panel that a Python file of the user's own is not run before it is trusted, with a button to trust it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from workbench.config.problems import Problem
from workbench.gui.document.document import Document
from workbench.gui.document.trusted_files import TrustedFiles
from workbench.gui.theme import STEP


class OwnFile(QWidget):
    """Of one section. Hidden while there is nothing to trust."""

    def __init__(
        self, document: Document, own_files: TrustedFiles, section: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName(f"{section}.own_file")
        self._document, self._own_files, self._section = document, own_files, section
        self.label = QLabel(self)
        self.label.setObjectName(f"{section}.own_file.words")
        self.label.setProperty("role", "warning")
        self.label.setWordWrap(True)
        self.button = QPushButton("Trust the file…", self)
        self.button.setObjectName(f"{section}.own_file.trust")
        self.button.setAccessibleName("Trust the file")
        self.button.setToolTip("Asks whether this Python file may be run, for previews and for training")
        self.button.clicked.connect(self._confirm_trust)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(STEP)
        layout.addWidget(self.label)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        document.changed.connect(self.refresh)
        own_files.trusted.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Checks again whether the file is trusted as it is now."""
        untrusted = self._own_files.untrusted(self._document.data, (self._section,))
        self.setVisible(bool(untrusted))
        for path in untrusted:
            text = "is Python code that is not trusted yet. It is not run before that, so there is no preview."
            self.label.setText(f"{path.name} {text}")
            self.label.setToolTip(str(path))

    def without_own(self, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
        """What the engine found wrong, without that the file is not trusted: this is asked at Train, and no reason against it."""
        self.refresh()
        if self.isHidden():
            return problems
        return tuple(problem for problem in problems if problem.path != f"{self._section}.path")

    @Slot()
    def _confirm_trust(self) -> None:
        self._own_files.confirm({self._section: self._document.data[self._section]}, "A preview")
