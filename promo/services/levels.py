"""How full the pools are: the stock board's figures, in a fixed number of queries however many pools there are."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import Length, TruncDate

from bonusportal.counting import KYIV, kyiv_day
from promo import policy
from promo.models import Code, CodeState, Issue, Pool, ReplenishRun


def level_of(available: int, *, low_water: int) -> str:
    """`out`, `low` (at or below low water), `thin` (two above it), `fine`."""
    if available == 0:
        return "out"
    if available <= low_water:
        return "low"
    return "thin" if available <= low_water + 2 else "fine"


@dataclass(frozen=True, slots=True)
class PoolState:
    """A pool as the stock board shows it. `issued_by_day` are the last 14 Kyiv days, oldest first; `days_left` at the pace of the last seven.

    `guesses` is what one hit among the codes that lie ready costs a guesser on average, the shortest codes first; `bits` what the shortest are worth.
    """

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
    guesses: float = math.inf
    bits: float | None = None

    @property
    def is_weak(self) -> bool:
        return self.guesses < settings.STRENGTH_FLOOR


BOARD_DAYS = 14


def board(*, now: dt.datetime, pool_ids: list[int] | None = None) -> list[PoolState]:
    """Every pool's state, in a fixed number of queries. Pools in need come first."""
    pools = Pool.objects.all() if pool_ids is None else Pool.objects.filter(pk__in=pool_ids)
    codes = Code.objects.filter(state__in=[CodeState.AVAILABLE, CodeState.PLANNED, CodeState.FOREIGN])
    issues = Issue.objects.all()
    if pool_ids is not None:
        codes, issues = codes.filter(pool__in=pool_ids), issues.filter(pool__in=pool_ids)
    counts: Counter[tuple[int, str]] = Counter()
    lengths: dict[int, Counter[int]] = {}
    counted = codes.order_by().values("pool", "state", length=Length("code")).annotate(n=Count("id"))
    for pool_id, state, length, number in counted.values_list("pool", "state", "length", "n"):
        counts[pool_id, state] += number
        if state != CodeState.PLANNED:
            lengths.setdefault(pool_id, Counter())[length] += number
    today = kyiv_day(now)
    first_day = today - dt.timedelta(days=BOARD_DAYS - 1)
    since = dt.datetime.combine(first_day, dt.time(), KYIV)
    by_day: dict[int, list[int]] = {}
    days_of_pools = (
        issues.filter(issued_at__gte=since).order_by().values("pool_id", day=TruncDate("issued_at", tzinfo=KYIV))
    )
    for pool_id, day, number in days_of_pools.annotate(n=Count("id")).values_list("pool_id", "day", "n"):
        if day <= today:  # a clock that ran ahead elsewhere
            by_day.setdefault(pool_id, [0] * BOARD_DAYS)[(day - first_day).days] += number
    last_runs = _last_runs(pool_ids)
    states = []
    for pool in pools:
        available = counts.get((pool.pk, "available"), 0)
        days = by_day.get(pool.pk, [0] * BOARD_DAYS)
        pace = sum(days[-7:]) / 7
        bits, guesses = _strength_of(lengths.get(pool.pk, Counter()), amount_uah=pool.amount_uah)
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
                guesses=guesses,
                bits=bits,
            )
        )
    rank = {"out": 0, "low": 1, "thin": 2, "fine": 3}
    return sorted(states, key=lambda state: (not state.is_active, rank[state.level], state.amount_uah))


def _strength_of(lengths: Counter[int], *, amount_uah: int) -> tuple[float | None, float]:
    """Bits of the shortest codes, and what a hit costs a guesser who begins with the length that pays best. `lengths` counts codes by their length."""
    if not lengths:
        return None, math.inf
    random = {length: policy.random_length_of(length, amount_uah=amount_uah) for length in lengths}
    guesses = min(policy.expected_guesses(number, length=random[length]) for length, number in lengths.items())
    return policy.entropy_bits(min(random.values())), guesses


def weak_pools(states: Iterable[PoolState]) -> list[PoolState]:
    """Pools in use whose codes are too easy to guess, the weakest first."""
    return sorted(
        (state for state in states if state.is_active and state.is_weak),
        key=lambda state: (state.guesses, state.amount_uah),
    )


def _last_runs(pool_ids: list[int] | None) -> dict[int, ReplenishRun]:
    condition = Q() if pool_ids is None else Q(pool__in=pool_ids)
    newest = Pool.objects.filter(Q() if pool_ids is None else Q(pk__in=pool_ids)).extra(
        select={
            "run": "(SELECT r.id FROM promo_replenishrun r WHERE r.pool_id = promo_pool.id ORDER BY r.id DESC LIMIT 1)"
        }
    )
    ids = [run for run in newest.values_list("run", flat=True) if run]
    return {run.pool_id: run for run in ReplenishRun.objects.filter(condition, pk__in=ids)}
