"""A setting's line in a form: label, editor, a dot and a reset where it was changed, and its problem below."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QToolButton, QWidget

from workbench.config.problems import Problem
from workbench.gui.assets import icon
from workbench.gui.document.document import Document
from workbench.gui.forms.editors import Editor
from workbench.gui.forms.values import same
from workbench.gui.theme import Themes

LABEL_WIDTH = 124
RESET_WIDTH = 22


class SettingRow(QWidget):
    """Shows one setting of the document, and writes back what is edited."""

    def __init__(self, document: Document, editor: Editor, themes: Themes) -> None:
        super().__init__()
        self.path = editor.path
        self.editor = editor
        self._document = document
        self._themes = themes
        self._label = QLabel(editor.setting.title, self)
        self._label.setBuddy(editor.field)
        self._label.setToolTip(editor.setting.help)
        self._label.setFixedWidth(LABEL_WIDTH)
        self._label.setWordWrap(True)
        self._reset = QToolButton(self)
        self._reset.setObjectName(f"{self.path}.reset")
        self._reset.setAccessibleName(f"Reset {editor.setting.title}")
        self._reset.setAutoRaise(True)
        self._reset.setFixedSize(RESET_WIDTH, RESET_WIDTH)
        self._reset.clicked.connect(self._reset_to_default)
        self._problem = QLabel(self)
        self._problem.setObjectName(f"{self.path}.problem")
        self._problem.setProperty("role", "error")
        self._problem.setWordWrap(True)
        self._warning = QLabel(self)
        self._warning.setObjectName(f"{self.path}.warning")
        self._warning.setProperty("role", "warning")
        self._warning.setWordWrap(True)
        self._explanation = QLabel(self)
        self._explanation.setProperty("role", "muted")
        self._explanation.setWordWrap(True)
        self._explanation.hide()
        self._arrange()
        editor.edited.connect(self._apply_edit)
        themes.changed.connect(self._apply_theme)
        self._apply_theme()
        self.refresh()

    def refresh(self) -> None:
        """Shows the document's value, whether it was changed, and what is wrong with it."""
        if not self._document.has(self.path):
            return
        value, default = self._document.value(self.path), self._document.default(self.path)
        self.editor.show_value(value)
        changed = not same(value, default)
        self._reset.setVisible(changed)
        self._reset.setToolTip(f"Changed. Reset to the default: {_plain(default)}")
        title = self.editor.setting.title
        self._label.setText(f"{title} •" if changed else title)
        wrong = [problem for problem in self._document.problems if problem.path == self.path]
        self._problem.setText(_texts(wrong))
        self._problem.setVisible(bool(wrong))
        warnings = [warning for warning in self._document.warnings if warning.path == self.path]
        self._warning.setText(_texts(warnings))
        self._warning.setVisible(bool(warnings))
        if self.editor.property("wrong") != bool(wrong):
            self.editor.setProperty("wrong", bool(wrong))
            red = self._themes.current.error
            # Only this line: its problem has to be found among many.
            self.editor.setStyleSheet(f"QLineEdit, QComboBox {{ border: 1px solid {red}; }}" if wrong else "")

    def explain(self, text: str) -> None:
        """A sentence below the editor."""
        self._explanation.setText(text)
        self._explanation.setVisible(bool(text))

    def _arrange(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(4)
        layout.setVerticalSpacing(2)
        policy = self._reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._reset.setSizePolicy(policy)
        self.editor.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout.addWidget(self._label, 0, 0)
        layout.addWidget(self.editor, 0, 1)
        layout.addWidget(self._reset, 0, 2)
        layout.addWidget(self._explanation, 1, 1, 1, 2)
        layout.addWidget(self._problem, 2, 1, 1, 2)
        layout.addWidget(self._warning, 3, 1, 1, 2)
        layout.setColumnStretch(1, 1)

    @Slot(object)
    def _apply_edit(self, value: object) -> None:
        self._document.set(self.path, value)

    @Slot()
    def _reset_to_default(self) -> None:
        self._document.reset(self.path)
        self.editor.show_value(self._document.value(self.path))
        self.editor.setFocus()

    @Slot()
    def _apply_theme(self) -> None:
        self._reset.setIcon(icon("reset", self._themes.current))


def _texts(problems: list[Problem]) -> str:
    return "; ".join(problem.what + (f" ({problem.hint})" if problem.hint else "") for problem in problems)


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "empty"
    return str(value) if value != "" else "empty"
