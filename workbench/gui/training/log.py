"""The log of a run: its messages, with their times."""

from __future__ import annotations

from datetime import datetime
from html import escape

from PySide6.QtCore import Slot
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from workbench.gui.assets import icon
from workbench.gui.theme import STEP, Themes
from workbench.runs.progress import LOG_LINES, LogLine, Progress

_SYMBOLS = {"warning": "⚠", "error": "✕"}
_LEVELS = {"All": ("info", "warning", "error"), "Warnings and errors": ("warning", "error"), "Errors": ("error",)}


class LogView(QWidget):
    """Lines are only added; the view stays at the end unless the user scrolled up."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.log")
        self.setAccessibleName("Log")
        self._themes = themes
        self._progress: Progress | None = None
        self._last: LogLine | None = None
        self.text = QPlainTextEdit()
        self.text.setObjectName("view.log.text")
        self.text.setAccessibleName("Log of the run")
        self.text.setToolTip("Messages of the run. Select lines to copy them.")
        self.text.setReadOnly(True)
        self.text.setUndoRedoEnabled(False)
        self.text.setTabChangesFocus(True)
        self.text.setMaximumBlockCount(LOG_LINES)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.text.setPlaceholderText("Messages of a run are listed here.")
        self.levels = QComboBox()
        self.levels.setObjectName("view.log.level")
        self.levels.setAccessibleName("Lines to show")
        self.levels.setToolTip("Messages to show")
        self.levels.addItems(list(_LEVELS))
        self.copy = QToolButton()
        self.copy.setObjectName("view.log.copy")
        self.copy.setAccessibleName("Copy the log")
        self.copy.setToolTip("Copy all lines shown to the clipboard")
        self._arrange()
        self.levels.currentIndexChanged.connect(self._rebuild)
        self.copy.clicked.connect(self._copy_all)
        themes.changed.connect(self._apply_theme)
        self._apply_theme()

    def _arrange(self) -> None:
        title = QLabel("Log")
        title.setProperty("role", "title")
        header = QHBoxLayout()
        header.setSpacing(2 * STEP)
        header.addWidget(title)
        header.addStretch(1)
        header.addWidget(self.levels)
        header.addWidget(self.copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * STEP, STEP, 2 * STEP, 2 * STEP)
        layout.setSpacing(STEP)
        layout.addLayout(header)
        layout.addWidget(self.text, 1)

    def show_progress(self, progress: Progress | None) -> None:
        """Adds the lines that came since the last call; another progress is another log."""
        if progress is not self._progress:
            self._progress = progress
            self._rebuild()
            return
        fresh = self._fresh()
        if fresh:
            self._append(fresh)

    @Slot()
    def _rebuild(self) -> None:
        self.text.clear()
        self._last = None
        self.show_progress(self._progress)

    @Slot()
    def _apply_theme(self) -> None:
        self.copy.setIcon(icon("copy", self._themes.current))
        self._rebuild()

    @Slot()
    def _copy_all(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())

    def _fresh(self) -> list[LogLine]:
        """Lines behind the last one shown; searched from the end, since old lines leave at the front."""
        log = self._progress.log if self._progress is not None else []
        first = len(log)
        while first > 0 and log[first - 1] is not self._last:
            first -= 1
        return log[first:]

    def _append(self, lines: list[LogLine]) -> None:
        self._last = lines[-1]
        levels = _LEVELS[self.levels.currentText()]
        shown = [self._html(line) for line in lines if line.level in levels]
        if not shown:
            return
        bar = self.text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 1
        before = bar.value()
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        for number, html in enumerate(shown):
            if number or not self.text.document().isEmpty():
                cursor.insertBlock()
            cursor.insertHtml(html)
        bar.setValue(bar.maximum() if at_end else before)

    def _html(self, line: LogLine) -> str:
        theme = self._themes.current
        color = {"warning": theme.warning, "error": theme.error}.get(line.level, theme.text)
        symbol = f"{_SYMBOLS[line.level]} {line.level}: " if line.level in _SYMBOLS else ""
        text = escape(symbol + line.text).replace("\n", " ")
        when = f"{datetime.fromtimestamp(line.time):%H:%M:%S}"
        return f'<span style="color:{theme.muted}">{when}</span>&nbsp; <span style="color:{color}">{text}</span>'
