"""A banner above the runs that names, at the start of the window, those that were interrupted, and offers to resume them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from workbench.gui.preferences import Preferences
from workbench.gui.theme import STEP
from workbench.runs.folder import RunFolder, given_name
from workbench.runs.history import Row

NAMED = 3
"""Runs that are named; of more only their number is shown."""
REMEMBERED = 200
OTHER_RUN_ACTIVE = "Another run is running: stop it first, or wait until it has ended."


class InterruptedBanner(QFrame):
    """Hidden while there is nothing to say. Runs that are interrupted later are seen in the table."""

    resume_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.cut_off")
        self._preferences = Preferences()
        self._roots: set[Path] = set()
        self._pending: set[Path] = set()
        self._runs: list[RunFolder] = []
        self.text = QLabel()
        self.text.setObjectName("view.cut_off.text")
        self.text.setWordWrap(True)
        self.text.setProperty("role", "warning")
        self.resume = _button("Resume", "view.cut_off.resume", "Resume the interrupted run")
        self.dismiss = _button("Dismiss", "view.cut_off.leave", "Dismiss this message about interrupted runs")
        self.dismiss.setToolTip(
            "Do not show these runs here again. They stay in the table below and can be resumed there."
        )
        buttons = QHBoxLayout()
        buttons.setSpacing(2 * STEP)
        buttons.addWidget(self.resume)
        buttons.addWidget(self.dismiss)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(STEP)
        layout.addWidget(self.text)
        layout.addLayout(buttons)
        self.resume.clicked.connect(self._resume)
        self.dismiss.clicked.connect(self._dismiss)
        self.hide()

    def remember_in(self, preferences: Preferences) -> None:
        """Runs that were dismissed once are not shown again, in this window or a later one."""
        self._preferences = preferences

    def show_rows(self, rows: list[Row]) -> None:
        """Takes all rows. Of each folder of runs, those are shown that were interrupted when it was read first."""
        fresh = {row.run.path.parent for row in rows} - self._roots
        self._roots |= fresh
        dismissed = self._preferences.dismissed
        interrupted = [row.run for row in rows if row.state == "interrupted" and row.run.name not in dismissed]
        self._pending |= {run.path for run in interrupted if run.path.parent in fresh}
        self._runs = [run for run in interrupted if run.path in self._pending]
        self.setVisible(bool(self._runs))
        if not self._runs:
            return
        self.text.setText(_message(self._runs))
        active = any_active(rows)
        self.resume.setEnabled(not active)
        name = given_name(self._runs[0])
        self.resume.setText("Resume" if len(self._runs) == 1 else f"Resume {name}")
        self.resume.setToolTip(
            OTHER_RUN_ACTIVE if active else f"Resume {self._runs[0].name} from its newest checkpoint."
        )

    @Slot()
    def _resume(self) -> None:
        if self._runs:
            run = self._runs[0]
            self._pending.discard(run.path)  # from now on it is seen in the table
            self.resume.setEnabled(False)
            self.resume_wanted.emit(run)

    @Slot()
    def _dismiss(self) -> None:
        names = tuple(run.name for run in self._runs)
        self._preferences.dismissed = (*self._preferences.dismissed, *names)[-REMEMBERED:]
        self._pending.clear()
        self._runs = []
        self.hide()


def any_active(rows: list[Row]) -> bool:
    """Whether one of the runs is running, or paused with its engine still there: then no other can be resumed."""
    return any(row.state == "running" or (row.state == "paused" and not row.can_resume) for row in rows)


def _button(text: str, name: str, accessible_name: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(accessible_name)
    return button


def _message(runs: list[RunFolder]) -> str:
    names = [given_name(run) for run in runs[:NAMED]]
    if len(runs) == 1:
        return f"{names[0]} was interrupted. Resume it, or dismiss this message."
    more = [f"{len(runs) - NAMED} more"] if len(runs) > NAMED else []
    *first, last = names + more
    return f"{len(runs)} runs were interrupted: {', '.join(first)} and {last}."
