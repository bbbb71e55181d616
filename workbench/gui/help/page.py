"""A help page: sections of words and code, each with what the code really printed a moment ago."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QCloseEvent, QFontDatabase
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QTextBrowser, QVBoxLayout, QWidget

from workbench.config.problems import Problem
from workbench.gui.panels.panel import sentences
from workbench.gui.service.busy_indicator import WaitLine
from workbench.gui.service.client import LabClient
from workbench.gui.theme import STEP, Themes, mix

RUNNING = "running…"
_CODE = re.compile(r"`([^`]+)`")


class HelpPage(QDialog):
    """Shows that the examples run, and then the page. ``left`` says that it was closed."""

    left = Signal()

    def __init__(self, page: str, title: str, themes: Themes, lab: LabClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("help.page")
        self.setWindowTitle(title)
        self.page = page
        self._themes = themes
        self._result: dict[str, Any] = {}
        self._words = f"The examples are {RUNNING}"
        self.text = QTextBrowser(self)
        self.text.setObjectName("help.page.text")
        self.text.setAccessibleName(title)
        self.text.setTabChangesFocus(True)
        self.text.document().setDocumentMargin(4 * STEP)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.close)
        below = QHBoxLayout()
        below.addWidget(WaitLine(lab, {"examples": ""}, "help.page.waiting", self))
        below.addWidget(buttons, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * STEP, 4 * STEP, 4 * STEP, 4 * STEP)
        layout.addWidget(self.text, 1)
        layout.addLayout(below)
        self.resize(720, 640)
        themes.changed.connect(self._write)
        self._write()

    def show_result(self, result: dict[str, Any]) -> None:
        """Takes the lab's answer."""
        self._result = result
        self.setWindowTitle(result["title"])
        self._write()

    def refuse(self, problems: tuple[Problem, ...]) -> None:
        """Says why there is no page."""
        self._words = sentences(problems)
        self._write()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Says that nobody waits any more."""
        super().closeEvent(event)
        self.left.emit()

    @Slot()
    def _write(self) -> None:
        place = self.text.verticalScrollBar().value()
        self.text.setHtml(self._html())
        self.text.verticalScrollBar().setValue(place)

    def _html(self) -> str:
        theme = self._themes.current
        if not self._result:
            return f'<p style="color:{theme.muted}">{escape(self._words)}</p>'
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
        parts = [f"<h2>{escape(self._result['title'])}</h2>"]
        for section in self._result["sections"]:
            parts.append(f"<h3>{escape(section['title'])}</h3>")
            if section["text"]:
                words = _CODE.sub(rf'<span style="font-family:{font!r}">\1</span>', escape(section["text"]))
                parts.append(f'<p style="margin-bottom:6px">{words}</p>')
            if section["code"]:
                parts.append(_block(section["code"], theme.window, theme.text, font))
            if section["output"]:
                parts.append(f'<p style="color:{theme.muted}; margin-top:6px; margin-bottom:2px">prints</p>')
                parts.append(_block(section["output"], mix(theme.accent, theme.base, 0.12), theme.text, font))
        return "".join(parts)


def _block(text: str, ground: str, ink: str, font: str) -> str:
    """Text as it is, on a ground of its own."""
    return (
        f'<table width="100%" cellpadding="8" cellspacing="0" bgcolor="{ground}" style="margin-top:4px"><tr><td>'
        f'<pre style="color:{ink}; font-family:{font!r}; margin:0">{escape(text)}</pre></td></tr></table>'
    )
