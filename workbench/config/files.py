"""Run files (TOML) in and out, and single settings changed by their path. Every problem is found at once, with its path.

Files of earlier versions are read as well: see :mod:`workbench.config.migrations`.
"""

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
from workbench.config.migrations import CONFIG_FORMAT, format_problem, migrate_config, migrate_values
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig, sections, variants

COMPARE = "compare"
"""A table beside the sections that says what is to be compared: see :mod:`workbench.config.compare`."""
FORMAT = "format"
"""The number of the file's format, before the sections. A file without one is of format 1."""
LISTS = ("integers", "numbers", "texts")
"""The kinds of settings that are lists."""
MAX_BYTES = 1_000_000
"""A run file larger than this is none: a real one has a few kilobytes."""


def load(path: str | Path, notes: list[str] | None = None) -> RunConfig:
    """Reads a run file. Raises ConfigError with every problem of it; a file that cannot be read is such a problem.

    ``notes`` is given a sentence for each setting that the file has under an old name.
    """
    data = read_data(path)
    data.pop(COMPARE, None)
    return parse(data, notes)


def read_data(path: str | Path) -> dict[str, Any]:
    """The TOML of a run file as it stands there but for the format number, not yet checked. Raises ConfigError."""
    path = Path(path)
    return _without_format(_read_toml(path), str(path))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            raise ConfigError([Problem("", f"{path} is not a file" if path.exists() else f"there is no file {path}")])
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(
                [Problem("", f"{path} is too large for a run file", "choose a run file (TOML, a few kilobytes)")]
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([Problem("", f"{path} cannot be read: {error.strerror}", "check its permissions")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem("", f"{path} is not a text file in UTF-8", "choose a run file (TOML)")]) from error
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ConfigError([Problem("", f"{path} is not valid TOML: {error}", "fix the file at that place")]) from error


def dumps(config: RunConfig) -> str:
    """The configuration as TOML, with every setting spelled out, so that later defaults cannot change it."""
    return tomli_w.dumps({FORMAT: CONFIG_FORMAT, **config.as_data()})


def parse(data: Mapping[str, Any], notes: list[str] | None = None) -> RunConfig:
    """A configuration from plain data (TOML, JSON, a form, a checkpoint). Raises ConfigError with every problem.

    A section left out has its defaults; a section without ``kind`` is of the default kind. ``notes`` is given a sentence for
    each setting under an old name.
    """
    filled, wrong = _fill_kinds(migrate_config(_without_format(data, "the configuration"), notes))
    unknown = {problem.path.removesuffix(".kind") for problem in wrong if problem.path.endswith(".kind")}
    for section in sorted(unknown):
        wrong += _problems_beside_unknown_kind(section, filled[section])
    known = {section: part for section, part in filled.items() if section not in unknown}
    try:
        config = RunConfig.model_validate_json(_as_json(known), strict=True)
    except ValidationError as error:
        wrong += [_problem(details, known) for details in error.errors(include_url=False)]
    else:
        wrong = wrong or list(rules.problems(config))
        if not wrong:
            return config
    raise ConfigError(sorted(_without_repeats(wrong), key=lambda problem: _order(problem.path)))


def with_new_settings(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A checkpoint's configuration with the settings that its version did not have yet: they were what they are by default.

    One that is not valid today is given back as it is.
    """
    try:
        return parse(data).as_data()
    except ConfigError:
        return data


def change(config: RunConfig, values: Mapping[str, Any], notes: list[str] | None = None) -> RunConfig:
    """``config`` with settings changed by path, ``{"optimizer.lr": 3e-4}``. Raises ConfigError.

    A new ``kind`` begins with that kind's own defaults. A setting that is a list also takes one value, or several between
    commas: ``{"model.hidden": "64,32"}``. ``notes`` is given a sentence for each setting under an old name.
    """
    return parse(changed_data(config.as_data(), _with_lists(config, migrate_values(values, notes))))


def changed_data(data: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` with values put in by path, not yet checked. ``kind`` comes first, as it clears what belongs to another."""
    result = {name: dict(part) if isinstance(part, Mapping) else part for name, part in data.items()}
    for path in sorted(values, key=lambda path: not path.endswith(".kind")):
        section, _, name = path.partition(".")
        if not name:
            raise ConfigError(
                [Problem(path, "is not a setting", f"write it as section.name; {_suggestion(section, sections())}")]
            )
        part = result.setdefault(section, {})
        if name == "kind" and isinstance(part, dict) and part.get("kind") != values[path]:
            result[section] = {"kind": values[path]}
        elif isinstance(part, dict):
            part[name] = values[path]
    return result


def with_absolute_paths(config: RunConfig, base: Path) -> RunConfig:
    """``config`` with every file and folder it names spelled out from the root: the engine works in another folder.

    A relative path is taken from ``base``.
    """
    values: dict[str, Any] = {}
    for name in sections():
        part = getattr(config, name)
        for declared in settings(type(part)):
            text = str(getattr(part, declared.name)).strip() if declared.kind == "path" else ""
            if text:
                values[f"{name}.{declared.name}"] = str(base / Path(text).expanduser())
    return change(config, values) if values else config


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """``["optimizer.lr=3e-4"]`` → ``{"optimizer.lr": 3e-4}``: a TOML value, or a string where it is none. Raises ConfigError."""
    values: dict[str, Any] = {}
    wrong = []
    for assignment in assignments:
        path, sign, text = assignment.partition("=")
        if not sign or not path.strip():
            wrong.append(Problem(assignment, "must have the form path=value", "for example optimizer.lr=3e-4"))
            continue
        try:
            values[path.strip()] = tomllib.loads(f"value = {text}")["value"]
        except (tomllib.TOMLDecodeError, KeyError, RecursionError):
            values[path.strip()] = text
    if wrong:
        raise ConfigError(wrong)
    return values


def values_between_commas(text: str) -> list[Any]:
    """``"64,32"`` → ``[64, 32]``: TOML values, or words where they are none. Commas within brackets or quotes divide nothing."""
    try:
        return list(tomllib.loads(f"value = [{text}]")["value"])
    except (tomllib.TOMLDecodeError, RecursionError):
        return [_toml_value(part) for part in text.split(",")]


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError, RecursionError):
        return text.strip()


def _with_lists(config: RunConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with a list wherever a setting is one and a single value, or text with commas, was given for it."""
    return {path: _as_list(config, values, path) for path in values}


def _as_list(config: RunConfig, values: Mapping[str, Any], path: str) -> Any:
    section, _, name = path.partition(".")
    value = values[path]
    kind = values.get(f"{section}.kind", getattr(getattr(config, section, None), "kind", ""))
    declared = [s for variant in _of_kind(section, kind) for s in settings(variant) if s.name == name]
    if not declared or declared[0].kind not in LISTS or isinstance(value, (list, tuple, bool)):
        return value
    if isinstance(value, str):
        items = values_between_commas(value) if value.strip() else []
    else:
        items = [value]
    return [str(item) for item in items] if declared[0].kind == "texts" else items


def _of_kind(section: str, kind: object) -> list[type[Section]]:
    return [variant for variant in variants(section) if kind_of(variant) == kind] if section in sections() else []


def _as_json(data: Any) -> str:
    """JSON for pydantic's strict reading. What TOML has and JSON lacks (dates) becomes text, and is then refused as such."""
    return json.dumps(data, default=str)


def _without_format(data: Mapping[str, Any], subject: str) -> dict[str, Any]:
    """``data`` without its format number. Raises ConfigError when it is newer than what this version reads."""
    problem = format_problem(data.get(FORMAT, 1), CONFIG_FORMAT, subject)
    if problem is not None:
        raise ConfigError([problem])
    return {name: part for name, part in data.items() if name != FORMAT}


def _fill_kinds(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Fills in missing kinds; finds unknown sections, sections that are no tables, and unknown kinds."""
    filled: dict[str, Any] = {}
    wrong: list[Problem] = []
    for name, part in data.items():
        if name not in sections():
            wrong.append(Problem(str(name), "is not a section of a run file", _suggestion(str(name), sections())))
            continue
        if not isinstance(part, Mapping):
            wrong.append(Problem(name, "must be a table of settings", f"write [{name}] and the settings below it"))
            continue
        filled[name] = dict(part)
        kinds = [kind_of(variant) for variant in variants(name) if kind_of(variant)]
        if not kinds:
            continue
        filled[name].setdefault("kind", RunConfig.model_fields[name].default.kind)
        if filled[name]["kind"] not in kinds:
            hint = _suggestion(str(filled[name]["kind"]), kinds)
            wrong.append(Problem(f"{name}.kind", f"there is no kind {filled[name]['kind']!r}", hint))
    return filled, wrong


def _problems_beside_unknown_kind(section: str, part: Mapping[str, Any]) -> list[Problem]:
    """The problems of the settings beside an unknown kind: each is checked against every variant that has it."""
    wrong: list[Problem] = []
    names = {name for variant in variants(section) for name in variant.model_fields}
    for name, value in part.items():
        if name not in names:
            wrong.append(_unknown(section, name, names))
        elif name != "kind":
            tries = [_value_problems(section, variant, name, value) for variant in variants(section)]
            answers = [problems for problems in tries if problems is not None]
            wrong += answers[0] if all(answers) else []
    return wrong


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
    """A validation error of pydantic as a problem with a path."""
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
        return Problem(path, f"{value!r} is not a valid value", _help(section, name))
    single = isinstance(details["loc"][-1], int)
    return Problem(path, f"{_shown(value)} is not {_expected(section, name, single)}", "")


def _unknown(section: str, name: str, allowed: Iterable[str]) -> Problem:
    return Problem(f"{section}.{name}", "is not a setting", _suggestion(name, [n for n in allowed if n != "kind"]))


def _shown(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _expected(section: str, name: str, single: bool = False) -> str:
    """What a setting accepts, in words; ``single``: what each item of its list is."""
    setting = next((s for variant in variants(section) for s in settings(variant) if s.name == name), None)
    if setting is None:
        return "a table of settings"
    if single and setting.kind in LISTS:
        return {"integers": "a whole number", "numbers": "a number"}.get(setting.kind, "text")
    words = "".join(f'"{word}" or ' for word in setting.words)
    if setting.kind == "choice":
        return "one of " + ", ".join(str(choice) for choice in setting.choices)
    plain = {
        "switch": "true or false",
        "integer": "a whole number",
        "number": "a number",
        "text": "text",
        "path": "a path",
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


def _suggestion(word: str, known: Iterable[str]) -> str:
    """A hint that names the most similar known word, or all of them if none is similar."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else "choose from " + ", ".join(names)


def _without_repeats(problems: Iterable[Problem]) -> list[Problem]:
    """A union reports a list's items one by one: one sentence for each path is enough."""
    return list({problem.path or problem.what: problem for problem in problems}.values())


def _order(path: str) -> tuple[int, str]:
    section = path.partition(".")[0]
    names = sections()
    return (names.index(section) if section in names else -1, path)
