"""The application: created, filled after the first paint, and closed in order."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSocketNotifier, Signal, Slot
from PySide6.QtWidgets import QApplication

from workbench import __version__
from workbench.config.problems import ConfigError
from workbench.gui import preferences
from workbench.gui.headless import HeadlessOptions, HeadlessRun
from workbench.gui.main_window import SIZE, MainWindow
from workbench.gui.shell.crash_handler import CrashHandler
from workbench.gui.theme import Themes


def create_window(
    start: str | None = None, *, runs: Path | None = None, assignments: tuple[str, ...] = ()
) -> MainWindow:
    """The whole window, assembled and not yet shown, on a given start: a recipe, a run file or a run.

    Starts no engine. Needs a QApplication. Raises ConfigError when the start is none or has problems.
    """
    remembered = preferences.load()
    if runs is not None:
        remembered.use_runs(runs.expanduser().resolve())
    app = QApplication.instance()
    assert isinstance(app, QApplication), "a window needs a QApplication"
    themes = Themes(app)
    themes.choose(remembered.theme)
    window = MainWindow(remembered, themes)
    themes.apply(app)  # once all is there: a style sheet is worked out anew for every widget that comes later
    themes.setParent(window)
    try:
        window.controllers.documents.open_start(start, assignments)
    except ConfigError:
        window.controllers.runs.close_without_asking()
        window.close()
        _delete(window)
        raise
    return window


def _delete(window: MainWindow) -> None:
    """Deletes a window with everything that hangs on it, while there still is an application."""
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


class WindowStartup(QObject):
    """What comes after the first paint: plots, a run that is active already, and the engine on standby."""

    ready = Signal()

    def __init__(self, window: MainWindow, attach: bool) -> None:
        super().__init__(window)
        self._window = window
        self._attach = attach
        window.painted.connect(self._fill)

    @Slot()
    def _fill(self) -> None:
        self._window.central.fill()
        self._window.show_progress()
        self._window.runs.refresh()
        if self._attach:
            self._window.session.attach_active_run()
        self._window.session.start_standby()
        self._window.service.start()
        self.ready.emit()


def main(
    start: str | None = None,
    *,
    train: bool = False,
    quit_when_done: bool = False,
    screenshot: Path | None = None,
    runs: Path | None = None,
    assignments: tuple[str, ...] = (),
) -> int:
    """Shows the window until it is closed. Gives the exit status: 2 when the start was wrong, 1 when a headless run failed."""
    if not _display_found(needed=not quit_when_done):
        sys.stderr.write("There is no display. With --quit-when-done the window is drawn off screen.\n")
        return 2
    app = _application()
    try:
        window = create_window(start, runs=runs, assignments=assignments)
    except ConfigError as problems:
        sys.stderr.write("".join(f"{problem}\n" for problem in problems.problems))
        return 2
    if screenshot is not None:
        window.resize(SIZE)  # whatever the last window looked like
        window.reset_layout()
        window.remembers = False
    startup = WindowStartup(window, attach=start is None and not train)
    if train or quit_when_done or screenshot is not None:
        headless = HeadlessRun(window, HeadlessOptions(train, quit_when_done, screenshot))
        startup.ready.connect(headless.start)
        headless.done.connect(_Exit(window).exit)
    crash_handler = CrashHandler(window)
    crash_handler.install()
    window.show()
    try:
        with _interrupts(window):
            return app.exec()
    finally:
        crash_handler.restore()
        _delete(window)


class _Exit(QObject):
    """Closes the window at the end of a headless run, with its exit status."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    @Slot(int)
    def exit(self, status: int) -> None:
        self._window.controllers.runs.close_without_asking()
        self._window.close()
        QApplication.exit(status)


def _display_found(*, needed: bool) -> bool:
    """Whether a window can be shown. Qt would end the process without a display; a headless run is drawn off screen then."""
    variables = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    if not sys.platform.startswith("linux") or any(os.environ.get(name) for name in variables):
        return True
    if not needed:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return not needed


def _application() -> QApplication:
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication([*sys.argv[:1]])
    app.setApplicationName("Workbench")
    app.setApplicationVersion(__version__)
    app.setOrganizationName("Workbench")
    return app


class _Interrupt(QObject):
    """Closes the window when the terminal says so. Python runs signal handlers only between its own steps, so Qt wakes it."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._here, self.there = socket.socketpair()
        self._here.setblocking(False)
        self.there.setblocking(False)
        self._notifier = QSocketNotifier(self._here.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._woken)

    @Slot()
    def _woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._here.recv(64)
        self._window.controllers.runs.close_without_asking()
        self._window.close()

    def close(self) -> None:
        self._notifier.setEnabled(False)
        self._here.close()
        self.there.close()


@contextlib.contextmanager
def _interrupts(window: MainWindow) -> Iterator[None]:
    """Ctrl-C in the terminal, and being asked to end, close the window in order. A run keeps running."""
    interrupt = _Interrupt(window)
    wanted = [signal.SIGINT] if os.name == "nt" else [signal.SIGINT, signal.SIGTERM]
    handlers = {which: signal.signal(which, _ignore) for which in wanted}
    woken = signal.set_wakeup_fd(interrupt.there.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(woken)
        for which, handler in handlers.items():
            signal.signal(which, handler)
        interrupt.close()


def _ignore(_signal: int, _frame: FrameType | None) -> None:
    """Nothing: the byte that comes with the signal wakes the window."""
