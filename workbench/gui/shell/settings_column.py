"""The four panels below one another in one scrolling column; each can be collapsed, closed, detached and brought back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from workbench.gui.document.document import Document
from workbench.gui.panels.panel import Panel
from workbench.gui.session.session import Session
from workbench.gui.shell.collapsible_panel import CollapsiblePanel
from workbench.gui.theme import Themes
from workbench.runs.folder import given_name


@dataclass(frozen=True)
class PanelsLayout:
    """The names of the panels that are collapsed, of those that are closed, and of those outside the column."""

    folded: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()


class SettingsColumn(QScrollArea):
    """The panels, in their order."""

    def __init__(self, panels: Sequence[tuple[str, Panel]], themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("settings.column")
        self.setAccessibleName("Settings")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.panels = [CollapsiblePanel(title, panel, themes) for title, panel in panels]
        column = QWidget(self)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 4, 0, 8)
        layout.setSpacing(0)
        for index, panel in enumerate(self.panels):
            if index:
                layout.addWidget(_line())
            layout.addWidget(panel)
        layout.addStretch(1)
        self._column = column
        self.setWidget(column)

    def minimumSizeHint(self) -> QSize:
        """As wide as its panels: nothing scrolls sideways."""
        least = super().minimumSizeHint()
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(max(least.width(), self._column.minimumSizeHint().width() + bar), least.height())

    def go_to(self, index: int) -> None:
        """Brings a panel into view, with the focus in its first field."""
        panel = self.panels[index]
        panel.enter()
        if panel.dock is not None:
            return
        self.ensureWidgetVisible(panel.panel, 0, 0)
        self.ensureWidgetVisible(panel.header, 0, 8)

    def current_layout(self) -> PanelsLayout:
        """How the panels are arranged."""
        return PanelsLayout(
            folded=_names(panel for panel in self.panels if panel.collapsed),
            hidden=_names(panel for panel in self.panels if not panel.shown.isChecked()),
            apart=_names(panel for panel in self.panels if panel.dock is not None),
        )

    def apply_layout(self, layout: PanelsLayout) -> None:
        """Arranges the panels."""
        for panel in self.panels:
            name = panel.panel.objectName()
            (panel.detach if name in layout.apart else panel.attach)()
            panel.collapse(name in layout.folded)
            panel.shown.setChecked(name not in layout.hidden)


def _names(panels: Iterable[CollapsiblePanel]) -> tuple[str, ...]:
    return tuple(panel.panel.objectName() for panel in panels)


class NextRunBanner(QFrame):
    """Says, while a run is running, that what is edited is for the next one."""

    settings_wanted = Signal()
    """The settings of the run shown are to be opened."""

    def __init__(self, session: Session, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner.next_run")
        self._session, self._document = session, document
        self._text = QLabel(self)
        self._text.setObjectName("banner.next_run.text")
        self._text.setWordWrap(True)
        self._text.setProperty("role", "warning")
        self._button = QPushButton("Show the run’s settings", self)
        self._button.setObjectName("banner.next_run.show")
        self._button.setAccessibleName("Show the run’s settings")
        self._button.setToolTip("Open the settings of the run that is running")
        self._button.clicked.connect(self.settings_wanted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(4)
        layout.addWidget(self._text)
        row = QHBoxLayout()
        row.addWidget(self._button)
        row.addStretch(1)
        layout.addLayout(row)
        session.state_changed.connect(self.refresh)
        session.shown_changed.connect(self.refresh)
        document.changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Shows itself while a run is running; with the button when the settings are not the run's any more."""
        run = self._session.active_run
        self.setVisible(run is not None)
        if run is None:
            return
        own = self._session.active_config
        same = own is not None and own == self._document.config
        name = given_name(run)
        self._button.setVisible(not same and self._session.folder == run)
        self._text.setText(
            f"{name} is running with these settings. Changes apply to the next run."
            if same
            else f"These settings apply to the next run. Running: {name}"
        )


def _line() -> QWidget:
    line = QWidget()
    line.setFixedHeight(1)
    line.setAutoFillBackground(True)
    line.setBackgroundRole(QPalette.ColorRole.Mid)
    return line
