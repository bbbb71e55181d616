"""Samples that became unreadable while a run trains: each is left out and told once; too many of them end the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from workbench.engine.data.dataset import Source
from workbench.engine.runtime.failures import FailedError

MOST_SHARE = 0.01
LEAST_SAMPLES = 3
"""More than this share of a split, and at least so many samples, end the run: it would train on other data than it was given."""
NAMES_TOLD = 5
"""Samples of one batch that are named."""
WORDS = {"train": "training", "val": "validation", "test": "test"}


class UnreadableError(FailedError):
    """The samples can no longer be read, and the run cannot continue without them."""

    def __init__(self, what: str) -> None:
        super().__init__(
            what, "Is the folder in its place, and its disk connected? Restore the files and resume the run"
        )


class UnreadableSamples:
    """The samples that a process could no longer read, by split."""

    def __init__(self, source: Source, processes: int = 1) -> None:
        self._source = source
        self._processes = processes
        self._reasons: dict[str, dict[int, str]] = {}
        self.tell: Callable[[str], object] = lambda text: None
        """Is called with a sentence when samples are found to be unreadable."""

    def of(self, split: str) -> Mapping[int, str]:
        """Why samples of a split cannot be read any more, by their index."""
        return self._reasons.get(split, {})

    def add(self, name: str, reasons: Mapping[int, str]) -> None:
        """Counts samples of a split and tells of those that are new. Raises UnreadableError where they are too many."""
        known = self._reasons.setdefault(name, {})
        new = {index: why for index, why in reasons.items() if index not in known}
        if not new:
            return
        known |= new
        split = self._source.split(name)
        samples = len(split) if split is not None else 0
        count = f"{len(known):,} of {samples:,} {WORDS[name]} samples"
        self.tell(f"{self._named(name, new)} can no longer be read and {_is(new)} left out: {count} so far")
        if len(known) >= LEAST_SAMPLES and len(known) > MOST_SHARE * samples / self._processes:
            raise UnreadableError(f"{count} can no longer be read ({self._named(name, new, 1)})")

    def refuse(self, name: str, what: str) -> UnreadableError:
        """The error for a batch or a split of which nothing can be read."""
        reasons = self._reasons.get(name, {})
        return UnreadableError(f"{what} can be read any more ({self._named(name, reasons, 1)})")

    def _named(self, name: str, reasons: Mapping[int, str], names: int = NAMES_TOLD) -> str:
        split = self._source.split(name)
        if split is None:
            return ""
        shown = [f"{split.name(index)}: {why}" for index, why in list(reasons.items())[:names]]
        more = len(reasons) - len(shown)
        return "; ".join(shown) + (f"; and {more:,} more" if more else "")


def _is(samples: Mapping[int, str]) -> str:
    return "is" if len(samples) == 1 else "are"
