"""Follows a run by its folder, whoever runs it: reads its events as they come, and folds them into its progress."""

from __future__ import annotations

import time

from workbench.runs.events import AnyEvent, EventReader
from workbench.runs.folder import RunFolder
from workbench.runs.progress import Progress

LOOK_SECONDS = 1.0
"""How often it is looked whether somebody still runs an attempt that has not ended."""


class Follower:
    """Reads a run from its beginning on. ``progress`` is what is known so far."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.progress = Progress()
        self._reader = EventReader(folder.events_file)
        self._looked = 0.0

    def read(self) -> list[AnyEvent]:
        """New events since the last call, already folded into ``progress``.

        A run that has begun, has not ended, and is run by nobody is settled as cut off.
        """
        events = self._reader.read()
        self.progress.apply_all(events)
        if not events and time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            if self.progress.state in ("running", "paused") and not self.folder.going():
                # What it said between our reading and its leaving counts before it is called cut off.
                events = self._reader.read()
                self.progress.apply_all(events)
                self.progress.settle(going=False)
        return events
