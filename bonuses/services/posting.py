"""Post at once what a server of the shop says of an order, under its signature: points spent and points earned, before the CRM's own word.

It is applied as a snapshot older than anything the CRM can say, so whatever the CRM says later is a difference to it: a second capture is none, another
total moves what differs. What is spent comes from the hold that the order has already, else from one placed now.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, Sum

from bonuses.errors import InsufficientPoints, OrderNotPayable, PointsExpired
from bonuses.models import EntryKind, Hold, HoldState, LedgerEntry, Order, OrderReport, OrderSnapshot
from bonuses.policy import Totals
from bonuses.policy_orders import SHOP, Stage
from bonuses.services import holding, ledger, orders, reckoning, reporting
from bonuses.services.order_rows import Snapshot, lock_order, totals_of

# Before any order of the CRM: what comes from there is always newer.
_BEFORE_THE_CRM = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Posted:
    """What moved: whole points spent and earned, and what was available before, in between and after."""

    spent: int
    earned: int
    before: int
    between: int
    after: int
    is_duplicate: bool = False


@ledger.following_merges
def post_order(
    *, number: str, customer_id: int, total: Decimal, spends: int, earns: bool, now: dt.datetime, actor: str, source: str = SHOP
) -> Posted:  # fmt: skip
    """Spend `spends` points (0: none) for the order and, if it `earns`, complete it. Once per order and customer.

    Raises InsufficientPoints, PointsExpired, OrderNotPayable, KeyReused; then nothing changed.
    """
    customer_id = ledger.survivor_of(customer_id)
    with transaction.atomic():
        # The order first, as everywhere; it makes parallel repeats wait for each other.
        draft = Snapshot(
            source=source, number=number, stage=Stage.COMPLETED if earns else Stage.CONFIRMED, totals=Totals(grand=total, goods=total),
            placed_at=now, seen_at=_BEFORE_THE_CRM, customer_id=customer_id,
        )  # fmt: skip
        order = lock_order(draft, now)
        if order is None or (order.revision and order.state == Stage.CANCELLED):
            raise OrderNotPayable
        before = reckoning.balance(customer_id, now=now).available
        claim = reporting.claim_order(
            source=source, number=number, customer_id=customer_id, total=total, now=now, trust="signed"
        )
        if claim.is_duplicate:
            return Posted(0, 0, before, before, before, is_duplicate=True)
        hold = _hold_of(order, customer_id, spends, now=now, actor=actor) if spends else None
        between = reckoning.balance(customer_id, now=now).available
        applied = orders.apply_snapshot(snapshot=_snapshot(order, draft, hold), now=now, actor=actor)
        if hold is not None:
            holding.capture_hold(hold_id=hold.pk, now=now, actor=actor)
            OrderReport.objects.filter(source=source, order_number=number, customer_id=customer_id).update(hold=hold)
        after = reckoning.balance(customer_id, now=now).available
    return Posted(hold.points if hold else 0, applied.points, before, between, after)


def _hold_of(order: Order, customer_id: int, spends: int, *, now: dt.datetime, actor: str) -> Hold:
    """The hold that pays: tied to the order, named by its report, or its code handed out for this order; else a new one. A code is always spent whole."""
    reported = OrderReport.objects.filter(source=order.source, order_number=order.number, customer_id=customer_id)
    mine = Q(order=order) | Q(pk__in=reported.values("hold")) | Q(code__issue__order_number=order.number)
    open_hold = (
        Hold.objects.filter(mine, Q(order=None) | Q(order=order), customer_id=customer_id, state__in=[HoldState.OPEN, HoldState.RELEASING])
        .order_by("pk")
        .first()
    )  # fmt: skip
    if open_hold is not None:
        return open_hold
    key = hashlib.sha256(f"signed\n{order.key}\n{customer_id}".encode()).hexdigest()
    try:
        placed = holding.place_hold(customer_id=customer_id, points=spends, key=key, now=now, actor=actor, lives=None)
    except InsufficientPoints as error:
        if error.available + _expired_points(customer_id) >= spends:
            raise PointsExpired(error.available) from error
        raise
    return Hold.objects.get(pk=placed.id)


def _expired_points(customer_id: int) -> int:
    lost = LedgerEntry.objects.filter(kind=EntryKind.EXPIRE, debit__customer_id=customer_id).aggregate(n=Sum("points"))
    return lost["n"] or 0


def _snapshot(order: Order, draft: Snapshot, hold: Hold | None) -> Snapshot:
    """What the CRM said stands; only the stage and the hold are new to it."""
    stage, totals, seen_at = draft.stage, draft.totals, draft.seen_at
    if order.revision:
        last = OrderSnapshot.objects.get(order=order, revision=order.revision)
        totals = totals_of(last)
        seen_at = order.seen_at
        if order.state == Stage.COMPLETED:
            stage = Stage.COMPLETED
    holds = set(Hold.objects.filter(order=order).values_list("pk", flat=True)) | ({hold.pk} if hold else set())
    return Snapshot(
        source=draft.source, number=draft.number, stage=stage, totals=totals, placed_at=order.placed_at, seen_at=seen_at,
        customer_id=order.customer_id or draft.customer_id, hold_ids=tuple(sorted(holds)), reason="a signed call",
    )  # fmt: skip
