"""Will it fit? One real step in a process of its own says how much memory a run with these settings needs."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from workbench.config.problems import Problem
from workbench.config.run import RunConfig
from workbench.gui.document.document import Document
from workbench.gui.panels.panel import sentences, show_text
from workbench.gui.plots.ticks import size
from workbench.gui.theme import STEP, Themes
from workbench.gui.tuning.search_thread import SearchThread
from workbench.launch.tuning import TuningResult, TuningSearch
from workbench.runs.service.tuning import MemoryEstimate

PARTS = ("program", "data", "weights", "gradients", "optimizer", "activations")


class PartsBar(QWidget):
    """The parts of what is needed beside each other, against what there is."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("device.memory.parts")
        self.setAccessibleName("Memory needed, by part")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._themes = themes
        self.plan: MemoryEstimate | None = None
        themes.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """A thin bar."""
        return QSize(200, 4 * STEP)

    def show_plan(self, plan: MemoryEstimate) -> None:
        """Shows what was measured."""
        self.plan = plan
        parts = [f"{name} {size(plan.parts[name])}" for name in PARTS if name in plan.parts]
        self.setToolTip("\n".join(parts))
        self.setAccessibleDescription(", ".join(parts))
        self.setVisible(bool(parts))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws the parts in their shares of the whole."""
        if self.plan is None:
            return
        theme = self._themes.current
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.plot))
        whole = max(self.plan.there, self.plan.needs, 1)
        colors = (theme.memory_other, theme.throughput, theme.train, theme.lr, theme.best, theme.val)
        left = 0.0
        for name, color in zip(PARTS, colors, strict=True):
            width = self.plan.parts.get(name, 0) / whole * self.width()
            painter.fillRect(QRectF(left, 0, width, self.height()), QColor(color))
            left += width
        painter.setPen(QColor(theme.line))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


class MemoryPlan(QWidget):
    """A button, the estimate, and the batch size that fits where the one that is set does not."""

    def __init__(self, document: Document, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._thread: SearchThread | None = None
        self._measured: RunConfig | None = None
        """The settings that are measured."""
        self._suggestion: int | None = None
        self.button = QPushButton("Will it fit into memory?", self)
        self.button.setObjectName("device.memory.plan")
        self.button.setToolTip("Measures one real training step with these settings in a process of its own")
        self.button.clicked.connect(self.begin)
        self.apply = QPushButton("Use that batch size", self)
        self.apply.setObjectName("device.memory.apply")
        self.apply.clicked.connect(self._apply)
        self.apply.hide()
        self.text = QLabel(self)
        self.text.setObjectName("device.memory.words")
        self.text.setWordWrap(True)
        self.text.hide()
        self.parts = PartsBar(themes, self)
        self.parts.hide()
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addWidget(self.apply)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.text)
        layout.addWidget(self.parts)
        document.changed.connect(self._outdate)

    @Slot()
    def begin(self) -> None:
        """Measures the settings as they stand."""
        config = self._document.config
        if self._thread is not None or config is None:
            return
        self._measured = config
        self.button.setEnabled(False)
        self._clear("Measuring one training step…")
        self._thread = SearchThread(TuningSearch("memory", config), self)
        self._thread.tried.connect(self._show_parts)
        self._thread.completed.connect(self._show_result)
        self._thread.refused.connect(self._show_problems)
        self._thread.start()

    def stop(self) -> None:
        """Ends a measurement that is running."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.cancel()
            thread.deleteLater()
        self.button.setEnabled(True)

    @Slot(object, float)
    def _show_parts(self, plan: MemoryEstimate, _share: float) -> None:
        if self._document.config == self._measured:
            self.parts.show_plan(plan)

    @Slot(object)
    def _show_result(self, result: TuningResult) -> None:
        self.stop()
        if self._document.config != self._measured:
            self._clear("The settings were changed during the measurement.")
            return
        self._suggestion = int(result.suggestion) if result.suggestion is not None else None
        self.apply.setVisible(self._suggestion is not None)
        show_text(self.text, result.note[:1].upper() + result.note[1:])

    @Slot(object)
    def _show_problems(self, problems: tuple[Problem, ...]) -> None:
        self.stop()
        show_text(self.text, sentences(problems))

    @Slot()
    def _outdate(self) -> None:
        """Other settings: what was measured no longer holds."""
        if self._thread is None:
            self._clear("")

    def _clear(self, text: str) -> None:
        self._suggestion = None
        self.apply.hide()
        self.parts.hide()
        show_text(self.text, text)

    @Slot()
    def _apply(self) -> None:
        if self._suggestion is not None:
            self._document.set("training.batch_size", self._suggestion)
