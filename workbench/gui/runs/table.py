"""The runs as a table model: what each column says, how it sorts, and which runs are drawn beside the one shown."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFont

from workbench.gui.document.setting_text import values_text
from workbench.gui.plots import ticks
from workbench.gui.theme import Themes
from workbench.runs.folder import RunFolder, given_name
from workbench.runs.history import Row

COLUMNS = ("Name", "State", "Best", "Time", "Started", "Changed settings")
NAME, STATE, BEST, TIME, STARTED, CHANGED = range(len(COLUMNS))
SORT_ROLE = Qt.ItemDataRole.UserRole + 1
FILTER_ROLE = Qt.ItemDataRole.UserRole + 2
"""What a filter searches: the text, and the paths of changed settings."""
_TIPS = (
    "The run's name. Tick it to draw its curves beside those shown.",
    "Whether the run is running or how it ended.",
    "Best value of the monitored metric.",
    "Time spent training.",
    "When the run was created.",
    "Settings that differ from their defaults.",
)
_SYMBOLS = {
    "running": "●",
    "paused": "❚❚",
    "completed": "✓",
    "stopped": "■",
    "failed": "✕",
    "interrupted": "✂",
    "new": "○",
}
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
Index = QModelIndex | QPersistentModelIndex


class RunTableModel(QAbstractTableModel):
    """One row per run. Kept by path, so that a tick stays with its run when others come or go."""

    overlays_changed = Signal()

    def __init__(self, themes: Themes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.rows: list[Row] = []
        self.current: Path | None = None
        self._ticked: dict[Path, None] = {}

    def show_rows(self, rows: list[Row]) -> None:
        """Shows these. Where the runs are the same as before, only their contents change."""
        if [row.run.path for row in rows] == [row.run.path for row in self.rows]:
            changed = [index for index, (old, new) in enumerate(zip(self.rows, rows, strict=True)) if old != new]
            self.rows = rows
            for index in changed:
                self.dataChanged.emit(self.index(index, 0), self.index(index, len(COLUMNS) - 1))
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()
        gone = self._ticked.keys() - {row.run.path for row in rows}
        for path in gone:
            del self._ticked[path]
        if gone:
            self.overlays_changed.emit()

    def set_current(self, path: Path | None) -> None:
        """The run that is shown is written bold."""
        self.current = path
        self.redraw()

    def redraw(self) -> None:
        """Colors or fonts have changed."""
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, len(COLUMNS) - 1))

    def overlays(self) -> list[RunFolder]:
        """The runs that are ticked, in the order of their ticking."""
        return [RunFolder(path) for path in self._ticked]

    def rowCount(self, parent: Index | None = None) -> int:
        """One per run."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        """As many as there are columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The columns' names."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section]
            case Qt.ItemDataRole.ToolTipRole:
                return _TIPS[section]
            case Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if section in (BEST, TIME) else _LEFT
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Names can be ticked."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == NAME else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell says, and how it looks."""
        row, column = self.rows[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return text(row, column)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{COLUMNS[column]}: {accessible_text(row, column)}"
            case Qt.ItemDataRole.ToolTipRole:
                return tip(row, column)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if column in (BEST, TIME) else _LEFT
            case Qt.ItemDataRole.CheckStateRole if column == NAME:
                return Qt.CheckState.Checked if row.run.path in self._ticked else Qt.CheckState.Unchecked
            case Qt.ItemDataRole.ForegroundRole if column == STATE:
                return QColor(self._state_color(row))
            case Qt.ItemDataRole.FontRole if row.run.path == self.current:
                font = QFont()
                font.setBold(True)
                return font
            case _ if role == SORT_ROLE:
                return sort_key(row, column)
            case _ if role == FILTER_ROLE:
                return f"{text(row, column)} {tip(row, column)}" if column == CHANGED else text(row, column)
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ticks a run, or unticks it."""
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != NAME:
            return False
        path = self.rows[index.row()].run.path
        if Qt.CheckState(value) == Qt.CheckState.Checked:
            self._ticked[path] = None
        else:
            self._ticked.pop(path, None)
        self.dataChanged.emit(index, index, [role])
        self.overlays_changed.emit()
        return True

    def _state_color(self, row: Row) -> str:
        theme = self._themes.current
        colors = {"running": theme.accent, "completed": theme.ok, "failed": theme.error, "interrupted": theme.warning}
        return colors.get(row.state, theme.muted)


def short_name(run: RunFolder) -> str:
    """The name that the run was given: its folder's without date and time."""
    return given_name(run) if start_time(run) is not None else run.name


def start_time(run: RunFolder) -> datetime | None:
    """When the run was created, as its folder's name says."""
    try:
        return datetime.strptime(run.name[:15], "%Y%m%d-%H%M%S")
    except ValueError:
        return None


def text(row: Row, column: int) -> str:
    """What the cell shows."""
    match column:
        case 0:
            return short_name(row.run)
        case 1:
            return f"{_SYMBOLS[row.state]} {row.state}"
        case 2:
            return "" if row.value is None else ticks.number(row.value)
        case 3:
            return ticks.duration(row.seconds) if row.seconds else ""
        case 4:
            when = start_time(row.run)
            return f"{when:%d %b %H:%M}" if when else ""
    return values_text(dict(row.changed))


def accessible_text(row: Row, column: int) -> str:
    """The same without symbols, for screen readers."""
    if column == STATE:
        return row.state
    return text(row, column) or "none"


def tip(row: Row, column: int) -> str:
    """More than fits into the cell."""
    match column:
        case 0:
            return f"{row.run.path}\n{row.parent}" if row.parent is not None else str(row.run.path)
        case 1:
            return _state_tip(row)
        case 2:
            return f"Best {row.metric}: {row.value}" if row.value is not None else "No epoch is completed yet"
        case 5:
            return "\n".join(f"{path} = {value}" for path, value in row.changed)
    return text(row, column)


def _state_tip(row: Row) -> str:
    if not row.total_epochs:
        return row.state
    return f"{row.state}: {row.epochs} of {row.total_epochs} epoch{'' if row.total_epochs == 1 else 's'}"


def sort_key(row: Row, column: int) -> Any:
    """What the column is sorted by. Runs without a value come last or first, never between."""
    match column:
        case 2:
            return float("-inf") if row.value is None else row.value
        case 3:
            return row.seconds
        case 4:
            return row.run.name
        case 1:
            return row.state
    return text(row, column).lower()
