"""The help pages with examples: one at a time, and the lab runs what it shows."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from workbench.gui.help.page import HelpPage
from workbench.gui.service.client import LabClient
from workbench.gui.theme import Themes
from workbench.launch.service import Answer


class HelpPages(QObject):
    """Opens a page, and gives it what the lab's examples printed."""

    def __init__(self, lab: LabClient, themes: Themes, window: QWidget) -> None:
        super().__init__(window)
        self._lab, self._themes, self._window = lab, themes, window
        self._page: HelpPage | None = None
        lab.answered.connect(self._take)

    @Slot()
    def tensors(self) -> None:
        """What tensors are."""
        self._open("tensors", "Tensors")

    @Slot()
    def autograd(self) -> None:
        """How gradients come about."""
        self._open("autograd", "Autograd")

    def _open(self, page: str, title: str) -> None:
        if self._page is not None:
            self._page.close()
        self._page = HelpPage(page, title, self._themes, self._lab, self._window)
        self._page.left.connect(self._left)
        self._page.show()
        self._lab.ask("examples", {"page": page})

    @Slot()
    def _left(self) -> None:
        if self._page is not None:
            self._page.deleteLater()
        self._page = None

    @Slot(object)
    def _take(self, answer: Answer) -> None:
        if answer.method != "examples" or self._page is None:
            return
        if answer.ok:
            self._page.show_result(answer.result)
        else:
            self._page.refuse(answer.problems)
