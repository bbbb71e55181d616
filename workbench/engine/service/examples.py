"""Runs the examples of the shipped help pages and records what they really print. Nothing but shipped files is run."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator

from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.answers import ExampleSection, ExamplesPage
from workbench.shipped import shipped

PAGES = ("attention", "autograd", "tensors")
_CODE = re.compile(r"```python\n(.*?)```\n?", re.DOTALL)


def run_examples(page: str) -> ExamplesPage:
    """The page's title and its sections, run in order and in one namespace.

    Raises RefusedError for a page that there is not.
    """
    if page not in PAGES:
        raise RefusedError(f"there is no help page {page!r}", f"there are {', '.join(PAGES)}")
    text = shipped("help", f"{page}.md").read_text(encoding="utf-8")
    title, _, rest = text.removeprefix("# ").partition("\n")
    names: dict[str, object] = {"__name__": page}
    sections = tuple(
        ExampleSection(title=part.title, text=part.text, code=part.code, output=_run(part.code, names))
        for part in _parts(rest)
    )
    return ExamplesPage(page=page, title=title, sections=sections)


def _parts(text: str) -> Iterator[ExampleSection]:
    for part in text.split("\n## ")[1:]:
        title, _, rest = part.partition("\n")
        code = _CODE.search(rest)
        text = " ".join(_CODE.sub("", rest).split())
        yield ExampleSection(title=title.strip(), text=text, code=code[1].rstrip() if code else "", output="")


def _run(code: str, names: dict[str, object]) -> str:
    """What the code prints; an exception is part of the lesson, and shown by its last line."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, "<example>", "exec"), names)
        except Exception as error:  # noqa: BLE001 - an example may show what goes wrong
            printed.write(f"{type(error).__name__}: {error}\n")
    return printed.getvalue().rstrip()
