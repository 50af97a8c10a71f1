"""The CRM as a value: what the client would return, without a network. Switches break it in the ways in which the real one breaks.

Times move only by `pass_time`; every call is counted with its moment, so that a limit can be checked afterwards.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeVar

from keycrm.errors import CrmTemporary, CrmUnavailable, NotFound, OutcomeUnknown, RateLimited
from keycrm.payloads import Buyer, Card, CustomField, Order, OrderBuyer, OrderLine, OrderStatus, Page, canonical_phones
from keycrm.services.filling import Fields
from keycrm.services.reserving import CardFields
from tests.factories import NOW

FIELDS = Fields(available="CT_1", reserved="CT_2", until="CT_3", history="CT_4")
CARD_FIELDS = CardFields(order="LD_1", points="LD_2")
NEW, UNDER_WAY, COMPLETED, CANCELLED = (1, 1), (7, 3), (12, 5), (19, 6)  # (status, its group)
PER_PAGE = 50
_numbers = itertools.count(1)
T = TypeVar("T")


@dataclass
class FarSide:
    """Orders, buyers and cards by id. `trouble` may raise before a call is carried out, `trouble_after` when it has been."""

    now: dt.datetime = NOW
    orders_by_id: dict[int, Order] = field(default_factory=dict)
    buyers_by_id: dict[int, Buyer] = field(default_factory=dict)
    cards_by_id: dict[int, Card] = field(default_factory=dict)
    calls: list[tuple[dt.datetime, str]] = field(default_factory=list)
    trouble: Callable[[str], None] = lambda call: None
    trouble_after: Callable[[str], None] = lambda call: None
    is_hiding_new_orders: bool = False  # brand-new orders are missing from the list of changed ones

    # --- what people do there

    def place(
        self, *, phone: str | None = "+380000000001", total: str = "1000", status: tuple[int, int] = NEW, **fields: Any
    ) -> Order:
        number = next(_numbers)
        goods = Decimal(total)
        buyer = self.buyer_of(phone) if phone is not None else None
        values: dict[str, Any] = {
            "id": 70_000 + number, "source_id": 3, "source_uuid": f"#{number + 1000}", "parent_id": None, "status_id": status[0],
            "status_group_id": status[1], "grand_total": goods, "total_discount": Decimal(0), "discount_amount": Decimal(0),
            "shipping_price": Decimal(0), "wrap_price": Decimal(0), "taxes": Decimal(0), "promocode": "", "payment_status": "not_paid",
            "manager_comment": "", "client_id": buyer and buyer.id, "goods_total": None,
            "buyer": buyer and OrderBuyer(buyer.id, buyer.full_name, phone or "", ""),
            "lines": (OrderLine(1, "sku", "goods", goods, goods, Decimal(1), Decimal(0)),), "payments": (), "tags": (), "status": None,
            "custom_fields": {}, "ordered_at": self.now, "created_at": self.now, "updated_at": self.now, "closed_at": None,
        }  # fmt: skip
        order = Order(**{**values, **fields})
        self.orders_by_id[order.id] = order
        return order

    def change(self, order: Order | int, **fields: Any) -> Order:
        """Staff edit an order; its moment moves."""
        pk = order if isinstance(order, int) else order.id
        if "status" in fields:
            fields["status_id"], fields["status_group_id"] = fields.pop("status")
            fields.setdefault("closed_at", self.now if fields["status_group_id"] in {5, 6} else None)
        changed = replace(self.orders_by_id[pk], **{"updated_at": self.now, **fields})
        self.orders_by_id[pk] = changed
        return changed

    def delete(self, order: Order) -> None:
        del self.orders_by_id[order.id]

    def buyer_of(self, phone: str) -> Buyer:
        wanted = canonical_phones((phone,))
        found = next((one for one in self.buyers_by_id.values() if set(wanted) & set(one.canonical_phones)), None)
        return found or self.add_buyer(phone)

    def add_buyer(self, phone: str, **values: Any) -> Buyer:
        buyer = Buyer(
            **{"id": 9_000 + next(_numbers), "full_name": "Зразок", "phones": (phone,), "custom_fields": {}, **values}
        )
        self.buyers_by_id[buyer.id] = buyer
        return buyer

    def merge_buyers(self, dead: Buyer, survivor: Buyer) -> None:
        """The operator keeps the survivor; the other's id is gone, its orders move."""
        del self.buyers_by_id[dead.id]
        for order in list(self.orders_by_id.values()):
            if order.buyer and order.buyer.id == dead.id:
                self.orders_by_id[order.id] = replace(order, buyer=replace(order.buyer, id=survivor.id))

    def add_card(self, **values: Any) -> Card:
        base: dict[str, Any] = {
            "id": 3_000 + next(_numbers), "status_id": 12, "source_id": 3, "contact_id": 1, "target_id": None, "target_type": "", "title": "",
            "client": None, "custom_fields": {}, "updated_at": self.now,
        }  # fmt: skip
        card = Card(**{**base, **values})
        self.cards_by_id[card.id] = card
        return card

    def pass_time(self, **amount: float) -> dt.datetime:
        self.now += dt.timedelta(**amount)
        return self.now

    def shows(self, buyer: Buyer) -> dict[str, str]:
        return dict(self.buyers_by_id[buyer.id].custom_fields or {})

    # --- what the client offers

    def _call(self, name: str) -> None:
        self.calls.append((self.now, name))
        self.trouble(name)

    def order(self, order_id: int) -> Order:
        self._call("order")
        return self._find(self.orders_by_id, order_id)

    def orders(self, *, page: int = 1, created: Any = None, updated: Any = None) -> Page[Order]:
        self._call("orders")
        found = sorted(self.orders_by_id.values(), key=lambda order: order.id)
        if created:
            found = [one for one in found if created[0] <= one.ordered_at <= created[1]]
        if updated:
            found = [one for one in found if updated[0] <= one.updated_at <= updated[1]]
            if self.is_hiding_new_orders:
                found = [one for one in found if one.updated_at != one.created_at]
        return self._page(found, page)

    def orders_by_number(self, number: str) -> list[Order]:
        self._call("orders_by_number")
        return [one for one in self.orders_by_id.values() if one.number == number]

    def update_order(self, order_id: int, *, discount_amount: Decimal | None = None) -> Order:
        self._call("update_order")
        before = self._find(self.orders_by_id, order_id)
        assert discount_amount is not None
        is_shown = before.discount_amount is not None
        # An account that does not show the order's own discount has it all the same: the rest of the total is that of the lines.
        own = (
            before.discount_amount
            if before.discount_amount is not None
            else before.total_discount - sum(line.discount for line in before.lines or ())
        )
        more = discount_amount - own
        made = self.change(
            order_id,
            discount_amount=discount_amount if is_shown else None,
            total_discount=before.total_discount + more,
            grand_total=before.grand_total - more,
        )
        self.trouble_after("update_order")
        return made

    def statuses(self) -> list[OrderStatus]:
        self._call("statuses")
        return [OrderStatus(status, "", "", group, True) for status, group in (NEW, UNDER_WAY, COMPLETED, CANCELLED)]

    def card(self, card_id: int) -> Card:
        self._call("card")
        return self._find(self.cards_by_id, card_id)

    def update_card(self, card_id: int, *, custom_fields: Mapping[str, str]) -> None:
        self._call("update_card")
        card = self._find(self.cards_by_id, card_id)
        self.cards_by_id[card_id] = replace(card, custom_fields={**(card.custom_fields or {}), **custom_fields})

    def buyers_by_phone(self, phone: str) -> list[Buyer]:
        self._call("buyers_by_phone")
        return [one for one in self.buyers_by_id.values() if phone in one.canonical_phones]

    def buyers(self, *, page: int = 1) -> Page[Buyer]:
        self._call("buyers")
        return self._page(sorted(self.buyers_by_id.values(), key=lambda one: one.id), page)

    def update_buyer(self, buyer_id: int, *, full_name: str, custom_fields: Mapping[str, str] | None = None) -> Buyer:
        self._call("update_buyer")
        buyer = self._find(self.buyers_by_id, buyer_id)
        filled = {**(buyer.custom_fields or {}), **(custom_fields or {})}
        made = replace(
            buyer, custom_fields={uuid: value for uuid, value in filled.items() if value}
        )  # empty ones are not shown
        self.buyers_by_id[buyer_id] = made
        self.trouble_after("update_buyer")
        return made

    def custom_fields(self, *models: str) -> list[CustomField]:
        return []

    @staticmethod
    def _find(rows: dict[int, T], pk: int) -> T:
        if pk not in rows:
            raise NotFound("there is no such row", status=404)
        return rows[pk]

    @staticmethod
    def _page(found: list[Any], page: int) -> Page[Any]:
        begin = (page - 1) * PER_PAGE
        return Page(tuple(found[begin : begin + PER_PAGE]), page, len(found), begin + PER_PAGE < len(found))


def raising(*errors: CrmTemporary | Exception | None) -> Callable[[str], None]:
    """Raise these, one a call; then nothing."""
    left = list(errors)

    def trouble(call: str) -> None:
        if left and (error := left.pop(0)):
            raise error

    return trouble


def storm(choose: Callable[[], float], *, share: float) -> Callable[[str], None]:
    """A share of calls fails in one of the ways that pass."""

    def trouble(call: str) -> None:
        if choose() < share:
            kind = choose()
            if kind < 0.5:
                raise RateLimited("over the limit", status=429, retry_after_seconds=20.0 if kind < 0.25 else None)
            raise CrmUnavailable("answered 502", status=502)

    return trouble


def unknown_after(choose: Callable[[], float], *, share: float) -> Callable[[str], None]:
    """A share of writes is carried out although no answer comes."""

    def trouble(call: str) -> None:
        if choose() < share:
            raise OutcomeUnknown("answered 504", status=504)

    return trouble
