"""Pure rules of proving a phone: how long, how often, which words."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

KYIV = ZoneInfo("Europe/Kyiv")
PROOF_LIVES = dt.timedelta(minutes=10)
TRIES = 5
PROOF_FORGOTTEN_AFTER = dt.timedelta(days=2)
REFUSALS_FORGOTTEN_AFTER = dt.timedelta(days=14)
# A sender that was interrupted is followed by another after this long: longer than any gateway is waited for.
SENDER_LEASE = dt.timedelta(seconds=45)
_WAITS = (5, 15, 30, 60)


def wait_before_next(attempts: int) -> dt.timedelta:
    """How long a message rests after `attempts` attempts that failed."""
    return dt.timedelta(seconds=_WAITS[min(attempts, len(_WAITS)) - 1])


def seconds_until_tomorrow(now: dt.datetime) -> int:
    """Until midnight in Kyiv."""
    local = now.astimezone(KYIV)
    midnight = dt.datetime.combine(local.date() + dt.timedelta(days=1), dt.time(), tzinfo=KYIV)
    return max(1, int((midnight - now).total_seconds()))


def start_of_day(now: dt.datetime) -> dt.datetime:
    """The last midnight in Kyiv."""
    return dt.datetime.combine(now.astimezone(KYIV).date(), dt.time(), tzinfo=KYIV)
