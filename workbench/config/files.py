"""Run files (TOML) in and out, and single settings changed by their path. Every problem is found at once, with its path."""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from workbench.config import rules
from workbench.config.fields import Section, kind_of, settings
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig, sections, variants

COMPARE = "compare"
"""A table beside the sections that says what is to be compared: see :mod:`workbench.config.compare`."""
MAX_BYTES = 1_000_000
"""A run file larger than this is none: a real one has a few kilobytes."""


def load(path: str | Path) -> RunConfig:
    """Reads a run file. Raises ConfigError with every problem of it; a file that cannot be read is such a problem."""
    data = read_data(path)
    data.pop(COMPARE, None)
    return parse(data)


def read_data(path: str | Path) -> dict[str, Any]:
    """The TOML of a run file as it stands there, not yet checked. Raises ConfigError."""
    path = Path(path)
    try:
        if not path.is_file():
            raise ConfigError([Problem("", f"{path} is not a file" if path.exists() else f"there is no file {path}")])
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError([Problem("", f"{path} is too large for a run file", "a run file has a few kilobytes")])
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([Problem("", f"{path} cannot be read: {error.strerror}", "check its permissions")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem("", f"{path} is not a text file in UTF-8", "choose a run file (TOML)")]) from error
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ConfigError([Problem("", f"{path} is not valid TOML: {error}", "correct it at that place")]) from error


def dumps(config: RunConfig) -> str:
    """The configuration as TOML, with every setting spelled out, so that later defaults cannot change it."""
    return tomli_w.dumps(config.as_data())


def parse(data: Mapping[str, Any]) -> RunConfig:
    """A configuration from plain data (TOML, JSON, a form, a checkpoint). Raises ConfigError with every problem.

    A section left out has its defaults; a section without ``kind`` is of the default kind.
    """
    filled, found = _with_kinds(data)
    unknown = {problem.path.removesuffix(".kind") for problem in found if problem.path.endswith(".kind")}
    for section in sorted(unknown):
        found += _beside_unknown_kind(section, filled[section])
    known = {section: part for section, part in filled.items() if section not in unknown}
    try:
        config = RunConfig.model_validate_json(_as_json(known), strict=True)
    except ValidationError as error:
        found += [_problem(details, known) for details in error.errors(include_url=False)]
    else:
        found = found or list(rules.problems(config))
        if not found:
            return config
    raise ConfigError(sorted(_once(found), key=lambda problem: _order(problem.path)))


def change(config: RunConfig, values: Mapping[str, Any]) -> RunConfig:
    """``config`` with settings changed by path, ``{"optimizer.lr": 3e-4}``. Raises ConfigError.

    A new ``kind`` begins with that kind's own defaults.
    """
    data = config.as_data()
    return parse(changed_data(data, values))


def changed_data(data: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` with values put in by path, not yet checked. ``kind`` comes first, as it clears what belongs to another."""
    result = {name: dict(part) if isinstance(part, Mapping) else part for name, part in data.items()}
    for path in sorted(values, key=lambda path: not path.endswith(".kind")):
        section, _, name = path.partition(".")
        if not name:
            raise ConfigError(
                [Problem(path, "is not a setting", f"write it as section.name; {_nearest(section, sections())}")]
            )
        part = result.setdefault(section, {})
        if name == "kind" and isinstance(part, dict) and part.get("kind") != values[path]:
            result[section] = {"kind": values[path]}
        elif isinstance(part, dict):
            part[name] = values[path]
    return result


def with_whole_paths(config: RunConfig, base: Path) -> RunConfig:
    """``config`` with every file and folder it names spelled out from the root: the engine works in another folder.

    A relative path is taken from ``base``.
    """
    values: dict[str, Any] = {}
    for name in sections():
        part = getattr(config, name)
        for one in settings(type(part)):
            text = str(getattr(part, one.name)).strip() if one.kind == "path" else ""
            if text:
                values[f"{name}.{one.name}"] = str(base / Path(text).expanduser())
    return change(config, values) if values else config


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """``["optimizer.lr=3e-4"]`` → ``{"optimizer.lr": 3e-4}``: a TOML value, or a string where it is none. Raises ConfigError."""
    values: dict[str, Any] = {}
    wrong = []
    for assignment in assignments:
        path, sign, text = assignment.partition("=")
        if not sign or not path.strip():
            wrong.append(Problem(assignment, "is not of the form path=value", "for example optimizer.lr=3e-4"))
            continue
        try:
            values[path.strip()] = tomllib.loads(f"value = {text}")["value"]
        except (tomllib.TOMLDecodeError, KeyError, RecursionError):
            values[path.strip()] = text
    if wrong:
        raise ConfigError(wrong)
    return values


def _as_json(data: Any) -> str:
    """JSON for pydantic's strict reading. What TOML has and JSON lacks (dates) becomes text, and is then refused as such."""
    return json.dumps(data, default=str)


def _with_kinds(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Fills in missing kinds; finds unknown sections, sections that are no tables, and unknown kinds."""
    filled: dict[str, Any] = {}
    found: list[Problem] = []
    for name, part in data.items():
        if name not in sections():
            found.append(Problem(str(name), "is not a section of a run", _nearest(str(name), sections())))
            continue
        if not isinstance(part, Mapping):
            found.append(Problem(name, "must be a table of settings", f"write [{name}] and the settings below it"))
            continue
        filled[name] = dict(part)
        kinds = [kind_of(variant) for variant in variants(name) if kind_of(variant)]
        if not kinds:
            continue
        filled[name].setdefault("kind", RunConfig.model_fields[name].default.kind)
        if filled[name]["kind"] not in kinds:
            hint = _nearest(str(filled[name]["kind"]), kinds)
            found.append(Problem(f"{name}.kind", f"{filled[name]['kind']!r} is not known", hint))
    return filled, found


def _beside_unknown_kind(section: str, part: Mapping[str, Any]) -> list[Problem]:
    """The problems of the settings beside an unknown kind: each is checked against every variant that has it."""
    found: list[Problem] = []
    names = {name for variant in variants(section) for name in variant.model_fields}
    for name, value in part.items():
        if name not in names:
            found.append(_unknown(section, name, names))
        elif name != "kind":
            tries = [_value_problems(section, variant, name, value) for variant in variants(section)]
            answers = [problems for problems in tries if problems is not None]
            found += answers[0] if all(answers) else []
    return found


def _value_problems(section: str, variant: type[Section], name: str, value: Any) -> list[Problem] | None:
    """The problems of one value in one variant; None where the variant has no such setting."""
    if name not in variant.model_fields:
        return None
    try:
        variant.model_validate_json(_as_json({name: value}), strict=True)
    except ValidationError as error:
        whole = {section: {name: value}}
        return [
            _problem({**details, "loc": (section, *details["loc"])}, whole)
            for details in error.errors(include_url=False)
        ]
    return []


def _problem(details: ErrorDetails, data: Mapping[str, Any]) -> Problem:
    """Pydantic's words for a problem made into ours."""
    loc = [str(part) for part in details["loc"]]
    section = loc[0]
    names = [part for part in loc[1:] if part not in {kind_of(variant) for variant in variants(section)}]
    name = names[0] if names else ""
    path = ".".join(part for part in (section, name) if part)
    value = details["input"]
    kind = details["type"]
    if kind == "extra_forbidden":
        chosen = data[section].get("kind", "")
        allowed = {n for variant in variants(section) if kind_of(variant) == chosen for n in variant.model_fields}
        return _unknown(section, name, allowed or {n for variant in variants(section) for n in variant.model_fields})
    if kind == "bound":
        return Problem(path, details["msg"])
    if kind == "string_pattern_mismatch":
        return Problem(path, f"{value!r} is not a value it can have", _help(section, name))
    return Problem(path, f"{_shown(value)} is not {_wanted(section, name)}", "")


def _unknown(section: str, name: str, allowed: Iterable[str]) -> Problem:
    return Problem(f"{section}.{name}", "is not a setting", _nearest(name, [n for n in allowed if n != "kind"]))


def _shown(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _wanted(section: str, name: str) -> str:
    """What a setting takes, in words."""
    setting = next((s for variant in variants(section) for s in settings(variant) if s.name == name), None)
    if setting is None:
        return "a table of settings"
    words = "".join(f'"{word}" or ' for word in setting.words)
    if setting.kind == "choice":
        return "one of " + ", ".join(str(choice) for choice in setting.choices)
    plain = {
        "switch": "true or false",
        "integer": "a whole number",
        "number": "a number",
        "text": "a text",
        "path": "a path (a text)",
        "integers": "a list of whole numbers",
        "numbers": "a list of numbers",
        "texts": "a list of texts",
    }
    return words + plain[setting.kind]


def _help(section: str, name: str) -> str:
    for variant in variants(section):
        if name in variant.model_fields:
            return variant.model_fields[name].description or ""
    return ""


def _nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or all of them when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else "known are " + ", ".join(names)


def _once(problems: Iterable[Problem]) -> list[Problem]:
    """A union reports a list's items one by one: one sentence for each path is enough."""
    return list({problem.path or problem.what: problem for problem in problems}.values())


def _order(path: str) -> tuple[int, str]:
    section = path.partition(".")[0]
    names = sections()
    return (names.index(section) if section in names else -1, path)
