"""The pieces of code that a script consists of, and what their names mean."""

from __future__ import annotations

import ast
import dataclasses
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from workbench.engine.export.lifting.folding import Facts, reduced
from workbench.engine.export.lifting.reading import read
from workbench.engine.export.lifting.source import Origin, read_module, resolve

Key = tuple[str, str]
"""A module and a name in it; code of a template has no module, and its number."""
USUAL = {
    "torch": "import torch",
    "nn": "from torch import nn",
    "Tensor": "from torch import Tensor",
    "functional": "from torch.nn import functional",
    "math": "import math",
    "np": "import numpy as np",
    "Path": "from pathlib import Path",
}
"""What code of a template imports by these names."""


@dataclass(eq=False)
class Part:
    """A piece of code. Names in it are those of its module; a template brings what its names stand for."""

    module: str
    text: str
    uses: dict[str, Any] = field(default_factory=dict)
    owner: object = None
    """The settings whose method it is."""
    values: dict[str, object] = field(default_factory=dict)
    """Arguments that are the same in every call."""

    def origin(self, name: str) -> Origin | None:
        """What a name in it means."""
        if self.module:
            return resolve(self.module, name)
        if name in self.uses:
            return Origin(self.uses[name].__module__, self.uses[name].__qualname__)
        return Origin("", name, USUAL[name]) if name in USUAL else None


class LiftedParts(dict[Key, list[Part]]):
    """All pieces of a script by what they define, each behind those that it uses."""

    def __init__(self, facts: Facts, known: dict[Key, object]) -> None:
        super().__init__()
        self.facts = facts
        self.known = known

    @property
    def all(self) -> Iterator[Part]:
        """Every piece."""
        return (part for parts in self.values() for part in parts)

    def cut(self, part: Part) -> None:
        """Takes out of a piece what the run does not need."""
        part.text = reduced(part.text, self.context(part))

    def context(self, part: Part) -> Facts:
        """What is known in a piece."""
        values = {**part.values, **({"self": part.owner} if part.owner else {})}
        if part.module:
            table = functools.partial(_table, part.module)
            return dataclasses.replace(self.facts, values=values, scope=vars(import_module(part.module)), table=table)
        makers: dict[str, Callable[..., object]] = {}
        for name, thing in part.uses.items():
            if (setting := self.known.get((thing.__module__, thing.__qualname__))) is not None:
                makers[name] = functools.partial(_same, setting)
            elif isinstance(thing, type) and dataclasses.is_dataclass(thing):
                makers[name] = thing
        return dataclasses.replace(self.facts, values=values, makers=makers)

    def canonical(self, origin: Origin | None) -> Key | None:
        """The key of a definition, or None; of a setting's base or union the key of the setting that the run has."""
        if origin is None or origin.line or not origin.name:
            return None
        key = origin.module, origin.name
        kind = type(self.known[key]) if key in self.known else None
        return (kind.__module__, kind.__qualname__) if kind is not None else key

    def meant(self, part: Part, node: ast.expr) -> Key | None:
        """The definition that an expression names."""
        match node:
            case ast.Name(id=name):
                return self.canonical(part.origin(name))
            case ast.Attribute(value=ast.Name(id=module), attr=name) if module in read(part.text).names:
                outer = part.origin(module)
                return (
                    self.canonical(resolve(outer.module, name)) if outer and not outer.line and not outer.name else None
                )
        return None

    def needed(self, part: Part) -> list[Key]:
        """What a piece uses, in the order in which it does."""
        reading = read(part.text)
        nodes = [node for node in ast.walk(reading.tree) if isinstance(node, (ast.Name, ast.Attribute))]
        nodes = [node for node in nodes if isinstance(node, ast.Attribute) or node.id in reading.names]
        nodes.sort(key=lambda node: (node.lineno, node.col_offset))
        return list(dict.fromkeys(key for node in nodes if (key := self.meant(part, node)) is not None))

    def calls(self, part: Part, key: Key) -> list[ast.Call]:
        """Where a piece calls a function."""
        return [call for call in read(part.text).called if self.meant(part, call.func) == key]


def _table(module: str, name: str) -> tuple[ast.expr, str] | None:
    source = read_module(module)
    match source.definitions.get(name):
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return value, source.text
    return None


def _same(value: object) -> object:
    return value
