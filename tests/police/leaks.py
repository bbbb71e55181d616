"""Fails a test that leaves something behind: threads, timers, windows, processes, environment variables, files.

What one test leaves makes another one fail, on another day. Each finding says where the thing was started.
"""

import os
import threading
import traceback
import uuid
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

_ROOT = Path(__file__).resolve().parents[2]
_MARK = "WORKBENCH_TEST_SESSION"
_session = uuid.uuid4().hex

# Python's own helpers, which live until Python ends.
_HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
# Set by pytest at every phase, and by libraries for themselves when they are imported or first used.
_VARIABLES = ("PYTEST_", "KMP_", "TORCHINDUCTOR_", "TRITON_", "KINETO_", "PYGAME_", "COV_", "_RJEM_")
_CACHES = {".hypothesis", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".import_linter_cache", "__pycache__"}


def pytest_addoption(parser: pytest.Parser) -> None:
    help_ = "seconds after which a process or a thread that a test has left is not just on its way out"
    parser.addini("time_to_leave", help_, type="float", default=60.0)


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set up before a test's other fixtures, so it looks when all of them have cleaned up."""
    patience: float = request.config.getini("time_to_leave")
    running = [_environment(), _processes(patience), _threads(patience), _files()]
    if "qapp" in request.fixturenames:  # the engine's tests run on machines without Qt
        running += [_qt_threads_and_timers(), _windows()]
    for check in running:
        next(check)
    yield
    left: list[str] = []
    for check in reversed(running):
        left += next(check)
    if left:
        pytest.fail("the test left behind: " + "; ".join(left), pytrace=False)


# Every check is a generator: it remembers what is there, waits, and then yields what was not there before.
_Check = Iterator[list[str]]


def _environment() -> _Check:
    before = dict(os.environ)
    yield []
    after = dict(os.environ)
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    changed = sorted(name for name in names if not name.startswith(_VARIABLES))
    for name in changed:
        if name in before:
            os.environ[name] = before[name]
        else:
            del os.environ[name]
    yield [f"environment variable {name}={after.get(name)!r} (was {before.get(name)!r})" for name in changed]


def _files() -> _Check:
    folders = {_ROOT, Path.cwd()}
    before = {entry for folder in folders for entry in folder.iterdir()}
    yield []
    after = {entry for folder in folders for entry in folder.iterdir()}
    yield [f"file {entry}" for entry in sorted(after - before) if entry.name not in _CACHES]


def _children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def _processes(patience: float) -> _Check:
    before = _children()
    yield []
    new = _children() - before
    found = {process: _describe(process) for process in new}
    alive = [process for process, what in found.items() if what and not any(helper in what for helper in _HELPERS)]
    _, alive = psutil.wait_procs(alive, timeout=patience)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=patience)
    yield [f"child process {found[process]}" for process in alive]


def _describe(process: psutil.Process) -> str:
    """Its number and command, or nothing when it has ended."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return f"{process.pid}: {' '.join(process.cmdline())[:200]}"
    except psutil.Error:
        return ""


def _threads(patience: float) -> _Check:
    before = set(threading.enumerate())
    places: dict[threading.Thread, str] = {}
    start = threading.Thread.start

    def start_noting_where(self: threading.Thread) -> None:
        places[self] = _place()
        start(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", start_noting_where)
        yield []
    # Python keeps a dummy for a foreign thread that once ran Python code; whether it still runs, nobody can tell.
    new = [thread for thread in set(threading.enumerate()) - before if not isinstance(thread, threading._DummyThread)]
    for thread in new:
        thread.join(timeout=patience)
    yield [f"thread {thread.name}, started{places.get(thread, '')}" for thread in new if thread.is_alive()]


def _qt_threads_and_timers() -> _Check:
    import shiboken6
    from PySide6.QtCore import QCoreApplication, QEvent, QThread, QTimer

    # Weak, so that looking at a timer does not keep it alive.
    places: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()

    def noting_where(start: Callable[..., None]) -> Callable[..., None]:
        def start_noting_where(self: Any, *arguments: Any) -> None:
            places[self] = _place()
            start(self, *arguments)

        return start_noting_where

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QThread, "start", noting_where(QThread.start))
        patch.setattr(QTimer, "start", noting_where(QTimer.start))
        yield []
    # What a test gave to deleteLater is gone as soon as the event loop runs; it has no chance to after the test.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    left = []
    for thing, place in list(places.items()):
        if not shiboken6.isValid(thing):
            continue
        if isinstance(thing, QThread) and thing.isRunning():
            left.append(f"running QThread {thing.objectName() or thing}, started{place}")
            thing.requestInterruption()
            thing.quit()
            thing.wait(2000)
        elif isinstance(thing, QTimer) and thing.isActive():
            left.append(f"active QTimer {thing.objectName() or thing}, started{place}")
            thing.stop()
    yield left


def _windows() -> _Check:
    import shiboken6
    from PySide6.QtWidgets import QApplication

    before = set(QApplication.topLevelWidgets())
    yield []
    new = [window for window in QApplication.topLevelWidgets() if window not in before and shiboken6.isValid(window)]
    visible = [window for window in new if window.isVisible()]
    for window in visible:
        window.close()
    yield [f"visible window {window.objectName() or window}" for window in visible]


def _place() -> str:
    """Where something was started: the innermost line that is no library's, and the outermost, usually the test's."""
    frames = [frame for frame in traceback.extract_stack() if not frame.filename.startswith(_LIBRARIES)]
    lines = [f"{frame.filename.removeprefix(f'{_ROOT}{os.sep}')}:{frame.lineno} in {frame.name}" for frame in frames]
    if not lines:
        return " by a library"
    return f" at {lines[-1]}" + (f" (from {lines[0]})" if len(lines) > 1 else "")


# This file, what is installed, the standard library, and frozen modules.
_LIBRARIES = (__file__, os.path.dirname(os.path.dirname(pytest.__file__)), os.path.dirname(os.__file__), "<")


# --- processes that no longer have a parent ---------------------------------------------------------------------------


def pytest_configure() -> None:
    # Inherited by whatever the tests start: an engine whose parent has left is no longer anybody's child.
    os.environ.setdefault(_MARK, _session)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Ends what outlived both the tests and its parents, and makes the run fail for it."""
    if os.environ.get(_MARK) != _session or hasattr(session.config, "workerinput"):
        return  # another pytest started this one and will look
    orphans = _orphans()
    for process in orphans:
        process.kill()
    session.config.stash[_orphans_key] = list(orphans.values())
    if orphans and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


_orphans_key = pytest.StashKey[list[str]]()


def _orphans() -> dict[psutil.Process, str]:
    found: dict[psutil.Process, str] = {}
    own = {psutil.Process(), *psutil.Process().parents()}
    for process in set(psutil.process_iter()) - own:
        try:
            marked = process.environ().get(_MARK) == _session
        except (psutil.Error, OSError):  # somebody else's, or gone
            continue
        what = _describe(process) if marked else ""
        if what and not any(helper in what for helper in _HELPERS):
            found[process] = what
    return found


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for what in config.stash.get(_orphans_key, []):
        terminalreporter.write_line(f"FAILED: the tests left a process without parent behind: {what}", red=True)
