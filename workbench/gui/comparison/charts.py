"""Loss and metric of the runs of a comparison, laid over each other. Imports pyqtgraph: import it late."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from workbench.gui.plots.axes import step_axis, value_axis
from workbench.gui.plots.lines import Range, steady_range
from workbench.gui.theme import Theme
from workbench.gui.training.charts import Chart, CurveOptions
from workbench.gui.training.run_charts import METRICS, Overlays, others


class ComparisonCharts(QObject):
    """Training faint, validation with points. All steps are shown until somebody drags; a double click follows again."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.loss = Chart("Loss", step_axis(), value_axis("loss"), parent)
        self.metric = Chart("Accuracy", step_axis(), value_axis("accuracy"), parent)
        self.all = (self.loss, self.metric)
        for chart, name in zip(self.all, ("loss", "metric"), strict=True):
            chart.setObjectName(f"view.comparison.plot.{name}")
            chart.setAccessibleName(chart.title.text())
            chart.canvas.moved.connect(self._moved)
            chart.canvas.reset_wanted.connect(self._follow_again)
        self._theme: Theme | None = None
        self._runs: Overlays = []
        self._built: tuple[object, ...] = ()
        self._by_hand: set[QObject] = set()
        self._span: Range = (0.0, 10.0)

    def apply_theme(self, theme: Theme) -> None:
        """Applies the theme's colors."""
        self._theme = theme
        for chart in self.all:
            chart.apply_theme(theme)

    def show_runs(self, runs: Overlays, colors: list[str]) -> None:
        """Draws these, by label, as far as they are. Cheap where nothing is new."""
        if self._theme is None:
            return
        self._runs = runs
        built = (self._theme.name, *colors, *((label, id(progress)) for label, progress in runs))
        if built != self._built:
            self._built = built
            self.loss.show_traces(others(runs, colors, is_loss=True), self._theme)
            self.metric.show_traces(others(runs, colors, is_loss=False), self._theme)
        self._name_metric()
        self._draw()

    def _draw(self) -> None:
        options = CurveOptions()
        if not self._by_hand:
            last = max([0.0, *(float(progress.step) for _, progress in self._runs)])
            self._span = steady_range((0.0, max(10.0, 1.03 * last)), self._span, room=0.08)
        for chart in self.all:
            chart.set_ranges(x=self._span)
            drawn = chart.draw(self._span, options)
            if chart.canvas not in self._by_hand:
                chart.fit_y(drawn, options)
            values = [
                f"{trace.name} {value:.4g}"
                for trace in chart.traces
                if trace.style == "points" and (value := trace.value(None, options.smoothing)) is not None
            ]
            chart.setAccessibleDescription(", ".join(values) or "no values yet")

    def _name_metric(self) -> None:
        started = next((run.started for _, run in self._runs if run.started is not None), None)
        if started is not None:
            self.metric.set_title(*METRICS.get(started.metric, (started.metric.capitalize(), started.metric)))

    @Slot()
    def _moved(self) -> None:
        canvas = self.sender()
        chart = next((chart for chart in self.all if chart.canvas is canvas), None)
        if chart is not None:
            self._by_hand.add(chart.canvas)
            self._span = chart.span()
            self._draw()

    @Slot()
    def _follow_again(self) -> None:
        self._by_hand.clear()
        self._draw()
