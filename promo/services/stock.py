"""Is it low? And then: ask for a run. Also the stock board's figures.

A run is asked for by inserting its row; the partial unique index makes a second ask while one is open change nothing, whoever asks at the same moment.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q

from bonusportal.counting import KYIV, kyiv_day
from bonusportal.sql import stamp
from promo.models import Code, CodeState, Issue, Pool, ReplenishRun
from promo.models.runs import RunKind, RunTrigger

# Since when issues count towards a batch.
_NEWEST_REFILL = """coalesce(
    (SELECT r.leased_at FROM promo_replenishrun r WHERE r.state = 'succeeded' AND r.kind = 'refill' ORDER BY r.leased_at DESC LIMIT 1), %s)"""
# Both questions in one statement, each with a LIMIT: their cost does not grow with the pool or the journal. Only the ORDER BY makes that true: without it
# the planner may look for those few rows from the beginning of the table, through everything that was ever issued.
_LOOK = f"""
SELECT (SELECT count(*) FROM (SELECT 1 FROM promo_code c WHERE c.pool_id = %s AND c.state = 'available'
            ORDER BY c.place LIMIT 1 + (SELECT low_water FROM promo_pool WHERE id = %s)) few),
       p.low_water,
       (SELECT count(*) FROM (SELECT 1 FROM promo_issue i WHERE i.issued_at > {_NEWEST_REFILL}
            ORDER BY i.issued_at DESC LIMIT %s) many)
FROM promo_pool p WHERE p.id = %s
"""  # noqa: S608 - constants of ours
_INSERT = """
INSERT INTO promo_replenishrun (pool_id, kind, state, trigger, requested_by, requested_at, attempts, reason, detail,
    rows_read, codes_kept, codes_created, codes_adopted, codes_voided, codes_deleted, options)
SELECT p.id, %s, 'requested', %s, %s, %s, 0, '', '', 0, 0, 0, 0, 0, 0, '{}' FROM promo_pool p
"""
_REQUEST = f"""
{_INSERT} WHERE p.id = %s AND p.is_active AND (%s OR p.cooldown_until IS NULL OR p.cooldown_until <= %s)
ON CONFLICT DO NOTHING RETURNING id
"""
# Every pool under its target that issued since. Compared as a pair, so that only the index (pool, issued_at) can answer: by any other the planner might walk
# through the whole journal for a pool that issued nothing lately.
_REQUEST_BATCH = f"""
{_INSERT} WHERE p.is_active AND (p.cooldown_until IS NULL OR p.cooldown_until <= %s)
  AND NOT EXISTS (SELECT 1 FROM promo_replenishrun o
                  WHERE o.pool_id = p.id AND o.kind = 'refill' AND o.state IN ('requested', 'leased', 'needs_person'))
  AND EXISTS (SELECT 1 FROM promo_issue i WHERE i.pool_id = p.id AND (i.pool_id, i.issued_at) > (p.id, {_NEWEST_REFILL}))
  AND (SELECT count(*) FROM (SELECT 1 FROM promo_code c WHERE c.pool_id = p.id AND c.state = 'available'
                             ORDER BY c.place LIMIT p.target) stocked) < p.target
ON CONFLICT DO NOTHING RETURNING id
"""  # noqa: S608 - constants of ours
# SQLite knows no outer column in a LIMIT; there a few codes are counted in vain.
_REQUEST_BATCH_SQLITE = _REQUEST_BATCH.replace("LIMIT p.target", "LIMIT (SELECT max(target) FROM promo_pool)")
_IS_LOW = (
    "(SELECT count(*) FROM (SELECT 1 FROM promo_code c WHERE c.pool_id = promo_pool.id AND c.state = 'available' "
    "ORDER BY c.place LIMIT 1 + (SELECT max(low_water) FROM promo_pool)) few) <= promo_pool.low_water"
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
    # Each statement commits by itself: none of them needs another, and a transaction around them would be two round trips more for every code.
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [pool_id, pool_id, stamp(_LONG_AGO), settings.BATCH_ISSUES, pool_id])
        few, low_water, many = cursor.fetchone()
        runs: list[int] = []
        if few <= low_water and (run := request_run(pool_id=pool_id, trigger=RunTrigger.LOW, now=now)):
            runs.append(run)
        if many >= settings.BATCH_ISSUES:
            moment = stamp(now)
            request = _REQUEST_BATCH if connection.vendor == "postgresql" else _REQUEST_BATCH_SQLITE
            cursor.execute(request, [RunKind.REFILL, RunTrigger.BATCH, "", moment, moment, stamp(_LONG_AGO)])
            runs += [run for (run,) in cursor.fetchall()]
    return runs


def note_empty(*, amount_uah: int, now: dt.datetime) -> int | None:
    """An amount was asked for and its pool has nothing: an empty pool asks for a refill as well."""
    pool_id = Pool.objects.filter(amount_uah=amount_uah, is_active=True).values_list("pk", flat=True).first()
    return None if pool_id is None else request_run(pool_id=pool_id, trigger=RunTrigger.EMPTY, now=now)


def look_at_stock(*, now: dt.datetime) -> list[int]:
    """The periodic net: every pool in use that is low gets its run, if the moment of issuing missed it."""
    low = Pool.objects.filter(is_active=True).extra(where=[_IS_LOW])  # noqa: S610 a constant
    asked = [
        request_run(pool_id=pool_id, trigger=RunTrigger.SWEEP, now=now) for pool_id in low.values_list("pk", flat=True)
    ]
    return [run for run in asked if run is not None]


def level_of(available: int, *, low_water: int) -> str:
    """`out`, `low` (at or below low water), `thin` (two above it), `fine`."""
    if available == 0:
        return "out"
    if available <= low_water:
        return "low"
    return "thin" if available <= low_water + 2 else "fine"


@dataclass(frozen=True, slots=True)
class PoolState:
    """A pool as the stock board shows it. `issued_by_day` are the last 14 Kyiv days, oldest first; `days_left` at the pace of the last seven."""

    pool_id: int
    amount_uah: int
    is_active: bool
    available: int
    target: int
    low_water: int
    is_low: bool
    level: str
    issued_today: int
    issued_by_day: list[int] = field(default_factory=list)
    issued_total: int = 0
    last_run: ReplenishRun | None = None
    days_left: float | None = None
    cooling_until: dt.datetime | None = None
    planned: int = 0
    foreign: int = 0


BOARD_DAYS = 14


def board(*, now: dt.datetime, pool_ids: list[int] | None = None) -> list[PoolState]:
    """Every pool's state, in a fixed number of queries. Pools in need come first."""
    pools = Pool.objects.all() if pool_ids is None else Pool.objects.filter(pk__in=pool_ids)
    codes = Code.objects.filter(state__in=[CodeState.AVAILABLE, CodeState.PLANNED, CodeState.FOREIGN])
    issues = Issue.objects.all()
    if pool_ids is not None:
        codes, issues = codes.filter(pool__in=pool_ids), issues.filter(pool__in=pool_ids)
    counts: dict[tuple[int, str], int] = {
        (row["pool"], row["state"]): row["n"]
        for row in codes.order_by().values("pool", "state").annotate(n=Count("id"))
    }
    today = kyiv_day(now)
    first_day = today - dt.timedelta(days=BOARD_DAYS - 1)
    since = dt.datetime.combine(first_day, dt.time(), KYIV)
    by_day: dict[int, list[int]] = {}
    for pool_id, issued_at in (
        issues.filter(issued_at__gte=since).values_list("pool_id", "issued_at").iterator(chunk_size=5000)
    ):
        by_day.setdefault(pool_id, [0] * BOARD_DAYS)[(kyiv_day(issued_at) - first_day).days] += 1
    last_runs = _last_runs(pool_ids)
    states = []
    for pool in pools:
        available = counts.get((pool.pk, "available"), 0)
        days = by_day.get(pool.pk, [0] * BOARD_DAYS)
        pace = sum(days[-7:]) / 7
        states.append(
            PoolState(
                pool_id=pool.pk,
                amount_uah=pool.amount_uah,
                is_active=pool.is_active,
                available=available,
                target=pool.target,
                low_water=pool.low_water,
                is_low=available <= pool.low_water,
                level=level_of(available, low_water=pool.low_water),
                issued_today=days[-1],
                issued_by_day=days,
                last_run=last_runs.get(pool.pk),
                days_left=available / pace if pace else None,
                cooling_until=pool.cooldown_until if pool.cooldown_until and pool.cooldown_until > now else None,
                planned=counts.get((pool.pk, "planned"), 0),
                foreign=counts.get((pool.pk, "foreign"), 0),
            )
        )
    rank = {"out": 0, "low": 1, "thin": 2, "fine": 3}
    return sorted(states, key=lambda state: (not state.is_active, rank[state.level], state.amount_uah))


def _last_runs(pool_ids: list[int] | None) -> dict[int, ReplenishRun]:
    condition = Q() if pool_ids is None else Q(pool__in=pool_ids)
    newest = Pool.objects.filter(Q() if pool_ids is None else Q(pk__in=pool_ids)).extra(
        select={
            "run": "(SELECT r.id FROM promo_replenishrun r WHERE r.pool_id = promo_pool.id ORDER BY r.id DESC LIMIT 1)"
        }
    )
    ids = [run for run in newest.values_list("run", flat=True) if run]
    return {run.pool_id: run for run in ReplenishRun.objects.filter(condition, pk__in=ids)}
