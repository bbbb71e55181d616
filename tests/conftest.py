"""What every test gets without asking: private folders, no display, and the police of `tests/police/`.

The engine's tests run on machines without Qt, so nothing here imports it.
"""

import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest_plugins = ["pytester", "tests.gate", "tests.police.leaks", "tests.police.dialogs", "tests.police.logs"]

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# torch.compile otherwise starts a pool of processes that lives until Python ends, which looks like a leak.
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

if os.environ.get("PYTEST_XDIST_WORKER") and hasattr(os, "sched_setaffinity"):
    # Each worker, and every engine it starts, computes on processors of its own: threads that take turns on the same ones make
    # small networks ten times as slow.
    _cpus, _count = sorted(os.sched_getaffinity(0)), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    _mine = _cpus[int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")) % len(_cpus) :: _count]
    os.sched_setaffinity(0, _mine)

if sys.platform == "win32":
    # There torch cannot be imported after Qt, and pytest-qt imports Qt before the first test.
    import torch  # noqa: F401

if importlib.util.find_spec("hypothesis"):
    from hypothesis import settings

    # A busy machine is no bug of the code under test.
    settings.register_profile("workbench", deadline=None, print_blob=True)
    settings.load_profile("workbench")

# Caches that libraries keep in the temporary folder on purpose, and what multiprocessing removes when Python ends.
_CACHES = ("torchinductor_", "pymp-", "pytest-of-", ".ses")

# Folders and files whose tests start no process of the program, and answer within seconds.
_QUICK = (
    "architecture/test_names.py", "architecture/test_style.py", "config/", "runs/", "test_shipped.py",
    "engine/data/", "engine/optimizers/", "engine/tasks/",
    "gui/comparison/test_controller.py", "gui/document/", "gui/forms/", "gui/plots/", "gui/runs/", "gui/session/", "gui/shell/",
    "gui/training/", "gui/test_preferences.py", "gui/test_theme.py",
)  # fmt: skip
_ROOT = Path(__file__).parent

_started = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    parser.addini("run_time_limit", "seconds after which the run of all tests is ended", type="float", default=0.0)
    if not pluginmanager.hasplugin("pytest-qt"):
        for name in ("qt_api", "qt_log_level_fail"):
            parser.addini(name, "read by pytest-qt, which is not here", type="string")
        parser.addini("qt_log_ignore", "read by pytest-qt, which is not here", type="linelist")


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[_started] = time.monotonic()


@pytest.hookimpl(tryfirst=True)  # the marks are what -m selects by
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "qapp" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.gui)
        if item.path.is_relative_to(_ROOT) and item.path.relative_to(_ROOT).as_posix().startswith(_QUICK):
            item.add_marker(pytest.mark.quick)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Ends a run that takes too long as a whole; a single test that hangs is ended by faulthandler's timeout."""
    limit: float = item.config.getini("run_time_limit")
    if limit and time.monotonic() - item.config.stash[_started] > limit:
        item.session.shouldfail = f"the run took longer than {limit:.0f} s (run_time_limit); next was {item.nodeid}"


@dataclass(frozen=True)
class Folders:
    """What a test may write to; each starts empty, and the temporary one has to be left empty."""

    runs: Path
    preferences: Path
    temporary: Path


@pytest.fixture(autouse=True)
def folders(nothing_left_behind: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folders]:
    """Keeps tests away from the files of whoever runs them."""
    # tmp_path lies where the temporary folder is when it is first asked for: let that be the common one.
    tmp_path_factory.getbasetemp()
    # Not below tmp_path: sockets are put into the temporary folder, and a socket's path has 108 characters at most.
    root = Path(tempfile.mkdtemp(prefix="wb-"))
    own = Folders(root / "runs", root / "preferences", root / "tmp")
    for folder in (own.runs, own.preferences, own.temporary):
        folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_RUNS", str(own.runs))
        patch.setenv("WORKBENCH_PREFERENCES", str(own.preferences))
        for name in ("TMPDIR", "TEMP", "TMP"):
            patch.setenv(name, str(own.temporary))
        patch.setattr(tempfile, "tempdir", None)
        yield own
    left = sorted(entry.name for entry in own.temporary.iterdir() if not entry.name.startswith(_CACHES))
    shutil.rmtree(root, ignore_errors=True)
    assert not left, f"the test left behind in the temporary folder: {', '.join(left)}"
