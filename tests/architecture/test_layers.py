"""Imports go down only. The contracts in pyproject.toml are kept, and each of them notices what it forbids.

A contract that names too little is kept by every tree: so violations are planted into a copy and have to be found.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
QT = ("PySide6", "shiboken6", "pyqtgraph")
TORCH = ("torch", "torchvision")

LAYERS = "Imports go down only"
SHIPPED = "The shipped files are found with the standard library alone"
CONFIG = "The configuration knows neither Qt, torch nor NumPy"
RUNS = "The run folder knows neither Qt nor torch"
ENGINE = "The engine knows no Qt"
LAUNCH = "Launching knows neither Qt, torch nor the engine, except in line"
GUI = "The window reaches neither the engine nor torch"
CLI = "The terminal reaches neither Qt, the engine nor torch"
ENGINE_ORDER = "The engine's rooms import down only"
CIRCLES = "No circle of imports at any level"
ENTRY = "The entry point reaches neither the engine nor torch"

# Contract -> the package whose modules it speaks of, and what they may not import.
FORBIDDEN = {
    CONFIG: ("config", (*QT, *TORCH, "numpy")),
    RUNS: ("runs", (*QT, *TORCH)),
    ENGINE: ("engine", QT),
    LAUNCH: ("launch", (*QT, *TORCH, "workbench.engine")),
    GUI: ("gui", (*TORCH, "workbench.engine")),
    CLI: ("cli", (*QT, *TORCH, "workbench.engine")),
}

# A layer may import what stands below it, and nothing else: who -> whom.
UPWARD = {
    "cli": ("gui", "__main__"),
    "gui": ("cli", "__main__"),
    "launch": ("gui", "cli", "__main__"),
    "engine": ("launch", "gui", "cli", "__main__"),
    "runs": ("engine", "launch", "gui", "cli", "__main__"),
    "config": ("runs", "engine", "launch", "gui", "cli", "__main__"),
}

# From a layer to something forbidden through a module of a layer below it, where the direct import would be seen anyhow.
INDIRECT = {
    RUNS: ("runs", "config", "torch"),
    ENGINE: ("engine", "runs", "PySide6"),
    LAUNCH: ("launch", "config", "torchvision"),
    GUI: ("gui", "launch", "torch"),
    CLI: ("cli", "launch", "pyqtgraph"),
}

# The engine's rooms from the top down: each may import those below it.
ENGINE_ROOMS = ("attempts", "export", "training", "checkpoint", "tasks", "models", "data", "reporting", "runtime")

WAYS = {
    "direct": "import {name}\n",
    "in_function": "def use() -> None:\n    import {name}\n\n    print({name})\n",
    "for_types": "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import {name}\n",
    "lazily_from": "def use() -> None:\n    from {name} import anything\n\n    print(anything)\n",
}


def lint(tree: Path) -> str:
    """What import-linter says of a tree, broken contracts in full."""
    # In a process of its own: this one has imported the real `workbench`, and the linter would look at that.
    command = "import sys; sys.path.insert(0, ''); from importlinter.cli import lint_imports_command as main; main()"
    result = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"], cwd=tree, capture_output=True, text=True, check=False
    )
    return result.stdout + result.stderr


def broken(report: str) -> dict[str, str]:
    """Contract -> the chains that break it, as module names."""
    _, _, details = report.partition("Broken contracts")
    parts = re.split(r"^(.+)\n-{3,}\n", details, flags=re.MULTILINE)
    return {name.strip(): re.sub(r"\s+", " ", text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "workbench", copy / "workbench", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.fixture(scope="module")
def planted(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All violations at once, each in a module of its own: one look of the linter finds them or does not."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copytree(tree, copy, dirs_exist_ok=True)
    package = copy / "workbench"
    for layer, names in FORBIDDEN.values():
        for way, source in WAYS.items():
            for name in names:
                plant(package / layer / f"{way}_{name.replace('.', '_')}.py", source.format(name=name))
    for layer, others in UPWARD.items():
        for other in others:
            plant(package / layer / f"upward_{other}.py", f"import workbench.{other}\n")
    for layer, below, name in INDIRECT.values():
        plant(package / layer / "indirect.py", f"import workbench.{below}.hop_for_{layer}\n")
        plant(package / below / f"hop_for_{layer}.py", f"import {name}\n")
    plant(package / "gui" / "indirect_engine.py", "import workbench.launch.hop_to_engine\n")
    plant(package / "cli" / "indirect_engine.py", "import workbench.launch.hop_to_engine\n")
    plant(package / "launch" / "hop_to_engine.py", "import workbench.engine\n")
    for room, above in zip(ENGINE_ROOMS[1:], ENGINE_ROOMS, strict=False):
        plant(package / "engine" / room / "upward.py", f"import workbench.engine.{above}\n")
    with (package / "shipped.py").open("a") as file:
        file.write("import numpy, torch\n")
    with (package / "__main__.py").open("a") as file:
        file.write("import torch\nimport workbench.engine\n")
    return broken(lint(copy))


def plant(file: Path, source: str) -> None:
    assert not file.exists(), f"{file} is a real module: choose another name for the planted one"
    file.write_text(source, encoding="utf-8")


def test_that_imports_go_down_only(tree: Path) -> None:
    report = lint(tree)
    assert ", 0 broken." in report, report


def test_that_every_contract_is_tried_here() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {contract["name"] for contract in contracts} == {LAYERS, ENGINE_ORDER, SHIPPED, ENTRY, CIRCLES, *FORBIDDEN}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("contract", FORBIDDEN)
def test_that_a_forbidden_import_is_found(planted: dict[str, str], contract: str, way: str) -> None:
    layer, names = FORBIDDEN[contract]
    for name in names:
        chain = f"workbench.{layer}.{way}_{name.replace('.', '_')} -> {name} "
        assert chain in planted[contract]


@pytest.mark.parametrize("layer, other", [(layer, other) for layer, others in UPWARD.items() for other in others])
def test_that_an_import_upward_is_found(planted: dict[str, str], layer: str, other: str) -> None:
    assert f"workbench.{layer}.upward_{other} -> workbench.{other} " in planted[LAYERS]


@pytest.mark.parametrize("contract", INDIRECT)
def test_that_an_indirect_import_is_found(planted: dict[str, str], contract: str) -> None:
    layer, below, name = INDIRECT[contract]
    hop = f"workbench.{below}.hop_for_{layer}"
    assert f"workbench.{layer}.indirect -> {hop} (l.1) {hop} -> {name} " in planted[contract]


@pytest.mark.parametrize("contract, layer", [(GUI, "gui"), (CLI, "cli")])
def test_that_the_engine_is_not_reached_through_launch(planted: dict[str, str], contract: str, layer: str) -> None:
    hop = "workbench.launch.hop_to_engine"
    assert f"workbench.{layer}.indirect_engine -> {hop} (l.1) {hop} -> workbench.engine " in planted[contract]


def test_that_the_shipped_files_and_the_entry_point_are_watched(planted: dict[str, str]) -> None:
    assert "workbench.shipped -> torch " in planted[SHIPPED]
    assert "workbench.shipped -> numpy " in planted[SHIPPED]
    assert "workbench.__main__ -> torch " in planted[ENTRY]
    assert "workbench.__main__ -> workbench.engine " in planted[ENTRY]


@pytest.mark.parametrize("room, above", list(zip(ENGINE_ROOMS[1:], ENGINE_ROOMS, strict=False)))
def test_that_an_import_upward_in_the_engine_is_found(planted: dict[str, str], room: str, above: str) -> None:
    assert f"workbench.engine.{room}.upward -> workbench.engine.{above} " in planted[ENGINE_ORDER]


def packages(tree: Path) -> list[Path]:
    """Every package, from the root down."""
    return sorted(file.parent for file in (tree / "workbench").rglob("__init__.py"))


def test_that_a_circle_is_found_in_whichever_package_it_stands(tree: Path, tmp_path: Path) -> None:
    shutil.copytree(tree, tmp_path, dirs_exist_ok=True)
    names = []
    for package in packages(tmp_path):
        name = ".".join(package.relative_to(tmp_path).parts)
        names.append(name)
        plant(package / "circle_there.py", f"import {name}.circle_back\n")
        plant(package / "circle_back.py", f"def use() -> None:\n    import {name}.circle_there\n")
    report = broken(lint(tmp_path))[CIRCLES]
    assert [name for name in names if f"No cycles are allowed in {name}." not in report] == []


def test_that_no_package_imports_what_imports_it_back() -> None:
    """The contract looks at siblings alone: a package and what is in it are none."""
    graph = grimp.build_graph("workbench", cache_dir=None)
    circles = []
    for package in sorted(graph.modules):
        for imported in graph.find_modules_directly_imported_by(package):
            chain = graph.find_shortest_chain(imported, package) if imported.startswith(f"{package}.") else None
            if chain is not None:
                circles.append((package, *chain))
    assert circles == []


def test_that_a_new_room_needs_a_layer(tree: Path, tmp_path: Path) -> None:
    shutil.copytree(tree, tmp_path, dirs_exist_ok=True)
    plant(tmp_path / "workbench" / "attic.py", "")
    report = lint(tmp_path)
    assert LAYERS in broken(report)
    assert "attic" in report


@pytest.mark.parametrize("module", ["process", "another"])
def test_that_only_the_inline_module_may_import_the_engine(tree: Path, tmp_path: Path, module: str) -> None:
    shutil.copytree(tree, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "workbench" / "launch" / f"{module}.py").open("a") as file:
        file.write("\ndef use() -> None:\n    import workbench.engine.training.loop\n")
    report = broken(lint(tmp_path))
    assert {LAUNCH} <= report.keys()
    assert f"workbench.launch.{module} -> workbench.engine.training.loop " in report[LAUNCH]
