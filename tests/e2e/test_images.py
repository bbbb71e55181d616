"""A folder of one's own pictures is trained from the real window, with the real engine, by clicks and keys alone."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QToolButton, QWidget

from tests.real_window import real_windows
from tests.waiting import HANG_MS
from workbench.gui.dialogs import ask
from workbench.gui.main_window import MainWindow
from workbench.runs import history
from workbench.runs.folder import list_runs

SHAPES = ("circle", "square", "세모 삼각형")
EACH = 30


def picture(shape: str, chance: random.Random, mode: str = "RGB") -> Image.Image:
    image = Image.new(mode, (40, 40), "black")
    draw = ImageDraw.Draw(image)
    x, y, r = chance.randint(14, 26), chance.randint(14, 26), chance.randint(8, 12)
    box = (x - r, y - r, x + r, y + r)
    if shape == "circle":
        draw.ellipse(box, fill="white")
    elif shape == "square":
        draw.rectangle(box, fill="white")
    else:
        draw.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill="white")
    return image


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three shapes: one folder has a Korean name and a space, one picture is RGBA, one file is cut off."""
    chance = random.Random(3)
    root = tmp_path / "my pictures"
    for shape in SHAPES:
        folder = root / shape
        folder.mkdir(parents=True)
        for number in range(EACH):
            mode = "RGBA" if (shape, number) == ("circle", 0) else "RGB"
            picture(shape, chance, mode).save(folder / f"그림 {number}.png")
    broken = root / "square" / "broken.png"
    broken.write_bytes((root / "square" / "그림 1.png").read_bytes()[:60])
    return root


@pytest.fixture
def window(qapp: Any, qtbot: Any) -> Iterator[MainWindow]:
    with real_windows(qtbot) as open_one:
        made = open_one("digits-cnn")
        made.service.start()
        yield made


def test_that_a_folder_of_pictures_is_trained_by_clicks_alone(
    window: MainWindow, pictures: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "open_folder", lambda *_: pictures)
    monkeypatch.setattr(ask, "message", lambda _parent, _title, _text, details="": told.append(details))
    told: list[str] = []

    def find(kind: type[QWidget], name: str) -> Any:
        return next(found for found in window.findChildren(kind, name) if found.isVisibleTo(window))

    source = find(QComboBox, "dataset.kind")
    source.setFocus()
    while source.currentData() != "image-folder":
        qtbot.keyClick(source, Qt.Key.Key_Down)
    qtbot.mouseClick(find(QPushButton, "dataset.path.browse"), Qt.MouseButton.LeftButton)
    assert find(QLineEdit, "dataset.path").text() == str(pictures)
    for path, text in (("dataset.size", "16"), ("training.epochs", "6"), ("training.batch_size", "16")):
        line = find(QLineEdit, path)
        line.setFocus()
        line.selectAll()
        qtbot.keyClicks(line, text)

    left_out = window.findChild(QPushButton, "dataset.left_out")
    assert left_out is not None
    qtbot.waitUntil(lambda: left_out.isVisible(), timeout=HANG_MS)
    qtbot.mouseClick(left_out, Qt.MouseButton.LeftButton)
    assert "broken.png" in told[0]
    assert window.findChild(QWidget, "dataset.thumbnails").count >= len(SHAPES)  # type: ignore[union-attr]

    train = window.findChild(QToolButton, "tool.run.train") or next(
        button for button in window.tool_bar.findChildren(QToolButton) if button.text() == "Train"
    )
    qtbot.waitUntil(train.isEnabled, timeout=HANG_MS)
    qtbot.mouseClick(train, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.progress.state in ("completed", "failed"), timeout=HANG_MS)

    progress = window.session.progress
    assert progress.state == "completed", progress.ended
    assert progress.started is not None
    assert progress.started.classes == tuple(sorted(SHAPES))
    assert progress.started.train_samples + progress.started.val_samples == len(SHAPES) * EACH
    assert any("broken.png" in line.text for line in progress.log)
    assert progress.best is not None
    assert progress.best.value > 0.6
    run = list_runs()[0]
    assert history.load(run).state == "completed"
    assert list(run.checkpoints.glob("*.pt"))
