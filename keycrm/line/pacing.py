"""Who may call now. The CRM counts sixty calls in any minute of all processes together; a log of the last minute's turns is kept where all see it.

A log and not a counter per window: fifty at the end of one window and fifty at the beginning of the next would be a hundred in one minute. And one log
for two kinds of callers, which `limits` does not offer: background work stops short of the cap, so that a fifth of it is always left for a call that a
person waits for.
In Redis the log is a sorted set that a script reads and writes at once; without Redis, one row under its lock. Where Redis is configured but does not
answer, the row may spend only what is left between our rate and the CRM's limit: other processes may still reach Redis and spend our rate there.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import transaction

from bonusportal.limits import redis_pause
from keycrm.line.clock import database_time
from keycrm.models import CallWindow
from keycrm.models.connection import ONLY

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger(__name__)
CRM_LIMIT = 60
# The CRM counts arrivals and we count departures: a call that took its turn first may arrive last, after a slow connect (three seconds at most).
WINDOW_SECONDS = 64.0
_TAKE = """
local now = tonumber(ARGV[1])
if now == 0 then
  local told = redis.call('TIME')
  now = tonumber(told[1]) + tonumber(told[2]) / 1000000
end
local cap, window = tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local used = redis.call('ZCARD', KEYS[1])
if used < cap then
  redis.call('ZADD', KEYS[1], string.format('%.4f', now), ARGV[4])
  redis.call('PEXPIRE', KEYS[1], math.ceil(window * 1000) + 1000)
  return '0'
end
local first = redis.call('ZRANGE', KEYS[1], used - cap, used - cap, 'WITHSCORES')
return string.format('%.4f', math.max(tonumber(first[2]) + window - now, 0.01))
"""


@lru_cache(maxsize=2)
def _redis(url: str) -> Redis:
    import redis

    return redis.Redis.from_url(url, socket_connect_timeout=0.2, socket_timeout=0.5)


@dataclass(frozen=True, slots=True)
class Pace:
    """So many calls in any minute, of which a fifth is kept for urgent ones."""

    account: str
    calls_per_minute: int
    redis_url: str = ""

    def take(self, *, urgent: bool, now: float | None = None) -> float:
        """0: the turn is taken. Else the seconds after which it is worth asking again. `now` is for tests; the store's own clock counts."""
        if self.redis_url and not redis_pause.is_on:
            import redis

            try:
                return self._take_in_redis(cap_of(self.calls_per_minute, urgent=urgent), now)
            except redis.RedisError as error:
                redis_pause.start()
                logger.warning(
                    "Redis does not answer (%s): calls to the CRM are counted in the database for %d s",
                    type(error).__name__,
                    redis_pause.seconds,
                )
        rate = max(CRM_LIMIT - self.calls_per_minute, 0) if self.redis_url else self.calls_per_minute
        return take_in_table(cap_of(rate, urgent=urgent), now)

    def _take_in_redis(self, cap: int, now: float | None) -> float:
        client: Any = _redis(self.redis_url)
        told = client.eval(_TAKE, 1, f"crm:turns:{self.account}", now or 0, cap, WINDOW_SECONDS, uuid.uuid4().hex)
        return float(told)


def cap_of(rate: int, *, urgent: bool) -> int:
    """How many turns of the log this kind of caller may find taken."""
    return rate if urgent else rate - max(1, rate // 5)


def take_in_table(cap: int, now: float | None = None) -> float:
    """The same as the script, under the row's lock."""
    if cap <= 0:
        return WINDOW_SECONDS
    with transaction.atomic(durable=True):
        row = _locked()
        moment = database_time() if now is None else now
        # Newest last even if a clock was set back: the log must never grow beyond a minute's turns.
        turns = sorted(min(float(turn), moment) for turn in row.turns if turn > moment - WINDOW_SECONDS)
        if len(turns) >= cap:
            return max(turns[len(turns) - cap] + WINDOW_SECONDS - moment, 0.01)
        CallWindow.objects.filter(pk=ONLY).update(turns=[*turns, moment])
    return 0.0


def _locked() -> CallWindow:
    row = CallWindow.objects.select_for_update().filter(pk=ONLY).first()
    if row is None:
        CallWindow.objects.bulk_create([CallWindow(pk=ONLY)], ignore_conflicts=True)
        row = CallWindow.objects.select_for_update().get(pk=ONLY)
    return row
