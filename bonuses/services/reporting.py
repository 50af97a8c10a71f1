"""What browsers claim of orders. A claim moves nothing and owns nothing; it only says what to expect, and keeps the hold that it names alive.

*Expected* (claimed, forgotten after 14 days) and *pending* (confirmed, not completed) are questions about orders, not entries.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Sum

from bonuses.models import Hold, Order, OrderReport, OrderSnapshot
from bonuses.policy import REPORT_FORGOTTEN_AFTER, Totals, points_of_order
from bonuses.services import holding
from bonuses.services.ruling import as_rule, rule_in_force

# A claim of an order that the CRM knows as another customer's; one that names a redemption which is not the claimant's; one that names a redemption though by
# its own figures the order was not paid with it.
ORDER_FOREIGN, HOLD_UNKNOWN, HOLD_UNUSED = "order_foreign", "hold_unknown", "hold_unused"
TRUST = ("page", "session", "signed")  # in ascending order


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Claims that were dropped; of them those of somebody else's order, and those of more money than the order came to."""

    claims: int
    foreign: int
    forged: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of a claim. `points` its own figures would earn; `is_duplicate`: one of the same trust, or of more, was there.

    `doubts` are machine words for what does not agree with what we know. The caller is told nothing of them: staff are, by whoever knows the address.
    """

    points: int
    is_duplicate: bool
    doubts: tuple[str, ...] = ()


def claim_order(
    *,
    source: str,
    number: str,
    customer_id: int,
    total: Decimal,
    now: dt.datetime,
    hold_key: str = "",
    trust: str = "page",
    discount: Decimal | None = None,
    delivery: Decimal = Decimal(0),
) -> Claim:
    """Record what a page claims, and keep the hold it names alive. Moves nothing. A claim of less trust never replaces one of more.

    `discount` is what was taken off the order, where the page says it: less than the hold's points, and the order was not paid with them.
    `delivery` is the part of `total` for which a rule may give no points.
    """
    hold = Hold.objects.filter(key=hold_key, customer_id=customer_id).first() if hold_key else None
    doubts = []
    owned = Order.objects.filter(source=source, number=number, customer_id__isnull=False)
    if owned.exclude(customer_id=customer_id).exists():
        doubts.append(ORDER_FOREIGN)
    if hold_key and hold is None:
        doubts.append(HOLD_UNKNOWN)
    if hold is not None and discount is not None and discount < hold.points:
        # Kept alive, it would be out of the shopper's reach for days, for an order that did not need it.
        doubts.append(HOLD_UNUSED)
        hold = None
    claim = _write_claim(
        source=source, number=number, customer_id=customer_id, totals=Totals(grand=total, goods=total, shipping=delivery), hold=hold, trust=trust, now=now
    )  # fmt: skip
    return replace(claim, doubts=tuple(doubts))


def _write_claim(
    *, source: str, number: str, customer_id: int, totals: Totals, hold: Hold | None, trust: str, now: dt.datetime
) -> Claim:
    rule, total = rule_in_force(now), totals.grand
    expected = points_of_order(as_rule(rule), totals, placed_at=now)
    with transaction.atomic():
        # The hold before the claim, as a merge takes them.
        if hold is not None:
            holding.extend_hold(hold_id=hold.pk, now=now)
        row, is_new = OrderReport.objects.select_for_update(no_key=True).get_or_create(
            source=source, order_number=number, customer_id=customer_id,
            defaults={"total": total, "points_expected": expected, "trust": trust, "hold": hold, "reported_at": now},
        )  # fmt: skip
        if is_new:
            return Claim(expected, is_duplicate=False)
        known, claimed = TRUST.index(row.trust), TRUST.index(trust)
        if claimed >= known:
            row.total, row.points_expected, row.trust, row.hold = total, expected, trust, hold or row.hold
            row.save(update_fields=["total", "points_expected", "trust", "hold"])
        # Whoever only names a phone hears what their own figures earn, and nothing of what its owner's page said.
        return Claim(expected, is_duplicate=claimed <= known)


def forget_reports(*, now: dt.datetime, at_most: int = 5000) -> Forgotten:
    """Drop claims of more than 14 days ago, and count those that the CRM's order contradicts: another customer, or another total."""
    old = OrderReport.objects.filter(reported_at__lte=now - REPORT_FORGOTTEN_AFTER).order_by("reported_at")
    rows = list(old.values_list("pk", "source", "order_number", "customer_id", "total")[:at_most])
    orders = {
        (order.source, order.number): order
        for order in Order.objects.filter(number__in={number for _pk, _source, number, *_rest in rows}, revision__gt=0)
    }
    foreign = forged = 0
    for _pk, source, number, customer_id, total in rows:
        order = orders.get((source, number))
        if order is not None:
            is_foreign = order.customer_id is not None and order.customer_id != customer_id
            foreign += is_foreign
            forged += not is_foreign and total > order.grand_total
    OrderReport.objects.filter(pk__in=[row[0] for row in rows]).delete()
    return Forgotten(len(rows), foreign, forged)


def expected_points(customer_id: int, *, now: dt.datetime) -> int:
    """Points that claims of the last 14 days would earn, orders that the CRM knows left out."""
    known = Order.objects.filter(source=OuterRef("source"), number=OuterRef("order_number"))
    claims = (
        OrderReport.objects.reported_after(now - REPORT_FORGOTTEN_AFTER)
        .filter(customer_id=customer_id)
        .exclude(Exists(known))
    )
    return claims.aggregate(points=Sum("points_expected"))["points"] or 0


def pending_points(customer_id: int) -> int:
    """Points that confirmed orders will earn when they are completed."""
    newest = OrderSnapshot.objects.filter(
        order__customer_id=customer_id, order__state="confirmed", revision=F("order__revision")
    )
    return newest.aggregate(points=Sum("earns"))["points"] or 0
