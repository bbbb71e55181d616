"""Lifts code out of the program's own modules: what a script names, and all that this needs in turn, in the order of its use."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from textwrap import dedent, indent
from typing import Any

from workbench.engine.export.lifting.edits import Edits, first_line
from workbench.engine.export.lifting.folding import Facts
from workbench.engine.export.lifting.narrowing import narrow
from workbench.engine.export.lifting.part import USUAL, Key, LiftedParts, Part
from workbench.engine.export.lifting.reading import defined, is_line, plain, read
from workbench.engine.export.lifting.source import ROOT, read_module

_BY_NAME = ("forward", "train", "lr_factors")
"""Methods that are called by their names: by PyTorch, and where parameters are put into groups."""


_STATE = ("state_dict", "load_state_dict")
"""Methods that only checkpoints call: what a script calls by these names is PyTorch's."""


@dataclasses.dataclass(frozen=True)
class Piece:
    """A section of a script: its own code, what this uses of the program, and how that is lifted."""

    code: str
    imports: tuple[str, ...] = ()
    uses: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Functions and classes of the program, by the names that the code has for them."""
    results: dict[Callable[..., Any], str] = dataclasses.field(default_factory=dict)
    """What functions return in the script instead of what they return in the program."""
    swaps: dict[str, str] = dataclasses.field(default_factory=dict)
    """Expressions, as ``ast.unparse`` writes them, that the script has others for."""
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    """Code for settings, such as ``Digits.path``, where it is not their value."""


class Script:
    """Pieces of a script, and what they need of the program."""

    def __init__(self, known: Iterable[object], pieces: list[tuple[str, Piece]]) -> None:
        """``known``: settings of the run and other values whose classes become plain ones. ``pieces``: each with its section."""
        values: dict[Key, object] = {}
        for value in known:
            bases = [base for base in type(value).__mro__ if base.__module__.partition(".")[0] == ROOT]
            values |= {(base.__module__, base.__qualname__): value for base in bases}
            values |= dict.fromkeys(_unions(type(value)), value)
        swaps = {old: new for _, piece in pieces for old, new in piece.swaps.items()}
        results = {thing: text for _, piece in pieces for thing, text in piece.results.items()}
        self._results = {(thing.__module__, thing.__qualname__): text for thing, text in results.items()}
        self._fields = {name: text for _, piece in pieces for name, text in piece.fields.items()}
        self._templates = [(section, Part("", piece.code, piece.uses)) for section, piece in pieces if piece.code]
        self._lifted = LiftedParts(Facts({name: value for (_, name), value in values.items()}, swaps=swaps), values)
        self._used: set[str] = set()
        self.imports = {line for _, piece in pieces for line in piece.imports}

    def sections(self) -> dict[str, str]:
        """The code of every section. Raises RefusedError."""
        order = self._order()
        while not (used := self._attributes()) <= self._used:
            self._used |= used
            self._lifted = self._forget_classes()
            order = self._order()
        while narrow(self._lifted):
            order = self._order()
        gone = self._lifted.facts.swaps.keys() - self._lifted.facts.swapped
        if gone:
            raise LookupError(f"the source no longer holds {', '.join(gone)}")
        self._used = self._attributes()
        self._prune()
        order = self._order()
        names = self._names()
        code: dict[str, str] = {}
        for key, section in order.items():
            text = "\n\n".join(self._written(part, names) for part in self._lifted[key]).rstrip()
            before = code.get(section, "")
            gap = "\n" if is_line(text) and is_line(before.rpartition("\n")[2]) else "\n\n\n"
            code[section] = f"{before}{gap}{text}" if before else text
        return code

    # --- what is needed ---

    def _order(self) -> dict[Key, str]:
        """The section of everything that is needed, each behind what it uses; what is needed no more goes."""
        order: dict[Key, str] = {}
        for number, (section, part) in enumerate(self._templates):
            self._lifted["", str(number)] = [part]
            self._visit(("", str(number)), section, order, set())
        ordered = LiftedParts(self._lifted.facts, self._lifted.known)
        ordered.update({key: self._lifted[key] for key in order})
        self._lifted = ordered
        return order

    def _visit(self, key: Key, section: str, order: dict[Key, str], opened: set[Key]) -> None:
        if key in order or key in opened:
            return
        opened.add(key)
        if key not in self._lifted:
            self._lifted[key] = list(self._lift(key))
        for part in self._lifted[key]:
            for needed in self._lifted.needed(part):
                self._visit(needed, section, order, opened)
        order[key] = section

    def _attributes(self) -> set[str]:
        return set().union(*(read(part.text).attributes for part in self._lifted.all))

    def _lift(self, key: Key) -> Iterator[Part]:
        """A definition of the program, cut down to what the run needs."""
        if key in self._lifted.known:
            yield from self._settings(self._lifted.known[key])
            return
        part = Part(key[0], read_module(key[0]).code(key[1]))
        if read(part.text).is_class:
            part.text = self._pruned(part.text)
        if key in self._results:
            part.text = _with_result(part.text, self._results[key])
        self._lifted.cut(part)
        yield part

    def _settings(self, value: object) -> Iterator[Part]:
        """A class of settings as a plain one, with those settings and methods that are used."""
        yield self._head(value)
        seen: set[str] = set()
        for base in type(value).__mro__:
            text = (
                read_module(base.__module__).code(base.__qualname__)
                if base.__module__.partition(".")[0] == ROOT
                else ""
            )
            for method in ast.walk(ast.parse(text)):
                if isinstance(method, ast.FunctionDef) and method.name in self._used - seen:
                    seen.add(method.name)
                    lines = text.split("\n")[first_line(method) - 1 : method.end_lineno]
                    part = Part(base.__module__, dedent("\n".join(lines)), owner=value)
                    self._lifted.cut(part)
                    yield part

    def _head(self, value: object) -> Part:
        """The first lines of a class of settings: what it is, and its values."""
        kind = type(value)
        fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
        names = [one.name for one in fields] or list(getattr(kind, "model_fields"))  # noqa: B009 - of a pydantic model
        given = {name: repr(getattr(value, name)) for name in names}
        for setting, text in self._fields.items():
            owner, _, name = setting.partition(".")
            given |= {name: text} if owner == kind.__name__ else {}
        about = dedent(f"    {(kind.__doc__ or '').strip()}").split("\n\n")[0].strip()
        lines = [f"    {name} = {text}" for name, text in given.items() if name in self._used]
        return Part(kind.__module__, "\n".join([f"class {kind.__name__}:", f'    """{about}"""', "", *lines]).rstrip())

    # --- what of classes is used ---

    def _forget_classes(self) -> LiftedParts:
        """What is lifted without classes, whose methods are chosen anew when others are used."""
        others = LiftedParts(self._lifted.facts, self._lifted.known)
        others.update(
            {key: parts for key, parts in self._lifted.items() if not (key[0] and read(parts[0].text).is_class)}
        )
        return others

    def _prune(self) -> None:
        """Takes out of classes what has become of no use since they were lifted."""
        for key, (first, *methods) in self._lifted.items():
            if key in self._lifted.known:
                used = [
                    part for part in methods if (function := read(part.text).function) and self._is_used(function.name)
                ]
                self._lifted[key] = [self._head(self._lifted.known[key]), *used]
            elif key[0] and read(first.text).is_class:
                first.text = self._pruned(first.text)

    def _pruned(self, text: str) -> str:
        """A class without the methods that nobody calls."""
        edits = Edits(text)
        for method in ast.walk(read(text).tree.body[0]):
            if isinstance(method, ast.FunctionDef) and method.col_offset == 4 and not self._is_used(method.name):
                edits.drop(method)
        return edits.made()

    def _is_used(self, name: str) -> bool:
        if name in _STATE:
            return False
        return name in self._used or name in _BY_NAME or (name.startswith("__") and name.endswith("__"))

    # --- names ---

    def _names(self) -> dict[Key, str]:
        """A name for each definition: its own, or with its module's where that is taken."""
        taken = {name for _, part in self._templates for name in defined(part.text)} | {*USUAL, "build", "load"}
        names: dict[Key, str] = {}
        for module, name in (key for key in self._lifted if key[0]):
            last = module.rpartition(".")[2]
            other = f"{name}{last.title().replace('_', '')}" if name[0].isupper() else f"{name}_{last}"
            names[module, name] = other if name in taken else name
            taken.add(names[module, name])
        return names

    def _written(self, part: Part, names: dict[Key, str]) -> str:
        """The code with everything called as in the script; notes what it imports."""
        edits, reading = Edits(part.text), read(part.text)
        origins = [part.origin(name) for name in reading.names]
        self.imports.update(origin.line for origin in origins if origin and origin.line)
        for node in ast.walk(reading.tree):
            if (
                isinstance(node, (ast.FunctionDef, ast.ClassDef))
                and node in reading.tree.body
                and not part.owner
                and part.module
            ):
                edits.rename(node, names[part.module, node.name])
            elif isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and node.id in reading.names):
                key = self._lifted.meant(part, node)
                if key is not None:
                    edits.replace(node, names[key])
        text = plain(edits.made()) if part.module else edits.made()
        return indent(text, "    ") if part.owner else text


def _with_result(text: str, result: str) -> str:
    """A function that returns four tensors instead of a source of samples; something else where ``result`` says what."""
    edits, function = Edits(text), read(text).function
    assert function is not None
    if result:
        edits.replace(function.body[-1], f"return {result}")
    if isinstance(function.returns, ast.Name) and function.returns.id == "Source":
        edits.replace(function.returns, "tuple[Tensor, Tensor, Tensor, Tensor]")
    return edits.made()


def _unions(kind: type) -> Iterator[Key]:
    """The unions of settings that a class belongs to."""
    for module in (kind.__module__, kind.__module__.rpartition(".")[0]):
        for name, statement in read_module(module).definitions.items():
            value = statement.value if isinstance(statement, ast.Assign) else None
            members = ast.walk(value) if isinstance(value, ast.Subscript) else ()
            if kind.__name__ in {node.id for node in members if isinstance(node, ast.Name)}:
                yield module, name
