"""The commands put together, the window's command, and the road on which what goes wrong leaves."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Workbench
from tests.waiting import HANG_SECONDS
from workbench.cli import app, output
from workbench.cli.gui_request import GuiRequest
from workbench.config import recipes
from workbench.runs.folder import RunFolder, default_root

HEAVY = ("torch", "PySide6", "pydantic", "numpy", "rich", "workbench.runs", "workbench.config")


def test_that_workbench_alone_opens_the_window(workbench: Workbench, asked: list[GuiRequest]) -> None:
    assert workbench().status == 0
    assert asked == [GuiRequest()]


def test_that_gui_hands_over_all_that_was_asked_for(workbench: Workbench, asked: list[GuiRequest]) -> None:
    options = ("--train", "--quit-when-done", "--screenshot", "a.png", "--set", "optimizer.lr=0.1", "--runs", "r")
    assert workbench("gui", "digits-mlp", *options).status == 0
    assert asked == [GuiRequest("digits-mlp", True, True, Path("a.png"), ("optimizer.lr=0.1",), Path("r"))]


def test_that_the_status_of_the_window_is_the_program_s(workbench: Workbench) -> None:
    assert app.run(app.build(lambda request: 7), ["gui"]) == 7
    assert app.run(app.build(lambda request: 7), []) == 7


def test_that_gui_refuses_a_wrong_start_where_it_was_typed(workbench: Workbench, asked: list[GuiRequest]) -> None:
    assert workbench("gui", "digits-mpl").status == 2
    assert workbench("gui", "digits-mlp", "--set", "optimizer.lr=fast").status == 2
    assert asked == []


def test_that_gui_refuses_what_is_no_assignment_without_a_start(workbench: Workbench, asked: list[GuiRequest]) -> None:
    assert workbench("gui", "--set", "optimizer.lr").status == 2
    assert not asked
    assert workbench("gui", "--set", "optimizer.lr=0.1").status == 0
    assert asked[0].set == ("optimizer.lr=0.1",)


def test_that_gui_takes_a_run(workbench: Workbench, asked: list[GuiRequest]) -> None:
    workbench("new", "digits-mlp", "--name", "mine")
    assert workbench("gui", "mine").status == 0
    assert asked[0].start == "mine"


def test_that_help_names_every_command_and_imports_nothing_heavy(workbench: Workbench) -> None:
    said = workbench("--help")
    assert said.status == 0
    for command in (
        "gui new train resume evaluate stop pause unpause save follow runs recipes env".split()  # noqa: SIM905
    ):
        assert f"\n  {command} " in said.out
    code = "import sys; from workbench.cli import app; app.run(app.build(len), ['--help']); sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not set(done.stderr.split()) & set(HEAVY)


@pytest.mark.parametrize("arguments", [("frobnicate",), ("train",), ("train", "a", "b"), ("runs", "--frob")])
def test_that_a_wrong_command_line_is_one_line_and_status_2(workbench: Workbench, arguments: tuple[str, ...]) -> None:
    said = workbench(*arguments)
    assert said.status == 2
    assert len(said.err.splitlines()) == 1
    assert "--help" in said.err


def test_that_what_nobody_foresaw_is_a_sentence_and_its_traceback_a_file(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("so it\ngoes")

    monkeypatch.setattr(recipes, "recipes", fail)
    said = workbench("recipes")
    assert said.status == 1
    assert len(said.err.splitlines()) == 1
    assert "Traceback" not in said.err
    kept = Path(said.err.partition("The details are in ")[2].partition(": please")[0])
    assert kept.is_relative_to(tmp_path)
    assert "ZeroDivisionError: so it" in kept.read_text(encoding="utf-8")


def test_that_a_disk_that_refuses_is_said_in_words(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device", "/disk/file")

    monkeypatch.setattr(recipes, "recipes", full)
    said = workbench("recipes")
    assert (said.status, said.err) == (1, "/disk/file: No space left on device\n")


def test_that_a_reader_that_leaves_early_is_met_without_a_traceback(workbench: Workbench) -> None:
    for number in range(300):
        run = RunFolder(default_root() / f"20260101-000000-run-{number}")
        run.path.mkdir()
        run.config_file.write_text("")
    code = "from workbench.cli import app; raise SystemExit(app.run(app.build(len), ['runs', '--json']))"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(HANG_SECONDS) == 0


def test_that_json_is_strict_and_keeps_words_of_every_language() -> None:
    data = {"a": [float("nan"), float("inf"), 1.5], "고양이": {"b": -float("inf")}, "c": (True, None)}
    assert output.as_json(data) == '{"a": [null, null, 1.5], "고양이": {"b": null}, "c": [true, null]}'


@pytest.mark.parametrize(
    "seconds, words", [(0.04, "0.0 s"), (59.96, "1:00 min"), (185, "3:05 min"), (3599.6, "1:00 h"), (8100, "2:15 h")]
)
def test_that_time_spans_are_told_as_people_read_them(seconds: float, words: str) -> None:
    assert output.duration(seconds) == words
