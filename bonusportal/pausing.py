"""A short memory, per process, of what did not answer or was done just now. Loses nothing when the process ends."""

from __future__ import annotations

import time


class Pause:
    """Leaves something alone for a while: after a failure (`start`), or so that it is not done too often (`may_go_on` starts it by itself)."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = 0.0

    @property
    def is_on(self) -> bool:
        return time.monotonic() < self._until

    def start(self) -> None:
        self._until = time.monotonic() + self.seconds

    def stop(self) -> None:
        self._until = 0.0

    def may_go_on(self) -> bool:
        """True once per `seconds`."""
        if self.is_on:
            return False
        self.start()
        return True
