"""The police itself: each deliberately bad test fails, and says why; the good ones pass."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Test name -> what its failure says. The text of a test is its function's body.
BAD = {
    "modal_dialog": "QMessageBox.question would block the test",
    "modal_dialog_in_a_slot": "QDialog.exec",
    "file_dialog": "QFileDialog.getOpenFileName would block the test",
    "qthread": "running QThread.*started at .*test_bad.py:",
    "qtimer": "active QTimer ticking, started at .*test_bad.py:",
    "window": "visible window stray",
    "python_thread": "thread forgotten, started at .*test_bad.py:",
    "subprocess": "child process .*sleep",
    "multiprocess": "child process",
    "environment": "environment variable WORKBENCH_PLANTED='1' .was None",
    "environment_removed": "environment variable HOME=None",
    "file_in_working_directory": "file .*planted.txt",
    "file_in_temporary_folder": "left behind in the temporary folder: planted",
    "logged_warning": "WARNING planted .*: it went wrong",
    "expected_but_not_logged": "expected to be logged, and was not",
    "python_warning": "UserWarning: planted",
    "qt_warning": "planted by qWarning",
    "exception_in_a_slot": "ZeroDivisionError",
}

TESTS = """
import logging, multiprocessing, os, subprocess, sys, tempfile, threading, time, warnings
from pathlib import Path
import pytest
from PySide6.QtCore import QObject, QThread, QTimer, Signal, qWarning
from PySide6.QtWidgets import QDialog, QFileDialog, QMessageBox, QWidget

forever = threading.Event()
kept = []


class Sender(QObject):
    sent = Signal()


def test_bad_modal_dialog(qapp):
    QMessageBox.question(None, "title", "text")

def test_bad_modal_dialog_in_a_slot(qapp):
    sender = Sender()
    sender.sent.connect(lambda: QDialog().exec())
    sender.sent.emit()

def test_bad_file_dialog(qapp):
    QFileDialog.getOpenFileName(None, "title")

def test_bad_qthread(qapp):
    thread = QThread()
    thread.start()
    kept.append(thread)

def test_bad_qtimer(qapp):
    timer = QTimer(objectName="ticking")
    timer.start(1000)
    kept.append(timer)

def test_bad_window(qapp):
    window = QWidget(objectName="stray")
    window.show()
    kept.append(window)

def test_bad_python_thread():
    threading.Thread(target=forever.wait, name="forgotten", daemon=True).start()

def test_bad_subprocess():
    kept.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))

def test_bad_multiprocess():
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    process.start()
    kept.append(process)

def test_bad_environment():
    os.environ["WORKBENCH_PLANTED"] = "1"

def test_bad_environment_removed():
    del os.environ["HOME"]

def test_bad_file_in_working_directory():
    Path("planted.txt").write_text("planted")

def test_bad_file_in_temporary_folder():
    Path(tempfile.gettempdir(), "planted").mkdir()

def test_bad_logged_warning():
    logging.getLogger("planted").warning("it %s wrong", "went")

def test_bad_expected_but_not_logged(expected_warnings):
    expected_warnings("it went wrong")

def test_bad_python_warning():
    warnings.warn("planted")

def test_bad_qt_warning(qapp):
    qWarning("planted by qWarning")

def test_bad_exception_in_a_slot(qapp, qtbot):
    sender = Sender()
    sender.sent.connect(lambda: 1 / 0)
    sender.sent.emit()


def test_good_qt(qtbot):
    window, timer, thread = QWidget(), QTimer(), QThread()
    qtbot.addWidget(window)
    window.show()
    timer.start(1000)
    thread.start()
    timer.stop()
    thread.quit()
    assert thread.wait(5000)

def test_good_timer_that_goes_out_of_scope(qapp):
    QTimer().start(1000)

def test_good_timer_of_a_window_deleted_later(qapp):
    window = QWidget()
    QTimer(window).start(1000)
    window.deleteLater()

def test_good_engine(expected_warnings, monkeypatch, tmp_path, folders):
    monkeypatch.setenv("WORKBENCH_PLANTED", "1")
    thread = threading.Thread(target=forever.wait, args=(0.01,))
    thread.start()
    subprocess.run([sys.executable, "-c", ""], check=True)
    (tmp_path / "file").write_text("")
    with tempfile.TemporaryDirectory() as folder:
        assert Path(folder).is_relative_to(folders.temporary)
    assert os.environ["WORKBENCH_RUNS"] == str(folders.runs)
    assert os.environ["WORKBENCH_PREFERENCES"] == str(folders.preferences)
    expected_warnings("it .* wrong")
    logging.getLogger("planted").warning("it went wrong")

def test_good_gui_mark(request, qapp):
    assert request.node.get_closest_marker("gui")
"""


@pytest.fixture
def policed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder whose tests run under this project's own configuration and police."""
    shutil.copy(ROOT / "pyproject.toml", pytester.path)
    pytester.makeconftest('pytest_plugins = ["tests.conftest"]')
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("WORKBENCH_TEST_SESSION", raising=False)
    temporary = pytester.mkdir("temporary")
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(temporary))
    return pytester


def test_that_each_bad_test_fails_and_says_why_and_good_ones_pass(policed: pytest.Pytester) -> None:
    pytest.importorskip("PySide6")
    policed.makepyfile(test_bad=TESTS)
    result = policed.runpytest_subprocess(".", "-rA", "--tb=short", "-p", "no:cacheprovider", "-o", "time_to_leave=2")
    text = result.stdout.str()
    passed = {line.split("::")[1] for line in text.splitlines() if line.startswith("PASSED ")}
    failed = {line.split("::")[1].split()[0] for line in text.splitlines() if line.startswith(("FAILED ", "ERROR "))}
    good = {name for name in _names() if name.startswith("test_good_")}
    assert failed == {f"test_bad_{name}" for name in BAD}
    assert good <= passed
    for name, reason in BAD.items():
        assert re.search(reason, text), f"{name} does not say: {reason}"


def _names() -> set[str]:
    return {line.split("def ")[1].split("(")[0] for line in TESTS.splitlines() if line.startswith("def test_")}


def test_that_a_process_that_lost_its_parent_is_found_and_ended(policed: pytest.Pytester) -> None:
    policed.makepyfile(
        """
        import subprocess, sys

        CHILD = "import time; time.sleep(60)"
        PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {CHILD!r}], start_new_session=True)"

        def test_that_starts_a_process_which_starts_another():
            subprocess.run([sys.executable, "-W", "ignore", "-c", PARENT], check=True)
        """
    )
    result = policed.runpytest_subprocess(".")
    result.stdout.fnmatch_lines(["FAILED: the tests left a process without parent behind: *sleep(60)"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_that_a_run_which_takes_too_long_as_a_whole_ends(policed: pytest.Pytester) -> None:
    policed.makepyfile(
        """
        import time
        now = time.monotonic
        time.monotonic = lambda: now() + 1000

        def test_first(): pass
        def test_second(): pass
        def test_third(): pass
        """
    )
    result = policed.runpytest_subprocess(".", "-o", "run_time_limit=500")
    result.stdout.fnmatch_lines(["*the run took longer than 500 s*next was *test_*"])
    assert result.ret != 0
    result.assert_outcomes(passed=1)


def test_that_a_test_which_hangs_says_where_and_ends_the_run(policed: pytest.Pytester) -> None:
    policed.makepyfile("import threading\ndef test_that_hangs(): threading.Event().wait(600)")
    result = policed.runpytest_subprocess(".", "-o", "faulthandler_timeout=3")
    assert "in test_that_hangs" in result.stderr.str() + result.stdout.str()
    assert result.ret != 0


def test_that_campaigns_run_only_when_asked_for(policed: pytest.Pytester) -> None:
    policed.makepyfile("import pytest\n@pytest.mark.campaign\ndef test_long(): pass\ndef test_short(): pass")
    policed.runpytest_subprocess(".").assert_outcomes(passed=1, deselected=1)
    policed.runpytest_subprocess(".", "-m", "campaign").assert_outcomes(passed=1, deselected=1)


def test_that_tests_without_qt_do_not_import_it(policed: pytest.Pytester) -> None:
    policed.makepyfile("import sys\ndef test_short(): assert not any('PySide6' in name for name in sys.modules)")
    result = policed.runpytest_subprocess(".", "-p", "no:pytest-qt")
    result.assert_outcomes(passed=1)
