"""The manager's way: a card of a pipeline names an order and points; they are held, and the order's discount is raised by them.

    card leased → fetched → order fetched → hold and target discount stored, one transaction → discount written → done
The target is absolute and stored before it is written: whoever repeats the write, after any crash, writes the same figure. An order that ended before the
discount was written gets none, and the points go back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from bonuses.errors import InsufficientPoints
from bonuses.models import Order as LedgerOrder
from bonuses.policy_orders import Stage
from bonuses.services import customers, holding, reckoning
from bonuses.services.ruling import as_rule, rule_in_force
from bonusportal.errors import PortalError
from keycrm.crm import Crm
from keycrm.errors import NotFound
from keycrm.models import CrmCard, CrmOrder, ManualReserve
from keycrm.models.events import EventState, Subject
from keycrm.payloads import Card, Order
from keycrm.policy import (
    Part,
    discounted_goods,
    number_of,
    own_discount,
    reservable,
    source_name,
    stage_of,
    totals_of_parts,
)
from keycrm.reasons import Reason
from keycrm.services import choosing, families, giving_back, leasing
from keycrm.services.applying import Rules, is_history
from keycrm.services.choosing import CardFields, NotReserved
from keycrm.services.leasing import Lease
from keycrm.services.receiving import settle_events

__all__ = ["CardFields", "Reserved", "reserve_next"]
ACTOR = "crm"


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
            except NotReserved as stuck:
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
            asks=lease.asks,
            state=EventState.STUCK if reason else state,
            reason=reason or word,
            now=now,
        )
    return done if done.outcome != "waits" or not reason else Reserved(done.card_id, reason)


def _reserve(
    crm: Crm, lease: Lease, card_id: int, *, fields: Callable[[], CardFields], rules: Rules, now: dt.datetime
) -> Reserved:
    card: Card | None = None
    reserve = ManualReserve.objects.filter(card_id=lease.pk).first()
    if reserve is None:
        known = fields()
        card = crm.card(card_id)
        if not choosing.is_in_status(card, known):
            raise NotReserved(Reason.CARD_OTHER_STATUS, state=EventState.IGNORED)
        asked = choosing.read_points(card, known)
        if not asked:
            raise NotReserved(Reason.CARD_WITHOUT_POINTS, state=EventState.IGNORED)
        order = choosing.find_order(crm, card, known)
        reserve = _plan(crm, lease, order, asked=asked, rules=rules, now=now)
    if reserve.given_back_at is None:
        _write_discount(crm, lease, reserve, rules=rules, now=now)
    _look_at_card(crm, card or crm.card(card_id), reserve, fields=fields(), is_used=card is None)
    if reserve.given_back_at is not None:
        raise NotReserved(Reason.GIVEN_BACK, state=EventState.IGNORED)
    leasing.ask(CrmOrder, reserve.crm_order_id, now=now)
    return Reserved(card_id, "reserved", reserve.crm_order_id, reserve.points)


def _look_at_card(crm: Crm, card: Card, reserve: ManualReserve, *, fields: CardFields, is_used: bool) -> None:
    """The manager sees what was reserved, not what was wished for. A card reserves once: whoever asks it for something else is told so."""
    if is_used and choosing.is_in_status(card, fields) and not choosing.says_the_same(crm, card, reserve, fields):
        raise NotReserved(Reason.CARD_USED, f"CRM {reserve.crm_order_id}")
    is_shown = choosing.read_points(card, fields) == reserve.points
    if reserve.given_back_at is None and reserve.points != reserve.asked_points and not is_shown:
        crm.update_card(card.id, custom_fields={fields.points: str(reserve.points)})


def _plan(crm: Crm, lease: Lease, order: Order, *, asked: int, rules: Rules, now: dt.datetime) -> ManualReserve:
    """How much, held for the customer whose phone the order has; stored with the discount that the order shall have. Nothing is written to the CRM yet."""
    if stage_of(order, rules.stages) is not Stage.CONFIRMED:
        raise NotReserved(Reason.ORDER_CLOSED)
    if ManualReserve.objects.standing().filter(crm_order_id=order.id).exists():
        raise NotReserved(Reason.RESERVED_BEFORE)
    share = _share_percent(order, rules=rules)
    phone = order.buyer.canonical_phone if order.buyer else ""
    customer_id = customers.find_customer(phone) if phone else None
    if customer_id is None:
        raise NotReserved(Reason.NOTHING_LEFT)
    available = reckoning.balance(customer_id, now=now).available
    totals, before = totals_of_parts(_parts_of(crm, order, rules=rules)), own_discount(order)
    points = reservable(
        asked=asked, available=available, goods=totals.goods, discount=totals.other_discount, share_percent=share
    )
    # Written on the root, which cannot be sold for less than nothing, whatever its parts cost.
    points = min(points, int((discounted_goods(order) - before).to_integral_value(ROUND_DOWN)))
    if points < 1:
        raise NotReserved(Reason.NOTHING_LEFT)
    key = f"card:{CrmCard.objects.values_list('crm_id', flat=True).get(pk=lease.pk)}"
    with leasing.fenced(lease):
        # Under lock: who sets the order aside afterwards finds what is held for it.
        aside = CrmOrder.objects.select_for_update(no_key=True).filter(crm_id=order.id)
        if any(row.set_aside_at is not None for row in aside):
            raise NotReserved(Reason.SET_ASIDE)
        try:
            hold = holding.place_hold(customer_id=customer_id, points=points, key=key, now=now, actor=ACTOR, lives=None)
        except InsufficientPoints:
            raise NotReserved(Reason.NOTHING_LEFT) from None
        return ManualReserve.objects.create(
            card_id=lease.pk, crm_order_id=order.id, hold_id=hold.id, asked_points=asked, points=points, discount_before=before,
            target_discount=before + points, planned_at=now,
        )  # fmt: skip


def _share_percent(order: Order, *, rules: Rules) -> int:
    """By the rule of the order. One that no rule is for will never be applied, and would hold its points for ever."""
    source, number = source_name(order.source_id, rules.shop_sources), number_of(order)
    if order.placed_at is None:
        raise NotReserved(Reason.NO_MOMENT)
    if is_history(source, number, order.placed_at):
        raise NotReserved(Reason.HISTORY)
    known = LedgerOrder.objects.filter(source=source, number=number).select_related("rule").first()
    try:
        return as_rule(known.rule if known else rule_in_force(order.placed_at)).share_percent
    except IndexError:
        raise NotReserved(Reason.HISTORY) from None


def _parts_of(crm: Crm, root: Order, *, rules: Rules) -> Sequence[Part]:
    """A split order is one order of ours: the share that points may pay is of all its goods."""
    parts = [root]
    for part_id in families.parts_of(root.id):
        try:
            parts.append(crm.order(part_id))
        except NotFound:
            raise NotReserved(Reason.PART_VANISHED, f"CRM {part_id}") from None
    return [Part(part, stage_of(part, rules.stages)) for part in parts]


def _write_discount(crm: Crm, lease: Lease, reserve: ManualReserve, *, rules: Rules, now: dt.datetime) -> None:
    if reserve.written_at is not None:
        return
    order = crm.order(reserve.crm_order_id)
    shown = own_discount(order)
    if shown != reserve.target_discount:
        _check_before_writing(lease, reserve, stage_of(order, rules.stages), shown, now=now)
        crm.update_order(reserve.crm_order_id, discount_amount=reserve.target_discount)
    if not ManualReserve.objects.standing().filter(pk=reserve.pk).update(written_at=now):
        raise NotReserved(Reason.DISCOUNT_UNPAID, f"CRM {reserve.crm_order_id}")
    reserve.written_at = now


def _check_before_writing(
    lease: Lease, reserve: ManualReserve, stage: Stage, shown: Decimal, *, now: dt.datetime
) -> None:
    """As late as can be. Nothing is written on an order that has ended meanwhile. Its points go back, unless its discount may hold them: then a person says."""
    may_hold_them = stage is Stage.COMPLETED and shown > reserve.target_discount
    if stage is not Stage.CONFIRMED and not may_hold_them:
        with leasing.fenced(lease):
            giving_back.give_back(reserve.pk, reason=Reason.ORDER_CLOSED, actor=ACTOR, now=now)
        raise NotReserved(Reason.ORDER_CLOSED, state=EventState.IGNORED)
    if shown != reserve.discount_before:
        raise NotReserved(
            Reason.DISCOUNT_CHANGED, f"before {reserve.discount_before}, now {shown}, to be {reserve.target_discount}"
        )
    with leasing.fenced(lease):
        if not ManualReserve.objects.standing().filter(pk=reserve.pk).exists():
            raise NotReserved(Reason.GIVEN_BACK, state=EventState.IGNORED)
