"""Will it fit? One real step in a process of its own says how much memory a run with these settings needs."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRectF, QSize, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from workbench.config.problems import Problem
from workbench.config.run import RunConfig
from workbench.gui.document.document import Document
from workbench.gui.panels.panel import sentences, tell
from workbench.gui.plots.ticks import size
from workbench.gui.theme import STEP, Themes
from workbench.gui.tuning.search_thread import SearchThread
from workbench.launch.tuning import Found, Search

PARTS = ("program", "data", "weights", "gradients", "optimizer", "activations")
NAMES = {"optimizer": "optimiser"}


class PartsBar(QWidget):
    """The parts of what is needed beside each other, against what there is."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("device.memory.parts")
        self.setAccessibleName("Memory needed, by part")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._themes = themes
        self.plan: dict[str, Any] = {}
        themes.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """A thin bar."""
        return QSize(200, 4 * STEP)

    def show_plan(self, plan: dict[str, Any]) -> None:
        """Takes what was measured."""
        self.plan = plan
        words = [f"{NAMES.get(name, name)} {size(plan['parts'][name])}" for name in PARTS if name in plan["parts"]]
        self.setToolTip("\n".join(words))
        self.setAccessibleDescription(", ".join(words))
        self.setVisible(bool(words))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws the parts in their shares of the whole."""
        if not self.plan:
            return
        theme = self._themes.current
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.plot))
        whole = max(self.plan["there"], self.plan["needs"], 1)
        colours = (theme.memory_other, theme.throughput, theme.train, theme.lr, theme.best, theme.val)
        left = 0.0
        for name, colour in zip(PARTS, colours, strict=True):
            width = self.plan["parts"].get(name, 0) / whole * self.width()
            painter.fillRect(QRectF(left, 0, width, self.height()), QColor(colour))
            left += width
        painter.setPen(QColor(theme.line))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


class MemoryPlan(QWidget):
    """A button, what was found in words, and the batch that fits where the one that is set does not."""

    def __init__(self, document: Document, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._thread: SearchThread | None = None
        self._asked: RunConfig | None = None
        """The settings that are measured."""
        self._suggestion: int | None = None
        self.button = QPushButton("Will it fit into memory?", self)
        self.button.setObjectName("device.memory.plan")
        self.button.setToolTip("Takes one real step with these settings in a process of its own, and measures it")
        self.button.clicked.connect(self.begin)
        self.apply = QPushButton("Take that batch", self)
        self.apply.setObjectName("device.memory.apply")
        self.apply.clicked.connect(self._apply)
        self.apply.hide()
        self.words = QLabel(self)
        self.words.setObjectName("device.memory.words")
        self.words.setWordWrap(True)
        self.words.hide()
        self.parts = PartsBar(themes, self)
        self.parts.hide()
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addWidget(self.apply)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.words)
        layout.addWidget(self.parts)
        document.changed.connect(self._outdate)

    @Slot()
    def begin(self) -> None:
        """Measures the settings as they stand."""
        config = self._document.config
        if self._thread is not None or config is None:
            return
        self._asked = config
        self.button.setEnabled(False)
        self._clear("Taking one step…")
        self._thread = SearchThread(Search("memory", config), self)
        self._thread.tried.connect(self._take)
        self._thread.found.connect(self._say)
        self._thread.refused.connect(self._refuse)
        self._thread.start()

    def stop(self) -> None:
        """Ends a measurement that is going."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.cancel()
            thread.deleteLater()
        self.button.setEnabled(True)

    @Slot(object, float)
    def _take(self, plan: dict[str, Any], _share: float) -> None:
        if self._document.config == self._asked:
            self.parts.show_plan(plan)

    @Slot(object)
    def _say(self, found: Found) -> None:
        self.stop()
        if self._document.config != self._asked:
            self._clear("The settings were changed during the measurement.")
            return
        self._suggestion = int(found.suggestion) if found.suggestion is not None else None
        self.apply.setVisible(self._suggestion is not None)
        tell(self.words, found.note[:1].upper() + found.note[1:])

    @Slot(object)
    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        self.stop()
        tell(self.words, sentences(problems))

    @Slot()
    def _outdate(self) -> None:
        """Other settings: what was measured no longer holds."""
        if self._thread is None:
            self._clear("")

    def _clear(self, words: str) -> None:
        self._suggestion = None
        self.apply.hide()
        self.parts.hide()
        tell(self.words, words)

    @Slot()
    def _apply(self) -> None:
        if self._suggestion is not None:
            self._document.set("training.batch_size", self._suggestion)
