"""The options of an attempt, given by whoever starts it. They travel to the engine as arguments, or through a pipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True)
class AttemptOptions:
    """Options of a resumed run; a new run needs none."""

    epochs: int | None = None
    """The new total of epochs."""
    replay: int = 0
    """Steps before the newest checkpoint that are repeated first, to prove that the run resumes exactly."""

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The options in what :meth:`as_data` gave, perhaps in another version: what this one does not know is left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})

    def as_data(self) -> dict[str, Any]:
        """The options as plain data."""
        return asdict(self)

    def arguments(self) -> list[str]:
        """The engine's command line for it."""
        epochs = [] if self.epochs is None else ["--epochs", str(self.epochs)]
        return [*epochs, *(["--replay", str(self.replay)] if self.replay else [])]


PLAIN = AttemptOptions()
