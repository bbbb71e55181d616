"""What is compared: several variants of one configuration, each with some settings of its own.

A run file may hold a table ``[compare]`` with ``runs``, a list of tables of settings by their path, or with ``vary``, a table
of paths with a list of values each, of which every combination is a run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.config import files
from workbench.config.migrations import migrate_path, migrate_values
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig

MOST_RUNS = 200


@dataclass(frozen=True)
class Variant:
    """One run of a comparison: what it is called, and its configuration."""

    label: str
    values: dict[str, Any]
    config: RunConfig


def of_file(path: Path, notes: list[str] | None = None) -> list[dict[str, Any]]:
    """The variants that a run file asks for; none where it has no table of them. Raises ConfigError.

    ``notes`` is given a sentence for each setting under an old name.
    """
    table = files.read_data(path).get(files.COMPARE)
    if table is None:
        return []
    if not isinstance(table, Mapping) or not {*table} <= {"runs", "vary"}:
        raise ConfigError(
            [Problem(files.COMPARE, "must be a table with runs or vary", "see the recipe optimizer-comparison")]
        )
    runs, vary = table.get("runs", []), table.get("vary", {})
    if not isinstance(runs, list) or not all(isinstance(run, Mapping) for run in runs):
        raise ConfigError(
            [Problem(f"{files.COMPARE}.runs", "must be a list of tables", 'for example [{"optimizer.lr" = 0.1}]')]
        )
    if not isinstance(vary, Mapping) or not all(isinstance(values, list) for values in vary.values()):
        raise ConfigError(
            [Problem(f"{files.COMPARE}.vary", "must be a table of lists", 'for example {"optimizer.lr" = [0.1, 0.01]}')]
        )
    return [migrate_values(values, notes) for values in runs or combinations(vary)]


def of_text(assignments: Iterable[str]) -> list[dict[str, Any]]:
    """``["optimizer.lr=0.1,0.01"]``: every combination of the values. A value is TOML, or a word where it is none."""
    vary: dict[str, list[Any]] = {}
    wrong = []
    for assignment in assignments:
        path, sign, text = assignment.partition("=")
        if not sign or not path.strip() or not text.strip():
            wrong.append(
                Problem("--vary", f"{assignment!r} must have the form path=a,b,c", "for example optimizer.lr=0.1,0.01")
            )
            continue
        vary[path.strip()] = values_of(text)
    if wrong:
        raise ConfigError(wrong)
    return [migrate_values(values) for values in combinations(vary)]


def combinations(vary: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values of each path."""
    return [dict(zip(vary, values, strict=True)) for values in itertools.product(*vary.values())] if vary else []


def variants(config: RunConfig, wanted: list[dict[str, Any]], given: Iterable[str] = ()) -> list[Variant]:
    """A configuration for each variant. Raises ConfigError with every problem of all of them.

    A variant of another kind starts with that kind's defaults; settings that were ``given`` stay where the kind has them.
    """
    data, paths = config.as_data(), [migrate_path(path) for path in given]
    if not wanted or len(wanted) > MOST_RUNS:
        what = "no setting is varied" if not wanted else f"{len(wanted)} runs are too many"
        raise ConfigError(
            [Problem("--vary", what, "give a setting and some values, for example optimizer.lr=0.1,0.01")]
        )
    variants: list[Variant] = []
    wrong: list[Problem] = []
    for values in wanted:
        label = ", ".join(f"{_short(path)} {value}" for path, value in values.items())
        try:
            changed = files.change(config, values)
            fixed = {path: _value_at(data, path) for path in paths if path not in values and _has(changed, path)}
            variants.append(Variant(label, values, files.change(config, {**fixed, **values})))
        except ConfigError as error:
            wrong += error.problems
    if wrong:
        raise ConfigError(dict.fromkeys(wrong))
    return variants


def values_of(text: str) -> list[Any]:
    """The values between commas, in TOML or as plain words; commas within brackets or quotes divide nothing."""
    return files.values_between_commas(text)


def _value_at(data: dict[str, Any], path: str) -> Any:
    section, _, name = path.partition(".")
    return data[section][name]


def _has(config: RunConfig, path: str) -> bool:
    section, _, name = path.partition(".")
    return name != "kind" and name in type(getattr(config, section)).model_fields


def _short(path: str) -> str:
    """The setting's own name; of a kind that of its section."""
    section, _, name = path.rpartition(".")
    return section if name == "kind" else name
