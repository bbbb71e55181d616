"""How often the window shows what a run says: as often as its own work allows."""

from __future__ import annotations

import time

SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 1.0
SHARE = 0.05
"""Part of one core that showing a run may take. On two cores, more of it slows the engine by several times as much."""


class Pace:
    """Tells when the window may show the next news, by the time that its thread has spent since the last ones."""

    def __init__(self) -> None:
        self._shown = float("-inf")
        self._spent = 0.0

    def wait(self) -> float:
        """Seconds until the next showing is due; 0 when it is due now."""
        spent = time.thread_time() - self._spent
        pause = min(max(spent / SHARE, SHORTEST_SECONDS), LONGEST_SECONDS)
        return max(0.0, self._shown + pause - time.monotonic())

    def shown(self) -> None:
        """Tells that the news are being shown."""
        self._shown, self._spent = time.monotonic(), time.thread_time()
