"""The window: puts panels, views, menus and the status bar together. What they do is decided elsewhere."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence, QPaintEvent, QShortcut
from PySide6.QtWidgets import QDockWidget, QMainWindow, QVBoxLayout, QWidget

from workbench.gui import preferences
from workbench.gui.actions import Actions
from workbench.gui.document.document import Document
from workbench.gui.document.trusted_files import TrustedFiles
from workbench.gui.help import about
from workbench.gui.panels.architecture import ArchitecturePanel
from workbench.gui.panels.dataset import DatasetPanel
from workbench.gui.panels.device import DevicePanel
from workbench.gui.panels.optimizer import OptimizerPanel
from workbench.gui.panels.panel import Panel
from workbench.gui.runs.overlays import Overlays
from workbench.gui.runs.view import RunsView
from workbench.gui.service.busy_indicator import status_indicator
from workbench.gui.service.client import ServiceClient
from workbench.gui.session.session import Session
from workbench.gui.shell import window_state
from workbench.gui.shell.central_tabs import CentralTabs
from workbench.gui.shell.controllers import Controllers
from workbench.gui.shell.device_label import DeviceLabel
from workbench.gui.shell.settings_column import NextRunBanner, PanelsLayout, SettingsColumn
from workbench.gui.shell.status_line import StatusLine
from workbench.gui.shell.tool_bar import ToolBar
from workbench.gui.theme import Themes
from workbench.runs.folder import given_name

SIZE = QSize(1280, 800)
LEFT, RIGHT = 348, 280
"""Widths in pixels of the columns beside the curves, at first."""


class MainWindow(QMainWindow):
    """Assembled, not shown, and without any engine. ``painted`` is emitted once, after the window was drawn first."""

    painted = Signal()

    def __init__(self, remembered: preferences.Preferences, themes: Themes) -> None:
        super().__init__()
        self.setObjectName("window")
        self.preferences = remembered
        self.themes = themes
        self.document = Document(self)
        self.session = Session(remembered, self)
        self.service = ServiceClient(self)
        self.trusted_files = TrustedFiles(self)
        self.overlays = Overlays(self)
        self.remembers = True
        """Whether its geometry and panels are saved for the next window."""
        self._drawn = False
        self._drawn_counts = (0, 0)
        """Epochs and checkpoints of the run shown, as the table and the actions know them."""
        self._create_views()
        self._create_docks()
        self.controllers = Controllers(
            self.document, self.session, self.service, remembered, self.trusted_files, self.central, themes, self, self
        )
        self.actions_ = Actions(self.controllers, themes, self)
        self._create_menus()
        self.tool_bar = ToolBar(self.actions_.by_name, DeviceLabel(self.session, self.document, self.service), self)
        self.addToolBar(self.tool_bar)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self._connect()
        self.setAcceptDrops(True)
        self.resize(SIZE)
        self._first_layout = self.saveState()
        window_state.restore(self, self.column, remembered)
        self._update_title()
        self.show_run()

    # --- assembly ---

    def _create_views(self) -> None:
        self.central = CentralTabs(self.themes)
        self.runs = RunsView(self.themes, self.preferences.runs_root)
        self.runs.interrupted.remember_in(self.preferences)
        self.status = StatusLine()
        self.setCentralWidget(self.central)
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().setContentsMargins(8, 0, 8, 0)
        self.statusBar().addWidget(self.status, 1)
        self.statusBar().addPermanentWidget(status_indicator(self.service))

    def _create_docks(self) -> None:
        dataset = DatasetPanel(self.document, self.service, self.themes, self.trusted_files)
        dataset.found.connect(self.central.curves.set_start_hint)
        panels: list[tuple[str, Panel]] = [
            ("Dataset", dataset),
            ("Architecture", ArchitecturePanel(self.document, self.service, self.themes, self.trusted_files)),
            ("Optimizer and schedule", OptimizerPanel(self.document, self.service, self.themes)),
            ("Device and precision", DevicePanel(self.document, self.service, self.themes)),
        ]
        self.column = SettingsColumn(panels, self.themes)
        left = QWidget()
        layout = QVBoxLayout(left)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.next_run = NextRunBanner(self.session, self.document)
        layout.addWidget(self.next_run)
        layout.addWidget(self.column, 1)
        self.settings_dock = self._dock("Settings", "dock.settings", left, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.runs_dock = self._dock("Runs", "dock.runs", self.runs, Qt.DockWidgetArea.RightDockWidgetArea)
        self.resizeDocks([self.settings_dock, self.runs_dock], [LEFT, RIGHT], Qt.Orientation.Horizontal)

    def _dock(self, title: str, name: str, content: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(name)
        dock.setWidget(content)
        self.addDockWidget(area, dock)
        return dock

    def _create_menus(self) -> None:
        view = self.actions_.fill(self.menuBar())["View"]
        view.addSeparator()
        view.addActions([panel.shown for panel in self.column.panels])
        view.addSeparator()
        view.addActions([self.settings_dock.toggleViewAction(), self.runs_dock.toggleViewAction()])
        for index in range(len(self.column.panels)):
            keys = QShortcut(QKeySequence(f"Ctrl+{index + 1}"), self)
            keys.setObjectName(str(index))
            keys.activated.connect(self._go_to_panel)

    def _connect(self) -> None:
        self.document.changed.connect(self._update_title)
        self.session.shown_changed.connect(self.show_run)
        self.session.progressed.connect(self.show_progress)
        self.session.state_changed.connect(self.show_progress)
        self.session.runs_changed.connect(self.runs.refresh)
        self.session.activity_changed.connect(self.statusBar().showMessage)
        self.next_run.settings_wanted.connect(self.controllers.runs.show_run_settings)
        self.runs.opened.connect(self.controllers.runs.show_run)
        self.runs.resume_wanted.connect(self.controllers.runs.resume_run)
        self.runs.overlays_changed.connect(self.overlays.load)
        self.overlays.loaded.connect(self.central.curves.set_overlays)
        self.runs.reader.read.connect(self.controllers.comparison.rescan)
        self.controllers.runs.close_wanted.connect(self.close)
        self.controllers.runs.runs_folder_changed.connect(self._show_runs_folder)

    # --- showing ---

    @Slot()
    def show_run(self) -> None:
        """Another run is shown."""
        run = self.session.folder
        self.runs.set_current(run)
        self.tool_bar.header.set_name(given_name(run) if run is not None else "")
        self.show_progress()

    @Slot()
    def show_progress(self) -> None:
        """The run shown has said something."""
        progress, state = self.session.progress, self.session.state
        shown = progress if self.session.folder is not None else None
        self.central.show_progress(shown)
        for line in (self.tool_bar.header, self.status):
            line.show_progress(shown, state)
        counts = (progress.epoch, len(progress.checkpoints))
        if counts != self._drawn_counts:
            self._drawn_counts = counts
            self.runs.refresh_soon()
            self.actions_.refresh()

    @Slot(object)
    def _show_runs_folder(self, folder: Path) -> None:
        self.runs.reader.root = folder
        self.runs.refresh()

    @Slot()
    def _update_title(self) -> None:
        self.setWindowTitle(f"Workbench — {self.document.name}{'*' if self.document.modified else ''}")

    @Slot()
    def _go_to_panel(self) -> None:
        self.settings_dock.show()
        self.column.go_to(int(self.sender().objectName()))

    # --- what only concerns the window ---

    def toggle_theme(self) -> None:
        """Changes between light and dark."""
        self.preferences.theme = "light" if self.themes.current.name == "dark" else "dark"
        self.themes.choose(self.preferences.theme)

    def reset_layout(self) -> None:
        """Puts every panel back to its place."""
        self.column.apply_layout(PanelsLayout())
        self.restoreState(self._first_layout)
        self.resizeDocks([self.settings_dock, self.runs_dock], [LEFT, RIGHT], Qt.Orientation.Horizontal)

    def show_setting_help(self) -> None:
        """Explains the setting that has the focus."""
        about.help_on(self.focusWidget())

    def show_environment(self) -> None:
        """Shows what the machine has."""
        about.show_environment(self, self.tool_bar.device.environment)

    def show_about(self) -> None:
        """Shows what this program is."""
        about.show_about(self)

    # --- Qt's own ---

    def paintEvent(self, event: QPaintEvent) -> None:
        """Emits ``painted`` after the first time."""
        super().paintEvent(event)
        if not self._drawn:
            self._drawn = True
            QTimer.singleShot(0, self, self.painted.emit)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space pauses where nothing that has the focus wanted it."""
        if event.key() == Qt.Key.Key_Space and self.actions_["run.pause"].isEnabled():
            self.actions_["run.pause"].trigger()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accepts one file or folder."""
        if event.mimeData().hasUrls() and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Opens what was dropped."""
        event.acceptProposedAction()
        self.controllers.documents.open_dropped(Path(event.mimeData().urls()[0].toLocalFile()))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Asks what has to be asked; then everything that this window started ends, except the run."""
        if not self.controllers.runs.confirm_close():
            event.ignore()
            return
        if self.remembers:
            window_state.save(self, self.column, self.preferences)
            preferences.save(self.preferences)
        self.runs.stop()
        self.controllers.close()
        self.session.close()
        self.service.close()
        self.overlays.close()
        super().closeEvent(event)
