"""The one line to the CRM that all processes share: breaker, the CRM's own "wait", and a turn within the limit, in this order.

Rows and Redis, never memory. Every statement is a short transaction of its own and refuses to run inside another one: a call over the network must not
hold a lock.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from keycrm.errors import CrmUnavailable, RateLimited
from keycrm.line import breaker, pacing

__all__ = ["SharedLine"]


class SharedLine:
    """The `Line` of keycrm.ports. `account` tells apart the keys of several CRMs in one Redis. `now` (epoch seconds) is for a simulation that has a clock
    of its own; otherwise Redis and the database go by theirs.
    """

    def __init__(
        self,
        *,
        account: str,
        calls_per_minute: int,
        redis_url: str = "",
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._pace = pacing.Pace(account=account, calls_per_minute=calls_per_minute, redis_url=redis_url)
        self._sleep = sleep
        self._clock = clock
        self._now = now

    def take_turn(self, *, urgent: bool, within_seconds: float) -> None:
        deadline = self._clock() + within_seconds
        while True:
            wait = breaker.ask(now=self._now())
            if wait.is_open:
                # Not worth waiting for: the breaker names minutes, and a task comes back by itself.
                raise CrmUnavailable("it did not answer lately", retry_after_seconds=wait.seconds)
            seconds = wait.seconds or self._pace.take(urgent=urgent, now=self._now())
            if not seconds:
                return
            if self._clock() + seconds > deadline:
                raise RateLimited("no turn left in time", retry_after_seconds=seconds)
            # Scattered, or all that wait would come back at the same moment and all but one in vain.
            self._sleep(seconds + random.uniform(0.0, 0.3))

    def saw_answer(self) -> None:
        breaker.note_answer(now=self._now())

    def saw_no_answer(self, what: str) -> None:
        breaker.note_failure(what, now=self._now())

    def saw_limit(self, *, wait_seconds: float) -> None:
        breaker.note_limit(wait_seconds, now=self._now())
