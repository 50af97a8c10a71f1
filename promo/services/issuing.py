"""Who may take a code: claiming one and writing down that it was handed out, in one transaction.

The claim is one statement whose row is the answer; there is no read-then-save. On PostgreSQL it skips rows that others are claiming; SQLite runs it
inside BEGIN IMMEDIATE, where there are no others. Limits, keys and modes belong to the edge; balances to the ledger.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction

from bonusportal.counting import KYIV, kyiv_day
from bonusportal.sql import day as sql_day
from bonusportal.sql import stamp
from promo.errors import DailyCapReached, PoolEmpty, PoolUnknown
from promo.models import Issue, Pool
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
_INSERT = (
    "INSERT INTO promo_issue (code_id, pool_id, channel, natural_key, phone, order_number, caller_address, request_id, actor, issued_at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id"
)
# The cap is counted last in the transaction, so its row is locked for the length of a commit; over the cap the claim rolls back with it.
_CAP = (
    "INSERT INTO promo_poolday (pool_id, day, issued) VALUES (%s, %s, 1) ON CONFLICT (pool_id, day) DO UPDATE "
    "SET issued = promo_poolday.issued + 1 RETURNING issued"
)


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code that was handed out: the string, its whole-hryvnia amount, and the Issue row's id."""

    code: str
    amount_uah: int
    pool_id: int
    issue_id: int
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
) -> IssuedCode:
    """Hand out the oldest free code of the amount.

    `natural_key` (64 hex characters) makes it once: the same key gets the same code again. `daily_cap` limits codes per pool and Kyiv day (None: no cap);
    a pool's own cap wins. Raises PoolUnknown, PoolEmpty, DailyCapReached; then nothing changed.
    """
    if natural_key and (issued := find_issued(natural_key)):
        return issued
    try:
        with transaction.atomic():
            return _claim(
                amount_uah, channel, now, natural_key, phone, order_number, caller_address, request_id, actor, daily_cap
            )
    except IntegrityError:
        # Two calls with one natural key at once: the other one won, its code is the answer.
        if natural_key and (issued := find_issued(natural_key)):
            return issued
        raise


def _claim(
    amount_uah: int,
    channel: str,
    now: dt.datetime,
    natural_key: str,
    phone: str,
    order_number: str,
    caller_address: str,
    request_id: str,
    actor: str,
    daily_cap: int | None,
) -> IssuedCode:
    lock = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    day = kyiv_day(now)
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM.format(lock=lock), [stamp(now), amount_uah, sql_day(day + dt.timedelta(days=MIN_DAYS_LEFT))]
        )
        row = cursor.fetchone()
        if row is None:
            raise _explain_nothing(amount_uah)
        code_id, code, pool_id = row
        cursor.execute(
            _INSERT,
            [
                code_id,
                pool_id,
                channel,
                natural_key or None,
                phone,
                order_number,
                caller_address,
                request_id,
                actor,
                stamp(now),
            ],
        )
        (issue_id,) = cursor.fetchone()
        if daily_cap is not None:
            own_cap = Pool.objects.values_list("daily_cap", flat=True).get(pk=pool_id)
            cursor.execute(_CAP, [pool_id, sql_day(day)])
            (issued_today,) = cursor.fetchone()
            if issued_today > (daily_cap if own_cap is None else own_cap):
                raise DailyCapReached(amount_uah, retry_after_seconds=seconds_until_next_day(now))
    return IssuedCode(code=code, amount_uah=amount_uah, pool_id=pool_id, issue_id=issue_id)


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
        code=issue.code.code, amount_uah=issue.pool.amount_uah, pool_id=issue.pool_id, issue_id=issue.pk, is_replay=True
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
