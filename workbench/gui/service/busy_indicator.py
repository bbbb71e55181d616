"""What the lab is busy with: said after a moment, and after two seconds with how far it is and a button that ends the wait."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from workbench.gui.service.client import LabClient
from workbench.gui.theme import STEP
from workbench.launch.service import Doing

SAID_MS = 200
"""A wait that takes longer is told."""
CANCEL_MS = 2000
"""One that takes longer shows how far it is, and can be ended."""
BAR_WIDTH = 72


class WaitLine(QWidget):
    """A line of words, bar and button for answers of some kinds. It takes no room while nothing of them is waited for."""

    def __init__(
        self, lab: LabClient, words: Mapping[str, str], name: str, parent: QWidget | None = None, *, wrap: bool = False
    ) -> None:
        """``words``: the kinds of questions that are looked after, each with what is said until the lab says more itself.

        Where these are empty, words stand elsewhere, and only the share is said. ``wrap``: in a narrow place.
        """
        super().__init__(parent)
        self.setObjectName(name)
        self._lab, self._words = lab, dict(words)
        self._method = ""
        """What is waited for."""
        self.text = QLabel(self)
        self.text.setObjectName(f"{name}.text")
        self.text.setProperty("role", "muted")
        self.text.setWordWrap(wrap)
        self.bar = QProgressBar(self)
        self.bar.setObjectName(f"{name}.bar")
        self.bar.setAccessibleName("How far it is")
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(BAR_WIDTH)
        self.button = QPushButton("Cancel", self)
        self.button.setObjectName(f"{name}.cancel")
        self.button.setToolTip("Wait no longer")
        self.button.clicked.connect(self._cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * STEP)
        row.addWidget(self.text, 1)
        row.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
        self._said = self._timer(SAID_MS, self._say)
        self._long = self._timer(CANCEL_MS, self._offer)
        self.hide()
        lab.busy_changed.connect(self._look)
        lab.told.connect(self._tell)
        self._look()

    def _timer(self, after: int, what: object) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(after)
        timer.timeout.connect(what)
        return timer

    @Slot()
    def _look(self) -> None:
        method = next((one for one in self._lab.waited_for if one in self._words), "")
        if method == self._method:
            return
        self._method = method
        self._said.stop()
        self._long.stop()
        self.hide()
        if method:
            self.text.setText(self._words[method])
            self.bar.setRange(0, 0)
            self.bar.hide()
            self.button.hide()
            self._said.start()
            self._long.start()

    @Slot()
    def _say(self) -> None:
        self.show()

    @Slot()
    def _offer(self) -> None:
        self.bar.show()
        self.button.show()

    @Slot(object)
    def _tell(self, doing: Doing) -> None:
        if doing.method != self._method:
            return
        words = f"{doing.text[:1].upper()}{doing.text[1:]}"
        share = "" if doing.share is None else f"{doing.share:.0%}"
        self.bar.setToolTip(words)
        self.text.setText(" · ".join(part for part in (words if self._words[self._method] else "", share) if part))
        self.bar.setRange(0, 0 if doing.share is None else 100)
        if doing.share is not None:
            self.bar.setValue(round(100 * doing.share))

    @Slot()
    def _cancel(self) -> None:
        self._lab.cancel(self._method)
