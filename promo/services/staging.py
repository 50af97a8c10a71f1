"""Loading many codes at once: rows go to a temporary table first, where questions about all of them are single statements.

A million codes never lie in Python's memory. PostgreSQL is filled by COPY, SQLite by executemany. Everything happens
inside the caller's transaction, and nothing but temporary tables is touched until `insert_codes`. What a file means and
what is said to a person is `importing`'s. An error needs no clean-up: the tables go with the transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection

from bonusportal.sql import stamp
from promo.models import CodeState
from promo.reading import Entry

CHUNK = 10_000
# Any number that nothing else locks by: imports wait for each other, so the second of two with one file sees the first.
_IMPORT_LOCK = 72066

_CREATE = (
    # n: the place in the file over all amounts. item: the line, or the position in the amount's list, for messages.
    "CREATE TEMPORARY TABLE promo_staged (n bigint, item bigint, amount_uah integer, code varchar(50), valid_until date)",
    (
        "CREATE TEMPORARY TABLE promo_rejected "
        "(n bigint PRIMARY KEY, why varchar(12), first_n bigint, state varchar(10), known_amount_uah integer)"
    ),
)
_DROP = ("DROP TABLE IF EXISTS promo_staged", "DROP TABLE IF EXISTS promo_rejected")
# Listed under two amounts: which one is right cannot be known, so none of them is taken. Twice under one: the first is.
_REJECT_DOUBLES = """
INSERT INTO promo_rejected (n, why, first_n)
SELECT s.n, CASE WHEN d.least_amount = d.most_amount THEN 'twice' ELSE 'two_amounts' END, d.first_n
FROM promo_staged s
JOIN (SELECT code, min(n) AS first_n, min(amount_uah) AS least_amount, max(amount_uah) AS most_amount
      FROM promo_staged GROUP BY code HAVING count(*) > 1) d ON d.code = s.code
WHERE s.n > d.first_n OR d.least_amount <> d.most_amount
"""
_REJECT_KNOWN = """
INSERT INTO promo_rejected (n, why, state, known_amount_uah)
SELECT s.n, 'known', c.state, p.amount_uah
FROM promo_staged s JOIN promo_code c ON c.code = s.code JOIN promo_pool p ON p.id = c.pool_id
WHERE NOT EXISTS (SELECT 1 FROM promo_rejected r WHERE r.n = s.n)
"""
_REJECTED = """
SELECT s.n, r.why, s.amount_uah, s.item, f.amount_uah, f.item, r.state, r.known_amount_uah
FROM promo_rejected r JOIN promo_staged s ON s.n = r.n LEFT JOIN promo_staged f ON f.n = r.first_n
WHERE r.n > %s ORDER BY s.n LIMIT %s
"""
_ACCEPTED = "FROM promo_staged s WHERE NOT EXISTS (SELECT 1 FROM promo_rejected r WHERE r.n = s.n)"
_INSERT = f"""
INSERT INTO promo_code (code, pool_id, lot_id, state, place, valid_until, reason, changed_at, created_at)
SELECT s.code, p.id, %s, '{CodeState.AVAILABLE}', %s + s.n, s.valid_until, '', %s, %s
FROM promo_staged s JOIN promo_pool p ON p.amount_uah = s.amount_uah
WHERE NOT EXISTS (SELECT 1 FROM promo_rejected r WHERE r.n = s.n)
ORDER BY s.n ON CONFLICT (code) DO NOTHING
"""  # noqa: S608 - a constant of ours


class Rejected(NamedTuple):
    """A staged code that cannot be taken. `why`: twice, two_amounts, known. `first_…` is where it stood first, `state` what is known of it."""

    n: int
    why: str
    amount_uah: int
    item: int
    first_amount_uah: int | None
    first_item: int | None
    state: str | None
    known_amount_uah: int | None


@contextmanager
def staging_tables() -> Iterator[None]:
    """The two temporary tables, empty. One import at a time: another waits here until this transaction has ended."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_IMPORT_LOCK])
        for statement in (*_DROP, *_CREATE):
            cursor.execute(statement)
    yield
    with connection.cursor() as cursor:
        for statement in _DROP:
            cursor.execute(statement)


def stage(entries: Iterator[Entry]) -> int:
    """Take the entries in, in their order. Returns how many there were."""
    rows = ((n, entry.item, entry.amount_uah, entry.code, entry.valid_until) for n, entry in enumerate(entries, 1))
    count = 0
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy("COPY promo_staged (n, item, amount_uah, code, valid_until) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
                    count += 1
            # Without statistics the planner takes a million rows for a thousand and joins them one by one.
            cursor.execute("ANALYZE promo_staged")
        else:
            while chunk := list(islice(rows, CHUNK)):
                cursor.executemany("INSERT INTO promo_staged VALUES (%s, %s, %s, %s, %s)", chunk)
                count += len(chunk)
    return count


def reject_doubles() -> int:
    """Codes that stand in the file more than once. Returns how many were rejected."""
    return _execute(_REJECT_DOUBLES)


def reject_known() -> int:
    """Codes that the portal knows in any state. Returns how many were rejected just now."""
    return _execute(_REJECT_KNOWN)


def rejected() -> Iterator[Rejected]:
    """Everything that was rejected, in the order of the file."""
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_REJECTED, [last, CHUNK])
            rows = cursor.fetchall()
        yield from (Rejected(*row) for row in rows)
        if len(rows) < CHUNK:
            return
        last = rows[-1][0]


def accepted_per_amount() -> dict[int, int]:
    """How many codes of which amount are left to be taken, by ascending amount."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT s.amount_uah, count(*) {_ACCEPTED} GROUP BY s.amount_uah ORDER BY s.amount_uah")
        return dict(cursor.fetchall())


def insert_codes(*, lot_id: int, place: int, now: dt.datetime) -> int:
    """Make what is accepted available, queued from `place` on in the order of the file; every amount needs its pool.

    Returns how many were inserted. Fewer than were accepted means that somebody else brought some of them in meanwhile.
    """
    return _execute(_INSERT, [lot_id, place, stamp(now), stamp(now)])


def _execute(statement: str, values: Sequence[Any] = ()) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
