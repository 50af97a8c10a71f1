"""Values for hand-written SQL, in the form in which the database at hand stores them.

Django converts what goes through the ORM; a cursor's parameters go as they are. On SQLite a timezone-aware datetime would be stored in a spelling that
sorts differently from Django's own.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection


def stamp(moment: dt.datetime) -> Any:
    """A moment as a parameter."""
    return connection.ops.adapt_datetimefield_value(moment)


def day(date: dt.date) -> Any:
    """A date as a parameter."""
    return connection.ops.adapt_datefield_value(date)
