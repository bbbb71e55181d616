"""The named starting points: run files in ``resources/recipes``. The first comment lines of a file say what it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.config import files
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig
from workbench.shipped import shipped

DEFAULT = "digits-cnn"


@dataclass(frozen=True)
class Recipe:
    """A named run file."""

    name: str
    text: str
    """What it trains, in a sentence."""
    path: Path

    def load(self) -> RunConfig:
        """The recipe's configuration. Files that ship with it get absolute paths; others are relative to the working folder."""
        config = files.load(self.path)
        whole = files.with_absolute_paths(config, self.path.parent)
        return whole if Path(getattr(whole.dataset, "path", "")).is_file() else config


def recipes() -> tuple[Recipe, ...]:
    """All recipes, the default first, the others by name."""
    loaded = [Recipe(path.stem, _text(path), path) for path in shipped("recipes").glob("*.toml")]
    return tuple(sorted(loaded, key=lambda recipe: (recipe.name != DEFAULT, recipe.name)))


def recipe(name: str) -> Recipe | None:
    """The recipe of that name."""
    return next((known for known in recipes() if known.name == name), None)


def start(name_or_path: str, notes: list[str] | None = None) -> tuple[str, RunConfig]:
    """What a person gave as a start: a recipe or a run file. Gives a name for the run, and its configuration.

    Relative paths in a run file are taken from its folder. ``notes`` is given a sentence for each setting under an old name.
    Raises ConfigError.
    """
    shipped_recipe = recipe(name_or_path)
    if shipped_recipe is not None:
        return shipped_recipe.name, shipped_recipe.load()
    path = Path(name_or_path).expanduser()
    if path.suffix == ".toml" or path.exists():
        config = files.with_absolute_paths(files.load(path, notes), path.resolve().parent)
        return (path.resolve().parent.name if path.name == "run.toml" else path.stem), config
    names = ", ".join(known.name for known in recipes())
    raise ConfigError(
        [Problem("", f"there is no recipe or run file {name_or_path!r}", f"choose from the recipes {names}")]
    )


def _text(path: Path) -> str:
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").strip())
    return " ".join(lines)
