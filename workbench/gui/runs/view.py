"""All runs: their state and best value. A double click shows a run; it can be resumed, or drawn beside the one shown."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QFileSystemWatcher, QModelIndex, QSortFilterProxyModel, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.assets import icon
from workbench.gui.runs.interrupted_banner import OTHER_RUN_ACTIVE, InterruptedBanner, any_active
from workbench.gui.runs.reader import RunReader
from workbench.gui.runs.table import BEST, CHANGED, FILTER_ROLE, NAME, SORT_ROLE, STARTED, STATE, TIME, RunTableModel
from workbench.gui.theme import STEP, Themes
from workbench.runs.folder import RunFolder
from workbench.runs.history import Row

EMPTY = "No runs yet.\nPress Train: every run is listed here with its state and its best value."
_WIDEST = {
    STATE: "✓ completed",
    BEST: "0.98765",
    TIME: "12:34 min",
    STARTED: "30 Sep 12:34",
    CHANGED: "Learning rate 0.01",
}
"""Texts as wide as a column's usually are."""


class RunsTableView(QTableView):
    """A table in which Enter opens the run in the current row."""

    row_activated = Signal(QModelIndex)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Name, state and best always fit; the other columns come as the table gets wider."""
        super().resizeEvent(event)
        self.fit_columns()

    def fit_columns(self) -> None:
        """Gives the name what the columns beside it leave, and hides those for which there is no room."""
        widths = {column: self._width_of(text) for column, text in _WIDEST.items()}
        name = self._width_of("a-name-of-a-run")
        left = self.viewport().width() - name - widths[STATE] - widths[BEST]
        shown = True
        for column in (TIME, STARTED, CHANGED):
            shown = shown and left >= widths[column]
            self.setColumnHidden(column, not shown)
            left -= widths[column] if shown else 0
        if not shown:  # else the last column takes what is left
            name = max(12 * STEP, name + left)
        for column, width in {**widths, NAME: name}.items():
            self.setColumnWidth(column, width)

    def _width_of(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text) + 4 * STEP

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens; everything else is the table's."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.row_activated.emit(self.currentIndex())
            event.accept()
            return
        super().keyPressEvent(event)


REFRESH_MS = 1000
"""Least time between two readings of the runs."""


class RunsView(QWidget):
    """The table of runs below one folder. :meth:`stop` ends its reading; closing the view or the program does so too."""

    opened = Signal(object)
    resume_wanted = Signal(object)
    overlays_changed = Signal(object)

    def __init__(self, themes: Themes, root: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.runs")
        self.setAccessibleName("Runs")
        self._themes = themes
        self.reader = RunReader(root, self)
        self.model = RunTableModel(themes, self)
        self.sorted = QSortFilterProxyModel(self)
        self.sorted.setSourceModel(self.model)
        self.sorted.setSortRole(SORT_ROLE)
        self.sorted.setFilterRole(FILTER_ROLE)
        self.sorted.setFilterKeyColumn(-1)
        self.sorted.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._watcher = QFileSystemWatcher(self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(REFRESH_MS)
        self._create_controls()
        self._create_table()
        self._arrange()
        self._connect()
        self._apply_theme()
        self._selection_changed()

    def _create_controls(self) -> None:
        self.filter = QLineEdit()
        self.filter.setObjectName("view.runs.filter")
        self.filter.setAccessibleName("Filter runs")
        self.filter.setToolTip("Show only runs with this text in name, state or settings.")
        self.filter.setPlaceholderText("Filter")
        self.filter.setClearButtonEnabled(True)
        self.resume = QPushButton("Resume")
        self.resume.setObjectName("view.runs.resume")
        self.resume.setAccessibleName("Resume the selected run")
        self.interrupted = InterruptedBanner()
        self.empty = QLabel(EMPTY)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setProperty("role", "empty")

    def _create_table(self) -> None:
        table = RunsTableView()
        table.setObjectName("view.runs.table")
        table.setAccessibleName("Runs")
        table.setToolTip("Double-click or Enter shows a run. A tick draws its curves beside those shown.")
        table.setModel(self.sorted)
        table.setSortingEnabled(True)
        table.sortByColumn(STARTED, Qt.SortOrder.DescendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setWordWrap(False)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 2 * STEP)
        header = table.horizontalHeader()
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(10 * STEP)
        header.setHighlightSections(False)
        self.table = table

    def _arrange(self) -> None:
        header = QHBoxLayout()
        header.setSpacing(2 * STEP)
        header.addWidget(self.filter, 1)
        header.addWidget(self.resume)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self.table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * STEP, 2 * STEP, 2 * STEP, 2 * STEP)
        layout.setSpacing(2 * STEP)
        layout.addWidget(self.interrupted)
        layout.addLayout(header)
        layout.addWidget(self._pages, 1)

    def _connect(self) -> None:
        self.reader.read.connect(self._rows_read)
        self.model.overlays_changed.connect(self._overlays_changed)
        self.filter.textChanged.connect(self.sorted.setFilterFixedString)
        self.resume.clicked.connect(self._resume)
        self.interrupted.resume_wanted.connect(self.resume_wanted)
        self.table.doubleClicked.connect(self._open)
        self.table.row_activated.connect(self._open)
        self.table.selectionModel().selectionChanged.connect(self._selection_changed)
        self._watcher.directoryChanged.connect(self._folder_changed)
        self._soon.timeout.connect(self.refresh)
        self._themes.changed.connect(self._apply_theme)
        app = QApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.stop)

    def refresh(self) -> None:
        """Reads the runs anew, in the background. Several calls at once read once more at most."""
        self.reader.refresh()

    @Slot()
    def refresh_soon(self) -> None:
        """Reads them within a second: an active run may renew its summary thirty times in that time."""
        if not self._soon.isActive():
            self._soon.start()

    @Slot()
    def stop(self) -> None:
        """Ends the reading, for good. The window calls it when it closes."""
        self._soon.stop()
        if self._watcher.directories():
            self._watcher.removePaths(self._watcher.directories())
        self.reader.stop()

    def set_current(self, folder: RunFolder | None) -> None:
        """Which run is shown: it is written bold."""
        self.model.set_current(folder.path if folder is not None else None)

    def selected(self) -> Row | None:
        """The row that is selected."""
        indexes = self.table.selectionModel().selectedRows()
        return self._row_at(indexes[0]) if indexes else None

    def closeEvent(self, event: QCloseEvent) -> None:
        """Nothing is read any more."""
        self.stop()
        super().closeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Another font is another height of rows."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "table"):
            self.table.verticalHeader().setDefaultSectionSize(self.table.fontMetrics().height() + 2 * STEP)

    def _row_at(self, index: QModelIndex) -> Row | None:
        row = self.sorted.mapToSource(index).row()
        return self.model.rows[row] if 0 <= row < len(self.model.rows) else None

    @Slot(object)
    def _rows_read(self, rows: list[Row]) -> None:
        chosen = self.selected()
        self.model.show_rows(rows)
        self.interrupted.show_rows(rows)
        self._pages.setCurrentIndex(1 if rows else 0)
        if chosen is not None and self.selected() is None:
            self._select(chosen.run.path)
        self._selection_changed()
        self._watch_folders(rows)

    def _select(self, path: Path) -> None:
        for index, row in enumerate(self.model.rows):
            if row.run.path == path:
                self.table.selectRow(self.sorted.mapFromSource(self.model.index(index, 0)).row())

    def _watch_folders(self, rows: list[Row]) -> None:
        """New runs appear in the root; an active run renews files in its own folder."""
        active = [row.run.path for row in rows if row.state in ("running", "paused")]
        wanted = {str(path) for path in (self.reader.root, *active) if path.is_dir()}
        watched = set(self._watcher.directories())
        if gone := list(watched - wanted):
            self._watcher.removePaths(gone)
        if fresh := list(wanted - watched):
            self._watcher.addPaths(fresh)

    @Slot(str)
    def _folder_changed(self, _path: str) -> None:
        self.refresh_soon()

    @Slot()
    def _selection_changed(self) -> None:
        row = self.selected()
        other_active = any_active(self.model.rows)
        self.resume.setEnabled(row is not None and row.can_resume and not other_active)
        if row is None:
            self.resume.setToolTip("Select a run that has not completed to resume it.")
        elif row.can_resume and other_active:
            self.resume.setToolTip(OTHER_RUN_ACTIVE)
        elif row.can_resume:
            self.resume.setToolTip(f"Resume {row.run.name} from its newest checkpoint.")
        else:
            self.resume.setToolTip(f"{row.run.name} is {row.state} and cannot be resumed.")

    @Slot(QModelIndex)
    def _open(self, index: QModelIndex) -> None:
        row = self._row_at(index)
        if row is not None:
            self.opened.emit(row.run)

    @Slot()
    def _resume(self) -> None:
        row = self.selected()
        if row is not None and row.can_resume:
            self.resume_wanted.emit(row.run)

    @Slot()
    def _overlays_changed(self) -> None:
        self.overlays_changed.emit(self.model.overlays())

    @Slot()
    def _apply_theme(self) -> None:
        self.resume.setIcon(icon("resume", self._themes.current))
        self.model.redraw()
