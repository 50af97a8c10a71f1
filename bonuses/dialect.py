"""What differs between the two databases when SQL is written by hand: locking clauses and how moments are spelled.

SQLite keeps moments as text and compares them as text: one spelling everywhere, or an instant would depend on who wrote it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from bonusportal import sql


def for_update() -> str:
    """The locking clause. SQLite has none: its transaction is the only writer from BEGIN IMMEDIATE on.

    NO KEY, because every entry that names a row takes a share of its key when it commits: a full lock on an order would make whoever captures a hold of it
    wait while holding accounts, which is the wrong order.
    """
    return " FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""


def stamp(moment: dt.datetime | None) -> Any:
    """A moment as a parameter, spelled as Django's ORM spells it."""
    return None if moment is None else sql.stamp(moment)


def moment(value: Any) -> dt.datetime | None:
    """A moment as it was read. SQLite gives a naive one (in UTC) or, for a computed column, its text."""
    if isinstance(value, dt.datetime) and value.tzinfo is dt.UTC:
        return value
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if not isinstance(value, dt.datetime):
        return None
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def marks(count: int) -> str:
    """`%s, %s, %s`"""
    return ", ".join(["%s"] * count)
