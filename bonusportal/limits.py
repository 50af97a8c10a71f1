"""Rate limits shared by all processes: counted in Redis, or in our own table where there is no Redis or it does not answer.

"Redis is down" must never mean "no limit". Limits are checked at edges only; a service never asks.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bonusportal import counting
from bonusportal.errors import TooMany
from bonusportal.models import RateWindow
from bonusportal.pausing import Pause

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import FixedWindowRateLimiter

logger = logging.getLogger(__name__)
# After a failure the table is used for a while: asking a dead Redis on every request would cost each its connect timeout.
redis_pause = Pause(seconds=5.0)


_RATE = re.compile(r"([1-9][0-9]{0,9})/(second|minute|hour|day)", re.ASCII)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls in so many seconds."""

    amount: int
    seconds: int


@lru_cache(maxsize=32)
def read_rate(text: str) -> Rate:
    """A limit of settings, as in `30/minute`. Raises ValueError. (`limits` reads more forms, and costs a tenth of a second of a cold start.)"""
    found = _RATE.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a limit like 30/minute")
    return Rate(int(found[1]), _SECONDS[found[2]])


@lru_cache(maxsize=32)
def _redis_item(text: str) -> RateLimitItem:
    from limits import parse

    return parse(text)


@lru_cache(maxsize=1)
def _redis_limiter(url: str) -> FixedWindowRateLimiter:
    from limits.storage import RedisStorage
    from limits.strategies import FixedWindowRateLimiter

    address = url.replace("unix://", "redis+unix://", 1)
    return FixedWindowRateLimiter(RedisStorage(address, socket_connect_timeout=0.2, socket_timeout=0.5))


_COUNT = (
    "INSERT INTO bonusportal_ratewindow (key, count, expires_at) VALUES (%s, 1, %s) ON CONFLICT (key) DO UPDATE SET "
    "count = CASE WHEN bonusportal_ratewindow.expires_at <= %s THEN 1 ELSE bonusportal_ratewindow.count + 1 END, "
    "expires_at = CASE WHEN bonusportal_ratewindow.expires_at <= %s THEN excluded.expires_at ELSE bonusportal_ratewindow.expires_at END "
    "RETURNING count, expires_at"
)


def _hit_table(rate: Rate, key: str) -> tuple[bool, float]:
    """Count in one statement, in a transaction of its own; (allowed, epoch seconds at which the window ends)."""
    now = time.time()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [key, now + rate.seconds, now, now])
        count, expires_at = cursor.fetchone()
    return count <= rate.amount, expires_at


def _hit(text: str, key: str) -> tuple[bool, float]:
    if settings.REDIS_URL and not redis_pause.is_on:
        import redis

        limiter, item = _redis_limiter(settings.REDIS_URL), _redis_item(text)
        try:
            if limiter.hit(item, key):
                return True, 0.0
            return False, float(limiter.get_window_stats(item, key).reset_time)
        except redis.RedisError as error:
            redis_pause.start()
            logger.warning(
                "Redis does not answer (%s): limits are counted in the database for %d s",
                type(error).__name__,
                redis_pause.seconds,
            )
    return _hit_table(read_rate(text), key)


def check_limit(name: str, key: str) -> None:
    """Count one call of `key` against the limit `name` of settings. Raises TooMany with the seconds until the window ends, and counts the refusal."""
    text = settings.RATE_LIMITS[name]
    allowed, ends_at = _hit(text, f"{name}:{key}")
    if not allowed:
        counting.count(f"refused.rate.{name}", now=timezone.now())
        raise TooMany(
            _("Too many requests. Please try again later."),
            retry_after_seconds=max(1, min(int(ends_at - time.time()) + 1, read_rate(text).seconds)),
        )


def lift(name: str, key: str) -> None:
    """Begin the window of `key` anew, wherever it is counted: a person let somebody in again."""
    full = f"{name}:{key}"
    RateWindow.objects.filter(key=full).delete()
    if settings.REDIS_URL:
        import redis

        try:
            _redis_limiter(settings.REDIS_URL).clear(_redis_item(settings.RATE_LIMITS[name]), full)
        except redis.RedisError:
            redis_pause.start()
            logger.warning("Redis does not answer: its window of %s ends by itself", name)
