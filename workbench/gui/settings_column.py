"""The four panels below one another in one scrolling column; each can be folded, closed and brought back."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.assets import icon
from workbench.gui.desk import Desk, run_name
from workbench.gui.panels.panel import Panel
from workbench.gui.theme import Themes


class Fold(QWidget):
    """A panel below a header that folds it away."""

    def __init__(self, title: str, panel: Panel, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel = panel
        self._themes = themes
        self.header = QToolButton(self)
        self.header.setObjectName(f"{panel.objectName()}.header")
        self.header.setText(title)
        self.header.setAccessibleName(title)
        self.header.setToolTip(f"Fold or unfold {title}")
        self.header.setProperty("role", "title")
        self.header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.header.setAutoRaise(True)
        self.header.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.header.clicked.connect(self._toggle)
        self.shown = QAction(title, self)
        self.shown.setObjectName(f"view.{panel.objectName()}")
        self.shown.setCheckable(True)
        self.shown.setChecked(True)
        self.shown.setToolTip(f"Show or close the panel {title}")
        self.shown.toggled.connect(self.setVisible)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(4)
        self._summary = QLabel(panel.summary, self)
        self._summary.setObjectName(f"{panel.objectName()}.summary")
        self._summary.setProperty("role", "muted")
        self._summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._summary.hide()
        panel.summary_changed.connect(self._summary.setText)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.header)
        row.addStretch(0)
        row.addWidget(self._summary, 1)
        layout.addLayout(row)
        layout.addWidget(panel)
        themes.changed.connect(self._draw_arrow)
        self._draw_arrow()

    @property
    def folded(self) -> bool:
        """Whether only the header is to be seen."""
        return self.panel.isHidden()

    def fold(self, folded: bool) -> None:
        """Folds the panel away, or unfolds it."""
        self.panel.setVisible(not folded)
        self._summary.setVisible(folded)
        self._draw_arrow()

    @Slot()
    def _toggle(self) -> None:
        self.fold(not self.folded)

    @Slot()
    def _draw_arrow(self) -> None:
        self.header.setIcon(icon("chevron-right" if self.folded else "chevron-down", self._themes.current))
        self.header.setAccessibleDescription("folded" if self.folded else "unfolded")


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
        self.folds = [Fold(title, panel, themes) for title, panel in panels]
        column = QWidget(self)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 4, 0, 8)
        layout.setSpacing(0)
        for index, fold in enumerate(self.folds):
            if index:
                layout.addWidget(_line())
            layout.addWidget(fold)
        layout.addStretch(1)
        self._column = column
        self.setWidget(column)

    def minimumSizeHint(self) -> QSize:
        """As wide as its panels: nothing scrolls sideways."""
        least = super().minimumSizeHint()
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(max(least.width(), self._column.minimumSizeHint().width() + bar), least.height())

    def go_to(self, index: int) -> None:
        """Brings a panel before the eyes, with the focus in its first field."""
        fold = self.folds[index]
        fold.shown.setChecked(True)
        fold.fold(False)
        fold.header.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.focusNextChild()
        self.ensureWidgetVisible(fold.panel, 0, 0)
        self.ensureWidgetVisible(fold.header, 0, 8)

    def layout_now(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of the panels that are folded, and of those that are closed."""
        folded = tuple(fold.panel.objectName() for fold in self.folds if fold.folded)
        return folded, tuple(fold.panel.objectName() for fold in self.folds if not fold.shown.isChecked())

    def take_layout(self, folded: Sequence[str], hidden: Sequence[str]) -> None:
        """Puts the panels as they were."""
        for fold in self.folds:
            fold.fold(fold.panel.objectName() in folded)
            fold.shown.setChecked(fold.panel.objectName() not in hidden)


class NextRunBanner(QFrame):
    """Says, while a run goes, that what is edited is for the next one."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner.next_run")
        self._desk = desk
        self._text = QLabel(self)
        self._text.setObjectName("banner.next_run.text")
        self._text.setWordWrap(True)
        self._text.setProperty("role", "warning")
        self._button = QPushButton("Show the run's settings", self)
        self._button.setObjectName("banner.next_run.show")
        self._button.setAccessibleName("Show the run's settings")
        self._button.setToolTip("Open the settings that the run is being trained with")
        self._button.clicked.connect(desk.show_run_settings)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(4)
        layout.addWidget(self._text)
        row = QHBoxLayout()
        row.addWidget(self._button)
        row.addStretch(1)
        layout.addLayout(row)
        desk.session.state_changed.connect(self.refresh)
        desk.session.shown_changed.connect(self.refresh)
        desk.document.changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Shows itself while a run goes; with the button when the settings are not the run's any more."""
        run = self._desk.session.going
        self.setVisible(run is not None)
        if run is None:
            return
        own = self._desk.session.going_config
        same = own is not None and own == self._desk.document.config
        name = run_name(run)
        self._button.setVisible(not same and self._desk.session.folder == run)
        self._text.setText(
            f"{name} is running with these settings. What you change now is for the next run."
            if same
            else f"These settings are for the next run. Running: {name}"
        )


def _line() -> QWidget:
    line = QWidget()
    line.setFixedHeight(1)
    line.setAutoFillBackground(True)
    line.setBackgroundRole(QPalette.ColorRole.Mid)
    return line
