"""What the sections of a generated script are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from string import Template
from textwrap import dedent
from typing import Any


@dataclass(frozen=True)
class Piece:
    """A section of a script: its own code, what this uses of the program, and how that is lifted."""

    code: str
    imports: tuple[str, ...] = ()
    uses: dict[str, Any] = field(default_factory=dict)
    """Functions and classes of the program, by the names that the code has for them."""
    results: dict[Callable[..., Any], str] = field(default_factory=dict)
    """What functions return in the script instead of what they return in the program."""
    swaps: dict[str, str] = field(default_factory=dict)
    """Expressions, as ``ast.unparse`` writes them, that the script has others for."""
    silent: tuple[str, ...] = ()
    """Functions whose calls are left out."""
    fields: dict[str, str] = field(default_factory=dict)
    """Code for settings, such as ``Digits.path``, where it is not their value."""


def filled(template: str, **values: Any) -> str:
    """A template without its own indentation, ``$name`` replaced by the value's text. A value of several lines is indented
    as its place is; where an empty one would stand alone, there is no line."""
    text = dedent(template).strip("\n")
    lines = []
    for line in text.split("\n"):
        if line.strip().startswith("$") and values.get(line.strip()[1:]) == "":
            continue
        indent = line[: len(line) - len(line.lstrip())]
        lines.append(Template(line).substitute(values).replace("\n", "\n" + indent))
    return "\n".join(line.rstrip() for line in "\n".join(lines).split("\n"))
