"""What a process loads: the window never torch, the engine never Qt, help next to nothing."""

import subprocess
import sys

HEAVY = "PySide6 pyqtgraph torch torchvision pydantic rich.progress polars"


def loaded(code: str, *names: str) -> set[str]:
    """Which of ``names`` a fresh Python has loaded after running ``code``."""
    script = f"import sys\n{code}\nprint(*[name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_that_the_window_loads_neither_torch_nor_the_plots_before_it_is_painted() -> None:
    code = "import workbench.gui.app"
    assert loaded(code, "torch", "torchvision", "pyqtgraph", "workbench.engine") == set()


def test_that_a_whole_window_with_its_plots_never_loads_torch() -> None:
    code = """
import os
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtWidgets import QApplication
from workbench.gui.app import create_window
app = QApplication([])
window = create_window()
window.show()
window.central.curves.fill()
window.central.memory.fill()
window.close()
"""
    assert loaded(code, "torch", "torchvision", "pyqtgraph", "workbench.engine") == {"pyqtgraph"}


def test_that_the_engine_loads_no_qt() -> None:
    modules = ("training.loop", "attempts.attempt", "service.server", "__main__")
    code = "import " + ", ".join(f"workbench.engine.{name}" for name in modules)
    assert loaded(code, "PySide6", "shiboken6", "pyqtgraph", "torch") == {"torch"}


def test_that_the_run_folder_and_launching_load_neither_qt_nor_torch() -> None:
    code = "import workbench.runs.history, workbench.launch.process, workbench.launch.follow, workbench.launch.service"
    assert loaded(code, "PySide6", "shiboken6", "pyqtgraph", "torch", "torchvision") == set()


def test_that_the_configuration_does_not_load_numpy() -> None:
    assert loaded("import workbench.config.run, workbench.config.files", "PySide6", "torch", "numpy") == set()


def test_that_help_loads_nothing_heavy() -> None:
    code = """
from workbench.__main__ import main
sys.argv = ["workbench", "--help"]
try:
    main()
except SystemExit:
    pass
"""
    assert loaded(code, *HEAVY.split()) == set()
