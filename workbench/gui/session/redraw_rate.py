"""How often the window draws a run: as often as its own work allows."""

from __future__ import annotations

import time

SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 1.0
SHARE = 0.05
"""Part of one core that drawing a run may take. On two cores, more of it slows the engine by several times as much."""


class RedrawRate:
    """Says when the window may draw again, by the processor time that its thread has spent since the last time."""

    def __init__(self) -> None:
        self._drawn = float("-inf")
        self._spent = 0.0

    def seconds_left(self) -> float:
        """Seconds until the next drawing is due; 0 when it is due now."""
        spent = time.thread_time() - self._spent
        pause = min(max(spent / SHARE, SHORTEST_SECONDS), LONGEST_SECONDS)
        return max(0.0, self._drawn + pause - time.monotonic())

    def mark_drawn(self) -> None:
        """The window draws now."""
        self._drawn, self._spent = time.monotonic(), time.thread_time()
