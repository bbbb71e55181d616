"""What a text of Python uses."""

from __future__ import annotations

import ast
import functools
import re
import symtable
from dataclasses import dataclass


@dataclass(frozen=True)
class UsedNames:
    """Names that a text does not define itself, attributes, what it calls, and names that stand for themselves."""

    tree: ast.Module
    names: frozenset[str]
    attributes: frozenset[str]
    called: tuple[ast.Call, ...]
    values: tuple[ast.Name | ast.Attribute, ...]

    @property
    def function(self) -> ast.FunctionDef | None:
        """The function that the text is, if it is one."""
        match self.tree.body:
            case [ast.FunctionDef() as function]:
                return function
        return None

    @property
    def is_class(self) -> bool:
        """Whether the text is a class."""
        return len(self.tree.body) == 1 and isinstance(self.tree.body[0], ast.ClassDef)


@functools.lru_cache(maxsize=4096)
def read(text: str) -> UsedNames:
    """What a text uses."""
    tree, table = ast.parse(text), symtable.symtable(text, "script", "exec")
    own = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() and not symbol.is_namespace()}
    tables, names = [table], set[str]()
    while tables:
        inner = tables.pop()
        tables += inner.get_children()
        for symbol in inner.get_symbols():
            outside = symbol.is_global() or (inner is table and not symbol.is_assigned())
            names |= {symbol.get_name()} if symbol.is_referenced() and outside else set()
    nodes = list(ast.walk(tree))
    called = tuple(node for node in nodes if isinstance(node, ast.Call))
    functions = {id(call.func) for call in called}
    values = tuple(node for node in nodes if isinstance(node, (ast.Name, ast.Attribute)) and id(node) not in functions)
    attributes = frozenset(node.attr for node in nodes if isinstance(node, ast.Attribute))
    return UsedNames(tree, frozenset(names - own), attributes, called, values)


def defined(text: str) -> set[str]:
    """Names that a text defines."""
    return {
        symbol.get_name() for symbol in symtable.symtable(text, "script", "exec").get_symbols() if symbol.is_assigned()
    }


def does_nothing(function: ast.FunctionDef) -> bool:
    """Whether a function has no statement but its description."""
    described = ast.get_docstring(function, clean=False) is not None
    return all(isinstance(statement, ast.Pass) for statement in function.body[described:])


def is_line(text: str) -> bool:
    """Whether code is a value with a name, on one line."""
    return re.fullmatch(r"\w+(: [^=\n]+)? = .*", text) is not None


def plain(text: str) -> str:
    """Code without what its descriptions and comments say to the program's own tools and of its own errors."""
    text = re.sub(r"\s+Raises [^.\"]*\.", "", text)
    text = re.sub(r":\w+:`~?([^`]+)`", r"``\1``", text)
    return re.sub(r"  # (type: ignore|noqa).*", "", text)
