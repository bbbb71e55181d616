"""A dialog that waits for a person would hang the run: fails the test at the call instead."""

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest


@pytest.fixture(autouse=True)
def no_modal_dialogs(request: pytest.FixtureRequest, nothing_left_behind: None) -> Iterator[None]:
    if "qapp" not in request.fixturenames:  # the engine's tests run on machines without Qt
        yield
        return
    from PySide6.QtWidgets import QColorDialog, QDialog, QFileDialog, QFontDialog, QInputDialog, QMenu, QMessageBox

    blocking: dict[type, list[str]] = {
        QDialog: ["exec"],
        QMenu: ["exec"],
        QMessageBox: ["exec", "question", "warning", "critical", "information", "about", "aboutQt"],
        QFileDialog: [
            "exec",
            *("getOpenFileName", "getOpenFileNames", "getOpenFileUrl", "getOpenFileUrls"),
            *("getSaveFileName", "getSaveFileUrl", "getExistingDirectory", "getExistingDirectoryUrl"),
        ],
        QInputDialog: ["exec", "getText", "getMultiLineText", "getInt", "getDouble", "getItem"],
        QColorDialog: ["exec", "getColor"],
        QFontDialog: ["exec", "getFont"],
    }
    refused: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for cls, names in blocking.items():
            for name in names:
                # A plain function: a Mock set on a Qt method crashes since PySide6 6.10.
                patch.setattr(cls, name, _refuse(f"{cls.__name__}.{name}", refused))
        yield
    # Said again at the end: inside a slot Qt may keep the first failure from reaching the test.
    if refused:
        pytest.fail(f"would have waited for a person: {', '.join(refused)}", pytrace=False)


def _refuse(what: str, refused: list[str]) -> Callable[..., NoReturn]:
    def call(*_arguments: Any, **_named: Any) -> NoReturn:
        refused.append(what)
        pytest.fail(f"{what} would block the test: give the answer through workbench.gui.dialogs.ask")

    return call
