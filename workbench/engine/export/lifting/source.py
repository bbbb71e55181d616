"""The program's own modules as text.

They are read as data of their packages, from a folder, a zip file or a frozen program alike. A frozen build has to be told to
take the ``.py`` files along as data (PyInstaller: ``collect_data_files("workbench", include_py_files=True)``).
"""

from __future__ import annotations

import ast
import functools
import pkgutil
import sys
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise

from workbench.engine.export.lifting.layout import parse, write
from workbench.engine.runtime.failures import RefusedError

ROOT = "workbench"


@dataclass(frozen=True)
class Module:
    """The statements that define a module's names, and where the names that it imports come from."""

    definitions: dict[str, ast.stmt]
    imports: dict[str, tuple[str, str]]
    """By name: a module and a name in it, which is empty where the module itself is meant."""

    def code(self, name: str) -> str:
        """The statement that defines a name, with its decorators, and the text that describes a constant below it."""
        return write([self.definitions[name]]).rstrip("\n")


@functools.cache
def read_module(name: str) -> Module:
    """A module of this program. Raises RefusedError where an installation has no sources."""
    path = getattr(sys.modules.get(name) or import_module(name), "__path__", None)
    package, _, file = (name, "", "__init__") if path is not None else name.rpartition(".")
    try:
        # Whatever loaded the package knows where its data is, be that a folder, a zip file or a frozen program.
        data = pkgutil.get_data(package, f"{file}.py")
    except OSError:
        data = None
    if data is None:
        what = f"this installation lacks the source of {name}, which a script is made of"
        raise RefusedError(what, "install the program from its wheel, or choose another format", "--format")
    tree = parse(data.decode("utf-8").replace("\r\n", "\n"))
    definitions: dict[str, ast.stmt] = {}
    imports: dict[str, tuple[str, str]] = {}
    # What only a type checker sees is seen too.
    checked = [inner for statement in tree.body if isinstance(statement, ast.If) for inner in statement.body]
    for statement, below in pairwise([*tree.body, *checked, ast.Pass()]):
        match statement:
            case ast.FunctionDef() | ast.ClassDef():
                definitions[statement.name] = statement
            case ast.Assign(targets=[target]):
                definitions |= {part.id: statement for part in ast.walk(target) if isinstance(part, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=given), value=ast.expr()):
                definitions[given] = statement
            case ast.Import():
                imports |= {alias.asname or alias.name: (alias.name, "") for alias in statement.names}
            case ast.ImportFrom(module=str(origin)):
                imports |= {alias.asname or alias.name: (origin, alias.name) for alias in statement.names}
        match below:
            case ast.Expr(value=ast.Constant(value=str(text))):
                vars(statement)["above"] = [f"# {line.strip()}" for line in text.split("\n") if line.strip()]
            case _:
                vars(statement)["above"] = []
    return Module(definitions, imports)


@dataclass(frozen=True)
class Origin:
    """Where a name comes from: a definition in a module of this program, or an import line."""

    module: str
    name: str
    line: str = ""


def resolve(module: str, name: str) -> Origin | None:
    """What a name means in a module; None for one of Python's own. A module of this program has an empty name."""
    known = read_module(module)
    if name in known.definitions:
        return Origin(module, name)
    if name not in known.imports:
        return None
    origin, attribute = known.imports[name]
    if origin.partition(".")[0] != ROOT:
        line = f"from {origin} import {attribute}" if attribute else f"import {origin}"
        return Origin(origin, attribute, line + (f" as {name}" if name != (attribute or origin) else ""))
    if attribute:
        package = read_module(origin)
        if attribute in package.definitions or package.imports.get(attribute, ("", ""))[0] not in ("", origin):
            return resolve(origin, attribute)
    return Origin(f"{origin}.{attribute}" if attribute else origin, "")
