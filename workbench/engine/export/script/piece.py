"""What the sections of a generated script are made of."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from textwrap import dedent
from typing import Any


@dataclass(frozen=True)
class Piece:
    """A section of a script: its code, without blank lines around it, and the imports that it needs."""

    code: str
    imports: tuple[str, ...] = ()


def filled(template: str, **values: Any) -> str:
    """A template without its own indentation, ``$name`` replaced by the value's text. A value of several lines is indented
    as its place is."""
    text = dedent(template).strip("\n")
    lines = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        lines.append(Template(line).substitute(values).replace("\n", "\n" + indent))
    return "\n".join(line.rstrip() for line in "\n".join(lines).split("\n"))
