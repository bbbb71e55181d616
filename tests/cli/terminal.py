"""The command line as a program of its own, with the engine that stands in for the real one."""

import sys
from pathlib import Path

from workbench.cli import app
from workbench.cli.gui_request import GuiRequest
from workbench.launch import process

FAKE_ENGINE = Path(__file__).with_name("fake_engine.py")


def interpreter() -> list[str]:
    """A Python that plays an engine, whatever it is told to run."""
    return [sys.executable, str(FAKE_ENGINE)]


def no_window(request: GuiRequest) -> int:
    """Stands in for the window."""
    return 0


if __name__ == "__main__":
    process.interpreter = interpreter
    sys.exit(app.run(app.build(no_window), sys.argv[1:]))
