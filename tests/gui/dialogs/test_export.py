"""Exporting: the dialog offers every format, and asks for a file that fits it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.cli import leaving
from workbench.gui.dialogs.export import FORMS, ExportDialog
from workbench.launch.lab import Answer


def test_that_every_format_is_offered() -> None:
    assert {key for key, *_ in FORMS} == set(leaving.FORMATS)


def test_that_a_script_is_wanted_as_a_python_file(qapp: Any) -> None:
    dialog = ExportDialog("digits 1.5")
    wanted: list[tuple[str, str]] = []
    dialog.wanted.connect(lambda form, file: wanted.append((form, file)))
    dialog.form.setCurrentIndex(dialog.form.findData("script"))
    assert "trains anew" in dialog.about.text()
    dialog.start.click()
    ((form, file),) = wanted
    assert (form, Path(file).suffix) == ("script", ".py")
    assert not dialog.start.isEnabled()
    dialog.take(Answer(1, "export", True, {"file": file, "bytes": 2048}))
    assert "2 KiB" in dialog.status.text()
    assert dialog.start.isEnabled()
    dialog.close()
    dialog.deleteLater()
