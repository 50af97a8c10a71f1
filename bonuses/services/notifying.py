"""What happened to a customer's points since they last looked. Reading has no side effect; only acknowledging moves the mark.

Credits, spends, ends, clawbacks and debts are told from the entries, so what moves points cannot be without its notice. (An opening balance moves none: the
customer had it.) Warnings of points that will end are rows, made by a sweep, thirty, seven and one day before. The place of a notice is told by a cursor, an
opaque text; entries of one customer are written under the lock of their accounts, so for one customer "newer" and "larger id" are the same.
"""

from __future__ import annotations

import datetime as dt
import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from bonuses.dialect import marks, moment, stamp
from bonuses.errors import CustomerUnknown
from bonuses.models import Account, AccountKind, Lot, NoticeMark
from bonuses.policy import KYIV, kyiv_midnight, last_day_of
from bonuses.services import ledger
from bonusportal.errors import BadInput

WARN_DAYS = (30, 7, 1)
MOST = 100
_CURSOR = re.compile(r"([0-9]{1,18})-([0-9]{1,18})", re.ASCII)
# What an entry of which kind is to its customer. Holding and releasing move points within what they have; merging is not theirs to be told of, and a balance
# that was brought along is nothing that they earned now.
KIND_OF = {
    "accrue": "credit", "reaccrue": "credit", "reinstate": "returned", "capture": "spend", "expire": "expired",
    "clawback": "clawback", "incur_debt": "debt", "repay": "repaid", "adjust": "adjusted",
}  # fmt: skip
_ENTRIES = """
SELECT e.id, e.kind, e.points, e.effective_at, e.recorded_at, o.number, e.credit_id IN ({marks}) FROM bonuses_ledgerentry e
LEFT JOIN bonuses_order o ON o.id = e.order_id
WHERE (e.debit_id IN ({marks}) OR e.credit_id IN ({marks})) AND e.kind IN ({kinds}) AND e.id > %s ORDER BY e.id LIMIT %s
"""
_WARNINGS = """
SELECT n.id, n.days, n.points, n.last_day, n.made_at FROM bonuses_notice n JOIN bonuses_lot l ON l.id = n.lot_id
WHERE l.customer_id = %s AND n.id > %s ORDER BY n.id LIMIT %s
"""
_WARN = (
    "INSERT INTO bonuses_notice (lot_id, days, points, last_day, made_at) SELECT l.id, %s, l.remaining, %s, %s FROM bonuses_lot l "
    "WHERE l.id = %s AND l.remaining > 0 ON CONFLICT (lot_id, days) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Told:
    """One notice. `points` carries its sign: what came is positive. `cursor` is the place after it.

    `kind`: credit, returned, spend, expiring, expired, clawback, debt, repaid, adjusted. `last_day` and `days` are set for `expiring`.
    """

    kind: str
    points: int
    at: dt.datetime
    cursor: str
    order_number: str = ""
    last_day: dt.date | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Notices, the oldest first. `cursor` is where to go on; `has_more` tells whether it is worth asking at once."""

    notices: list[Told] = field(default_factory=list)
    cursor: str = "0-0"
    has_more: bool = False


def notices_after(*, customer_id: int, after: str = "", limit: int = 50) -> Page:
    """What came after the cursor `after`; without one, after what was acknowledged. Raises BadInput `cursor_invalid`, CustomerUnknown."""
    survivor = ledger.survivor_of(customer_id)
    entry, warning = _place(after) if after else _mark(survivor)
    limit = max(1, min(limit, MOST))
    both = heapq.merge(
        _entries(survivor, entry, limit + 1), _warnings(survivor, warning, limit + 1), key=lambda one: one[0]
    )
    told: list[Told] = []
    more = False
    for _at, is_entry, pk, notice in both:
        if len(told) == limit:
            more = True
            break
        entry, warning = (pk, warning) if is_entry else (entry, pk)
        told.append(
            Told(
                notice.kind,
                notice.points,
                notice.at,
                f"{entry}-{warning}",
                notice.order_number,
                notice.last_day,
                notice.days,
            )
        )
    return Page(told, f"{entry}-{warning}", more)


def acknowledge(*, customer_id: int, cursor: str, now: dt.datetime) -> None:
    """The customer has seen everything up to `cursor`. The mark never goes back, and never beyond what there is. Raises BadInput, CustomerUnknown."""
    survivor = ledger.survivor_of(customer_id)
    entry, warning = _place(cursor)
    newest = _newest()
    with connection.cursor() as execute:
        execute.execute(
            "INSERT INTO bonuses_noticemark (customer_id, entry, warning, read_at) SELECT c.id, %s, %s, %s FROM bonuses_customer c WHERE c.id = %s "
            "ON CONFLICT (customer_id) DO UPDATE SET read_at = excluded.read_at, "
            "entry = CASE WHEN excluded.entry > bonuses_noticemark.entry THEN excluded.entry ELSE bonuses_noticemark.entry END, "
            "warning = CASE WHEN excluded.warning > bonuses_noticemark.warning THEN excluded.warning ELSE bonuses_noticemark.warning END",
            [min(entry, newest[0]), min(warning, newest[1]), stamp(now), survivor],
        )
        if execute.rowcount == 0:
            raise CustomerUnknown


def _newest() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT COALESCE(MAX(id), 0) FROM bonuses_ledgerentry), (SELECT COALESCE(MAX(id), 0) FROM bonuses_notice)"
        )
        entry, warning = cursor.fetchone()
    return int(entry), int(warning)


def _place(cursor: str) -> tuple[int, int]:
    found = _CURSOR.fullmatch(cursor)
    if not found:
        raise BadInput(_("This is not a place among notices."), code="cursor_invalid")
    return int(found[1]), int(found[2])


def _mark(customer_id: int) -> tuple[int, int]:
    return NoticeMark.objects.filter(customer_id=customer_id).values_list("entry", "warning").first() or (0, 0)


def _entries(customer_id: int, after: int, limit: int) -> Iterator[tuple[dt.datetime, bool, int, Told]]:
    own = dict(Account.objects.filter(customer_id=customer_id).values_list("kind", "pk"))
    if not own:
        raise CustomerUnknown
    accounts = [own[AccountKind.AVAILABLE], own[AccountKind.HELD], own[AccountKind.DEBT]]
    kinds = list(KIND_OF)
    with connection.cursor() as cursor:
        cursor.execute(
            _ENTRIES.format(marks=marks(3), kinds=marks(len(kinds))),
            [*accounts, *accounts, *accounts, *kinds, after, limit],
        )
        rows = cursor.fetchall()
    for pk, kind, points, effective_at, recorded_at, number, comes in rows:
        at, known = moment(effective_at), moment(recorded_at)
        assert at is not None
        assert known is not None
        signed = points if comes and kind != "repay" else -points
        yield known, True, pk, Told(KIND_OF[kind], signed, at, "", number or "")


def _warnings(customer_id: int, after: int, limit: int) -> Iterator[tuple[dt.datetime, bool, int, Told]]:
    with connection.cursor() as cursor:
        cursor.execute(_WARNINGS, [customer_id, after, limit])
        rows = cursor.fetchall()
    for pk, days, points, last_day, made_at in rows:
        at = moment(made_at)
        assert at is not None
        day = last_day if isinstance(last_day, dt.date) else dt.date.fromisoformat(last_day)
        yield at, False, pk, Told("expiring", points, at, "", last_day=day, days=days)


def warn_of_ends(*, now: dt.datetime, at_most: int = 2000) -> int:
    """Make the warnings that are due: for each lot with points the nearest number of days only, whatever the sweep missed. Returns how many.

    A lot is warned of under the lock of its owner's accounts, so that a customer's warnings come in the order of their ids.
    """
    made = 0
    today = now.astimezone(KYIV).date()
    for days in sorted(WARN_DAYS):
        before = kyiv_midnight(today + dt.timedelta(days=days + 1))
        due = Lot.objects.filter(remaining__gt=0, expires_at__gt=now, expires_at__lte=before).exclude(
            notices__days__lte=days
        )
        for lot_id, owner in due.order_by("customer_id", "pk").values_list("pk", "customer_id")[:at_most]:
            made += _warn(lot_id, owner, days, now=now)
    return made


@ledger.following_merges
def _warn(lot_id: int, owner: int, days: int, *, now: dt.datetime) -> int:
    with transaction.atomic():
        ledger.open_books([owner])
        last_day = last_day_of(Lot.objects.values_list("expires_at", flat=True).get(pk=lot_id))
        with connection.cursor() as cursor:
            cursor.execute(_WARN, [days, last_day.isoformat() if last_day else None, stamp(now), lot_id])
            return int(cursor.rowcount)
