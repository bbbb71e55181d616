"""The tensors of a batch as a table model: the text of each column, how it sorts, and its tool tips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from workbench.gui.plots import ticks
from workbench.gui.theme import Themes
from workbench.runs.service.inspection import TensorFacts

Index = QModelIndex | QPersistentModelIndex
SORT_ROLE = Qt.ItemDataRole.UserRole + 1
Value = str | int | float | bool | tuple[int, ...] | None


@dataclass(frozen=True)
class TensorColumn:
    """A column: its title, what it means, and its value of a tensor."""

    key: str
    title: str
    tip: str
    value: Callable[[TensorFacts], Value]
    numeric: bool = False


COLUMNS = (
    TensorColumn("group", "Group", "What the tensor is to the batch.", lambda row: row.group),
    TensorColumn("name", "Name", "Its name in the network.", lambda row: row.name),
    TensorColumn("shape", "Shape", "The length of each axis.", lambda row: row.shape),
    TensorColumn("dtype", "Type", "The type of its numbers.", lambda row: row.dtype),
    TensorColumn("device", "Device", "Where it is stored.", lambda row: row.device),
    TensorColumn(
        "contiguous",
        "Contig.",
        "Whether its numbers lie in memory in the order of its axes.",
        lambda row: row.contiguous,
    ),
    TensorColumn("elements", "Count", "How many numbers it has.", lambda row: row.elements, numeric=True),
    TensorColumn("requires_grad", "Grad.", "Whether a gradient is computed for it.", lambda row: row.requires_grad),
    TensorColumn("min", "Min", "The smallest finite value.", lambda row: row.min, numeric=True),
    TensorColumn("max", "Max", "The largest finite value.", lambda row: row.max, numeric=True),
    TensorColumn("mean", "Mean", "The mean of the finite values.", lambda row: row.mean, numeric=True),
    TensorColumn("std", "Std", "Their standard deviation.", lambda row: row.std, numeric=True),
)
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class TensorTable(QAbstractTableModel):
    """One row per tensor, in the order of the network."""

    def __init__(self, themes: Themes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.rows: Sequence[TensorFacts] = ()

    def show_rows(self, rows: Sequence[TensorFacts]) -> None:
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

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The columns' titles."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.title
            case Qt.ItemDataRole.ToolTipRole:
                return column.tip
            case Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if column.numeric else _LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The text of a cell, and its look."""
        row, column = self.rows[index.row()], COLUMNS[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return cell_text(row, column)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{column.title}: {cell_text(row, column)}"
            case Qt.ItemDataRole.ToolTipRole:
                return tip_of(row)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if column.numeric else _LEFT
            case Qt.ItemDataRole.ForegroundRole:
                return QColor(self._themes.current.error) if row.not_finite else None
        return sort_key(row, column) if role == SORT_ROLE else None


def cell_text(row: TensorFacts, column: TensorColumn) -> str:
    """The text of a cell."""
    value = column.value(row)
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return shape_text(value)
    if isinstance(value, int):
        return f"{value:,}"
    return brief(value) if isinstance(value, float) else value


def brief(value: float) -> str:
    """A number in as few letters as its size needs; all of it is shown once its tensor is chosen."""
    return ticks.number(value, 2 if abs(value) < 100 else 3)


def sort_key(row: TensorFacts, column: TensorColumn) -> Value:
    """What a column sorts by: shapes by their size."""
    value = column.value(row)
    if isinstance(value, tuple):
        return row.elements
    return float("-inf") if value is None else value


def shape_text(sizes: Sequence[int]) -> str:
    """The length of each axis."""
    return "×".join(str(size) for size in sizes) if sizes else "scalar"


def figures(row: TensorFacts) -> str:
    """How the values are distributed."""
    values = (("min", row.min), ("max", row.max), ("mean", row.mean), ("std", row.std))
    text = " · ".join(f"{name} {ticks.number(value)}" for name, value in values if value is not None)
    return text + (f" · {row.not_finite:,} not finite" if row.not_finite else "")


def tip_of(row: TensorFacts) -> str:
    """All that does not fit into the row."""
    strides = ", ".join(str(stride) for stride in row.strides) or "none"
    lines = [f"{row.group}: {row.name}", f"strides: {strides}", f"memory: {ticks.size(row.bytes)}"]
    if not row.contiguous:
        lines.append("not contiguous: its numbers do not lie in the order of its axes")
    if row.not_finite:
        lines.append(f"{row.not_finite:,} values are not finite")
    return "\n".join(lines)
