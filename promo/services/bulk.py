"""Many pools at once: a range of amounts with a target, as ordinary runs of the ordinary machinery. There is no second robot.

What was handed out is never touched: a wipe removes codes that nobody has been given.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput
from bonusportal.money import MAX_AMOUNT_UAH
from promo.models import Pool, ReplenishRun
from promo.models.codes import Adopt
from promo.models.runs import RunKind, RunTrigger
from promo.services.stock import request_run

MAX_POOLS = 5000


@dataclass(frozen=True, slots=True)
class BulkOrder:
    """What is asked of every amount of a range: how many codes to have, and what to remove on the way."""

    target: int
    remove_excess: bool = False
    delete_inactive: bool = False
    wipe: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would come to, counted before anything is asked for. `seconds` is a guess from a few seconds a code."""

    amounts: int
    new_pools: int
    codes_to_make: int
    codes_to_remove: int
    seconds: int


SECONDS_PER_CODE = 2
SECONDS_PER_POOL = 3


def parse_amounts(text: str) -> list[int]:
    """`100`, `1-2000`, `50,100,200-300` → ascending whole-hryvnia amounts. Raises BadInput naming the part that is wrong."""
    amounts: set[int] = set()
    for part in text.replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        numbers = [first, last] if dash else [first]
        if not all(number.isascii() and number.isdigit() and 1 <= len(number) <= 7 for number in numbers):
            raise BadInput(
                _("%(part)r is neither an amount nor a range like 1-2000.") % {"part": part[:40]}, code="range_invalid"
            )
        start, end = int(first), int(numbers[-1])
        if not 1 <= start <= end <= MAX_AMOUNT_UAH or end - start >= MAX_POOLS:
            raise BadInput(
                _("%(part)r is no range of at most 5000 amounts.") % {"part": part[:40]}, code="range_invalid"
            )
        amounts.update(range(start, end + 1))
    if len(amounts) > MAX_POOLS:
        raise BadInput(_("At most 5000 amounts at a time."), code="range_invalid")
    return sorted(amounts)


def preview(*, amounts: Iterable[int], order: BulkOrder) -> Preview:
    """Count what an order would do. Changes nothing. Raises BadInput."""
    wanted = _checked(list(amounts), order)
    have = dict(
        Pool.objects.filter(amount_uah__in=wanted)
        .order_by()
        .annotate(n=Count("codes", filter=Q(codes__state="available")))
        .values_list("amount_uah", "n")
    )
    make = remove = 0
    for amount in wanted:
        available = have.get(amount, 0)
        if order.wipe:
            make, remove = make + order.target, remove + available
        else:
            make += max(0, order.target - available)
            remove += max(0, available - order.target) if order.remove_excess else 0
    seconds = SECONDS_PER_POOL * len(wanted) + SECONDS_PER_CODE * (make + remove)
    return Preview(len(wanted), len(wanted) - len(have), make, remove, seconds)


def request_bulk(*, amounts: Iterable[int], order: BulkOrder, actor: str, now: dt.datetime) -> list[int]:
    """Ask for a run for every amount, making pools that are missing. Returns the ids of the runs; amounts with an open run are left out."""
    wanted = _checked(list(amounts), order)
    with transaction.atomic():
        low_water = max(0, min(3, order.target - 1))
        present = set(Pool.objects.filter(amount_uah__in=wanted).values_list("amount_uah", flat=True))
        Pool.objects.bulk_create(
            [
                Pool(amount_uah=amount, target=max(order.target, 1), low_water=low_water, adopt=Adopt.TRUST)
                for amount in wanted
                if amount not in present
            ],
            batch_size=500,
        )
        runs = [
            run_id
            for pool_id in Pool.objects.filter(amount_uah__in=wanted)
            .order_by("amount_uah")
            .values_list("pk", flat=True)
            if (
                run_id := request_run(
                    pool_id=pool_id, kind=RunKind.REFILL, trigger=RunTrigger.STAFF, requested_by=actor, now=now
                )
            )
        ]
        ReplenishRun.objects.filter(pk__in=runs).update(options=asdict(order))
    return runs


def _checked(amounts: list[int], order: BulkOrder) -> list[int]:
    if not 0 <= order.target <= 1000:
        raise BadInput(_("The target must be from 0 to 1000."), code="target_invalid")
    return amounts
