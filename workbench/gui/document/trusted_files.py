"""The user's own Python files that settings name: which of them are not trusted as they are now, and the question about them.

Only an engine runs them, and it refuses what is not trusted: here a person is asked before it comes to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from workbench.gui.dialogs import ask, error
from workbench.runs import trust

SECTIONS = ("dataset", "model")
TRUST = "Trust it"
LARGEST = 16 * 2**20
"""Bytes of a Python file. A larger one is read by no window; the engine refuses it as not trusted."""
MEANING = "The code can do whatever you can do. You are asked again only if its content changes."


class TrustedFiles(QObject):
    """Asks, and saves the answer."""

    trusted = Signal()
    """A file is trusted that was not before: what could not be shown can be now."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window

    def untrusted(self, data: Mapping[str, Mapping[str, Any]], sections: tuple[str, ...] = SECTIONS) -> list[Path]:
        """The files that sections of a configuration name and that are not trusted as they are now.

        One that is not there or cannot be read is none of them: the engine says what is wrong with it.
        """
        files: list[Path] = []
        for section in sections:
            path = _file(data.get(section, {}))
            if path is not None and path not in files and not trust.trusted(_hash(path)):
                files.append(path)
        return files

    def confirm(self, data: Mapping[str, Mapping[str, Any]], what: str = "This run") -> bool:
        """Asks about each file that is not trusted. Whether all are trusted then."""
        for path in self.untrusted(data):
            digest = _hash(path)
            changed = "It has changed since you trusted it. " if trust.was_trusted(path) else ""
            text = f"{what} uses the Python code in {path}, which is not trusted yet. Trust it?"
            if ask.choose(self._window, "Your own code", text, (TRUST,), changed + MEANING) != TRUST:
                return False
            try:
                # What was asked about, even should the file be changed while the question stands.
                trust.keep(path, digest)
            except OSError as problem:
                error.show_error(self._window, f"The answer cannot be saved: {problem.strerror or problem}.")
                return False
            self.trusted.emit()
        return True


def _file(section: Mapping[str, Any]) -> Path | None:
    text = str(section.get("path", "")).strip() if section.get("kind") == "python" else ""
    # As the engines do, which work in the home folder.
    try:
        path = Path.home() / Path(text).expanduser() if text else None
    except RuntimeError:  # a home that nobody has
        return None
    return path if path is not None and _hash(path) else None


def _hash(path: Path) -> str:
    """The hash of a file's content; empty when it cannot be read, or is no program by its size."""
    try:
        return trust.content_hash(path) if path.is_file() and path.stat().st_size <= LARGEST else ""
    except (OSError, ValueError):
        return ""
