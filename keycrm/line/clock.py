"""The database's clock, for what several machines compare. A laptop's SQLite has one machine, so its own clock is the same."""

from __future__ import annotations

import time

from django.db import connection


def database_time() -> float:
    """Epoch seconds now, not at the beginning of the transaction."""
    if connection.vendor != "postgresql":
        return time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())")
        return float(cursor.fetchone()[0])
