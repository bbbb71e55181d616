"""The engine's service as the window sees it: requests go out at once, replies come as a signal on the window's thread."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject, Qt, Signal, Slot

from workbench.launch.service import CANCELLED, RequestType, Service, ServiceProgress, ServiceReply
from workbench.runs.service.requests import AnyRequest


class ServiceProtocol(Protocol):
    """What a service can do; a test may give one of its own."""

    def start(self) -> None: ...

    def send(self, request: AnyRequest) -> int: ...

    def cancel(self, request_type: RequestType) -> None: ...

    def close(self) -> None: ...


class ServiceClient(QObject):
    """Sends requests. Nothing is started before :meth:`start`: earlier requests wait for it, the newest of each class."""

    replied = Signal(object)
    """A ServiceReply to the newest request of its class; replies to older ones are dropped."""
    progressed = Signal(object)
    """The ServiceProgress of the newest request of a class."""
    busy_changed = Signal()
    _reply_arrived = Signal(object)
    _progress_arrived = Signal(object)

    def __init__(self, parent: QObject | None = None, service: ServiceProtocol | None = None) -> None:
        super().__init__(parent)
        self._service: ServiceProtocol = (
            service if service is not None else Service(self._reply_arrived.emit, self._progress_arrived.emit)
        )
        self._started = False
        self._waiting: dict[RequestType, AnyRequest] = {}
        self._newest: dict[RequestType, int] = {}
        # Queued, whichever thread it comes from: a reply never arrives within the request.
        self._reply_arrived.connect(self.apply_reply, Qt.ConnectionType.QueuedConnection)
        self._progress_arrived.connect(self.apply_progress, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Starts the service, and sends what waited for it."""
        if self._started:
            return
        self._started = True
        self._service.start()
        waiting, self._waiting = self._waiting, {}
        for request in waiting.values():
            self.send(request)

    def send(self, request: AnyRequest) -> None:
        """Sends a request; the reply comes by :attr:`replied`."""
        if self._started:
            self._newest.pop(type(request), None)
            self._newest[type(request)] = self._service.send(request)
        else:
            self._waiting[type(request)] = request
        self.busy_changed.emit()

    def is_busy(self, request_type: RequestType) -> bool:
        """Whether a reply to a request of that class is still to come."""
        return request_type in self._newest or request_type in self._waiting

    @property
    def pending(self) -> tuple[RequestType, ...]:
        """The classes of requests whose replies are still to come, in the order in which they were sent."""
        return (*self._newest, *self._waiting)

    def cancel(self, request_type: RequestType) -> None:
        """Nobody waits for that reply any longer: it comes at once, and says so."""
        if request_type in self._newest:
            self._service.cancel(request_type)
        elif (request := self._waiting.pop(request_type, None)) is not None:
            self.replied.emit(ServiceReply(0, request, problems=(CANCELLED,), cancelled=True))
            self.busy_changed.emit()

    def close(self) -> None:
        """Ends the service. No reply comes after it."""
        self._newest.clear()
        self._waiting.clear()
        self._service.close()

    @Slot(object)
    def apply_reply(self, reply: ServiceReply) -> None:
        """A reply has come."""
        if self._newest.get(type(reply.request)) != reply.id:
            return
        del self._newest[type(reply.request)]
        self.replied.emit(reply)
        self.busy_changed.emit()

    @Slot(object)
    def apply_progress(self, progress: ServiceProgress) -> None:
        """A request that is waited for has come further."""
        if self._newest.get(type(progress.request)) == progress.id:
            self.progressed.emit(progress)
