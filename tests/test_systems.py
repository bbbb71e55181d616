"""The catalogue: every system can be reached by a person, and a test ran it. The rows stand in systems.toml."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.strategies import settings_of_all_kinds
from workbench.config.recipes import recipes
from workbench.config.run import sections, variants
from workbench.shipped import shipped

ROOT = Path(__file__).resolve().parents[1]
ROWS: list[dict[str, Any]] = tomllib.loads((ROOT / "tests/systems.toml").read_text(encoding="utf-8"))["system"]
WAYS = ("recipes", "settings", "actions", "commands", "views", "pages")


def commands() -> set[str]:
    """Every command there is; those of a group with the group's name before them."""
    from workbench.cli.app import build

    found: set[str] = set()

    def walk(group: Any, before: str) -> None:
        for name, command in group.commands.items():
            found.add(before + name)
            if hasattr(command, "commands"):
                walk(command, f"{before}{name} ")

    walk(typer.main.get_command(build(lambda _request: 0)), "")
    return found


def there_are(way: str) -> set[str]:
    """What can be named in that way."""
    match way:
        case "recipes":
            return {one.name for one in recipes()}
        case "settings":
            kinds = {f"{section}.kind" for section in sections() if len(variants(section)) > 1}
            return kinds | {path for path, _, _ in settings_of_all_kinds()}
        case "commands":
            return commands()
        case "pages":
            return {path.stem for path in shipped("help").glob("*.md")}
        case "actions":
            pytest.importorskip("PySide6")
            from workbench.gui.actions import ENTRIES, MenuEntry

            return {entry.id for entry in ENTRIES if isinstance(entry, MenuEntry)}
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "workbench/gui").rglob("*.py"))
    return set(re.findall(r'setObjectName\("(view\.\w+)"\)', text))


def test_that_every_section_of_the_guides_has_a_row_and_no_row_stands_twice() -> None:
    names = [row["name"] for row in ROWS]
    assert len(set(names)) == len(names)
    for number in range(1, 19):
        assert any(name.startswith(f"§{number} ") for name in names), number


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_that_a_person_reaches_it_and_a_test_ran_it(row: dict[str, Any]) -> None:
    assert any(row.get(way) for way in WAYS), "nobody can reach it"
    for way in WAYS:
        missing = set(row.get(way, ())) - (there_are(way) if row.get(way) else set())
        assert not missing, f"there are no {way} named {', '.join(sorted(missing))}"
    assert row["tests"]
    for name in row["tests"]:
        file, _, function = name.partition("::")
        assert (ROOT / file).is_file(), f"{file} is missing"
        text = (ROOT / file).read_text(encoding="utf-8")
        assert f"def {function}(" in text if function else "def test_" in text, f"{name} is missing"


def test_that_every_recipe_and_every_kind_of_section_belongs_to_a_system() -> None:
    named = {name for row in ROWS for name in row.get("recipes", ())}
    assert {one.name for one in recipes()} - named <= {"digits-cnn"}
