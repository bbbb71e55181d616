"""Budgets and idioms that no linter knows."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "workbench").rglob("*.py"))
FILE_LINES, FUNCTION_LINES, WINDOW_LINES = 420, 60, 250


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_that_files_and_functions_can_be_read_in_one_sitting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    limit = WINDOW_LINES if path.name == "main_window.py" else FILE_LINES
    assert text.count("\n") <= limit
    long = [
        f"{node.name}: {size}"
        for node in functions(path)
        if (size := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert not long


def test_that_every_file_says_what_it_is_for() -> None:
    silent = [path for path in SOURCES if ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None]
    assert not silent


def test_that_no_file_is_a_drawer_for_anything() -> None:
    assert not [path for path in SOURCES if path.stem in ("utils", "helpers", "misc", "common")]


def test_that_nothing_is_left_unfinished() -> None:
    unfinished = re.compile(r"#\s*(TODO|FIXME|XXX|HACK)|raise NotImplementedError")
    assert not [path for path in SOURCES if unfinished.search(path.read_text(encoding="utf-8"))]


def test_that_no_download_address_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines()
    assert "uv.lock" not in names
    for name in ("packaging/requirements.txt", "packaging/requirements-engine.txt"):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if "://" in line and not line.lstrip().startswith("#")]
