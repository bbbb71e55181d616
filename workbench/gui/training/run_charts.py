"""The four charts of a run, drawn together: one span of steps, one cursor. Imports pyqtgraph: import it late."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from workbench.gui.plots.axes import count_axis, step_axis, value_axis
from workbench.gui.plots.lines import Band, Range, nearest_index, nearest_value, steady_range
from workbench.gui.theme import Theme
from workbench.gui.training.charts import Chart, CurveOptions, Trace
from workbench.runs.progress import Progress
from workbench.runs.series import PointSeries

METRICS = {
    "accuracy": ("Accuracy", "accuracy"),
    "mae": ("Mean absolute error", "error"),
    "rmse": ("Root mean squared error", "error"),
    "r2": ("R²", "R²"),
}
Overlays = list[tuple[str, Progress]]


class RunCharts:
    """Loss, metric, learning rate, throughput of a run; loss and metric of others beside them."""

    def __init__(self, parent: QWidget) -> None:
        self.loss = Chart("Loss", step_axis(), value_axis("loss"), parent)
        self.metric = Chart("Accuracy", step_axis(), value_axis("accuracy"), parent)
        self.rate = Chart("Learning rate", step_axis(), value_axis("learning rate"), parent)
        self.throughput = Chart("Throughput", step_axis(), count_axis("samples/s"), parent)
        self.throughput.from_zero = True
        self.all = (self.loss, self.metric, self.rate, self.throughput)
        for chart, name in zip(self.all, ("loss", "metric", "lr", "throughput"), strict=True):
            chart.setObjectName(f"view.curves.plot.{name}")
            chart.setAccessibleName(chart.title.text())
        self._progress: Progress | None = None
        self._overlays: Overlays = []
        self._options = CurveOptions()
        self._cursor: float | None = None
        self._by_hand: set[QObject] = set()
        """Canvases whose range of y the user chose."""
        self._span: Range = (0.0, 10.0)

    def apply_theme(self, theme: Theme) -> None:
        """Applies the theme's colors; the curves get theirs with :meth:`build`."""
        for chart in self.all:
            chart.apply_theme(theme)

    def build(self, progress: Progress | None, overlays: Overlays, theme: Theme) -> None:
        """Makes the curves for this run and the others; :meth:`draw` then fills them."""
        if progress is not self._progress:
            self._by_hand.clear()
        self._progress, self._overlays = progress, overlays
        shown = progress or Progress()
        trace = partial(Trace, progress=shown)
        loss = [
            trace(name="train", color=theme.train, find=lambda run: run.curves.loss, style="smoothed"),
            trace(name="validation", color=theme.val, find=lambda run: run.curves.val.get("loss"), style="points"),
        ]
        metric = [
            trace(name="train", color=theme.train, find=lambda run: run.curves.metric, style="smoothed"),
            trace(name="train", color=theme.train, find=_train_by_epoch, style="points"),
            trace(name="validation", color=theme.val, find=_val_metric, style="points"),
        ]
        colors = theme.overlays
        self.loss.show_traces(loss + others(overlays, colors, is_loss=True), theme, _band(shown))
        self.metric.show_traces(metric + others(overlays, colors, is_loss=False), theme)
        rate = trace(name="", color=theme.lr, find=lambda run: run.curves.lr, style="plain")
        speed = trace(
            name="samples/s", color=theme.throughput, find=lambda run: run.curves.throughput, style="smoothed"
        )
        self.rate.show_traces([rate], theme)
        self.throughput.show_traces([speed], theme)

    def draw(self, options: tuple[float, bool, bool], follow: bool) -> None:
        """Draws everything anew. ``options``: smoothing, logarithmic, with outliers."""
        if self._progress is None:
            return
        self._options = CurveOptions(*options)
        self._name_metric()
        if follow:
            self._by_hand.clear()
            self._span = steady_range((0.0, max(10.0, 1.03 * self._last_step())), self._span, room=0.08)
        for chart in self.all:
            chart.set_ranges(x=self._span)
            chart_options = self._options_of(chart)
            if chart.left.logarithmic != chart_options.logarithmic:
                self._by_hand.discard(chart.canvas)
            drawn = chart.draw(self._span, chart_options)
            if chart.canvas not in self._by_hand:
                chart.fit_y(drawn, chart_options)
        self._mark_best()
        self.loss.mark_recoveries([float(recovery.from_step) for recovery in self._progress.recoveries])
        self.hover(self._cursor)

    def moved_by_hand(self, canvas: QObject) -> None:
        """The user moved the range in one chart: the others go along in x, and the one keeps its y."""
        chart = next((chart for chart in self.all if chart.canvas is canvas), None)
        if chart is not None:
            self._by_hand.add(canvas)
            self._span = chart.span()

    def hover(self, x: float | None) -> None:
        """Puts the cursor to the step nearest to ``x`` in every chart, and names the values there."""
        self._cursor = x
        step = self._nearest_step(x)
        for chart in self.all:
            chart.set_cursor(step)
            chart.name_values(step, self._options_of(chart))

    def describe(self) -> None:
        """Gives screen readers the newest values."""
        for chart in self.all:
            entries = chart.name_values(self._nearest_step(self._cursor), self._options_of(chart))
            values = ", ".join(f"{entry.name} {entry.value}" for entry in entries)
            chart.setAccessibleDescription(values or "no values yet")
        self.hover(self._cursor)

    def cursor_text(self) -> str:
        """Step and epoch under the cursor; empty when it is outside."""
        step = self._nearest_step(self._cursor)
        if step is None:
            return ""
        started = self._progress.started if self._progress is not None else None
        text = f"step {step:,.0f}"
        if started is not None and started.steps_per_epoch > 0:
            text += f" · epoch {int(max(0.0, step - 1) // started.steps_per_epoch) + 1}"
        return text

    def _options_of(self, chart: Chart) -> CurveOptions:
        logarithmic = self._options.logarithmic and chart in (self.loss, self.rate)
        return CurveOptions(self._options.smoothing, logarithmic, self._options.outliers)

    def _last_step(self) -> float:
        runs = [run for run in (self._progress, *(run for _, run in self._overlays)) if run is not None]
        drawn = [float(run.curves.loss.x[-1]) for run in runs if len(run.curves.loss)]
        return max([0.0, *(float(run.step) for run in runs), *drawn])

    def _nearest_step(self, x: float | None) -> float | None:
        if x is None or self._progress is None:
            return None
        index = nearest_index(self._progress.curves.loss, x)
        return None if index is None else float(self._progress.curves.loss.x[index])

    def _name_metric(self) -> None:
        name = self._progress.started.metric if self._progress is not None and self._progress.started else "accuracy"
        self.metric.set_title(*METRICS.get(name, (name.capitalize(), name)))

    def _mark_best(self) -> None:
        best = self._progress.best if self._progress is not None else None
        curves = self._progress.curves if self._progress is not None else None
        for chart, series in (
            (self.loss, curves.val.get("loss") if curves else None),
            (self.metric, _val_metric(self._progress) if self._progress is not None else None),
        ):
            y = nearest_value(series, best.step) if best is not None and series is not None else None
            label = f"best: epoch {best.epoch}" if best is not None else ""
            chart.mark_best(float(best.step) if best is not None else None, y, label, self._options_of(chart))


def others(overlays: Overlays, colors: Sequence[str], *, is_loss: bool) -> list[Trace]:
    """The curves of several runs: training faint, validation with points; a legend beside the charts names them."""
    traces = []
    for index, (label, run) in enumerate(overlays):
        color = colors[index % len(colors)]
        train, val = (_loss, _val_loss) if is_loss else (_metric, _val_metric)
        traces.append(Trace(label, color, run, train, "faint", named=False))
        traces.append(Trace(label, color, run, val, "points", named=False))
    return traces


def _metric_name(run: Progress) -> str:
    return run.started.metric if run.started is not None else "accuracy"


def _val_metric(run: Progress) -> PointSeries | None:
    return run.curves.val.get(_metric_name(run))


def _train_by_epoch(run: Progress) -> PointSeries | None:
    """The training metric per epoch, where the engine does not report it per step."""
    return None if len(run.curves.metric) else run.curves.train.get(_metric_name(run))


def _loss(run: Progress) -> PointSeries | None:
    return run.curves.loss


def _val_loss(run: Progress) -> PointSeries | None:
    return run.curves.val.get("loss")


def _metric(run: Progress) -> PointSeries | None:
    return run.curves.metric


def _band(run: Progress) -> Band:
    return Band(run.curves.loss_min, run.curves.loss_max)
