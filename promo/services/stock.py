"""Is it low? And then: ask for a run.

A run is asked for by inserting its row; the partial unique index makes a second ask while one is open change nothing, whoever asks at the same moment.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from django.conf import settings
from django.db import connection
from django.utils import timezone

from bonusportal.counting import kyiv_day
from bonusportal.sql import day as sql_day
from bonusportal.sql import fetch_planned, stamp
from promo.models import Pool
from promo.models.runs import RunKind, RunTrigger
from promo.policy import MIN_DAYS_LEFT

_INSERT = """
INSERT INTO promo_replenishrun (pool_id, kind, state, trigger, requested_by, requested_at, attempts, reason, detail,
    rows_read, codes_kept, codes_created, codes_adopted, codes_voided, codes_deleted, options)
"""
_REQUEST = f"""
{_INSERT} SELECT p.id, %s, 'requested', %s, %s, %s, 0, '', '', 0, 0, 0, 0, 0, 0, '{{}}' FROM promo_pool p
WHERE p.id = %s AND p.is_active AND (%s OR p.cooldown_until IS NULL OR p.cooldown_until <= %s)
ON CONFLICT DO NOTHING RETURNING id
"""  # noqa: S608 - constants of ours
# What an issue makes necessary, in one statement that mostly inserts nothing. Every question has a LIMIT, so that its cost does not grow with the pool or
# the journal; but only the ORDER BY makes that true: without it the planner may look for those few rows from the beginning of the table, through everything
# that was ever issued. Whether a pool issued since is asked as "whose is the first entry after (pool, since)", for the same reason. CASE keeps the order of
# the questions: the dear ones are asked of other pools only when there are many issues.
_ASK = f"""
WITH look AS MATERIALIZED (
    SELECT (SELECT count(*) FROM (SELECT 1 FROM promo_code c WHERE c.pool_id = %(pool)s AND c.state = 'available'
                ORDER BY c.place LIMIT 1 + (SELECT low_water FROM promo_pool WHERE id = %(pool)s)) few) AS few,
           (SELECT count(*) FROM (SELECT 1 FROM promo_issue i WHERE i.issued_at > s.since
                ORDER BY i.issued_at DESC LIMIT %(batch)s) many) AS many,
           s.since
    FROM (SELECT coalesce((SELECT r.leased_at FROM promo_replenishrun r WHERE r.state = 'succeeded' AND r.kind = 'refill'
                           ORDER BY r.leased_at DESC LIMIT 1), %(long_ago)s) AS since) s
)
{_INSERT} SELECT p.id, 'refill', 'requested', CASE WHEN p.id = %(pool)s AND look.few <= p.low_water THEN 'low' ELSE 'batch' END, '', %(now)s,
    0, '', '', 0, 0, 0, 0, 0, 0, '{{}}'
FROM look, promo_pool p
WHERE (p.id = %(pool)s OR look.many >= %(batch)s)
  AND p.is_active AND (p.cooldown_until IS NULL OR p.cooldown_until <= %(now)s)
  AND NOT EXISTS (SELECT 1 FROM promo_replenishrun o
                  WHERE o.pool_id = p.id AND o.kind = 'refill' AND o.state IN ('requested', 'leased', 'needs_person'))
  AND CASE
        WHEN p.id = %(pool)s AND look.few <= p.low_water THEN true
        WHEN look.many >= %(batch)s THEN
            (SELECT i.pool_id FROM promo_issue i WHERE (i.pool_id, i.issued_at) > (p.id, look.since)
             ORDER BY i.pool_id, i.issued_at LIMIT 1) = p.id
            AND (SELECT count(*) FROM (SELECT 1 FROM promo_code c WHERE c.pool_id = p.id AND c.state = 'available'
                                       ORDER BY c.place LIMIT p.target) stocked) < p.target
        ELSE false
      END
ON CONFLICT DO NOTHING RETURNING id
"""  # noqa: S608 - constants of ours
_IS_LOW = (
    "(SELECT count(*) FROM (SELECT 1 FROM promo_code c WHERE c.pool_id = promo_pool.id AND c.state = 'available' "
    "ORDER BY c.place LIMIT 1 + (SELECT max(low_water) FROM promo_pool)) few) <= promo_pool.low_water"
)
_HAS_A_CODE = (
    "EXISTS (SELECT 1 FROM promo_code c WHERE c.pool_id = promo_pool.id AND c.state = 'available' "
    "AND (c.valid_until IS NULL OR c.valid_until >= %s))"
)
_LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def request_run(
    *, pool_id: int, kind: str = RunKind.REFILL, trigger: str, requested_by: str = "", now: dt.datetime
) -> int | None:
    """Ask for a run. Returns its id, or None where one is open already, the pool is not in use, or it rests after failures (a person may insist)."""
    insists = trigger in {RunTrigger.STAFF, RunTrigger.WITHDRAWN}
    with connection.cursor() as cursor:
        cursor.execute(_REQUEST, [kind, trigger, requested_by, stamp(now), pool_id, insists, stamp(now)])
        row = cursor.fetchone()
    return int(row[0]) if row else None


def note_issue(*, pool_id: int, now: dt.datetime) -> list[int]:
    """After an issue has committed: ask for what it made necessary. Returns the ids of the runs that were requested just now.

    Low: `low_water` codes or fewer are left. Many: `BATCH_ISSUES` issues over all pools since the newest successful refill was started; then every pool
    under its target that issued since is asked for.
    """
    values = {"pool": pool_id, "long_ago": stamp(_LONG_AGO), "now": stamp(now)}
    return [run for (run,) in fetch_planned(_ask(settings.BATCH_ISSUES, vendor=connection.vendor), values)]


@lru_cache(maxsize=8)
def _ask(batch_issues: int, *, vendor: str) -> str:
    # A number in the text: of a LIMIT that comes as a parameter the planner expects a tenth of the whole journal, and sorts it.
    text = _ASK.replace("%(batch)s", str(int(batch_issues)))
    # SQLite knows no outer column in a LIMIT; there a few codes are counted in vain.
    return (
        text if vendor == "postgresql" else text.replace("LIMIT p.target", "LIMIT (SELECT max(target) FROM promo_pool)")
    )


def note_empty(*, amount_uah: int, now: dt.datetime) -> int | None:
    """An amount was asked for and its pool has nothing: an empty pool asks for a refill as well."""
    pool_id = Pool.objects.filter(amount_uah=amount_uah, is_active=True).values_list("pk", flat=True).first()
    return None if pool_id is None else request_run(pool_id=pool_id, trigger=RunTrigger.EMPTY, now=now)


_ON_DEMAND_LOCK = 0x504F4F4C


def make_pool_on_demand(*, amount_uah: int, at_most: int, now: dt.datetime) -> int | None:
    """A pool for an amount that a customer with the points asked for in vain: one code at a time. None where there is one, or `at_most` were made already.

    In the caller's transaction; whoever else makes one waits for its end, so the cap is exact.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ON_DEMAND_LOCK])
    if Pool.objects.filter(is_on_demand=True).count() >= at_most:
        return None
    pool, made = Pool.objects.get_or_create(
        amount_uah=amount_uah, defaults={"low_water": 0, "target": 1, "is_on_demand": True}
    )
    return pool.pk if made else None


PAYABLE_AMOUNTS = 200


def payable_amounts(*, up_to: int, now: dt.datetime | None = None, at_most: int = PAYABLE_AMOUNTS) -> list[int]:
    """Amounts ≤ `up_to` that have a code to be handed out at this moment, ascending; the largest `at_most` of them."""
    if up_to < 1:
        return []
    last = kyiv_day(now or timezone.now()) + dt.timedelta(days=MIN_DAYS_LEFT)
    has_code = Pool.objects.filter(is_active=True, amount_uah__lte=up_to).extra(  # noqa: S610 a constant
        where=[_HAS_A_CODE],
        params=[sql_day(last)],
    )
    return sorted(has_code.order_by("-amount_uah").values_list("amount_uah", flat=True)[:at_most])


def look_at_stock(*, now: dt.datetime) -> list[int]:
    """The periodic net: every pool in use that is low gets its run, if the moment of issuing missed it."""
    low = Pool.objects.filter(is_active=True).extra(where=[_IS_LOW])  # noqa: S610 a constant
    asked = [
        request_run(pool_id=pool_id, trigger=RunTrigger.SWEEP, now=now) for pool_id in low.values_list("pk", flat=True)
    ]
    return [run for run in asked if run is not None]
