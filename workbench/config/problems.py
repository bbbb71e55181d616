"""What is wrong with a request, said in full: every problem at once, each with its place and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One problem: where (``optimizer.lr``; empty for the whole), what is wrong, what to do about it."""

    path: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.path, self.what) if part) + (f" ({self.hint})" if self.hint else "")


class ConfigError(Exception):
    """A configuration that cannot be used. ``problems`` holds every one of its problems."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
