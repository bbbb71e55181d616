"""The entry point: window or terminal. The only module that knows both."""

from __future__ import annotations

import multiprocessing
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.cli.gui_request import GuiRequest


def main() -> None:
    """Runs ``workbench`` with the arguments it was given; without a command it opens the window."""
    multiprocessing.freeze_support()
    from workbench.cli import app  # here, so that a spawned process that imports this module does not pay for it

    app.build(open_window)()


def open_window(request: GuiRequest) -> int:
    """Opens the window on what the command line asked for. Gives the exit status."""
    try:
        from workbench.gui.app import main as show  # here: the terminal's commands need no Qt
    except ImportError as problem:
        if (problem.name or "").partition(".")[0] not in ("PySide6", "shiboken6", "pyqtgraph"):
            raise
        sys.stderr.write("The window needs PySide6, which is not installed: pip install 'workbench[gui]'\n")
        return 2
    return show(
        request.start,
        train=request.train,
        quit_when_done=request.quit_when_done,
        screenshot=request.screenshot,
        runs=request.runs,
        assignments=request.set,
    )


if __name__ == "__main__":
    main()
