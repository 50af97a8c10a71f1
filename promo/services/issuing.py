"""Who may take a code: claiming one and writing down that it was handed out, in one transaction.

The claim is one statement whose row is the answer; there is no read-then-save. On PostgreSQL it skips rows that others are claiming, and the journal entry
and the day's count are parts of the same statement: one round trip for a code. SQLite runs the same parts one by one inside BEGIN IMMEDIATE, where there are
no others. Limits, keys and modes belong to the edge; balances to the ledger.
"""

from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction

from bonusportal.counting import KYIV, kyiv_day
from bonusportal.sql import day as sql_day
from bonusportal.sql import fetch_planned, stamp
from promo.errors import DailyCapReached, PoolEmpty, PoolUnknown
from promo.models import Issue, Pool
from promo.models.issues import WITHIN_CAP
from promo.policy import MIN_DAYS_LEFT, NEARBY_AMOUNTS

# `place` is the column the partial index ends in: ordered by it the planner never walks through codes already issued.
_CLAIM = """
UPDATE promo_code SET state = 'issued', changed_at = %s WHERE id = (
    SELECT c.id FROM promo_code c
    WHERE c.pool_id = (SELECT p.id FROM promo_pool p WHERE p.amount_uah = %s AND p.is_active)
      AND c.state = 'available' AND (c.valid_until IS NULL OR c.valid_until >= %s)
    ORDER BY c.place LIMIT 1 {lock})
RETURNING id, code, pool_id
"""
_RECORD = """
INSERT INTO promo_issue (channel, natural_key, phone, order_number, caller_address, request_id, actor, issued_at, code_id, pool_id)
{claimed} RETURNING id
"""
# Over the cap the constraint refuses the row, and the claim is undone with it. The row is locked last, so others wait for it as shortly as can be.
_COUNT = """
INSERT INTO promo_poolday (day, cap, pool_id, issued) SELECT %s, coalesce(p.daily_cap, %s), p.id, 1 FROM promo_pool p WHERE p.id = {claimed}
ON CONFLICT (pool_id, day) DO UPDATE SET issued = promo_poolday.issued + 1, cap = excluded.cap
"""
_IN_STEPS = (
    _CLAIM.format(lock=""),
    _RECORD.format(claimed="VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"),
    _COUNT.format(claimed="%s"),
)
_IN_ONE = """
WITH claimed AS ({claim}), recorded AS ({record}){and_counted}
SELECT claimed.code, claimed.pool_id, recorded.id, claimed.id FROM claimed, recorded
"""
_PARTS = {
    "claim": _CLAIM.format(lock="FOR UPDATE SKIP LOCKED"),
    "record": _RECORD.format(claimed="SELECT %s, %s, %s, %s, %s, %s, %s, %s, claimed.id, claimed.pool_id FROM claimed"),
}
_AND_COUNTED = ", counted AS ({})".format(_COUNT.format(claimed="(SELECT pool_id FROM claimed)"))
_ISSUE = _IN_ONE.format(**_PARTS, and_counted="")
_ISSUE_AND_COUNT = _IN_ONE.format(**_PARTS, and_counted=_AND_COUNTED)


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code that was handed out: the string, its whole-hryvnia amount, and the ids of its rows."""

    code: str
    amount_uah: int
    pool_id: int
    issue_id: int
    code_id: int
    is_replay: bool = False


def issue_code(
    *,
    amount_uah: int,
    channel: str,
    now: dt.datetime,
    natural_key: str = "",
    phone: str = "",
    order_number: str = "",
    caller_address: str = "",
    request_id: str = "",
    actor: str = "",
    daily_cap: int | None = None,
    is_whole: bool = True,
) -> IssuedCode:
    """Hand out the oldest free code of the amount.

    `natural_key` (64 hex characters) makes it once: the same key gets the same code again. `daily_cap` limits codes per pool and Kyiv day (None: no cap);
    a pool's own cap wins. Raises PoolUnknown, PoolEmpty, DailyCapReached; then nothing changed.

    `is_whole` False: this is the last part of a caller's transaction, which looked its key up itself and ends with whatever is raised here; a key that
    was used all the same is an IntegrityError.
    """
    if is_whole and natural_key and (issued := find_issued(natural_key)):
        return issued
    day = kyiv_day(now)
    claim = [stamp(now), amount_uah, sql_day(day + dt.timedelta(days=MIN_DAYS_LEFT))]
    record = [channel, natural_key or None, phone, order_number, caller_address, request_id, actor, stamp(now)]
    count = [] if daily_cap is None else [sql_day(day), daily_cap]
    try:
        with _undone_alone() if is_whole else nullcontext():
            row = _issue_in_one(claim, record, count) if _is_postgresql() else _issue_in_steps(claim, record, count)
    except IntegrityError as error:
        if WITHIN_CAP in str(error):
            raise DailyCapReached(amount_uah, retry_after_seconds=seconds_until_next_day(now)) from error
        # Two calls with one natural key at once: the other one won, its code is the answer.
        if is_whole and natural_key and (issued := find_issued(natural_key)):
            return issued
        raise
    if row is None:
        raise _explain_nothing(amount_uah)
    code, pool_id, issue_id, code_id = row
    return IssuedCode(code=code, amount_uah=amount_uah, pool_id=pool_id, issue_id=issue_id, code_id=code_id)


def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def _undone_alone() -> AbstractContextManager[Any]:
    """What a refusal undoes: everything of ours, nothing of the caller's. A single statement outside a transaction needs nothing for that, and is spared
    two round trips.
    """
    return nullcontext() if _is_postgresql() and not connection.in_atomic_block else transaction.atomic()


def _issue_in_one(claim: list[Any], record: list[Any], count: list[Any]) -> tuple[Any, ...] | None:
    rows = fetch_planned(_ISSUE_AND_COUNT if count else _ISSUE, [*claim, *record, *count])
    return rows[0] if rows else None


def _issue_in_steps(claim: list[Any], record: list[Any], count: list[Any]) -> tuple[Any, ...] | None:
    claiming, recording, counting = _IN_STEPS
    with connection.cursor() as cursor:
        cursor.execute(claiming, claim)
        row = cursor.fetchone()
        if row is None:
            return None
        code_id, code, pool_id = row
        cursor.execute(recording, [*record, code_id, pool_id])
        (issue_id,) = cursor.fetchone()
        if count:
            cursor.execute(counting, [*count, pool_id])
    return code, pool_id, issue_id, code_id


def seconds_until_next_day(now: dt.datetime) -> int:
    """Seconds until the next midnight in Kyiv."""
    tomorrow = dt.datetime.combine(kyiv_day(now) + dt.timedelta(days=1), dt.time(), KYIV)
    return max(1, int((tomorrow - now).total_seconds()) + 1)


def find_issued(natural_key: str) -> IssuedCode | None:
    """What was handed out under this natural key before."""
    issue = Issue.objects.select_related("code", "pool").filter(natural_key=natural_key).first()
    if issue is None:
        return None
    return IssuedCode(
        code=issue.code.code,
        amount_uah=issue.pool.amount_uah,
        pool_id=issue.pool_id,
        issue_id=issue.pk,
        code_id=issue.code_id,
        is_replay=True,
    )


def _explain_nothing(amount_uah: int) -> PoolUnknown | PoolEmpty:
    nearby = amounts_in_stock(near=amount_uah)
    if Pool.objects.filter(amount_uah=amount_uah, is_active=True).exists():
        return PoolEmpty(amount_uah, nearby=nearby)
    return PoolUnknown(amount_uah, nearby=nearby)


def amounts_in_stock(*, near: int, at_most: int = NEARBY_AMOUNTS) -> list[int]:
    """Amounts that have a code at this moment: the nearest below and above, in ascending order. Bounded work, whatever the number of pools."""
    has_code = Pool.objects.filter(is_active=True).extra(
        where=["EXISTS (SELECT 1 FROM promo_code c WHERE c.pool_id = promo_pool.id AND c.state = 'available')"]
    )
    below = list(
        has_code.filter(amount_uah__lt=near)
        .order_by("-amount_uah")
        .values_list("amount_uah", flat=True)[: at_most // 2]
    )
    above = list(
        has_code.filter(amount_uah__gt=near).order_by("amount_uah").values_list("amount_uah", flat=True)[: at_most // 2]
    )
    return sorted(below + above)


def count_miss(*, amount_uah: int, now: dt.datetime) -> None:
    """Remember that an amount was asked for in vain."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO promo_demand (amount_uah, day, misses) VALUES (%s, %s, 1) ON CONFLICT (amount_uah, day) DO UPDATE "
            "SET misses = promo_demand.misses + 1",
            [amount_uah, sql_day(kyiv_day(now))],
        )
