"""Lifts code out of the program's own modules: what a script names, and all that this needs in turn, in the order of its use."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from importlib import import_module
from inspect import cleandoc
from typing import Any

from workbench.engine.export.lifting.folding import Facts, reduce
from workbench.engine.export.lifting.layout import parse, write
from workbench.engine.export.lifting.narrowing import Key, Part, meant, narrow
from workbench.engine.export.lifting.source import ROOT, Origin, read_module, resolve

_BY_NAME = ("forward", "train", "lr_factors")
"""Methods that are called by their names: by PyTorch, and where parameters are put into groups."""
_STATE = ("state_dict", "load_state_dict")
"""Methods that only checkpoints call: what a script calls by these names is PyTorch's."""


@dataclass(frozen=True)
class Piece:
    """A section of a script: its own code, or what it uses of the program without any, and how that is lifted."""

    code: str = ""
    uses: dict[str, Any] = field(default_factory=dict)
    """Functions and classes of the program, by the names that the code has for them."""
    results: dict[Callable[..., Any], str] = field(default_factory=dict)
    """What functions return in the script instead of what they return in the program."""
    swaps: dict[str, str] = field(default_factory=dict)
    """Expressions, as ``ast.unparse`` writes them, that the script has others for."""


@dataclass(frozen=True)
class Given:
    """What the names stand for that a module declares without a value."""

    module: str = ""
    values: dict[str, Any] = field(default_factory=dict)


class Script:
    """Pieces of a script, and what they need of the program."""

    def __init__(self, known: Iterable[object], pieces: list[tuple[str, Piece]], given: Given | None = None) -> None:
        """``known``: settings of the run and other values whose classes become plain ones. ``pieces``: each with its section."""
        self._known: dict[Key, object] = {}
        for value in known:
            bases = [base for base in type(value).__mro__ if base.__module__.partition(".")[0] == ROOT]
            self._known |= dict.fromkeys([*map(_key, bases), *_unions(type(value))], value)
        self._given = given or Given()
        self._results = {_key(thing): text for _, piece in pieces for thing, text in piece.results.items()}
        swaps = {old: new for _, piece in pieces for old, new in piece.swaps.items()}
        self._facts = Facts({name: value for (_, name), value in self._known.items()}, swaps=swaps)
        self._parts: dict[Key, Part] = {}
        self._roots: dict[Key, str] = {}
        for number, (section, piece) in enumerate(pieces):
            if piece.code:
                self._parts["", str(number)] = self._made("", piece.code, piece.uses)
            self._roots |= dict.fromkeys([("", str(number))] if piece.code else map(_key, piece.uses.values()), section)
        self.imports = set[str]()

    def sections(self) -> dict[str, str]:
        """The code of every section. Raises RefusedError."""
        order, before = self._reach(), ""
        while before != (before := "".join(ast.dump(part.tree) for part in self._parts.values())):
            silent = narrow(self._parts, self._roots.keys())
            self._facts = replace(self._facts, silent=self._facts.silent | silent)
            for part in self._parts.values():
                self._cut(part)
            order = self._reach()
        gone = self._facts.swaps.keys() - self._facts.swapped
        if gone:
            raise LookupError(f"the source no longer holds {', '.join(gone)}")
        naming = _Naming(self._names(), self.imports)
        code: dict[str, str] = {}
        for key, section in order.items():
            text, before = naming.written(key, self._parts[key]), code.get(section, "")
            gap = "\n" if _is_line(text) and _is_line(before.rpartition("\n")[2]) else "\n\n\n"
            code[section] = f"{before}{gap}{text}" if before else text
        return code

    # --- what is needed ---

    def _reach(self) -> dict[Key, str]:
        """The section of everything that is needed, each behind what it uses; what is needed no more goes."""
        used, count = set[str](), -1
        order: dict[Key, str] = {}
        while count < len(used):
            count, order = len(used), {}
            for key, section in self._roots.items():
                self._visit(key, section, order, set(), used)
        self._parts = {key: self._parts[key] for key in order}
        for part in self._parts.values():
            for node in part.tree.body:
                if isinstance(node, ast.ClassDef):
                    node.body = _live(node, used)
                    if ast.get_docstring(node) and node.body[1:]:
                        vars(node.body[1]).setdefault("above", [""])[:1] = [""]
        return order

    def _visit(self, key: Key, section: str, order: dict[Key, str], opened: set[Key], used: set[str]) -> None:
        if key in opened:
            return
        opened.add(key)
        if key not in self._parts:
            self._parts[key] = self._lift(key)
        for node in _nodes(self._parts[key].tree, used):
            used.update([node.attr] if isinstance(node, ast.Attribute) else [])
            if (needed := meant(node)) is not None and needed not in order:
                self._visit(needed, section, order, opened, used)
        order.setdefault(key, section)

    def _lift(self, key: Key) -> Part:
        """A definition of the program, cut down to what the run needs."""
        if key in self._known:
            return self._settings(self._known[key])
        text = read_module(key[0]).code(key[1])
        return self._made(key[0], _with_result(text, self._results[key]) if key in self._results else text)

    def _settings(self, value: object) -> Part:
        """A class of settings as a plain one, with its values and its own methods."""
        kind: Any = type(value)
        names = [one.name for one in fields(value)] if is_dataclass(value) else getattr(kind, "model_fields", ())
        lines = [f"{name} = {getattr(value, name)!r}" for name in names]
        about = cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", "\n    ")
        head = "\n    ".join([f"class {kind.__name__}:", f'"""{about}"""', *lines])
        part = self._made(kind.__module__, head, owner=value)
        methods: dict[str, ast.stmt] = {}
        for base in kind.__mro__:
            if base.__module__.partition(".")[0] == ROOT:
                code = read_module(base.__module__).code(base.__qualname__)
                own = _rows(self._made(base.__module__, code, owner=value))
                methods = {inner.name: inner for inner in own if isinstance(inner, ast.FunctionDef)} | methods
        _rows(part).extend(methods.values())
        return part

    # --- what names mean ---

    def _made(self, module: str, text: str, uses: dict[str, Any] | None = None, owner: object = None) -> Part:
        """A piece of a module, whose names know what they mean, cut down to what the run needs."""
        part = Part(module, parse(text), uses or {}, {"self": owner} if owner is not None else {})
        self._link(part, part.tree, _free(symtable.symtable(text, "script", "exec")))
        self._cut(part)
        return part

    def _cut(self, part: Part) -> None:
        """Takes out of a piece what the run does not need."""
        facts = replace(self._facts, values=part.values, link=lambda new: self._link(part, new))
        if part.module:
            facts = replace(facts, scope=vars(import_module(part.module)))
        if part.module and part.module == self._given.module:
            given = self._given.values
            facts = replace(facts, values=part.values | given, given=frozenset(given))
        reduce(part.tree, facts)

    def _link(self, part: Part, tree: ast.AST, names: set[str] | None = None) -> None:
        """Notes at names in a tree what they mean: a definition of the program, or an import. ``names``: those that are free."""
        for node in ast.walk(tree):
            origin = None
            match node:
                case ast.Name(id=name) if names is None or name in names:
                    origin = self._origin(part, name)
                case ast.Attribute(value=ast.Name(id=outer), attr=name) if names is None or outer in names:
                    module = self._origin(part, outer)
                    if module is not None and not module.line and not module.name:
                        origin = resolve(module.module, name)
            if origin is not None:
                key = origin.module, origin.name
                # Of a setting's base or union the setting that the run has is meant.
                key = _key(type(self._known[key])) if key in self._known else key
                vars(node).update(meant=key if origin.name and not origin.line else None, line=origin.line)

    def _origin(self, part: Part, name: str) -> Origin | None:
        if name in part.uses:
            return Origin(*_key(part.uses[name]))
        origin = resolve(part.module, name) if part.module else None
        return resolve(self._given.module, name) if origin is None and self._given.module else origin

    def _names(self) -> dict[Key, str]:
        """A name for each definition: its own, or with its module's where that is taken."""
        own = {key: key[1] for key in self._parts if key[0] == self._given.module}
        brought = (node for key, part in self._parts.items() if not key[0] for node in part.tree.body)
        taken = {"build", "load", *own.values(), *(getattr(node, "name", "") for node in brought)}
        for module, name in (key for key in self._parts if key[0] and key not in own):
            last = module.rpartition(".")[2]
            other = f"{name}{last.title().replace('_', '')}" if name[0].isupper() else f"{name}_{last}"
            own[module, name] = other if name in taken else name
            taken.add(own[module, name])
        return own


class _Naming(ast.NodeTransformer):
    """Calls everything as in the script, and collects what is imported."""

    def __init__(self, names: dict[Key, str], imports: set[str]) -> None:
        self._names, self._imports = names, imports

    def written(self, key: Key, part: Part) -> str:
        """The code of a piece, without what its descriptions and comments say to the program's own tools and of its own errors."""
        for node in part.tree.body:
            if key in self._names and isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                node.name = self._names[key]
        text = write(self.visit(part.tree).body).strip("\n")
        text = re.sub(r"\s+Raises [^.\"]*\.", "", text)
        text = re.sub(r":\w+:`~?([^`]+)`", r"``\1``", text)
        return re.sub(r"  # (type: ignore|noqa).*", "", text)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """What is meant, by its name in the script."""
        self._imports.update(filter(None, [getattr(node, "line", "")]))
        key = meant(node)
        return node if key is None else ast.Name(self._names[key], node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """What is meant in another module, by its name in the script."""
        key = meant(node)
        return self.generic_visit(node) if key is None else ast.Name(self._names[key], node.ctx)


def _rows(part: Part) -> list[ast.stmt]:
    (node,) = part.tree.body
    return node.body if isinstance(node, (ast.ClassDef, ast.FunctionDef)) else []


def _live(node: ast.ClassDef, used: set[str]) -> list[ast.stmt]:
    """What of a class is used: of its methods those that are called, of values with names those that are read."""
    live: list[ast.stmt] = []
    for inner in node.body:
        match inner:
            case ast.FunctionDef(name=name):
                special = name in _BY_NAME or (name.startswith("__") and name.endswith("__"))
                live += [inner] if (name in used or special) and name not in _STATE else []
            case ast.Assign(targets=[ast.Name(id=name)]) if name not in used:
                pass
            case _:
                live.append(inner)
    return live


def _nodes(node: ast.AST, used: set[str]) -> Iterator[ast.AST]:
    """The nodes of a tree in their order, without those of a class that are not used."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(node, ast.ClassDef) or child not in node.body or child in _live(node, used):
            yield from _nodes(child, used)


def _free(table: symtable.SymbolTable) -> set[str]:
    """Names that a text does not define itself."""
    names = {name for inner in table.get_children() for name in _free(inner)}
    for symbol in table.get_symbols():
        outside = symbol.is_global() or (table.get_type() == "module" and not symbol.is_assigned())
        names |= {symbol.get_name()} if symbol.is_referenced() and outside else set()
    return names


def _with_result(text: str, result: str) -> str:
    """A function that returns four tensors instead of a source of samples; something else where ``result`` says what."""
    tree = parse(text)
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    if result:
        function.body[-1:] = parse(f"return {result}").body
    if isinstance(function.returns, ast.Name) and function.returns.id == "Source":
        function.returns = ast.parse("tuple[Tensor, Tensor, Tensor, Tensor]", mode="eval").body
    return write(tree.body)


def _is_line(text: str) -> bool:
    """Whether code is a value with a name, on one line."""
    return re.fullmatch(r"\w+(: [^=\n]+)? = .*", text) is not None


def _key(thing: Any) -> Key:
    return thing.__module__, thing.__qualname__


def _unions(kind: type) -> Iterator[Key]:
    """The unions of settings that a class belongs to."""
    for module in (kind.__module__, kind.__module__.rpartition(".")[0]):
        for name, statement in read_module(module).definitions.items():
            value = statement.value if isinstance(statement, ast.Assign) else None
            members = ast.walk(value) if isinstance(value, ast.Subscript) else ()
            if kind.__name__ in {node.id for node in members if isinstance(node, ast.Name)}:
                yield module, name
