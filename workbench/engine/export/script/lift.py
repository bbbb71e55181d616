"""Lifts code out of the program's own modules: what a script names, and all that this needs in turn, in the order of its use."""

from __future__ import annotations

import ast
import dataclasses
import functools
import re
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from textwrap import dedent, indent
from typing import Any

from workbench.engine.export.script.piece import Piece
from workbench.engine.export.script.reduce import Call, Edits, Facts, Folding, reduced
from workbench.engine.export.script.source import ROOT, Origin, read_module, resolve

Key = tuple[str, str]
"""A module and a name in it; code of a template has an empty module and its own number."""
_KEPT = ("forward", "train", "lr_factors")
"""Methods that are called by their names: by PyTorch, and where parameters are put into groups."""
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


@dataclass
class Part:
    """A piece of code and the module whose names it uses; a template brings what its names stand for."""

    module: str
    text: str
    uses: dict[str, Any] = dataclasses.field(default_factory=dict)
    owner: object = None
    """The settings whose method it is."""
    values: dict[str, object] = dataclasses.field(default_factory=dict)
    """Arguments that are the same in every call."""

    def origin(self, name: str) -> Origin | None:
        """What a name in it means."""
        if self.module:
            return resolve(self.module, name)
        if name in self.uses:
            return Origin(self.uses[name].__module__, self.uses[name].__qualname__)
        return Origin("", name, USUAL[name]) if name in USUAL else None


class Script:
    """Code of templates, and what it needs of the program's own."""

    def __init__(self, known: Iterable[object], pieces: Iterable[Piece]) -> None:
        """``known``: settings of the run and other values whose classes become plain ones."""
        self._known: dict[Key, object] = {}
        for value in known:
            bases = [base for base in type(value).__mro__ if base.__module__.partition(".")[0] == ROOT]
            self._known |= {(base.__module__, base.__qualname__): value for base in bases}
            self._known |= dict.fromkeys(_unions(type(value)), value)
        facts = Facts({name: value for (_, name), value in self._known.items()})
        self._results: dict[Key, str] = {}
        self._fields: dict[str, str] = {}
        for piece in pieces:
            facts = dataclasses.replace(
                facts, swaps={**facts.swaps, **piece.swaps}, silent=facts.silent.union(piece.silent)
            )
            self._results |= {(thing.__module__, thing.__qualname__): text for thing, text in piece.results.items()}
            self._fields |= piece.fields
        self._facts = facts
        self._templates: list[tuple[str, Part]] = []
        self._parts: dict[Key, list[Part]] = {}
        self._attributes: set[str] = set()
        self.imports: set[str] = set()

    def add(self, section: str, piece: Piece) -> None:
        """Adds a template's code to a section."""
        self._templates.append((section, Part("", piece.code, piece.uses)))
        self.imports.update(piece.imports)

    def sections(self) -> dict[str, str]:
        """The code of every section. Raises RefusedError."""
        self._attributes = set().union(*(read(part.text).attributes for _, part in self._templates))
        while True:
            order = self._order()
            used = self._used(order)
            if not used <= self._attributes:
                self._attributes |= used
                self._parts = {key: parts for key, parts in self._parts.items() if key not in self._classes(order)}
            elif not self._silence(order) and not self._propagate(order) and not self._drop_arguments(order):
                break
        self._attributes = used
        self._prune(order)
        order = self._order()
        names = self._names(order)
        code: dict[str, str] = {}
        for key, section in order.items():
            text = "\n\n".join(self._named(part, names) for part in self._parts[key]).rstrip()
            before = code.get(section, "")
            lines = "\n" if _is_line(text) and _is_line(before.rpartition("\n\n")[2]) else "\n\n\n"
            code[section] = f"{before}{lines}{text}" if before else text
        return code

    def _used(self, order: dict[Key, str]) -> set[str]:
        """Names of attributes that the script reads."""
        return set().union(*(read(part.text).attributes for key in order for part in self._parts[key]))

    def _prune(self, order: dict[Key, str]) -> None:
        """Takes out of classes what has become of no use since they were lifted."""
        for key in self._classes(order):
            first, *methods = self._parts[key]
            if key in self._known:
                first = self._settings_head(self._known[key])
                methods = [part for part in methods if self._called(part.text.partition("def ")[2].partition("(")[0])]
            else:
                first.text = self._pruned(first.text)
            self._parts[key] = [first, *methods]

    # --- what is needed ---

    def _order(self) -> dict[Key, str]:
        """Everything needed, what is used before what uses it, with the section that needs it first."""
        order: dict[Key, str] = {}
        for number, (section, part) in enumerate(self._templates):
            self._parts["", str(number)] = [part]
            self._visit(("", str(number)), section, order, set())
        return order

    def _visit(self, key: Key, section: str, order: dict[Key, str], open_: set[Key]) -> None:
        if key in order or key in open_:
            return
        open_.add(key)
        for part in self._code(key):
            for needed in sorted(self._needed(part), key=lambda pair: part.text.find(pair[1])):
                self._visit(needed, section, order, open_)
        order[key] = section

    def _needed(self, part: Part) -> set[Key]:
        origins = [part.origin(name) for name in read(part.text).names]
        found = {self._canonical(origin) for origin in origins if origin and not origin.line and origin.name}
        modules = {
            name: origin.module
            for name in read(part.text).names
            if (origin := part.origin(name)) and not origin.name and not origin.line
        }
        for name, attribute in _members(part.text, modules):
            inner = resolve(modules[name], attribute)
            if inner is not None and not inner.line:
                found.add(self._canonical(inner))
        return found

    def _canonical(self, origin: Origin) -> Key:
        """The key of a definition; of a setting's base the setting that the run has."""
        key = origin.module, origin.name
        if key in self._known:
            kind = type(self._known[key])
            return kind.__module__, kind.__qualname__
        return key

    def _code(self, key: Key) -> list[Part]:
        """The code of a definition, cut down."""
        if key not in self._parts:
            if key in self._known:
                self._parts[key] = list(self._settings(self._known[key]))
            else:
                text = read_module(key[0]).code(key[1])
                if text.startswith(("class", "@dataclass")):
                    text = self._pruned(text)
                self._parts[key] = [Part(key[0], text)]
                self._cut(self._parts[key][0], self._results.get(key, ""))
        return self._parts[key]

    def _cut(self, part: Part, result: str = "") -> None:
        """Takes out of a part what the run does not need."""
        part.text = reduced(part.text, *self._context(part), result)

    def _context(self, part: Part) -> tuple[Facts, dict[str, object]]:
        """What is known in a part, and the names of its module."""
        values = {**part.values, **({"self": part.owner} if part.owner else {})}
        if part.module:
            return dataclasses.replace(self._facts, values=values), vars(import_module(part.module))
        settings = {name: self._known.get((thing.__module__, thing.__qualname__)) for name, thing in part.uses.items()}
        makers = {name: functools.partial(_same, value) for name, value in settings.items() if value is not None}
        return dataclasses.replace(self._facts, values=values, makers=makers), part.uses

    def _classes(self, order: dict[Key, str]) -> set[Key]:
        """Classes of the program, whose methods are chosen anew when others are used."""
        return {key for key in order if key[0] and self._parts[key][0].text.startswith(("class", "@dataclass"))}

    def _pruned(self, text: str) -> str:
        """A class without the methods that nobody calls."""
        edits = Edits(text)
        (tree,) = ast.parse(text).body
        assert isinstance(tree, ast.ClassDef)
        for method in tree.body:
            if isinstance(method, ast.FunctionDef) and not self._called(method.name):
                edits.drop(method)
        return edits.made()

    def _called(self, name: str) -> bool:
        return name in self._attributes or name in _KEPT or (name.startswith("__") and name.endswith("__"))

    def _settings_head(self, value: object) -> Part:
        """A class of settings as a plain one, with those that are used."""
        kind = type(value)
        names = (
            [field.name for field in dataclasses.fields(value)]
            if dataclasses.is_dataclass(value)
            else [*kind.model_fields]
        )
        given = {name: repr(getattr(value, name)) for name in names}
        owners = {field: field.partition(".") for field in self._fields}
        given |= {name: self._fields[field] for field, (owner, _, name) in owners.items() if owner == kind.__name__}
        about = dedent(f"    {(kind.__doc__ or '').strip()}").split("\n\n")[0].strip()
        lines = [f"    {name} = {text}" for name, text in given.items() if name in self._attributes]
        return Part(kind.__module__, "\n".join([f"class {kind.__name__}:", f'    """{about}"""', "", *lines]).rstrip())

    def _settings(self, value: object) -> Iterator[Part]:
        """A class of settings as a plain one, with the methods that are used."""
        yield self._settings_head(value)
        kind = type(value)
        seen: set[str] = set()
        for base in kind.__mro__:
            if base.__module__.partition(".")[0] != ROOT:
                continue
            (tree,) = ast.parse(text := read_module(base.__module__).code(base.__qualname__)).body
            assert isinstance(tree, ast.ClassDef)
            for method in tree.body:
                if isinstance(method, ast.FunctionDef) and method.name in self._attributes and method.name not in seen:
                    seen.add(method.name)
                    lines = text.split("\n")[Edits.first_line(method) - 1 : method.end_lineno]
                    part = Part(base.__module__, dedent("\n".join(lines)), owner=value)
                    self._cut(part)
                    yield part

    # --- arguments that are always the same, or that nobody reads ---

    def _silence(self, order: dict[Key, str]) -> bool:
        """Leaves out calls of functions that only refused. False where there are none."""
        empty = {
            key[1]
            for key in order
            if key[0] and (function := _function(self._parts[key][0].text)) and _does_nothing(function)
        }
        if empty <= self._facts.silent:
            return False
        self._facts = dataclasses.replace(self._facts, silent=self._facts.silent | empty)
        for part in (part for key in order if key[0] for part in self._parts[key] if part.text.startswith("def ")):
            self._cut(part)
        return True

    def _propagate(self, order: dict[Key, str]) -> bool:
        """Cuts functions down by arguments that are known and the same in every call. False where nothing new is known."""
        calls: dict[Key, list[Call]] = {}
        for part in (part for key in order for part in self._parts[key]):
            for call in Folding(part.text, *self._context(part)).calls:
                key = self._means(part, call[0])
                if key is not None:
                    calls.setdefault(key, []).append(call)
        changed = False
        for key, found in calls.items():
            part = self._parts[key][0]
            function = _function(part.text)
            users = [user for name in order for user in self._parts[name]]
            if (
                function is None
                or function.args.vararg
                or not all(call[2] for call in found)
                or any(self._as_value(user, key) for user in users)
            ):
                continue
            rows = [_arguments(function, call) for call in found]
            same = {
                name: value
                for name, value in rows[0].items()
                if all(name in row and _equal(row[name], value) for row in rows)
            }
            new = same.keys() - part.values.keys()
            if new:
                part.values |= {name: same[name] for name in new}
                before = part.text
                self._cut(part)
                changed = changed or part.text != before
        return changed

    def _drop_arguments(self, order: dict[Key, str]) -> bool:
        """Takes arguments out of functions that do not read them, and out of the calls. False where there are none."""
        changed = False
        for key in order:
            function = _function(self._parts[key][0].text) if key[0] else None
            read = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)} if function else set()
            unread = (
                [place for place, argument in enumerate(function.args.args) if argument.arg not in read]
                if function
                else []
            )
            users = [(user, part) for user in order for part in self._parts[user]]
            if not function or not unread or any(self._as_value(part, key) for _, part in users):
                continue
            changed = True
            names = [argument.arg for argument in function.args.args]
            for user, part in users:
                edits = Edits(part.text)
                if user == key:
                    self._drop_from_definition(edits, part, unread)
                for call in self._calls(part, key):
                    for place, given in enumerate(call.args):
                        if place in unread:
                            edits.drop_item(given)
                    for keyword in call.keywords:
                        if keyword.arg in names and names.index(keyword.arg) in unread:
                            edits.drop_item(keyword)
                part.text = edits.made()
                if part.module and part.text.startswith("def "):
                    self._cut(part)
        return changed

    @staticmethod
    def _drop_from_definition(edits: Edits, part: Part, unread: list[int]) -> None:
        function = _function(part.text)
        assert function is not None
        required = len(function.args.args) - len(function.args.defaults)
        for place in unread:
            default = function.args.defaults[place - required] if place >= required else None
            edits.drop_item(function.args.args[place], default)

    def _calls(self, part: Part, key: Key) -> Iterator[ast.Call]:
        return (call for call in read(part.text).calls if self._means(part, call.func) == key)

    def _as_value(self, part: Part, key: Key) -> bool:
        """Whether a function is used otherwise than by a call."""
        return any(
            _end(node) in {key[1], *part.uses} and self._means(part, node) == key for node in read(part.text).values
        )

    def _means(self, part: Part, node: ast.expr) -> Key | None:
        match node:
            case ast.Name(id=name):
                origin = part.origin(name)
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                outer = part.origin(module)
                if outer is None or outer.line or outer.name:
                    return None
                origin = resolve(outer.module, name)
            case _:
                return None
        return self._canonical(origin) if origin is not None and not origin.line and origin.name else None

    # --- names ---

    def _names(self, order: dict[Key, str]) -> dict[Key, str]:
        """A name for each definition: its own, or with its module's where that is taken."""
        taken = {name for _, part in self._templates for name in _defined(part.text)} | {*USUAL, "build", "load"}
        names: dict[Key, str] = {}
        for key in order:
            if not key[0]:
                continue
            name = key[1] if key[1] not in taken else f"{key[1]}_{key[0].rpartition('.')[2]}"
            if name != key[1] and key[1][0].isupper():
                name = key[1] + key[0].rpartition(".")[2].title().replace("_", "")
            taken.add(name)
            names[key] = name
        return names

    def _named(self, part: Part, names: dict[Key, str]) -> str:
        """The code with everything called as in the script; notes what it imports."""
        text, edits = part.text, Edits(part.text)
        globals_ = read(text).names
        for name in globals_:
            origin = part.origin(name)
            if origin is not None and origin.line:
                self.imports.add(origin.line)
        for node in ast.walk(read(text).tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.col_offset == 0 and not part.owner:
                new = names.get((part.module, node.name), node.name)
                if new != node.name:
                    edits.rename(node, new)
            if not isinstance(node, (ast.Name, ast.Attribute)) or (
                isinstance(node, ast.Name) and node.id not in globals_
            ):
                continue
            key = self._means(part, node)
            if key is not None and names[key] != edits.code(node):
                edits.replace(node, names[key])
        text = _plain(edits.made()) if part.module else edits.made()
        return indent(text, "    ") if part.owner else text


def _does_nothing(function: ast.FunctionDef) -> bool:
    return all(
        isinstance(one, ast.Pass) or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for one in function.body
    )


def _plain(text: str) -> str:
    """Code without what its docstrings and comments say to the program's own tools and of its own errors."""
    text = re.sub(r"\s+Raises [^.\"]*\.", "", text)
    text = re.sub(r":\w+:`~?([^`]+)`", r"``\1``", text)
    return re.sub(r"  # (type: ignore|noqa).*", "", text)


def _is_line(text: str) -> bool:
    """Whether code is a value with a name, on one line."""
    return "\n" not in text.strip() and re.match(r"\w+(: [^=]+)? = ", text.strip()) is not None


def _same(value: object) -> object:
    return value


def _equal(first: object, second: object) -> bool:
    """Whether two known arguments are the same; large things are only when they are one."""
    plain = isinstance(first, (str, int, float, tuple, type(None))) and type(first) is type(second)
    return first is second or (plain and first == second)


def _arguments(function: ast.FunctionDef, call: Call) -> dict[str, object]:
    """The known arguments of a call by their names, with what they are by default."""
    names = [argument.arg for argument in function.args.args]
    _, given, _, count = call
    found = {names[int(key)] if key.isdigit() else key: value for key, value in given.items()}
    for name, default in zip(reversed(names), reversed(function.args.defaults), strict=False):
        absent = names.index(name) >= count and name not in {keyword for keyword in given if not keyword.isdigit()}
        if absent and isinstance(default, ast.Constant):
            found[name] = default.value
    return found


def _unions(kind: type) -> Iterator[Key]:
    """The unions of settings that a class belongs to."""
    for module in (kind.__module__, kind.__module__.rpartition(".")[0]):
        for name, statement in read_module(module).definitions.items():
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Subscript):
                if kind.__name__ in {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}:
                    yield module, name


def _function(text: str) -> ast.FunctionDef | None:
    """The function that a text is, if it is one."""
    if not text.startswith("def "):
        return None
    (tree,) = ast.parse(text).body
    return tree if isinstance(tree, ast.FunctionDef) else None


@dataclass(frozen=True)
class Reading:
    """What a text uses: names that it does not define, attributes, calls, and names that stand for themselves."""

    tree: ast.Module
    names: frozenset[str]
    attributes: frozenset[str]
    calls: tuple[ast.Call, ...]
    values: tuple[ast.Name | ast.Attribute, ...]


@functools.lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """What a text uses."""
    tree = ast.parse(text)
    table = symtable.symtable(text, "script", "exec")
    own = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() and not symbol.is_namespace()}
    tables, names = [table], set[str]()
    while tables:
        inner = tables.pop()
        tables += inner.get_children()
        found = (symbol for symbol in inner.get_symbols() if symbol.is_referenced())
        names |= {
            symbol.get_name() for symbol in found if symbol.is_global() or (inner is table and not symbol.is_assigned())
        }
    nodes = list(ast.walk(tree))
    calls = tuple(node for node in nodes if isinstance(node, ast.Call))
    called = {id(call.func) for call in calls}
    values = tuple(node for node in nodes if isinstance(node, (ast.Name, ast.Attribute)) and id(node) not in called)
    attributes = frozenset(node.attr for node in nodes if isinstance(node, ast.Attribute))
    return Reading(tree, frozenset(names - own), attributes, calls, values)


def _end(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _defined(text: str) -> set[str]:
    """Names that a text defines."""
    table = symtable.symtable(text, "script", "exec")
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned()}


def _members(text: str, modules: dict[str, str]) -> Iterator[tuple[str, str]]:
    """What a text uses of modules: the module's name in it, and the name in the module."""
    for node in ast.walk(read(text).tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield node.value.id, node.attr
