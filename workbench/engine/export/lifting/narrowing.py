"""Cuts functions down by how they are called: arguments that are always the same, arguments that nobody reads, empty functions."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterable, Iterator

from workbench.engine.export.lifting.cleaning import drop_arguments
from workbench.engine.export.lifting.edits import Edits
from workbench.engine.export.lifting.folding import UNKNOWN, Folding, KnownCall
from workbench.engine.export.lifting.part import Key, LiftedParts, Part
from workbench.engine.export.lifting.reading import does_nothing, read


def narrow(parts: LiftedParts) -> bool:
    """One step of it over everything that a script needs. False where nothing is left to do."""
    return _silence(parts) or _propagate(parts) or _inline(parts) or _drop_unread(parts)


def _functions(parts: LiftedParts) -> Iterator[tuple[Key, Part, ast.FunctionDef]]:
    """The program's own functions that are only ever called."""
    for key, (part, *_) in parts.items():
        function = read(part.text).function if key[0] else None
        if (
            function is not None
            and not function.args.vararg
            and not any(_as_value(user, key, parts) for user in parts.all)
        ):
            yield key, part, function


def _as_value(part: Part, key: Key, parts: LiftedParts) -> bool:
    """Whether a function is used otherwise than by a call."""
    ends = {key[1], *part.uses}
    values = (
        node for node in read(part.text).values if (node.attr if isinstance(node, ast.Attribute) else node.id) in ends
    )
    return any(parts.meant(part, node) == key for node in values)


def _silence(parts: LiftedParts) -> bool:
    """Leaves out calls of functions that only refused."""
    empty = {key[1] for key, _, function in _functions(parts) if does_nothing(function)}
    if empty <= parts.facts.silent:
        return False
    parts.facts = dataclasses.replace(parts.facts, silent=parts.facts.silent | empty)
    _cut(parts, parts.all)
    return True


def _cut(parts: LiftedParts, changed: Iterable[Part]) -> None:
    for part in changed:
        if part.module and read(part.text).function is not None:
            parts.cut(part)


def _propagate(parts: LiftedParts) -> bool:
    """Takes arguments that are the same in every call for known."""
    calls: dict[Key, list[KnownCall]] = {}
    for part in parts.all:
        for call in Folding(part.text, parts.context(part)).calls:
            key = parts.meant(part, call.function)
            if key is not None:
                calls.setdefault(key, []).append(call)
    changed = False
    for key, part, function in _functions(parts):
        rows = [_arguments(function, call) for call in calls.get(key, []) if call.whole]
        if not rows or len(rows) < len(calls[key]):
            continue
        same = {
            name: value for name, value in rows[0].items() if all(_equal(row.get(name, UNKNOWN), value) for row in rows)
        }
        if same.keys() - part.values.keys():
            part.values = {**same, **part.values}
            before = part.text
            parts.cut(part)
            changed = changed or part.text != before
    return changed


def _equal(first: object, second: object) -> bool:
    """Whether two known arguments are the same; large things are only when they are one."""
    plain_value = isinstance(first, (str, int, float, tuple, type(None))) and type(first) is type(second)
    return first is second or (plain_value and first == second)


def _arguments(function: ast.FunctionDef, call: KnownCall) -> dict[str, object]:
    """The known arguments of a call by their names, with what they are by default."""
    names = [argument.arg for argument in function.args.args]
    given = {names[int(name)] if name.isdigit() else name: value for name, value in call.known.items()}
    required = len(names) - len(function.args.defaults)
    for name, default in zip(names[required:], function.args.defaults, strict=True):
        if isinstance(default, ast.Constant) and names.index(name) >= call.placed and name not in call.names:
            given[name] = default.value
    return given


def _inline(parts: LiftedParts) -> bool:
    """Puts a function's argument, or the plain value that it gives, into the place of its call."""
    for key, part, function in _functions(parts):
        names = [argument.arg for argument in function.args.args]
        match function.body[-1]:
            case ast.Return(value=ast.expr() as value) if (
                len(function.body) - (ast.get_docstring(function) is not None) == 1
            ):
                pass
            case _:
                continue
        given = value.id if isinstance(value, ast.Name) and value.id in names else ""
        named = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
        if not given and (names or named - {"functional", "torch", "nn"}):
            continue
        code = Edits(part.text).code(value)
        changed = []
        for user in parts.all:
            edits = Edits(user.text)
            for call in parts.calls(user, key):
                argument = next((keyword.value for keyword in call.keywords if keyword.arg == given), None)
                argument = argument or (call.args[names.index(given)] if given else None)
                edits.replace(call, edits.code(argument) if argument else code)
            if edits.made() != user.text:
                user.text = edits.made()
                changed.append(user)
        if changed:
            _cut(parts, changed)
            return True
    return False


def _drop_unread(parts: LiftedParts) -> bool:
    """Takes arguments out of functions that do not read them, and out of the calls."""
    for key, part, function in _functions(parts):
        names = [argument.arg for argument in function.args.args]
        used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        unread = [index for index, name in enumerate(names) if name not in used]
        if not unread:
            continue
        changed = []
        for user in parts.all:
            edits = Edits(user.text)
            if user is part:
                drop_arguments(edits, function, unread)
            for call in parts.calls(user, key):
                gone: list[ast.expr | ast.keyword] = [given for index, given in enumerate(call.args) if index in unread]
                gone += [given for given in call.keywords if given.arg in names and names.index(given.arg) in unread]
                for given in gone:
                    edits.drop_item(given)
            if edits.made() != user.text:
                user.text = edits.made()
                changed.append(user)
        _cut(parts, changed)
        return True
    return False
