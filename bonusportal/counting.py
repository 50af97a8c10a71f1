"""Counting what staff should see: one upsert, its own short transaction, never in the way of the answer."""

from __future__ import annotations

import datetime as dt
import logging
from zoneinfo import ZoneInfo

from django.db import DatabaseError, connection, transaction

from bonusportal.sql import day as sql_day

logger = logging.getLogger(__name__)
KYIV = ZoneInfo("Europe/Kyiv")
_UPSERT = (
    "INSERT INTO bonusportal_dailycount (day, name, count) VALUES (%s, %s, %s) "
    "ON CONFLICT (day, name) DO UPDATE SET count = bonusportal_dailycount.count + excluded.count"
)


def kyiv_day(now: dt.datetime) -> dt.date:
    return now.astimezone(KYIV).date()


def count(name: str, *, now: dt.datetime, by: int = 1) -> None:
    """Add to today's counter `name`. A counter that cannot be written is logged: counting never breaks what is counted."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_UPSERT, [sql_day(kyiv_day(now)), name[:60], by])
    except DatabaseError:
        logger.exception("counter %s could not be written", name)
