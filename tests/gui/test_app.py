"""The application around the window: quick to open, deaf to nothing, and never the end of a run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from tests.gui.scripted import Engines
from tests.police.logs import ExpectWarning
from tests.waiting import HANG_SECONDS
from workbench.gui import app
from workbench.gui.dialogs.error import ReportDialog
from workbench.gui.main_window import MainWindow
from workbench.gui.shell.crash_handler import CrashHandler

Wait = Callable[[Callable[[], object]], None]

_ASSEMBLED = """
import sys
from PySide6.QtWidgets import QApplication
app = QApplication([])
from workbench.gui.app import create_window
window = create_window("digits-cnn")
print([name for name in ("torch", "torchvision", "pyqtgraph") if name in sys.modules], window.isVisible())
window.close()
"""
_PAINTED = """
import sys, time
from workbench.gui import app
from workbench.gui.main_window import MainWindow
def tell():
    print("painted", flush=True)
def make(*arguments, make=app.create_window, **named):
    window = make(*arguments, **named)
    window.painted.connect(tell)
    return window
app.create_window = make
sys.exit(app.main("digits-cnn"))
"""


def test_that_an_assembled_window_is_hidden_and_knows_neither_torch_nor_plots() -> None:
    found = subprocess.run(
        [sys.executable, "-c", _ASSEMBLED], capture_output=True, text=True, timeout=HANG_SECONDS, check=True
    )
    assert found.stdout.split("\n")[0] == "[] False", found.stderr


@contextlib.contextmanager
def _real_window() -> Iterator[subprocess.Popen[str]]:
    """The program itself, once its window has been drawn."""
    command = [sys.executable, "-c", _PAINTED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert process.stdout.readline() == "painted\n", process.stderr.read()
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to another process on Windows")
def test_that_ctrl_c_in_the_terminal_closes_the_window_in_order() -> None:
    with _real_window() as process:
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=HANG_SECONDS)
        assert process.returncode == 0, complaints
        assert "Traceback" not in complaints


def test_that_a_wrong_start_is_told_on_the_terminal_with_every_problem(
    qapp: Any, tmp_path: Path, capsys: Any, engines: Engines
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[training]\nepochs = 0\n[optimizer]\nlr = -1.0\n")
    assert app.main(str(path)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["training.epochs", "optimizer.lr"]


def test_that_main_shows_the_window_and_starts_the_engines_after_the_first_paint(
    qapp: Any, qtbot: Any, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def no_service(_service: object) -> None:
        started.append("service")
        assert engines.standbys[0].started
        QApplication.closeAllWindows()  # the last window closed ends the application

    monkeypatch.setattr("workbench.gui.service.client.ServiceClient.start", no_service)
    assert app.main("digits-mlp") == 0
    assert started == ["service"]
    assert engines.standbys[0].closed


@pytest.fixture
def catcher(qapp: Any) -> Iterator[CrashHandler]:
    made = CrashHandler()
    made.install()
    yield made
    made.restore()


def _raise() -> None:
    raise RuntimeError("a plot was drawn on thin air")


def test_that_an_unexpected_exception_is_shown_and_the_window_lives(
    window: MainWindow, catcher: CrashHandler, wait: Wait, expected_warnings: ExpectWarning
) -> None:
    expected_warnings("thin air")
    try:
        _raise()
    except RuntimeError as problem:
        sys.excepthook(type(problem), problem, problem.__traceback__)
    dialogs = [shown for shown in QApplication.topLevelWidgets() if isinstance(shown, ReportDialog)]
    assert "a plot was drawn on thin air" in dialogs[-1].text
    assert "Traceback" in dialogs[-1].text
    dialogs[-1].close()
    assert window.isVisible()


def test_that_an_exception_in_a_thread_is_shown_by_the_window(
    window: MainWindow, catcher: CrashHandler, wait: Wait, expected_warnings: ExpectWarning
) -> None:
    expected_warnings("thin air")
    thread = threading.Thread(target=_raise)
    thread.start()
    thread.join()

    def shown() -> list[ReportDialog]:
        return [one for one in QApplication.topLevelWidgets() if isinstance(one, ReportDialog) and one.isVisible()]

    wait(shown)
    shown()[-1].close()


@pytest.mark.skipif(os.name == "nt", reason="no SIGTERM to another process on Windows")
def test_that_a_painted_window_quits_when_it_is_asked_to_end() -> None:
    with _real_window() as process:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=HANG_SECONDS)
        assert process.returncode is not None
