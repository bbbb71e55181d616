"""Runs the examples of the shipped help pages and tells what they really print. Nothing but shipped files is run."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any

from workbench.engine.runtime.failures import RefusedError
from workbench.shipped import shipped

PAGES = ("autograd", "tensors")
_CODE = re.compile(r"```python\n(.*?)```\n?", re.DOTALL)


def run(page: str) -> dict[str, Any]:
    """The page's ``title`` and its ``sections`` (title, text, code, output), run in order and in one namespace.

    Raises RefusedError for a page that there is not.
    """
    if page not in PAGES:
        raise RefusedError(f"there is no help page {page!r}", f"there are {', '.join(PAGES)}")
    text = shipped("help", f"{page}.md").read_text(encoding="utf-8")
    title, _, rest = text.removeprefix("# ").partition("\n")
    names: dict[str, Any] = {"__name__": page}
    return {
        "page": page,
        "title": title,
        "sections": [{**part, "output": _run(part["code"], names)} for part in _parts(rest)],
    }


def _parts(text: str) -> Iterator[dict[str, str]]:
    for part in text.split("\n## ")[1:]:
        title, _, rest = part.partition("\n")
        code = _CODE.search(rest)
        words = " ".join(_CODE.sub("", rest).split())
        yield {"title": title.strip(), "text": words, "code": code[1].rstrip() if code else ""}


def _run(code: str, names: dict[str, Any]) -> str:
    """What the code prints; an exception is part of the lesson, and told by its last line."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            exec(compile(code, "<example>", "exec"), names)
        except Exception as error:  # noqa: BLE001 - an example may show what goes wrong
            said.write(f"{type(error).__name__}: {error}\n")
    return said.getvalue().rstrip()
