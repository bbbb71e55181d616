"""The tensors of a batch as a table model: what each column says, how it sorts, and what its tool tips add."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from workbench.gui.plots import ticks
from workbench.gui.theme import Themes

Index = QModelIndex | QPersistentModelIndex
SORT_ROLE = Qt.ItemDataRole.UserRole + 1
COLUMNS = (
    ("group", "Group", "What the tensor is to the batch."),
    ("name", "Name", "Its name in the network."),
    ("shape", "Shape", "The length of each axis."),
    ("dtype", "Type", "The type of its numbers."),
    ("device", "Device", "Where it lies."),
    ("contiguous", "Contig.", "Whether its numbers lie in memory in the order of its axes."),
    ("elements", "Count", "How many numbers it has."),
    ("requires_grad", "Grad.", "Whether a gradient is computed for it."),
    ("min", "Min", "The smallest finite value."),
    ("max", "Max", "The largest finite value."),
    ("mean", "Mean", "The mean of the finite values."),
    ("std", "Std", "Their standard deviation."),
)
_NUMBERS = {"elements", "min", "max", "mean", "std"}
_FIGURES = ("min", "max", "mean", "std")
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class TensorTable(QAbstractTableModel):
    """One row per tensor, in the order of the network."""

    def __init__(self, themes: Themes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.rows: list[dict[str, Any]] = []

    def show_rows(self, rows: list[dict[str, Any]]) -> None:
        """Shows these in the place of those before."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """One per tensor."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        """As many as there are columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The columns' names."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        key, title, tip = COLUMNS[section]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return title
            case Qt.ItemDataRole.ToolTipRole:
                return tip
            case Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if key in _NUMBERS else _LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell says, and how it looks."""
        row, (key, title, _) = self.rows[index.row()], COLUMNS[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return text(row, key)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{title}: {text(row, key)}"
            case Qt.ItemDataRole.ToolTipRole:
                return tip_of(row)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if key in _NUMBERS else _LEFT
            case Qt.ItemDataRole.ForegroundRole:
                return QColor(self._themes.current.error) if row["not_finite"] else None
        return sort_key(row, key) if role == SORT_ROLE else None


def text(row: dict[str, Any], key: str) -> str:
    """What a cell says."""
    value = row[key]
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key == "shape":
        return shape(value)
    if key == "elements":
        return f"{value:,}"
    return brief(value) if isinstance(value, float) else str(value)


def brief(value: float) -> str:
    """A number in as few letters as tell its size; all of it is told once its tensor is chosen."""
    return ticks.number(value, 2 if abs(value) < 100 else 3)


def sort_key(row: dict[str, Any], key: str) -> Any:
    """What a column sorts by: shapes by their size."""
    value = row["elements"] if key == "shape" else row[key]
    return float("-inf") if value is None else value


def shape(sizes: list[int]) -> str:
    """The length of each axis in words."""
    return "×".join(str(size) for size in sizes) if sizes else "a number"


def figures(row: dict[str, Any]) -> str:
    """How the values lie, in words."""
    words = " · ".join(f"{key} {ticks.number(row[key])}" for key in _FIGURES if row[key] is not None)
    return words + (f" · {row['not_finite']:,} not finite" if row["not_finite"] else "")


def tip_of(row: dict[str, Any]) -> str:
    """All that does not fit into the row."""
    strides = ", ".join(str(stride) for stride in row["strides"]) or "none"
    lines = [f"{row['group']}: {row['name']}", f"strides: {strides}", f"memory: {ticks.size(row['bytes'])}"]
    if not row["contiguous"]:
        lines.append("not contiguous: its numbers do not lie in the order of its axes")
    if row["not_finite"]:
        lines.append(f"{row['not_finite']:,} values are not finite")
    return "\n".join(lines)
