"""The manager's way: a card of a pipeline names an order and points; they are held, and the order's discount is raised by them.

    card leased → fetched → order fetched → hold and target discount stored, one transaction → discount written → done
The target is absolute and stored before it is written: whoever repeats the write, after any crash, writes the same figure.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from bonuses.errors import InsufficientPoints
from bonuses.policy_orders import Stage
from bonuses.services import customers, holding, reckoning
from bonuses.services.ruling import as_rule, rule_in_force
from bonusportal.errors import PortalError
from keycrm.crm import Crm
from keycrm.errors import NotFound
from keycrm.models import CrmCard, CrmOrder, ManualReserve
from keycrm.models.events import EventState, Subject
from keycrm.payloads import Card, Order
from keycrm.policy import goods_of, reservable, stage_of
from keycrm.reasons import Reason
from keycrm.services import leasing
from keycrm.services.applying import Rules
from keycrm.services.leasing import Lease
from keycrm.services.receiving import settle_events

ACTOR = "crm"
_NUMBER = re.compile(r"[#№]?\s*([0-9]{1,18})")
_POINTS = re.compile(r"([0-9]{1,7})(?:[.,]0{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CardFields:
    """Uuids of the card's custom fields, and the statuses in which a card reserves (none: in every one)."""

    order: str
    points: str
    statuses: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Reserved:
    """What became of a card. `order_id` is the CRM's number of the order whose discount was raised."""

    card_id: int
    outcome: str
    order_id: int | None = None
    points: int = 0

    @property
    def is_put_off(self) -> bool:
        return self.outcome == "waits"


class _Stuck(Exception):
    def __init__(self, reason: str, detail: str = "", state: str = EventState.STUCK) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.state = reason, detail, state


def reserve_next(crm: Crm, *, fields: Callable[[], CardFields], rules: Rules, now: dt.datetime) -> Reserved | None:
    """Work on the card that has waited longest; None when nothing waits."""
    lease = leasing.take(CrmCard, now=now)
    if lease is None:
        return None
    card_id: int = CrmCard.objects.values_list("crm_id", flat=True).get(pk=lease.pk)
    done = Reserved(card_id, "waits")
    if lease.is_deadly:
        leasing.give_up(lease)
        return _settle(lease, done, EventState.STUCK, "", now=now)
    state, word = EventState.APPLIED, ""
    try:
        with leasing.minding(lease, now=now):
            try:
                done = _reserve(crm, lease, card_id, fields=fields, rules=rules, now=now)
                leasing.finish(lease, finished_at=now)
            except _Stuck as stuck:
                state, word = EventState(stuck.state), stuck.reason
                done = Reserved(card_id, stuck.reason)
                if stuck.state == EventState.IGNORED:
                    leasing.finish(lease, finished_at=now)
                else:
                    leasing.stick(lease, stuck.reason, stuck.detail)
            except PortalError as error:
                leasing.stick(lease, Reason.CANNOT_APPLY, error.code)
                done = Reserved(card_id, Reason.CANNOT_APPLY)
    except Exception:
        _settle(lease, done, state, word, now=now)
        raise
    return _settle(lease, done, state, word, now=now)


def _settle(lease: Lease, done: Reserved, state: str, word: str, *, now: dt.datetime) -> Reserved:
    """What became of the card is what became of the events that named it."""
    reason: str = CrmCard.objects.values_list("stuck_reason", flat=True).get(pk=lease.pk)
    if reason or done.outcome != "waits":
        settle_events(
            subject=Subject.CARD,
            subject_id=done.card_id,
            until=now,
            state=EventState.STUCK if reason else state,
            reason=reason or word,
            now=now,
        )
    return done if done.outcome != "waits" or not reason else Reserved(done.card_id, reason)


def _reserve(
    crm: Crm, lease: Lease, card_id: int, *, fields: Callable[[], CardFields], rules: Rules, now: dt.datetime
) -> Reserved:
    reserve = ManualReserve.objects.filter(card_id=lease.pk).first()
    if reserve is None:
        known = fields()
        card = crm.card(card_id)
        if known.statuses and card.status_id not in known.statuses:
            raise _Stuck(Reason.CARD_OTHER_STATUS, state=EventState.IGNORED)
        asked = _asked_points(card, known)
        order = _find_order(crm, card, known)
        reserve = _plan(lease, order, asked=asked, rules=rules, now=now)
    _write_discount(crm, reserve, now=now)
    if reserve.points != reserve.asked_points:
        # The manager sees what was reserved, not what was wished for.
        crm.update_card(card_id, custom_fields={fields().points: str(reserve.points)})
    leasing.ask(CrmOrder, reserve.crm_order_id, now=now)
    return Reserved(card_id, "reserved", reserve.crm_order_id, reserve.points)


def _asked_points(card: Card, fields: CardFields) -> int:
    found = _POINTS.fullmatch((card.custom_fields or {}).get(fields.points, "").strip())
    if not found or not int(found[1]):
        raise _Stuck(Reason.CARD_WITHOUT_POINTS, state=EventState.IGNORED)
    return int(found[1])


def _find_order(crm: Crm, card: Card, fields: CardFields) -> Order:
    """The order that grew out of the card, else the one whose number a manager typed: ours, or the CRM's own."""
    if card.target_type == "order" and card.target_id is not None:
        return crm.order(card.target_id)
    typed = _NUMBER.fullmatch((card.custom_fields or {}).get(fields.order, "").strip())
    if not typed:
        raise _Stuck(Reason.CARD_WITHOUT_ORDER)
    number = typed[1]
    known = list(CrmOrder.objects.roots().filter(number=number, set_aside_at=None).values_list("crm_id", flat=True)[:2])
    if not known:
        known = [order.id for order in crm.orders_by_number(number) if order.parent_id is None]
    if len(known) > 1:
        raise _Stuck(Reason.SAME_NUMBER, f"CRM {', '.join(map(str, known))}")
    try:
        return crm.order(known[0] if known else int(number))
    except NotFound:
        raise _Stuck(Reason.CARD_WITHOUT_ORDER) from None


def _plan(lease: Lease, order: Order, *, asked: int, rules: Rules, now: dt.datetime) -> ManualReserve:
    """How much, held for the customer whose phone the order has; stored with the discount that the order shall have. Nothing is written to the CRM yet."""
    if stage_of(order, rules.stages) is not Stage.CONFIRMED:
        raise _Stuck(Reason.ORDER_CLOSED)
    if ManualReserve.objects.filter(crm_order_id=order.id).exists():
        raise _Stuck(Reason.RESERVED_BEFORE)
    phone = order.buyer.canonical_phone if order.buyer else ""
    customer_id = customers.find_customer(phone) if phone else None
    if customer_id is None:
        raise _Stuck(Reason.NOTHING_LEFT)
    available = reckoning.balance(customer_id, now=now).available
    share = as_rule(rule_in_force(order.placed_at or now)).share_percent
    points = reservable(
        asked=asked, available=available, goods=goods_of(order), discount=order.total_discount, share_percent=share
    )
    if not points:
        raise _Stuck(Reason.NOTHING_LEFT)
    key = f"card:{CrmCard.objects.values_list('crm_id', flat=True).get(pk=lease.pk)}"
    with leasing.fenced(lease):
        try:
            hold = holding.place_hold(customer_id=customer_id, points=points, key=key, now=now, actor=ACTOR, lives=None)
        except InsufficientPoints:
            raise _Stuck(Reason.NOTHING_LEFT) from None
        before = _discount_of(order)
        return ManualReserve.objects.create(
            card_id=lease.pk, crm_order_id=order.id, hold_id=hold.id, asked_points=asked, points=points, discount_before=before,
            target_discount=before + points, planned_at=now,
        )  # fmt: skip


def _discount_of(order: Order) -> Decimal:
    """The order's own discount, which is what can be written; where the account does not show it, all of it."""
    return order.total_discount if order.discount_amount is None else order.discount_amount


def _write_discount(crm: Crm, reserve: ManualReserve, *, now: dt.datetime) -> None:
    if reserve.written_at is not None:
        return
    shown = _discount_of(crm.order(reserve.crm_order_id))
    if shown not in {reserve.discount_before, reserve.target_discount}:
        raise _Stuck(
            Reason.DISCOUNT_CHANGED, f"before {reserve.discount_before}, now {shown}, to be {reserve.target_discount}"
        )
    if shown != reserve.target_discount:
        crm.update_order(reserve.crm_order_id, discount_amount=reserve.target_discount)
    with transaction.atomic():
        ManualReserve.objects.filter(pk=reserve.pk, written_at=None).update(written_at=now)
