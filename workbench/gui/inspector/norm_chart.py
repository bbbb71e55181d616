"""The gradient norm of every layer over a run. Imports pyqtgraph: import it late."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from workbench.gui.plots import ticks
from workbench.gui.plots.axes import step_axis, value_axis
from workbench.gui.plots.lines import nearest_value
from workbench.gui.plots.plot import LegendEntry
from workbench.gui.theme import Theme, mix
from workbench.gui.training.charts import Chart, CurveOptions, Trace
from workbench.runs.progress import Progress
from workbench.runs.series import PointSeries

MOST_NAMED = 5
"""Layers that the legend names; of more it names the first and the last."""


class NormChart(Chart):
    """A curve for each layer, colored from the first layer to the last."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", step_axis(), value_axis("gradient norm"), parent)
        self.setObjectName("inspector.layers.plot")
        self.setAccessibleName("Gradient norm of each layer over time")
        self.title.hide()
        self._look = CurveOptions()
        self._names: tuple[str, ...] = ()
        self._progress: Progress | None = None
        self._cursor: float | None = None
        self.canvas.setMouseEnabled(x=False, y=False)
        self.canvas.hovered.connect(self._hover)

    def build(self, progress: Progress | None, theme: Theme) -> None:
        """Makes the curves for this run; :meth:`draw` then fills them."""
        self._progress = progress
        self.theme = theme
        self._names = tuple(progress.curves.layers) if progress is not None else ()
        last = max(len(self._names) - 1, 1)
        self.show_traces(
            [
                Trace(
                    name,
                    mix(theme.val, theme.train, index / last),
                    progress or Progress(),
                    partial(_series, name=name),
                    "plain",
                )
                for index, name in enumerate(self._names)
            ],
            theme,
        )

    def draw_all(self) -> None:
        """Draws everything anew."""
        progress = self._progress
        if progress is None:
            return
        if tuple(progress.curves.layers) != self._names:
            self.build(progress, self.theme)
        last = max([10.0, *(float(series.x[-1]) for series in progress.curves.layers.values() if len(series))])
        self.set_ranges(x=(0.0, 1.02 * last))
        self.fit_y(self.draw((0.0, 1.02 * last), self._look), self._look)
        self._hover(self._cursor)

    def show_look(self, logarithmic: bool) -> None:
        """Draws on this kind of axis."""
        self._look = CurveOptions(smoothing=0.0, logarithmic=logarithmic)
        self.draw_all()

    @Slot(object)
    def _hover(self, x: float | None) -> None:
        self._cursor = x
        self.set_cursor(x)
        entries = []
        for trace in self.traces:
            series = trace.find(trace.progress)
            value = (
                nearest_value(series, x if x is not None else float(series.x[-1]))
                if series is not None and len(series)
                else None
            )
            if value is not None:
                entries.append(LegendEntry(_named(trace.name), trace.color, ticks.number(value, 3)))
        self.setAccessibleDescription(", ".join(f"{entry.name} {entry.value}" for entry in entries) or "no values yet")
        self.legend.setToolTip("\n".join(f"{entry.name}: {entry.value}" for entry in entries))
        if len(entries) > MOST_NAMED:
            left_out = len(entries) - 2
            entries = [entries[0], LegendEntry(f"… {left_out} between …", self.theme.muted, "", ""), entries[-1]]
        self.set_legend(entries)


def _named(name: str) -> str:
    return f"layer {name}" if name.isdigit() else name


def _series(run: Progress, name: str) -> PointSeries | None:
    return run.curves.layers.get(name)
