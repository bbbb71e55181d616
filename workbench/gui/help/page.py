"""A help page: sections of text and code, each with what the code really printed a moment ago."""

from __future__ import annotations

import re
from html import escape

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QCloseEvent, QFontDatabase
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QTextBrowser, QVBoxLayout, QWidget

from workbench.config.problems import Problem
from workbench.gui.panels.panel import sentences
from workbench.gui.service.busy_indicator import BusyIndicator
from workbench.gui.service.client import ServiceClient
from workbench.gui.theme import STEP, Themes, mix
from workbench.launch.service import RequestType
from workbench.runs.service.answers import ExamplesPage
from workbench.runs.service.requests import RunExamples

RUNNING = "running…"
_CODE = re.compile(r"`([^`]+)`")


class HelpPage(QDialog):
    """Shows that the examples run, and then the page. ``left`` is emitted when it was closed."""

    left = Signal()

    def __init__(
        self, page: str, title: str, themes: Themes, service: ServiceClient, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("help.page")
        self.setWindowTitle(title)
        self.page = page
        self._themes = themes
        self._examples: ExamplesPage | None = None
        self._message = f"The examples are {RUNNING}"
        self.text = QTextBrowser(self)
        self.text.setObjectName("help.page.text")
        self.text.setAccessibleName(title)
        self.text.setTabChangesFocus(True)
        self.text.document().setDocumentMargin(4 * STEP)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.close)
        below = QHBoxLayout()
        texts: dict[RequestType, str] = {RunExamples: ""}
        below.addWidget(BusyIndicator(service, texts, "help.page.waiting", self))
        below.addWidget(buttons, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * STEP, 4 * STEP, 4 * STEP, 4 * STEP)
        layout.addWidget(self.text, 1)
        layout.addLayout(below)
        self.resize(720, 640)
        themes.changed.connect(self._write)
        self._write()

    def show_examples(self, examples: ExamplesPage) -> None:
        """Shows the page with what its examples printed."""
        self._examples = examples
        self.setWindowTitle(examples.title)
        self._write()

    def show_problems(self, problems: tuple[Problem, ...]) -> None:
        """Says why there is no page."""
        self._message = sentences(problems)
        self._write()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Emits ``left``."""
        super().closeEvent(event)
        self.left.emit()

    @Slot()
    def _write(self) -> None:
        position = self.text.verticalScrollBar().value()
        self.text.setHtml(self._html())
        self.text.verticalScrollBar().setValue(position)

    def _html(self) -> str:
        theme = self._themes.current
        if self._examples is None:
            return f'<p style="color:{theme.muted}">{escape(self._message)}</p>'
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
        parts = [f"<h2>{escape(self._examples.title)}</h2>"]
        for section in self._examples.sections:
            parts.append(f"<h3>{escape(section.title)}</h3>")
            if section.text:
                text = _CODE.sub(rf'<span style="font-family:{font!r}">\1</span>', escape(section.text))
                parts.append(f'<p style="margin-bottom:6px">{text}</p>')
            if section.code:
                parts.append(_block(section.code, theme.window, theme.text, font))
            if section.output:
                parts.append(f'<p style="color:{theme.muted}; margin-top:6px; margin-bottom:2px">prints</p>')
                parts.append(_block(section.output, mix(theme.accent, theme.base, 0.12), theme.text, font))
        return "".join(parts)


def _block(text: str, ground: str, ink: str, font: str) -> str:
    """Text as it is, on a ground of its own."""
    return (
        f'<table width="100%" cellpadding="8" cellspacing="0" bgcolor="{ground}" style="margin-top:4px"><tr><td>'
        f'<pre style="color:{ink}; font-family:{font!r}; margin:0">{escape(text)}</pre></td></tr></table>'
    )
