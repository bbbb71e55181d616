"""A strip above the runs that tells, at the start of the window, which were cut off, and offers to go on with them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from workbench.gui.preferences import Preferences
from workbench.gui.theme import STEP
from workbench.runs.folder import RunFolder, given_name
from workbench.runs.history import Row

NAMED = 3
"""Runs that are told by name; of more their number."""
REMEMBERED = 200
OTHER_GOES = "Another run is going: stop it first, or let it end."


class CutOffStrip(QFrame):
    """Hidden while there is nothing to tell. Runs that are cut off later are in the table, before the person's eyes."""

    resume_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.cut_off")
        self._preferences = Preferences()
        self._roots: set[Path] = set()
        self._found: set[Path] = set()
        self._runs: list[RunFolder] = []
        self.text = QLabel()
        self.text.setObjectName("view.cut_off.text")
        self.text.setWordWrap(True)
        self.text.setProperty("role", "warning")
        self.resume = _button("Resume", "view.cut_off.resume", "Resume the run that was cut off")
        self.leave = _button("Leave", "view.cut_off.leave", "Leave the runs that were cut off")
        self.leave.setToolTip("Tell no more of these runs. They stay in the table below, and can be resumed there.")
        buttons = QHBoxLayout()
        buttons.setSpacing(2 * STEP)
        buttons.addWidget(self.resume)
        buttons.addWidget(self.leave)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(STEP)
        layout.addWidget(self.text)
        layout.addLayout(buttons)
        self.resume.clicked.connect(self._resume)
        self.leave.clicked.connect(self._leave)
        self.hide()

    def remember_in(self, preferences: Preferences) -> None:
        """Runs that were left once are not told of again, in this window or a later one."""
        self._preferences = preferences

    def show_rows(self, rows: list[Row]) -> None:
        """Takes in all runs. Of each folder of runs, those count that were cut off when it was read first."""
        fresh = {row.run.path.parent for row in rows} - self._roots
        self._roots |= fresh
        left = self._preferences.left_cut_off
        cut_off = [row.run for row in rows if row.state == "interrupted" and row.run.name not in left]
        self._found |= {run.path for run in cut_off if run.path.parent in fresh}
        self._runs = [run for run in cut_off if run.path in self._found]
        self.setVisible(bool(self._runs))
        if not self._runs:
            return
        self.text.setText(_words(self._runs))
        going = any_goes(rows)
        self.resume.setEnabled(not going)
        name = given_name(self._runs[0])
        self.resume.setText("Resume" if len(self._runs) == 1 else f"Resume {name}")
        self.resume.setToolTip(OTHER_GOES if going else f"Go on with {self._runs[0].name} from its newest checkpoint.")

    @Slot()
    def _resume(self) -> None:
        if self._runs:
            run = self._runs[0]
            self._found.discard(run.path)  # what becomes of it from now on is seen
            self.resume.setEnabled(False)
            self.resume_wanted.emit(run)

    @Slot()
    def _leave(self) -> None:
        names = tuple(run.name for run in self._runs)
        self._preferences.left_cut_off = (*self._preferences.left_cut_off, *names)[-REMEMBERED:]
        self._found.clear()
        self._runs = []
        self.hide()


def any_goes(rows: list[Row]) -> bool:
    """Whether one of the runs is at work, or rests with its engine: then no other can be gone on with."""
    return any(row.state == "running" or (row.state == "paused" and not row.can_resume) for row in rows)


def _button(text: str, name: str, spoken: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(spoken)
    return button


def _words(runs: list[RunFolder]) -> str:
    names = [given_name(run) for run in runs[:NAMED]]
    if len(runs) == 1:
        return f"{names[0]} was cut off before its end."
    more = [f"{len(runs) - NAMED} more"] if len(runs) > NAMED else []
    *first, last = names + more
    return f"{len(runs)} runs were cut off: {', '.join(first)} and {last}."
