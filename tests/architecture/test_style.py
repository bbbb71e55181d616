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


def test_that_no_error_is_swallowed_whole() -> None:
    swallowed = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and catches_all(node) and isinstance(node.body[0], ast.Pass)
    ]
    assert not swallowed


def catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or getattr(handler.type, "id", "") in {"Exception", "BaseException"}


def test_that_packaging_does_not_hide_the_library_of_that_name() -> None:
    assert not (ROOT / "packaging" / "__init__.py").exists()


def committed_texts() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("a copy without its history does not know which files belong to it")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8000]]


# Put together here, so that this file does not name what it forbids.
REGISTRIES = (
    "pyp" + "i.org",
    "pythonho" + "sted",
    "registry.np" + "mjs",
    "deb.deb" + "ian.org",
    "download.pyt" + "orch",
)
ONE_MACHINE = r"(?<![\w.~/:])/(?:home|root|Users|work|opt|mnt)/\w"


def test_that_nothing_names_a_registry_or_a_path_of_one_machine() -> None:
    elsewhere = re.compile("|".join([*map(re.escape, REGISTRIES), ONE_MACHINE]))
    named = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in committed_texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if elsewhere.search(line)
    ]
    assert not named


def test_that_no_lock_file_with_addresses_is_committed() -> None:
    assert "uv.lock" not in {path.name for path in committed_texts()}


def pins(name: str) -> list[str]:
    lines = (ROOT / "packaging" / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-engine.txt"])
def test_that_requirements_are_pins_and_nothing_else(name: str) -> None:
    assert not [line for line in pins(name) if not re.fullmatch(r"[a-z0-9-]+==[\w.]+(?: ; [^#]+)?", line)]


def test_that_the_engine_s_requirements_are_a_part_of_the_whole_without_qt() -> None:
    # Their conditions aside: what the window needs everywhere, the engine may need on one system only.
    whole, engine = ({pin.partition(" ;")[0] for pin in pins(f"requirements{end}.txt")} for end in ("", "-engine"))
    assert engine < whole
    assert not [pin for pin in engine if pin.startswith(("pyside", "shiboken", "pyqt"))]
