"""What earlier versions wrote, read for good: settings and values that have other names now, and the numbers of formats.

Every name that a setting once had stands in :data:`RENAMED_SETTINGS`, every value in :data:`RENAMED_VALUES`; nothing else in
the program knows old names. An old name is never given to another setting. What is read is changed in memory alone: a run's
folder stays as it was written.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from workbench.config.problems import Problem

CONFIG_FORMAT = 2
"""Of a run file. 1 has the old names of :data:`RENAMED_SETTINGS` and no number of its own."""

RENAMED_SETTINGS: dict[str, str] = {
    "dataset.holds": "dataset.sample_kind",
    "dataset.reach": "dataset.x_max",
    "model.body_factor": "model.backbone_lr_scale",
    "model.stage_factors": "model.stage_lr_scales",
    "optimizer.rest": "optimizer.adamw_lr_scale",
    "schedule.least": "schedule.min_lr_factor",
}
"""Old path → new path."""

RENAMED_VALUES: dict[str, dict[str, str]] = {
    "dataset.channels": {"grey": "gray"},
    "dataset.sample_kind": {"pictures": "images"},
}
"""New path → old value → new value."""

ADDED_SETTINGS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "training.monitor": ("auto", ()),
    "model.freeze": ([], ()),
    "model.norm_groups": ("auto", ("mlp", "cnn", "resnet", "heads")),
    "dataset.validation_from": ("training", ("torchvision",)),
    "dataset.spacing": ("random", ("synthetic",)),
}
"""Settings that version 0.1 did not have → the value that means what it did, and the kinds that have them (none: all).
A configuration that was written whole lacks them."""


def migrate_path(path: str) -> str:
    """The name that a setting has now."""
    return RENAMED_SETTINGS.get(path, path)


def migrate_value(path: str, value: Any) -> Any:
    """The value of the setting that is called ``path`` now, as it is written now."""
    return RENAMED_VALUES.get(path, {}).get(value, value) if isinstance(value, str) else value


def migrate_values(values: Mapping[str, Any], notes: list[str] | None = None) -> dict[str, Any]:
    """Settings by path with the names and values that they have now. ``notes`` is given a sentence for each that changed.

    An old name beside the new one is left as it stands, to be refused as unknown: which of the two was meant cannot be known.
    """
    migrated: dict[str, Any] = {}
    for path, value in values.items():
        new_path = path if migrate_path(path) in values else migrate_path(path)
        new_value = migrate_value(new_path, value)
        migrated[new_path] = new_value
        if notes is not None and new_path != path:
            notes.append(f"{path} is now called {new_path}")
        if notes is not None and new_value != value:
            notes.append(f'{new_path}: "{value}" is now written "{new_value}"')
    return migrated


def migrate_config(data: Mapping[str, Any], notes: list[str] | None = None) -> dict[str, Any]:
    """A whole configuration as plain data (a section is a table) with the names and values that it has now; see
    :func:`migrate_values`. What is no table of settings is left as it stands."""
    migrated: dict[str, Any] = {}
    for section, part in data.items():
        if not isinstance(part, Mapping):
            migrated[section] = part
            continue
        values = migrate_values({f"{section}.{name}": value for name, value in part.items()}, notes)
        migrated[section] = {path.removeprefix(f"{section}."): value for path, value in values.items()}
    return migrated


def migrate_checkpoint(state: Mapping[str, Any]) -> dict[str, Any]:
    """A checkpoint's content with the names and values that settings have now, in ``config`` and in ``preprocessing``."""
    config, preprocessing = state["config"], state["preprocessing"]
    if isinstance(config, Mapping):
        config = _with_added_settings(migrate_config(config))
    if isinstance(preprocessing, Mapping):
        preprocessing = {name: migrate_value(f"dataset.{name}", value) for name, value in preprocessing.items()}
    return {**state, "config": config, "preprocessing": preprocessing}


def _with_added_settings(config: dict[str, Any]) -> dict[str, Any]:
    for path, (value, kinds) in ADDED_SETTINGS.items():
        section, _, name = path.partition(".")
        part = config.get(section)
        if isinstance(part, dict) and (not kinds or part.get("kind") in kinds):
            part.setdefault(name, copy.copy(value))
    return config


def format_problem(written: object, known: int, subject: str) -> Problem | None:
    """Why ``subject`` of the format ``written`` cannot be read, where ``known`` is the newest that this version reads.

    None where it can.
    """
    if not isinstance(written, int) or isinstance(written, bool) or written < 1:
        return Problem(
            "format", f"{subject} has the format {written!r}, which is not a format number", "restore the file"
        )
    if written > known:
        what = f"{subject} was written by a newer version (format {written}; this version reads up to {known})"
        return Problem("format", what, "update the program")
    return None
