"""The configuration being edited: plain data that may be wrong for a while, its problems, its file, and the way back.

The data is a copy of what a run file holds. Nothing here knows which settings there are: the sections say it.
"""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from workbench.config import files
from workbench.config.fields import Section, kind_of
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig, variants
from workbench.runs.folder import write_whole

Data = dict[str, dict[str, Any]]
UNTITLED = "untitled"
_MERGES = 1


class Document(QObject):
    """One configuration. ``changed`` is said after data, problems, name or the modified mark changed."""

    changed = Signal()
    opened = Signal()
    """Everything was replaced, after ``changed``. What others had found wrong is forgotten: who knows better says it again."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.name = UNTITLED
        self.path: Path | None = None
        self.config: RunConfig | None = None
        self._data: Data = {}
        self._saved: Data = {}
        self._remembered: dict[tuple[str, str], dict[str, Any]] = {}
        self._own: tuple[Problem, ...] = ()
        self._outside: dict[str, tuple[Problem, ...]] = {}
        self._warnings: dict[str, tuple[Problem, ...]] = {}
        self.open(RunConfig(), UNTITLED, None)

    @property
    def data(self) -> Data:
        """A copy of the settings as edited, perhaps not valid."""
        return copy.deepcopy(self._data)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the settings; then what others (the engine) found where the settings alone look right."""
        known = {problem.path for problem in self._own}
        outside = (problem for problems in self._outside.values() for problem in problems if problem.path not in known)
        return (*self._own, *outside)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What may not be meant, of settings that have no problem. It keeps no run from being started."""
        wrong = {problem.path for problem in self.problems}
        return tuple(each for told in self._warnings.values() for each in told if each.path not in wrong)

    @property
    def modified(self) -> bool:
        """Whether the settings differ from what was opened or saved last."""
        return self._data != self._saved

    def value(self, path: str) -> object:
        """The setting at ``section.name``, as plain data. Raises KeyError when the section has none such now."""
        section, _, name = path.partition(".")
        return copy.deepcopy(self._data[section][name])

    def has(self, path: str) -> bool:
        """Whether the section, as it stands, has such a setting."""
        section, _, name = path.partition(".")
        return name in self._data.get(section, {})

    def default(self, path: str) -> object:
        """What the setting is when nobody touches it, in the section's variant as it stands."""
        section, _, name = path.partition(".")
        if name == "kind":
            return RunConfig.model_fields[section].default.kind
        return copy.deepcopy(_known_defaults(section, str(self._data[section].get("kind") or ""))[name])

    def set(self, path: str, value: object) -> None:
        """Changes one setting, as a step that can be undone. What is typed into one field makes one step.

        ``section.kind`` takes another variant: with the values it had before, or with its own defaults.
        """
        section, _, name = path.partition(".")
        before = self._data[section]
        if name == "kind":
            if before.get("kind") == value:
                return
            after = self._variant(section, str(value))
        else:
            after = {**before, name: copy.deepcopy(value)}
        if after != before or type(after.get(name)) is not type(before.get(name)):
            self.undo_stack.push(_Change(self, path, before, after))

    def set_section(self, section: str, part: dict[str, Any], why: str) -> None:
        """Changes several settings of a section in one step that can be undone. ``why`` is what is undone, in words."""
        before = self._data[section]
        if part != before:
            self.undo_stack.push(_Change(self, f"{section}.{why}", before, copy.deepcopy(part), why))

    def reset(self, path: str) -> None:
        """Takes a setting back to its default."""
        self.set(path, self.default(path))

    def set_outside_problems(self, source: str, problems: tuple[Problem, ...]) -> None:
        """What ``source`` (a panel that asked the engine) finds wrong now. Nothing takes back what it said before."""
        if self._outside.get(source, ()) != tuple(problems):
            self._outside[source] = tuple(problems)
            self.changed.emit()

    def set_warnings(self, source: str, warnings: tuple[Problem, ...]) -> None:
        """What ``source`` (a panel) warns of now. Nothing takes back what it said before."""
        if self._warnings.get(source, ()) != warnings:
            self._warnings[source] = warnings
            self.changed.emit()

    def open(self, config: RunConfig, name: str, path: Path | None) -> None:
        """Replaces everything. There is no way back to what was there before."""
        self._data = config.as_data()
        self._saved = copy.deepcopy(self._data)
        self._remembered.clear()
        self._outside.clear()
        self.name, self.path = name, path
        self.undo_stack.clear()
        self._check()
        self.opened.emit()

    def save(self, path: Path) -> None:
        """Writes the run file. Raises ConfigError when the settings have problems, OSError when the disk refuses."""
        if self.config is None:
            raise ConfigError(self._own)
        write_whole(path, files.dumps(self.config))
        self._saved = copy.deepcopy(self._data)
        self.name, self.path = path.stem, path
        self.undo_stack.setClean()
        self.changed.emit()

    def replace_section(self, section: str, part: dict[str, Any]) -> None:
        """Puts a whole section in: the one thing that a step of the undo stack does."""
        was = self._data[section]
        self._remembered[section, str(was.get("kind", ""))] = was
        self._data[section] = part
        self._check()

    def _variant(self, section: str, kind: str) -> dict[str, Any]:
        remembered = self._remembered.get((section, kind))
        return copy.deepcopy(remembered) if remembered is not None else _defaults(section, kind)

    def _check(self) -> None:
        try:
            self.config, self._own = files.parse(self._data), ()
        except ConfigError as error:
            self.config, self._own = None, error.problems
        self.changed.emit()


class _Change(QUndoCommand):
    """One changed setting: the section before and after."""

    def __init__(
        self, document: Document, path: str, before: dict[str, Any], after: dict[str, Any], title: str = ""
    ) -> None:
        super().__init__(title or _title(path, before))
        self._document = document
        self._path = path
        self._before = before
        self._after = after

    def redo(self) -> None:
        self._document.replace_section(self._section, self._after)

    def undo(self) -> None:
        self._document.replace_section(self._section, self._before)

    def id(self) -> int:
        return _MERGES

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Change) or other._path != self._path or self._path.endswith(".kind"):
            return False
        self._after = other._after
        self.setObsolete(self._after == self._before)
        return True

    @property
    def _section(self) -> str:
        return self._path.partition(".")[0]


def _class(section: str, kind: object) -> type[Section]:
    return next(variant for variant in variants(section) if kind_of(variant) == (kind or ""))


def _defaults(section: str, kind: object) -> dict[str, Any]:
    """A variant's own defaults as plain data. Raises StopIteration when there is no such kind."""
    return copy.deepcopy(_known_defaults(section, str(kind or "")))


@functools.cache
def _known_defaults(section: str, kind: str) -> dict[str, Any]:
    """Worked out once: every row of a form asks for its own after every change. Nobody may change it."""
    return _class(section, kind).model_construct().model_dump(mode="json")


def _title(path: str, part: dict[str, Any]) -> str:
    """The setting's name as a person reads it: what is undone."""
    section, _, name = path.partition(".")
    if name == "kind":
        return str(RunConfig.model_fields[section].title)
    return str(_class(section, part.get("kind")).model_fields[name].title)
