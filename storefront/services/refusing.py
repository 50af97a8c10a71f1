"""Count who was refused what: a counter of the day by reason, and by reason and address for whoever looks closer."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging

from django.db import DatabaseError, connection, transaction

from bonusportal import counting
from bonusportal.sql import day as sql_day
from bonusportal.sql import stamp
from storefront.models import Refusal

logger = logging.getLogger(__name__)
# Whoever knocks from a thousand addresses must not fill the table: the rest of a day's addresses are counted together.
ADDRESSES_A_DAY = 2000
ELSEWHERE = "*"
# What most calls need: the row is there.
_COUNT = "UPDATE storefront_refusal SET count = count + 1, last_at = %s WHERE day = %s AND reason = %s AND address = %s"
_UPSERT = (
    "INSERT INTO storefront_refusal (day, reason, address, count, last_at) VALUES (%s, %s, %s, 1, %s) ON CONFLICT (day, reason, address) "
    "DO UPDATE SET count = storefront_refusal.count + 1, last_at = excluded.last_at"
)


# What could not be read: broken JSON, texts with markup or control characters, amounts that are none. Typing errors are among them.
MALFORMED = "malformed"
UNREADABLE_STATUSES = frozenset({400, 413})
ORIGIN_FOREIGN = "origin_foreign"
# Marks a request that staff's connection test makes; nobody outside can set it. It is no visit and no knock.
TRIAL = "portal.trial"


def note_refusal(*, reason: str, address: str, now: dt.datetime) -> None:
    """Add one to both. A counter that cannot be written is logged: counting never breaks what is counted."""
    counting.count(f"refused.{reason}", now=now)
    note_address(reason=reason, address=address, now=now)


def note_address(*, reason: str, address: str, now: dt.datetime) -> None:
    """The closer look only, for paths that count their refusals themselves."""
    day, shown = counting.kyiv_day(now), network_of(address)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_COUNT, [stamp(now), sql_day(day), reason[:40], shown])
            if cursor.rowcount:
                return
            if Refusal.objects.filter(day=day).count() >= ADDRESSES_A_DAY:
                shown = ELSEWHERE
            cursor.execute(_UPSERT, [sql_day(day), reason[:40], shown, stamp(now)])
    except DatabaseError:
        logger.exception("a refusal could not be counted")


def network_of(address: str) -> str:
    """An IPv4 address as it is; of IPv6 the network of a household, which has more addresses than we have rows."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "?"
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
