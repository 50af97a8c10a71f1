"""Which order a manager's card means, whether it is the card's own contact's, and whether a used card still says what was reserved."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bonuses.services import customers
from keycrm.crm import Crm
from keycrm.errors import NotFound
from keycrm.models import CrmOrder, ManualReserve
from keycrm.models.events import EventState
from keycrm.payloads import Card, Order, canonical_phones
from keycrm.policy import number_of
from keycrm.reasons import Reason
from keycrm.services import families

_NUMBER = re.compile(r"[#№]?\s*([0-9]{1,18})")
_POINTS = re.compile(r"([0-9]{1,7})(?:[.,]0{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CardFields:
    """Uuids of the card's custom fields, and the statuses in which a card reserves (none: in every one)."""

    order: str
    points: str
    statuses: Sequence[int] = ()


class NotReserved(Exception):
    """Why a card reserves nothing, or nothing more."""

    def __init__(self, reason: str, detail: str = "", state: str = EventState.STUCK) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.state = reason, detail, state


def _typed(card: Card, uuid: str) -> str:
    return (card.custom_fields or {}).get(uuid, "").strip()


def read_points(card: Card, fields: CardFields) -> int:
    """What the card asks for; 0 where it asks for nothing that can be read."""
    found = _POINTS.fullmatch(_typed(card, fields.points))
    return int(found[1]) if found else 0


def is_in_status(card: Card, fields: CardFields) -> bool:
    return not fields.statuses or card.status_id in fields.statuses


def find_order(crm: Crm, card: Card, fields: CardFields) -> Order:
    """The order that grew out of the card, else the one whose number a manager typed: ours, or the CRM's own. Of a split order its root.

    Raises NotReserved.
    """
    if card.target_type == "order" and card.target_id is not None:
        return _root_of(crm, crm.order(card.target_id))
    typed = _NUMBER.fullmatch(_typed(card, fields.order))
    if not typed:
        raise NotReserved(Reason.CARD_WITHOUT_ORDER)
    number = typed[1]
    known = list(CrmOrder.objects.roots().filter(number=number, set_aside_at=None).values_list("crm_id", flat=True)[:2])
    if not known:
        known = [order.id for order in crm.orders_by_number(number) if order.parent_id is None]
    if len(known) > 1:
        raise NotReserved(Reason.SAME_NUMBER, f"CRM {', '.join(map(str, known))}")
    try:
        order = crm.order(known[0] if known else int(number))
    except NotFound:
        raise NotReserved(Reason.CARD_WITHOUT_ORDER) from None
    _check_contact(card, order, is_own_id=not known)
    return _root_of(crm, order)


def _check_contact(card: Card, order: Order, *, is_own_id: bool) -> None:
    """A number of the shop's that was not imported yet may be the CRM's own number of a stranger's order."""
    client, buyer = card.client, order.buyer
    if client is not None and client.id is not None and client.id == order.buyer_id:
        return
    ours = next(iter(canonical_phones((client.phone,) if client else ())), "")
    theirs = buyer.canonical_phone if buyer else ""
    if ours and theirs and _is_one_person(ours, theirs):
        return
    if is_own_id or (ours and theirs):
        raise NotReserved(Reason.ORDER_OF_ANOTHER, f"CRM {order.id}")


def _is_one_person(phone: str, other: str) -> bool:
    if phone == other:
        return True
    customer_id = customers.find_customer(phone)
    return customer_id is not None and customer_id == customers.find_customer(other)


def _root_of(crm: Crm, order: Order) -> Order:
    """Discounts are written on roots: they are what points are held for."""
    try:
        for _ in range(families.MOST_ANCESTORS):
            root_id = families.find_root(order)
            if root_id == order.id:
                return order
            order = crm.order(root_id)
    except families.Stuck as stuck:
        raise NotReserved(stuck.reason, stuck.detail) from None
    raise NotReserved(Reason.PARENT_LOOP, f"CRM {order.id}")


def says_the_same(crm: Crm, card: Card, reserve: ManualReserve, fields: CardFields) -> bool:
    """Whether a card that was used says what was reserved. An order that was taken off the card is no other order."""
    if read_points(card, fields) not in {reserve.points, reserve.asked_points}:
        return False
    root_id = reserve.crm_order_id
    family = {root_id, *families.parts_of(root_id)}
    if card.target_type == "order" and card.target_id is not None:
        return card.target_id in family
    written = _typed(card, fields.order)
    typed = _NUMBER.fullmatch(written)
    if not typed:
        return not written
    if int(typed[1]) in family:
        return True
    number = CrmOrder.objects.filter(crm_id=root_id).values_list("number", flat=True).first()
    try:
        return typed[1] == (number or number_of(crm.order(root_id)))
    except NotFound:
        return True  # it is gone: nobody can say that the card means another
