"""What an evaluation is shown in: a part shows one aspect of it, and :mod:`task_views` lists the parts of each task."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, Signal
from PySide6.QtWidgets import QWidget

from workbench.gui.theme import Themes
from workbench.runs.service.evaluation import Evaluation
from workbench.runs.service.samples import SampleDescription


class EvaluationPart(QWidget):
    """One aspect of an evaluation. It hides itself where the evaluation has nothing of it."""

    samples_wanted = Signal(object, object)
    """This part, and the numbers (a tuple of int) of the samples that it is to be given; none when it waits no longer."""
    sight_wanted = Signal(object, object)
    """This part, and the area of it (a QRect) that is to be scrolled into sight."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes

    def show_evaluation(self, evaluation: Evaluation) -> None:
        """Shows its aspect of an evaluation, in the place of the one before. The base shows nothing."""
        self.hide()

    def show_samples(self, samples: Sequence[SampleDescription]) -> None:
        """The samples that were requested last."""

    def request_samples(self, numbers: tuple[int, ...]) -> None:
        """Asks for samples of the evaluated split instead of those asked for before; for none, to wait no longer."""
        self.samples_wanted.emit(self, numbers)

    def bring_into_sight(self, widget: QWidget, area: QRect) -> None:
        """Asks that an area of a widget within this part be seen."""
        self.sight_wanted.emit(self, QRect(widget.mapTo(self, area.topLeft()), area.size()))
