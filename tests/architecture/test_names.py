"""A public class has a name of its own in the whole package: whoever searches for it finds one definition."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]


def public_classes() -> dict[str, list[str]]:
    """The files below ``workbench/`` that define each public class at their top level."""
    files: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "workbench").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                files[node.name].append(path.relative_to(ROOT).as_posix())
    return files


def test_that_a_public_class_name_exists_once() -> None:
    assert {name: files for name, files in public_classes().items() if len(files) > 1} == {}
