"""The help pages with examples: one at a time, and the engine runs what it shows."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from workbench.gui.help.page import HelpPage
from workbench.gui.service.client import ServiceClient
from workbench.gui.theme import Themes
from workbench.launch.service import ServiceReply
from workbench.runs.service.answers import ExamplesPage
from workbench.runs.service.requests import RunExamples


class HelpPages(QObject):
    """Opens a page, and gives it what its examples printed."""

    def __init__(self, service: ServiceClient, themes: Themes, window: QWidget) -> None:
        super().__init__(window)
        self._service, self._themes, self._window = service, themes, window
        self._page: HelpPage | None = None
        service.replied.connect(self._apply_reply)

    @Slot()
    def tensors(self) -> None:
        """What tensors are."""
        self._open("tensors", "Tensors")

    @Slot()
    def autograd(self) -> None:
        """How gradients come about."""
        self._open("autograd", "Autograd")

    @Slot()
    def attention(self) -> None:
        """Who looks at whom."""
        self._open("attention", "Attention")

    def _open(self, page: str, title: str) -> None:
        if self._page is not None:
            self._page.close()
        self._page = HelpPage(page, title, self._themes, self._service, self._window)
        self._page.left.connect(self._left)
        self._page.show()
        self._service.send(RunExamples(page=page))

    @Slot()
    def _left(self) -> None:
        if self._page is not None:
            self._page.deleteLater()
        self._page = None

    @Slot(object)
    def _apply_reply(self, reply: ServiceReply) -> None:
        if not isinstance(reply.request, RunExamples) or self._page is None:
            return
        if isinstance(reply.answer, ExamplesPage):
            self._page.show_examples(reply.answer)
        else:
            self._page.show_problems(reply.problems)
