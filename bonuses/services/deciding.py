"""What a person decides, each with a reason: an order where no CRM confirms it, and a hold whose code nobody can prove anything about."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bonuses.errors import HoldNotOpen, HoldUnknown
from bonuses.models import Hold, HoldState, Order, OrderSnapshot
from bonuses.policy import Totals
from bonuses.policy_orders import SHOP, Stage
from bonuses.services import customers, holding, orders, redemptions, refunding, releasing
from bonuses.services.order_rows import totals_of
from bonuses.services.orders import Applied, Snapshot
from bonusportal.errors import BadInput, NotFound
from promo.models import Code, CodeState
from promo.models.runs import RunTrigger
from promo.services import moving


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise BadInput(_("Say why: a reason is required."), code="reason_missing")
    return reason[:200]


@dataclass(frozen=True, slots=True)
class OrderByHand:
    """An order as a person states it. `total` is what was paid for the goods; `promo_code` stands in it, or nothing does."""

    number: str
    phone: str
    total: Decimal
    stage: str
    promo_code: str = ""


def decide_order(*, stated: OrderByHand, reason: str, actor: str, now: dt.datetime, source: str = SHOP) -> Applied:
    """Confirm, complete or cancel an order by hand. What the CRM says later of it counts as always. Raises PhoneInvalid, BadInput, NotFound."""
    reason = _reason(reason)
    code = stated.promo_code.strip()
    holds = redemptions.holds_of_code(code) if code else []
    if code and not holds:
        raise NotFound(_("No points are held for this promo code."), code="code_unknown")
    customer_id = customers.find_or_create(phone=stated.phone, now=now) if stated.phone else None
    return orders.apply_snapshot(
        snapshot=Snapshot(
            source=source, number=stated.number, stage=Stage(stated.stage), totals=Totals(grand=stated.total, goods=stated.total), placed_at=now,
            seen_at=now, customer_id=customer_id, hold_ids=tuple(holds), reason=reason,
        ),
        now=now, actor=actor,
    )  # fmt: skip


def move_order(*, order_id: int, stage: str, reason: str, actor: str, now: dt.datetime) -> Applied:
    """Bring a known order to another stage, its money as it was last said. Raises BadInput, NotFound."""
    reason = _reason(reason)
    order = Order.objects.filter(pk=order_id).first()
    last = OrderSnapshot.objects.filter(order_id=order_id, revision=order.revision).first() if order else None
    if order is None or last is None:
        raise NotFound(_("This order is not known."), code="order_unknown")
    totals = totals_of(last)
    holds = Hold.objects.filter(order_id=order_id).values_list("pk", flat=True)
    return orders.apply_snapshot(
        snapshot=Snapshot(
            source=order.source, number=order.number, stage=Stage(stage), totals=totals, placed_at=order.placed_at, seen_at=max(now, order.seen_at),
            customer_id=order.customer_id, hold_ids=tuple(holds), reason=reason,
        ),
        now=now, actor=actor,
    )  # fmt: skip


def give_back(*, hold_id: int, reason: str, actor: str, now: dt.datetime) -> None:
    """A person knows that the code is dead: it is void from now on, and the points are free. Raises BadInput, HoldUnknown, HoldNotOpen, CodeNotInState."""
    reason = _reason(reason)
    if is_spent_for_nothing(hold_id):
        with transaction.atomic():
            refunding.prove_code_dead(hold_id=hold_id, now=now, actor=actor)
            _void(Hold.objects.values_list("code_id", flat=True).get(pk=hold_id), reason=reason, actor=actor, now=now)
        return
    code_id = _code_of(hold_id)
    with transaction.atomic():
        # The hold before its code, as everywhere.
        releasing.begin_release(hold_id=hold_id, now=now, actor=actor, reason=reason)
        holding.release_hold(hold_id=hold_id, now=now, actor=actor, is_proven=True)
        _void(code_id, reason=reason, actor=actor, now=now)


def is_spent_for_nothing(hold_id: int) -> bool:
    """Whether the hold's points were spent for an order that is cancelled, and wait for the proof that the code is dead."""
    return Hold.objects.filter(
        pk=hold_id, state=HoldState.CAPTURED, reinstated_at=None, order__state="cancelled", code__isnull=False
    ).exists()


def _void(code_id: int | None, *, reason: str, actor: str, now: dt.datetime) -> None:
    if code_id is not None and not Code.objects.filter(pk=code_id, state=CodeState.VOID).exists():
        moving.void_code(code_id=code_id, actor=actor, reason=reason, now=now)


def spend(*, hold_id: int, reason: str, actor: str, now: dt.datetime) -> None:
    """A person knows that the code was used: the points are spent, without an order of ours. Raises BadInput, HoldUnknown, HoldNotOpen."""
    reason = _reason(reason)
    code_id = _code_of(hold_id)
    with transaction.atomic():
        holding.capture_hold(hold_id=hold_id, now=now, actor=actor)
        moving.move_code(code_id=code_id, to=CodeState.REDEEMED, actor=actor, reason=reason, now=now)


def look_again(*, hold_id: int, actor: str, now: dt.datetime) -> bool:
    """Ask for another run at the panel. True when one was asked for just now."""
    Hold.objects.filter(pk=hold_id, state=HoldState.RELEASING).update(stuck_reason="", releasing_at=now)
    return releasing.ask_for_retiring(_code_of(hold_id), now=now, trigger=RunTrigger.STAFF)


def _code_of(hold_id: int) -> int:
    found = Hold.objects.values_list("code_id", "state").filter(pk=hold_id).first()
    if found is None or found[0] is None:
        raise HoldUnknown
    if found[1] not in {HoldState.OPEN, HoldState.RELEASING}:
        raise HoldNotOpen(found[1])
    return int(found[0])
