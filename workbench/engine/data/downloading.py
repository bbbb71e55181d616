"""Progress of downloads: what torchvision and torch.hub show as a bar in the terminal is reported by the run instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch.hub

from workbench.engine.data.dataset import Progress

REPORTED_SHARE = 0.01


@contextmanager
def report_downloads(progress: Progress, what: str) -> Iterator[None]:
    """While it is open, data sets and weights that are downloaded are reported as ``downloading <what>``, each with its share."""

    class Bar:
        """As much of tqdm as they use."""

        def __init__(self, *, total: int | None = None, **_: Any) -> None:
            self._total, self._done, self._reported = total, 0, 0.0
            progress(f"downloading {what}", None)

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing is left open."""

        def update(self, size: int) -> None:
            self._done += size
            share = self._done / self._total if self._total else 0.0
            if share - self._reported >= REPORTED_SHARE:
                self._reported = share
                progress(f"downloading {what}", min(share, 1.0))

    # Imported only where something may be downloaded: torchvision takes seconds.
    from torchvision.datasets import utils

    # Neither offers another way to see how far it is; otherwise a bar would be drawn in a log.
    before = [(module, getattr(module, "tqdm", None)) for module in (utils, torch.hub)]
    for module, _ in before:
        vars(module)["tqdm"] = Bar
    try:
        yield
    finally:
        for module, bar in before:
            vars(module)["tqdm"] = bar
