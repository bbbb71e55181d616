"""A panel in the settings column: below a header that collapses it, or detached into a dock of its own."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QCloseEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.assets import icon
from workbench.gui.panels.panel import Panel
from workbench.gui.theme import STEP, Themes


class PanelDock(QDockWidget):
    """A panel outside the column: floating, or at any side of the window."""

    closed = Signal()

    def __init__(self, title: str, panel: Panel, window: QMainWindow) -> None:
        super().__init__(title, window)
        self.setObjectName(f"dock.{panel.objectName()}")
        self.area = QScrollArea(self)
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(panel)
        self.area.setMinimumWidth(panel.minimumSizeHint().width() + self.area.verticalScrollBar().sizeHint().width())
        self.setWidget(self.area)

    def sizeHint(self) -> QSize:
        """The whole panel where the screen has room for it."""
        panel = self.area.widget()
        wanted = panel.sizeHint() if panel is not None else super().sizeHint()
        return QSize(
            max(wanted.width(), 348), min(wanted.height() + 8 * STEP, self.screen().availableSize().height() * 3 // 4)
        )

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing it gives the panel back to the column."""
        super().closeEvent(event)
        self.closed.emit()


class CollapsiblePanel(QWidget):
    """A panel below a header that collapses it. ``shown`` is the action that closes it and brings it back."""

    def __init__(self, title: str, panel: Panel, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel = panel
        self.title = title
        self.dock: PanelDock | None = None
        """Where the panel is while it is outside the column."""
        self._themes = themes
        self.header = self._button("header", title, f"Collapse or expand {title}")
        self.header.setText(title)
        self.header.setProperty("role", "title")
        self.header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.header.clicked.connect(self._toggle)
        self._detach_button = self._button(
            "detach", f"Detach {title}", f"Detach {title} from the column: it floats, or docks at a side"
        )
        self._detach_button.clicked.connect(self.detach)
        self.shown = QAction(title, self)
        self.shown.setObjectName(f"view.{panel.objectName()}")
        self.shown.setCheckable(True)
        self.shown.setChecked(True)
        self.shown.setToolTip(f"Show or close the panel {title}")
        self.shown.toggled.connect(self._update_visibility)
        self._summary = QLabel(panel.summary, self)
        self._summary.setObjectName(f"{panel.objectName()}.summary")
        self._summary.setProperty("role", "muted")
        self._summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._summary.hide()
        panel.summary_changed.connect(self._summary.setText)
        row = QHBoxLayout()
        row.setSpacing(2 * STEP)
        row.addWidget(self.header)
        row.addStretch(0)
        row.addWidget(self._summary, 1)
        row.addWidget(self._detach_button)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(2 * STEP, STEP, 2 * STEP, STEP)
        self._layout.setSpacing(STEP)
        self._layout.addLayout(row)
        self._layout.addWidget(panel)
        themes.changed.connect(self._draw_icons)
        self._draw_icons()

    @property
    def collapsed(self) -> bool:
        """Whether only the header is to be seen."""
        return self.panel.isHidden()

    def collapse(self, collapsed: bool) -> None:
        """Collapses the panel, or expands it. Outside the column it is never collapsed."""
        collapsed = collapsed and self.dock is None
        self.panel.setVisible(not collapsed)
        self._summary.setVisible(collapsed)
        self._draw_icons()

    @Slot()
    def detach(self) -> None:
        """Puts the panel into a dock of its own, which floats beside its place at first."""
        window = self._main_window()
        if self.dock is not None or window is None:
            return
        self.collapse(False)
        position = self.mapToGlobal(QPoint(self.width() + 4 * STEP, 0))
        self._layout.removeWidget(self.panel)
        self.dock = PanelDock(self.title, self.panel, window)
        self.dock.closed.connect(self.attach)
        window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.setFloating(True)
        self.dock.resize(self.dock.sizeHint())
        self.dock.move(position)
        self._update_visibility()

    @Slot()
    def attach(self) -> None:
        """Puts the panel back to its place in the column."""
        dock, self.dock = self.dock, None
        window = self._main_window()
        if dock is None or window is None:
            return
        dock.area.takeWidget()
        self._layout.addWidget(self.panel)
        self.panel.show()
        window.removeDockWidget(dock)
        dock.setObjectName("")  # it may be taken out again before this dock is gone
        dock.deleteLater()
        self._update_visibility()

    def enter(self) -> None:
        """Brings the panel into view, with the focus in its first field."""
        self.shown.setChecked(True)
        self.collapse(False)
        if self.dock is not None:
            self.dock.raise_()
            self.dock.activateWindow()
        fields = (field for field in self.panel.findChildren(QWidget) if field.focusPolicy() & Qt.FocusPolicy.TabFocus)
        first = next((field for field in fields if field.isEnabled() and field.isVisibleTo(self.panel)), None)
        if first is not None:
            first.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _main_window(self) -> QMainWindow | None:
        above = self.parent()
        while above is not None and not isinstance(above, QMainWindow):
            above = above.parent()
        return above

    @Slot()
    def _update_visibility(self) -> None:
        self.setVisible(self.shown.isChecked() and self.dock is None)
        if self.dock is not None:
            self.dock.setVisible(self.shown.isChecked())

    @Slot()
    def _toggle(self) -> None:
        self.collapse(not self.collapsed)

    @Slot()
    def _draw_icons(self) -> None:
        theme = self._themes.current
        self.header.setIcon(icon("chevron-right" if self.collapsed else "chevron-down", theme))
        self.header.setAccessibleDescription("collapsed" if self.collapsed else "expanded")
        self._detach_button.setIcon(icon("detach", theme, theme.muted))

    def _button(self, name: str, accessible_name: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(f"{self.panel.objectName()}.{name}")
        button.setAccessibleName(accessible_name)
        button.setToolTip(tip)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button
