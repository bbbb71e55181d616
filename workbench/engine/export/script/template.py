"""Fills the templates of a generated script."""

from __future__ import annotations

from string import Template
from textwrap import dedent
from typing import Any


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
