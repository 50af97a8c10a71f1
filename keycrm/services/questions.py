"""What ledger, orders of the CRM and codes may not agree on: each question is a query over rows that are here already. The CRM is not asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Exists, F, OuterRef, Q

from bonuses.models import Hold, Order, OrderReport, OrderSnapshot
from bonuses.policy import REPORT_FORGOTTEN_AFTER
from bonuses.policy_orders import Stage, target_points
from bonuses.services.order_rows import totals_of
from bonuses.services.orders import Stuck
from bonuses.services.ruling import as_rule
from keycrm.models import BuyerLink, CrmCard, CrmOrder
from keycrm.models.differences import DifferenceKind
from keycrm.services import giving_back

BACK_TO = dt.timedelta(days=120)
REPORT_UNCONFIRMED_AFTER = dt.timedelta(days=3)
UNUSED_AFTER = dt.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Found:
    """One disagreement. `key` names the rows, `detail` the figures."""

    kind: str
    key: str
    detail: str = ""
    rows: dict[str, int | None] = field(default_factory=dict)


Question = Callable[[dt.datetime], Iterator[Found]]


def _codes_in_several_orders(now: dt.datetime) -> Iterator[Found]:
    """One code in two orders: the one that was placed first has the right to it."""
    rows = (
        CrmOrder.objects.roots()
        .filter(code__isnull=False, set_aside_at=None, placed_at__gt=now - BACK_TO)
        .exclude(stage=Stage.CANCELLED.value)
        .select_related("order")
        .order_by("placed_at", "crm_id")
    )
    by_code: dict[int, list[CrmOrder]] = {}
    for row in rows:
        by_code.setdefault(row.code_id or 0, []).append(row)
    for code_id, uses in by_code.items():
        for later in uses[1:]:
            detail = f"{uses[0].number} ({uses[0].crm_id}) → {later.number} ({later.crm_id})"
            yield Found(DifferenceKind.CODE_IN_TWO_ORDERS, f"code:{code_id}/{later.crm_id}", detail,
                        {"code": code_id, "crm_order": later.pk, "order": later.order_id})  # fmt: skip


def _codes_gone(now: dt.datetime) -> Iterator[Found]:
    """The order was paid with a code that does not stand in it any more."""
    holds = Hold.objects.filter(
        code__isnull=False, order__isnull=False, state__in=["open", "captured"], reinstated_at=None, again=None
    )
    standing = CrmOrder.objects.filter(order_id=OuterRef("order_id"), code_id=OuterRef("code_id"))
    seen = CrmOrder.objects.filter(order_id=OuterRef("order_id"), fetched_at__isnull=False, owns_number=True)
    for hold in holds.filter(Exists(seen), ~Exists(standing), order__placed_at__gt=now - BACK_TO).select_related(
        "order"
    ):
        yield Found(
            DifferenceKind.CODE_GONE,
            f"hold:{hold.pk}",
            f"{hold.points + hold.owed}",
            {"code": hold.code_id, "order": hold.order_id},
        )


def _codes_unused(now: dt.datetime) -> Iterator[Found]:
    """Spent, and no order has it: captured by a signed call, and the CRM never showed the order."""
    holds = Hold.objects.filter(
        code__isnull=False,
        order=None,
        state="captured",
        reinstated_at=None,
        resolved_at__lt=now - UNUSED_AFTER,
        resolved_at__gt=now - BACK_TO,
    )
    for hold in holds:
        yield Found(DifferenceKind.CODE_UNUSED, f"hold:{hold.pk}", f"{hold.points + hold.owed}", {"code": hold.code_id})


def _held_for_nothing(now: dt.datetime) -> Iterator[Found]:
    """Open holds that have no end by time, and whose order was set aside or never came: only a person can end them."""
    live = CrmOrder.objects.filter(order_id=OuterRef("order_id"), set_aside_at=None)
    known = CrmOrder.objects.filter(order_id=OuterRef("order_id"))
    left = Q(order=None, expires_at=None, placed_at__lt=now - UNUSED_AFTER) | (
        Q(order__state="confirmed") & Exists(known) & ~Exists(live)
    )
    for hold in Hold.objects.filter(left, state="open", manual_reserve=None):
        yield Found(DifferenceKind.HELD_FOR_NOTHING, f"hold:{hold.pk}", f"{hold.points}",
                    {"code": hold.code_id, "order": hold.order_id})  # fmt: skip


def _codes_not_issued(now: dt.datetime) -> Iterator[Found]:
    rows = CrmOrder.objects.filter(code__isnull=False, code__issue=None, set_aside_at=None, placed_at__gt=now - BACK_TO)
    for row in rows:
        yield Found(
            DifferenceKind.NOT_ISSUED,
            f"crm:{row.crm_id}",
            "",
            {"code": row.code_id, "crm_order": row.pk, "order": row.order_id},
        )


def _newest_snapshots(now: dt.datetime) -> Iterator[tuple[Order, OrderSnapshot]]:
    newest = OrderSnapshot.objects.filter(
        revision=F("order__revision"), order__placed_at__gt=now - BACK_TO
    ).select_related("order__rule")
    for snapshot in newest.iterator(chunk_size=500):
        yield snapshot.order, snapshot


def _figures(now: dt.datetime) -> Iterator[Found]:
    """Points against the newest snapshot, discounts against codes, and the share payable with points: one walk over the orders."""
    spent: dict[int, list[tuple[int, int | None]]] = {}
    holds = Hold.objects.filter(
        order__placed_at__gt=now - BACK_TO, state__in=["open", "captured"], reinstated_at=None, again=None
    )
    for order_id, points, owed, code_id in holds.values_list("order_id", "points", "owed", "code_id"):
        spent.setdefault(order_id or 0, []).append((points + owed, code_id))
    for order, snapshot in _newest_snapshots(now):
        rule, totals = as_rule(order.rule), totals_of(snapshot)
        rows: dict[str, int | None] = {"order": order.pk}
        target = target_points(rule, totals, stage=Stage(snapshot.stage), placed_at=order.placed_at)
        net = order.granted - order.clawed_back
        if order.customer_id is not None and net != target:
            yield Found(DifferenceKind.POINTS_DIFFER, f"order:{order.pk}", f"{net} ≠ {target}", rows)
        if order.customer_id is None and target:
            yield Found(DifferenceKind.NO_EARNER, f"order:{order.pk}", f"{target}", rows)
        paid = sum(points for points, _code in spent.get(order.pk, []))
        if not paid or snapshot.stage == Stage.CANCELLED.value:
            continue
        most = int(totals.goods * rule.share_percent / 100 - totals.other_discount)
        if totals.goods and paid > max(most, 0):
            yield Found(DifferenceKind.OVER_SHARE, f"order:{order.pk}", f"{paid} > {max(most, 0)}", rows)
        discount = totals.goods - (totals.grand - totals.shipping - totals.wrap - totals.taxes)
        if totals.goods and discount < paid:
            yield Found(DifferenceKind.SMALL_DISCOUNT, f"order:{order.pk}", f"{discount} < {paid}", rows)


def _orders_stuck(now: dt.datetime) -> Iterator[Found]:
    told_elsewhere = {Stuck.HOLD_OF_ANOTHER_ORDER}
    for order in Order.objects.exclude(stuck_reason="").filter(placed_at__gt=now - BACK_TO):
        if words := " ".join(word for word in order.stuck_reason.split() if word not in told_elsewhere):
            yield Found(DifferenceKind.ORDER_STUCK, f"order:{order.pk}", words, {"order": order.pk})


def _crm_orders_stuck(now: dt.datetime) -> Iterator[Found]:
    for row in CrmOrder.objects.exclude(stuck_reason=""):
        yield Found(DifferenceKind.CRM_STUCK, f"crm:{row.crm_id}", f"{row.stuck_reason} {row.stuck_detail}".strip(),
                    {"crm_order": row.pk, "order": row.order_id})  # fmt: skip


def _cards_stuck(now: dt.datetime) -> Iterator[Found]:
    """Buyers' cards that are not written, and managers' cards that reserved nothing."""
    for model, name in ((BuyerLink, "link"), (CrmCard, "card")):
        for row in model.objects.exclude(stuck_reason=""):
            yield Found(DifferenceKind.CARD_STUCK, f"{name}:{row.pk}", f"{row.stuck_reason} {row.stuck_detail}".strip())


def _totals_differ(now: dt.datetime) -> Iterator[Found]:
    """What a list showed last against what was applied. Only orders in one part, and none that waits to be fetched."""
    parts = CrmOrder.objects.filter(parent_id=OuterRef("crm_id"))
    rows = CrmOrder.objects.filter(
        ~Exists(parts),
        parent_id=None,
        owns_number=True,
        asked_at=None,
        order__isnull=False,
        placed_at__gt=now - BACK_TO,
    )
    for row in rows.exclude(grand_total=F("order__grand_total")).select_related("order"):
        assert row.order is not None
        if row.grand_total != Decimal(row.order.grand_total):
            yield Found(DifferenceKind.TOTAL_DIFFERS, f"crm:{row.crm_id}", f"{row.grand_total} ≠ {row.order.grand_total}",
                        {"crm_order": row.pk, "order": row.order_id})  # fmt: skip


def _never_confirmed(now: dt.datetime) -> Iterator[Found]:
    known = Order.objects.filter(source=OuterRef("source"), number=OuterRef("order_number"))
    reports = OrderReport.objects.filter(
        ~Exists(known), reported_at__lt=now - REPORT_UNCONFIRMED_AFTER, reported_at__gt=now - REPORT_FORGOTTEN_AFTER
    )
    for report in reports:
        yield Found(DifferenceKind.NEVER_CONFIRMED, f"report:{report.pk}", f"{report.total}")


def _reserves_left(now: dt.datetime) -> Iterator[Found]:
    for reserve in giving_back.left_alone(now=now):
        yield Found(DifferenceKind.RESERVE_LEFT, f"card:{reserve.card_id}", f"{reserve.points}")


QUESTIONS: tuple[Question, ...] = (
    _codes_in_several_orders, _codes_gone, _codes_unused, _held_for_nothing, _codes_not_issued, _figures, _orders_stuck, _crm_orders_stuck, _cards_stuck,
    _totals_differ, _never_confirmed, _reserves_left,
)  # fmt: skip
