"""Finds the files that come with the program: recipes, the embedded dataset, icons, help pages.

A checkout keeps them in `resources/` beside the package, where people look for them; the wheel carries the same folder
as `workbench/resources/`. This is the one place that knows both.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(*parts: str) -> Path:
    """The path of a shipped file, e.g. `shipped("digits", "digits.csv.gz")`, or of a folder; without parts, of all."""
    installed = _PACKAGE / "resources"
    root = installed if installed.is_dir() else _PACKAGE.parent / "resources"
    path = root.joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: it comes with Workbench, so this installation is incomplete.")
    return path
