"""What tests of the CRM's edge say again and again: a webhook comes in, everything that waits is worked off, the cards are brought up to date."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from bonuses.models import Customer, Hold, Order
from bonuses.services import reckoning
from keycrm.models import CrmOrder
from keycrm.payloads import Card
from keycrm.payloads import Order as CrmsOrder
from keycrm.services import applying, polling, receiving, reserving, writing_back
from keycrm.services.applying import Rules, Worked
from tests.bonuses import scenes
from tests.factories import make_code, make_issue, make_pool
from tests.keycrm.far_side import CARD_FIELDS, FIELDS, FarSide

RULES = Rules(stages={}, shop_sources=())
MOST_STEPS = 500


def webhook_body(
    order_id: int, *, event: str = "order.change_order_status", at: dt.datetime | None = None, **context: Any
) -> bytes:
    moment = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else None
    return json.dumps({"event": event, "context": {"id": order_id, "status_changed_at": moment, **context}}).encode()


def hear(far: FarSide, order_id: int, **context: Any) -> None:
    """The CRM posts that this order changed."""
    receiving.receive(channel="webhook", body=webhook_body(order_id, at=far.now, **context), now=far.now)


def work(far: FarSide, *, rules: Rules = RULES) -> list[Worked]:
    """Everything that waits now."""
    done = []
    for _ in range(MOST_STEPS):
        worked = applying.apply_next(far, rules=rules, now=far.now)
        if worked is None:
            return done
        done.append(worked)
    raise AssertionError("there is no end to it")


def hear_and_work(far: FarSide, order_id: int, *, rules: Rules = RULES) -> Worked:
    hear(far, order_id)
    return work(far, rules=rules)[-1]


def reserve(far: FarSide) -> list[reserving.Reserved]:
    done = []
    while reserved := reserving.reserve_next(far, fields=lambda: CARD_FIELDS, rules=RULES, now=far.now):
        done.append(reserved)
    return done


def hear_card(far: FarSide, card: Card) -> None:
    """The CRM posts that a manager moved this card."""
    receiving.receive(
        channel="webhook", body=webhook_body(card.id, event="lead.change_lead_status", at=far.now), now=far.now
    )


def card_for(far: FarSide, order: CrmsOrder, points: int, **values: Any) -> Card:
    card = far.add_card(custom_fields={"LD_1": order.number, "LD_2": str(points)}, **values)
    hear_card(far, card)
    return card


def poll(far: FarSide, name: str, *, rules: Rules = RULES) -> None:
    for _ in range(MOST_STEPS):
        polled = polling.poll(far, name=name, rules=rules, now=far.now)
        if polled is None or polled.is_done:
            return


def push(far: FarSide) -> list[writing_back.Pushed]:
    """Bring every card up to date that can be now."""
    done = []
    writing_back.prepare(now=far.now)
    for _ in range(MOST_STEPS):
        pushed = writing_back.push_next(far, fields=FIELDS, now=far.now)
        if pushed is None:
            return done
        done.append(pushed)
    raise AssertionError("there is no end to it")


def has(phone: str = "+380000000001", *, now: dt.datetime) -> tuple[int, int, int]:
    """(available, held, owed) of the customer with this phone."""
    found = reckoning.balance(Customer.objects.get(phone=phone).pk, now=now)
    return found.available, found.held, found.owed


def stuck(order_id: int) -> str:
    return CrmOrder.objects.get(crm_id=order_id).stuck_reason


def net(number: str) -> int:
    order = Order.objects.get(number=number)
    return order.granted - order.clawed_back


def issued_code(amount: int = 100, *, code: str = "", **issue: Any) -> Any:
    """A code that was handed out in open mode: nobody holds points for it."""
    made = make_code(make_pool(amount), "issued", **({"code": code} if code else {}))
    make_issue(made, **issue)
    return made


def held_code(customer_id: int, amount: int = 100, *, now: dt.datetime, code: str = "") -> tuple[Any, Hold]:
    """A code that a customer was given against points."""
    made = issued_code(amount, code=code)
    row = scenes.hold(customer_id, amount, now=now, code_id=made.pk)
    return made, Hold.objects.get(pk=row.id)
