"""How a setting is declared, and how a form, a command line or a help page reads the declaration.

A section is a frozen pydantic model. Each of its fields is made with :func:`setting`, which carries title, help, unit and
bounds; :func:`settings` lists them again as plain :class:`Setting` records. Nothing else in the program lists settings.
"""

from __future__ import annotations

import operator
import types
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, PydanticUndefined

EditorKind = Literal["switch", "integer", "number", "text", "path", "choice", "integers", "numbers", "texts"]
PathKind = Literal["", "folder", "file"]


class Section(BaseModel):
    """Base of every section and of every variant of a section: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="after")
    @classmethod
    def _within_bounds(cls, value: Any, info: ValidationInfo) -> Any:
        """Bounds are checked here and not by pydantic's own, which cannot bound the number in ``"auto" or a number``."""
        bounds = bounds_of(cls.model_fields[info.field_name or ""])
        for item in value if isinstance(value, tuple) else (value,):
            if bounds and isinstance(item, (int, float)) and not isinstance(item, bool):
                _check(item, bounds)
        return value


@dataclass(frozen=True)
class Setting:
    """One setting as its section declares it. ``minimum`` and ``maximum`` are None where there is no bound."""

    name: str
    title: str
    help: str
    kind: EditorKind
    default: object
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    choices: tuple[str | int, ...] = ()
    words: tuple[str, ...] = ()
    """Words that may stand in place of a number, such as ``auto`` or ``off``."""
    advanced: bool = False
    live: bool = False
    """Whether a run that is running accepts a new value of it."""
    path: PathKind = ""
    slider: bool = False
    """Whether a form shows a slider beside the number, from ``minimum`` to ``maximum``."""
    labels: tuple[tuple[str, str], ...] = ()
    """What a person reads in place of a choice's value, where the value itself is not clear."""

    def label(self, choice: object) -> str:
        """The words a person reads for ``choice``."""
        return dict(self.labels).get(str(choice), str(choice))


def setting(
    default: Any = ...,
    *,
    title: str,
    help: str,
    unit: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    pattern: str | None = None,
    advanced: bool = False,
    live: bool = False,
    path: PathKind = "",
    slider: bool = False,
    labels: dict[str, str] | None = None,
) -> Any:
    """Declares a setting. ``ge``, ``gt``, ``le`` and ``lt`` bound a number, or every number of a list."""
    bounds = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    extra: dict[str, Any] = {
        "unit": unit,
        "advanced": advanced,
        "live": live,
        "path": path,
        "slider": slider,
        "labels": labels or {},
        "bounds": {key: value for key, value in bounds.items() if value is not None},
    }
    return Field(default, title=title, description=help, pattern=pattern, json_schema_extra=extra)


def python_file() -> Any:
    """The path of a Python file of the user's own."""
    return setting(
        "", title="Python file", help="It is run only after you have confirmed that you trust its content.", path="file"
    )


def _check(value: float, bounds: dict[str, float]) -> None:
    phrases = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    tests = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
    for name, bound in bounds.items():
        if not tests[name](value, bound):
            raise PydanticCustomError(
                "bound", "{value} is out of range: it must be {words}", _context(value, phrases[name], bound)
            )


def _context(value: float, phrase: str, bound: float) -> dict[str, Any]:
    # An integer may have more digits than a float can hold, and must not be turned into one.
    shown = "the number" if isinstance(value, int) and abs(value) >= 10**300 else f"{value:g}"
    return {"value": shown, "words": f"{phrase} {bound:g}"}


def kind_of(section: type[BaseModel]) -> str:
    """The ``kind`` a variant of a section stands for (empty for a section without variants)."""
    info = section.model_fields.get("kind")
    return str(get_args(info.annotation)[0]) if info is not None else ""


def title_of(section: type[BaseModel]) -> str:
    """The words a person reads for a variant of a section: its ``title``, and its kind where it declares none."""
    return str(vars(section).get("title") or kind_of(section))


def settings(section: type[BaseModel]) -> tuple[Setting, ...]:
    """The settings of a section without ``kind``: its own in the order of their declaration, then those of its bases."""
    names = dict.fromkeys(name for cls in section.__mro__ for name in vars(cls).get("__annotations__", {}))
    fields = section.model_fields
    return tuple(_read(name, fields[name]) for name in names if name in fields and name != "kind")


def bounds_of(info: FieldInfo) -> dict[str, float]:
    """The bounds a field was declared with, by the names ``ge``, ``gt``, ``le`` and ``lt``."""
    extra = info.json_schema_extra
    bounds = extra.get("bounds", {}) if isinstance(extra, dict) else {}
    return {str(key): float(value) for key, value in bounds.items()} if isinstance(bounds, dict) else {}  # type: ignore[arg-type]


def _read(name: str, info: FieldInfo) -> Setting:
    extra: dict[str, Any] = dict(info.json_schema_extra) if isinstance(info.json_schema_extra, dict) else {}
    bounds = bounds_of(info)
    kind, choices, words = _shape(info.annotation)
    if extra.get("path"):
        kind = "path"
    return Setting(
        name=name,
        title=info.title or name,
        help=info.description or "",
        kind=kind,
        default=None if info.default is PydanticUndefined else info.default,
        unit=extra.get("unit", ""),
        minimum=bounds.get("ge", bounds.get("gt")),
        maximum=bounds.get("le", bounds.get("lt")),
        exclusive_minimum="gt" in bounds,
        exclusive_maximum="lt" in bounds,
        choices=choices,
        words=words,
        advanced=extra.get("advanced", False),
        live=extra.get("live", False),
        path=extra.get("path", ""),
        slider=extra.get("slider", False),
        labels=tuple(extra.get("labels", {}).items()),
    )


def _shape(annotation: Any) -> tuple[EditorKind, tuple[str | int, ...], tuple[str, ...]]:
    """Which kind of editor an annotation asks for, its choices, and the words beside its numbers."""
    origin = get_origin(annotation)
    if origin is Literal:
        return "choice", get_args(annotation), ()
    if origin in (Union, types.UnionType):
        words: tuple[str, ...] = ()
        kind: EditorKind = "text"
        for part in get_args(annotation):
            if get_origin(part) is Literal:
                words = tuple(str(word) for word in get_args(part))
            else:
                kind = _shape(part)[0]
        return kind, (), words
    if origin is tuple:
        lists: dict[Any, EditorKind] = {int: "integers", float: "numbers", str: "texts"}
        return lists[get_args(annotation)[0]], (), ()
    scalars: dict[Any, EditorKind] = {bool: "switch", int: "integer", float: "number", str: "text"}
    return scalars[annotation], (), ()
