"""What browsers claim of orders. A claim moves nothing and owns nothing; it only says what to expect, and keeps the hold that it names alive.

*Expected* (claimed, forgotten after 14 days) and *pending* (confirmed, not completed) are questions about orders, not entries.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Sum

from bonuses.models import Hold, Order, OrderReport, OrderSnapshot
from bonuses.policy import REPORT_FORGOTTEN_AFTER, Totals, points_of_order
from bonuses.services import holding
from bonuses.services.ruling import as_rule, rule_in_force


def report_order(
    *,
    source: str,
    number: str,
    customer_id: int,
    total: Decimal,
    now: dt.datetime,
    hold_key: str = "",
    trust: str = "page",
) -> int:
    """Record what a page claims, and keep the hold it names alive. Returns the points that the claim would earn. Moves nothing."""
    rule = rule_in_force(now)
    expected = points_of_order(as_rule(rule), Totals(grand=total, goods=total), placed_at=now)
    hold = Hold.objects.filter(key=hold_key, customer_id=customer_id).first() if hold_key else None
    with transaction.atomic():
        # The hold before the claim, as a merge takes them.
        if hold is not None:
            holding.extend_hold(hold_id=hold.pk, now=now)
        OrderReport.objects.update_or_create(
            source=source, order_number=number, customer_id=customer_id,
            defaults={"total": total, "points_expected": expected, "trust": trust, "hold": hold, "reported_at": now},
        )  # fmt: skip
    return expected


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
