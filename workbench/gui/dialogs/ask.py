"""Every question to a person goes through here, so that a test can answer in the person's stead.

Callers use the module (``ask.choose(...)``), never the names in it: a test puts its own answers in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QPushButton, QWidget

CANCEL = ""
REPLACE = "Replace"


def message(parent: QWidget | None, title: str, text: str, details: str = "") -> None:
    """Shows something that only needs to be read."""
    box = _box(parent, title, text, details)
    box.addButton(QMessageBox.StandardButton.Ok)
    box.exec()
    box.deleteLater()


def choose(
    parent: QWidget | None,
    title: str,
    text: str,
    choices: Sequence[str],
    details: str = "",
    *,
    default: int = 0,
    unless: SignalInstance | None = None,
) -> str:
    """Asks for one of ``choices``; gives it, or CANCEL (an empty text). Escape cancels.

    ``unless`` closes the question when it is emitted; the answer is CANCEL then.
    """
    box = _box(parent, title, text, details)
    buttons: dict[QPushButton, str] = {}
    for index, choice in enumerate(choices):
        button = box.addButton(choice, QMessageBox.ButtonRole.AcceptRole)
        buttons[button] = choice
        if index == default:
            box.setDefaultButton(button)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setEscapeButton(cancel)
    if unless is not None:
        unless.connect(box.reject)
    box.exec()
    clicked = box.clickedButton()
    answer = next((choice for button, choice in buttons.items() if button is clicked), CANCEL)
    if unless is not None:
        unless.disconnect(box.reject)
    box.deleteLater()
    return answer


def number(parent: QWidget | None, title: str, text: str, start: int, least: int, most: int) -> int | None:
    """Asks for a whole number from ``least`` to ``most``. None when it was cancelled."""
    value, given = QInputDialog.getInt(parent, title, text, start, least, most)
    return value if given else None


def open_file(parent: QWidget | None, title: str, folder: Path | None, kinds: str) -> Path | None:
    """Asks for a file that exists. ``kinds`` is Qt's filter: ``Run files (*.toml)``. None when it was cancelled."""
    chosen, _ = QFileDialog.getOpenFileName(parent, title, str(folder or ""), kinds)
    return Path(chosen) if chosen else None


def open_files(parent: QWidget | None, title: str, folder: Path | None, kinds: str) -> list[Path]:
    """Asks for one or more files that exist. Empty when it was cancelled."""
    chosen, _ = QFileDialog.getOpenFileNames(parent, title, str(folder or ""), kinds)
    return [Path(name) for name in chosen]


def open_folder(parent: QWidget | None, title: str, folder: Path | None) -> Path | None:
    """Asks for a folder that exists."""
    chosen = QFileDialog.getExistingDirectory(parent, title, str(folder or ""))
    return Path(chosen) if chosen else None


def save_file(parent: QWidget | None, title: str, start: Path, kinds: str) -> Path | None:
    """Asks where to write; an existing file is asked about. ``start`` is the folder and name that are proposed."""
    chosen, _ = QFileDialog.getSaveFileName(parent, title, str(start), kinds)
    if not chosen:
        return None
    path = with_ending(Path(chosen), start.suffix)
    # The file dialog asked about the name as it was typed.
    return path if str(path) == chosen or may_replace(parent, title, path) else None


def may_replace(parent: QWidget | None, title: str, path: Path) -> bool:
    """Whether a file may be written there: there is none yet, or the person says so."""
    return not path.is_file() or choose(parent, title, f"“{path.name}” already exists.", (REPLACE,)) == REPLACE


def with_ending(path: Path, ending: str) -> Path:
    """The path with that ending put behind its name, unless it is there. The name may have dots: ``lr-0.001``."""
    return path if path.suffix.lower() == ending.lower() or not path.name else path.with_name(path.name + ending)


def _box(parent: QWidget | None, title: str, text: str, details: str) -> QMessageBox:
    box = QMessageBox(parent)
    box.setWindowTitle(title)
    box.setText(text)
    box.setInformativeText(details)
    return box
