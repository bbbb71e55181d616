"""What an attempt is asked for by whoever starts it. It travels to the engine as arguments, or through a pipe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """Of a run that is resumed; a new run needs nothing said."""

    epochs: int | None = None
    """The new total of epochs."""
    replay: int = 0
    """Steps before the newest checkpoint that are taken again first, to prove that the run goes on exactly."""

    def arguments(self) -> list[str]:
        """The engine's command line for it."""
        epochs = [] if self.epochs is None else ["--epochs", str(self.epochs)]
        return [*epochs, *(["--replay", str(self.replay)] if self.replay else [])]


PLAIN = Request()
