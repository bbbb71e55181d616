"""What the engine's service is busy with: shown after a moment, and after two seconds with its progress and a Cancel button."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from workbench.gui.service.client import ServiceClient
from workbench.gui.theme import STEP
from workbench.launch.service import RequestType, ServiceProgress
from workbench.runs.service.requests import DescribeCheckpoint, ExportModel

SHOWN_MS = 200
"""A wait that takes longer is shown."""
CANCEL_MS = 2000
"""One that takes longer shows its progress, and can be ended."""
BAR_WIDTH = 72


class BusyIndicator(QWidget):
    """A line of text, bar and button for requests of some classes. It takes no room while none of them is pending."""

    def __init__(
        self,
        service: ServiceClient,
        texts: Mapping[RequestType, str],
        name: str,
        parent: QWidget | None = None,
        *,
        wrap: bool = False,
    ) -> None:
        """``texts``: the classes of requests that are shown, each with the text until the engine reports more itself.

        Where a text is empty, the text stands elsewhere, and only the share is shown. ``wrap``: in a narrow place.
        """
        super().__init__(parent)
        self.setObjectName(name)
        self._service, self._texts = service, dict(texts)
        self._request_type: RequestType | None = None
        """What is waited for."""
        self.text = QLabel(self)
        self.text.setObjectName(f"{name}.text")
        self.text.setProperty("role", "muted")
        self.text.setWordWrap(wrap)
        self.bar = QProgressBar(self)
        self.bar.setObjectName(f"{name}.bar")
        self.bar.setAccessibleName("Progress")
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(BAR_WIDTH)
        self.button = QPushButton("Cancel", self)
        self.button.setObjectName(f"{name}.cancel")
        self.button.setToolTip("Stop waiting for this")
        self.button.clicked.connect(self._cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * STEP)
        row.addWidget(self.text, 1)
        row.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
        self._show_timer = self._timer(SHOWN_MS, self._show_text)
        self._cancel_timer = self._timer(CANCEL_MS, self._offer_cancel)
        self.hide()
        service.busy_changed.connect(self._follow)
        service.progressed.connect(self._show_progress)
        self._follow()

    def _timer(self, after: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(after)
        timer.timeout.connect(slot)
        return timer

    @Slot()
    def _follow(self) -> None:
        request_type = next((pending for pending in self._service.pending if pending in self._texts), None)
        if request_type is self._request_type:
            return
        self._request_type = request_type
        self._show_timer.stop()
        self._cancel_timer.stop()
        self.hide()
        if request_type is not None:
            self.text.setText(self._texts[request_type])
            self.bar.setRange(0, 0)
            self.bar.hide()
            self.button.hide()
            self._show_timer.start()
            self._cancel_timer.start()

    @Slot()
    def _show_text(self) -> None:
        self.show()

    @Slot()
    def _offer_cancel(self) -> None:
        self.bar.show()
        self.button.show()

    @Slot(object)
    def _show_progress(self, progress: ServiceProgress) -> None:
        if self._request_type is None or type(progress.request) is not self._request_type:
            return
        text = f"{progress.text[:1].upper()}{progress.text[1:]}"
        share = "" if progress.share is None else f"{progress.share:.0%}"
        self.bar.setToolTip(text)
        self.text.setText(" · ".join(part for part in (text if self._texts[self._request_type] else "", share) if part))
        self.bar.setRange(0, 0 if progress.share is None else 100)
        if progress.share is not None:
            self.bar.setValue(round(100 * progress.share))

    @Slot()
    def _cancel(self) -> None:
        if self._request_type is not None:
            self._service.cancel(self._request_type)


def status_indicator(service: ServiceClient) -> BusyIndicator:
    """That of the status bar: for requests whose view may be closed by now."""
    texts: dict[RequestType, str] = {
        DescribeCheckpoint: "Opening the checkpoint…",
        ExportModel: "Exporting the model…",
    }
    return BusyIndicator(service, texts, "status.waiting")
