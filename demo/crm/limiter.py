"""Sixty calls in any minute by key and address, a sliding window: the sixty-first is refused and does not count."""

from collections import defaultdict, deque


class SlidingWindow:
    def __init__(self, *, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)

    def take(self, who: str, limit: int, now: float) -> float:
        """0: counted. Else the seconds until there is room."""
        calls = self._calls[who]
        while calls and calls[0] <= now - self._seconds:
            calls.popleft()
        if limit and len(calls) >= limit:
            return calls[0] + self._seconds - now
        calls.append(now)
        return 0.0
