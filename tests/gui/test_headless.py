"""The window used by a program: what it prints is what scripts read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gui.scripted import Engines
from workbench.gui import headless
from workbench.gui.headless import HeadlessOptions, HeadlessRun
from workbench.gui.main_window import MainWindow

Wait = Callable[[Callable[[], object]], None]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headless, "SETTLE_MS", 5)
    monkeypatch.setattr(headless, "MOST_CHECKS", 60)


def _run(window: MainWindow, wishes: HeadlessOptions, status: list[int]) -> HeadlessRun:
    made = HeadlessRun(window, wishes)
    made.done.connect(status.append)
    made.start()
    return made


def test_that_it_trains_tells_of_every_epoch_and_ends_with_two_plain_lines(
    window: MainWindow, engines: Engines, wait: Wait, tmp_path: Path, capsys: Any
) -> None:
    status: list[int] = []
    picture = tmp_path / "new folder" / "window.png"
    _run(window, HeadlessOptions(train=True, quit_when_done=True, screenshot=picture), status)
    wait(lambda: engines.all)
    checkpoint = engines.last.train()
    wait(lambda: status)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[0] for line in lines[:-2]] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert lines[-2:] == [f"screenshot: {picture}", f"checkpoint: {checkpoint}"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert status == [0]


def test_that_a_run_that_fails_gives_status_one_and_says_why(
    window: MainWindow, engines: Engines, wait: Wait, capsys: Any
) -> None:
    status: list[int] = []
    _run(window, HeadlessOptions(train=True, quit_when_done=True), status)
    wait(lambda: engines.all)
    engines.last.begin()
    engines.last.end("failed", "The disk is full", "Make room and resume")
    wait(lambda: status)
    assert "The disk is full. Make room and resume" in capsys.readouterr().out
    assert status == [1]


def test_that_settings_with_problems_are_said_in_place_of_training(
    window: MainWindow, engines: Engines, capsys: Any
) -> None:
    status: list[int] = []
    window.document.set("training.epochs", 0)
    _run(window, HeadlessOptions(train=True, quit_when_done=True), status)
    assert "at least 1" in capsys.readouterr().out
    assert status == [1]
    assert not engines.all


def test_that_without_a_run_it_only_takes_the_picture(window: MainWindow, wait: Wait, tmp_path: Path) -> None:
    status: list[int] = []
    _run(window, HeadlessOptions(quit_when_done=True, screenshot=tmp_path / "window.png"), status)
    wait(lambda: status)
    assert status == [0]
    assert (tmp_path / "window.png").exists()


def test_that_the_picture_waits_for_the_previews(
    window: MainWindow, wait: Wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []

    def is_busy(request_type: object) -> bool:
        looks.append(request_type)
        return len(looks) < 20

    monkeypatch.setattr(window.service, "is_busy", is_busy)
    status: list[int] = []
    _run(window, HeadlessOptions(quit_when_done=True, screenshot=tmp_path / "window.png"), status)
    wait(lambda: status)
    assert len(looks) >= 20
