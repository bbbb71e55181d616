"""Follows a run by its folder, whoever is running it: reads its events as they arrive and applies them to its progress."""

from __future__ import annotations

import time

from workbench.runs.events import AnyEvent, EventReader
from workbench.runs.folder import RunFolder
from workbench.runs.progress import Progress

CHECK_SECONDS = 1.0
"""How often it is checked whether somebody is still running an attempt that has not ended."""


class Follower:
    """Reads a run from its beginning. ``progress`` is what is known so far."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.progress = Progress()
        self._reader = EventReader(folder.events_file)
        self._checked_at = 0.0

    def read(self) -> list[AnyEvent]:
        """New events since the last call, already applied to ``progress``.

        A run that has started, has not ended, and that nobody is running is settled as interrupted.
        """
        events = self._reader.read()
        self.progress.apply_all(events)
        if not events and time.monotonic() - self._checked_at > CHECK_SECONDS:
            self._checked_at = time.monotonic()
            if self.progress.state in ("running", "paused") and not self.folder.is_running():
                # What it wrote between our reading and its exit counts before it is called interrupted.
                events = self._reader.read()
                self.progress.apply_all(events)
                self.progress.settle(is_running=False)
        return events
