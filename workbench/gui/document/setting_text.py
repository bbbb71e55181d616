"""Settings as a person reads them: ``Learning rate 0.001 → 0.0003`` for a change of ``optimizer.lr``."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from workbench.config.fields import Section, Setting, kind_of, settings
from workbench.config.run import RunConfig, variants
from workbench.runs.branch import Change


def known_settings(config: RunConfig) -> dict[str, Setting]:
    """The settings of a configuration by their paths, as its variants stand; ``kind`` where a section has several."""
    known: dict[str, Setting] = {}
    for section in RunConfig.model_fields:
        part = type(getattr(config, section))
        if kind_of(part):
            known[f"{section}.kind"] = kind_setting(section)
        known |= {f"{section}.{setting.name}": setting for setting in settings(part)}
    return known


def kind_setting(section: str) -> Setting:
    """Which variant of a section is taken, as a setting of its own: its choices are the kinds, its labels their titles."""
    field = RunConfig.model_fields[section]
    titles = {kind_of(variant): str(getattr(variant, "title", kind_of(variant))) for variant in variants(section)}
    return Setting(
        "kind",
        field.title or section,
        field.description or "",
        "choice",
        next(iter(titles)),
        choices=tuple(titles),
        labels=tuple(titles.items()),
    )


def setting_title(path: str) -> str:
    """The title of the setting at ``section.name``, in whichever variant has it; the path where none has."""
    setting = _find(path)
    return setting.title if setting is not None else path


def value_text(path: str, value: object) -> str:
    """A value of that setting: a choice by its label, a list with commas, a missing one as ``none``."""
    setting = _find(path)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return setting.label(value) if setting is not None else str(value)


def values_text(values: Mapping[str, object]) -> str:
    """``Learning rate 0.1, Optimizer SGD``."""
    return ", ".join(f"{setting_title(path)} {value_text(path, value)}" for path, value in values.items())


def change_text(change: Change) -> str:
    """``Learning rate 0.001 → 0.0003``."""
    before, after = value_text(change.path, change.before), value_text(change.path, change.value)
    return f"{setting_title(change.path)} {before} → {after}"


@functools.cache
def _find(path: str) -> Setting | None:
    section, _, name = path.partition(".")
    if section not in RunConfig.model_fields:
        return None
    if name == "kind":
        return kind_setting(section)
    parts: tuple[type[Section], ...] = tuple(variants(section))
    return next((setting for part in parts for setting in settings(part) if setting.name == name), None)
