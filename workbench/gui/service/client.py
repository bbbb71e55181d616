"""The lab engine as the window sees it: questions go out at once, answers come as a signal on the window's thread."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, Signal, Slot

from workbench.launch.service import CANCELLED, Answer, Doing, Lab


class Asked(Protocol):
    """What a lab can do; a test may give one of its own."""

    def start(self) -> None: ...

    def ask(self, method: str, params: dict[str, Any]) -> int: ...

    def cancel(self, method: str) -> None: ...

    def close(self) -> None: ...


class LabClient(QObject):
    """Asks the lab. Nothing is started before :meth:`start`: what is asked earlier waits for it, the newest of each kind."""

    answered = Signal(object)
    """An Answer to the newest question of its method; answers to older ones are dropped."""
    told = Signal(object)
    """What the lab is Doing for the newest question of a method."""
    busy_changed = Signal()
    _arrived = Signal(object)
    _doing = Signal(object)

    def __init__(self, parent: QObject | None = None, lab: Asked | None = None) -> None:
        super().__init__(parent)
        self._lab: Asked = lab if lab is not None else Lab(self._arrived.emit, self._doing.emit)
        self._started = False
        self._waiting: dict[str, dict[str, Any]] = {}
        self._newest: dict[str, int] = {}
        # Queued, whichever thread it comes from: an answer never arrives within the question.
        self._arrived.connect(self.take, Qt.ConnectionType.QueuedConnection)
        self._doing.connect(self.tell, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Starts the lab, and asks what waited for it."""
        if self._started:
            return
        self._started = True
        self._lab.start()
        waiting, self._waiting = self._waiting, {}
        for method, params in waiting.items():
            self.ask(method, params)

    def ask(self, method: str, params: dict[str, Any]) -> None:
        """Asks; the answer comes by :attr:`answered`."""
        if self._started:
            self._newest.pop(method, None)
            self._newest[method] = self._lab.ask(method, params)
        else:
            self._waiting[method] = params
        self.busy_changed.emit()

    def busy(self, method: str) -> bool:
        """Whether an answer of that kind is still to come."""
        return method in self._newest or method in self._waiting

    @property
    def waited_for(self) -> tuple[str, ...]:
        """The kinds of answers that are still to come, in the order in which they were asked for."""
        return (*self._newest, *self._waiting)

    def cancel(self, method: str) -> None:
        """Nobody waits for that kind of answer any longer: it comes at once, and says so."""
        if method in self._newest:
            self._lab.cancel(method)
        elif self._waiting.pop(method, None) is not None:
            self.answered.emit(Answer(0, method, ok=False, problems=(CANCELLED,), cancelled=True))
            self.busy_changed.emit()

    def close(self) -> None:
        """Ends the lab. No answer comes after it."""
        self._newest.clear()
        self._waiting.clear()
        self._lab.close()

    @Slot(object)
    def take(self, answer: Answer) -> None:
        """An answer has come."""
        if self._newest.get(answer.method) != answer.id:
            return
        del self._newest[answer.method]
        self.answered.emit(answer)
        self.busy_changed.emit()

    @Slot(object)
    def tell(self, doing: Doing) -> None:
        """An answer that is waited for has come further."""
        if self._newest.get(doing.method) == doing.id:
            self.told.emit(doing)
