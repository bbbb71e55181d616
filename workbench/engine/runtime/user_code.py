"""The user's own Python: run only after trust was given for that content, and only in an engine's process."""

from __future__ import annotations

import hashlib
import inspect
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.engine.runtime.failures import RefusedError
from workbench.runs import trust


def load(path: str, name: str, section: str, suits: Callable[[Any], bool]) -> Any:
    """The object called ``name`` in a Python file; without a name the only one in it that ``suits``.

    Raises RefusedError when the file is not trusted, cannot be run (with its traceback) or has no such object.
    """
    file = Path(path).expanduser()
    try:
        source = file.read_bytes()
    except OSError as error:
        what = f"{file} cannot be read: {error.strerror or error}"
        raise RefusedError(what, "choose a Python file", f"{section}.path") from error
    digest = hashlib.sha256(source).hexdigest()
    if not trust.trusted(digest):
        hint = (
            "read it, then trust it: confirm the question in the window, or pass --trust and the file in the terminal"
        )
        raise RefusedError(f"{file} is Python code that is not trusted yet", hint, f"{section}.path")
    module = _run(file, source, digest)
    own = {key: value for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    if name:
        if name not in vars(module):
            what = f"{file} has no {name!r}"
            raise RefusedError(what, f"choose one of {', '.join(own) or 'none'}", f"{section}.name")
        return vars(module)[name]
    candidates = [value for value in own.values() if suits(value)]
    if len(candidates) != 1:
        names = ", ".join(getattr(value, "__name__", "?") for value in candidates) or "none"
        raise RefusedError(
            f"{file} has {len(candidates)} objects that could be used: {names}", "set the name", f"{section}.name"
        )
    return candidates[0]


def call(function: Callable[..., Any], file: str, section: str, **arguments: Any) -> Any:
    """Calls the user's function with those of the arguments that it takes. Raises RefusedError with its traceback."""
    known = inspect.signature(function).parameters
    every = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    try:
        return function(**{name: value for name, value in arguments.items() if every or name in known})
    # Whatever the user's code does is the user's to read; it may even ask to exit.
    except (Exception, SystemExit) as error:
        raise RefusedError(f"{file} failed: {_last_lines(error)}", "fix the file", f"{section}.path") from error


def _run(file: Path, source: bytes, digest: str) -> types.ModuleType:
    name = f"own_{digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = types.ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    try:
        exec(compile(source, str(file), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise RefusedError(f"{file} failed: {_last_lines(error)}", "fix the file") from error
    return module


def _last_lines(error: BaseException) -> str:
    """The error and the user's own lines that led to it."""
    return "".join(traceback.format_exception(error)[-4:]).strip()
