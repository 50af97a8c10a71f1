"""Orders with their lines and payments, as GET /order shows them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from keycrm.payloads.buyers import OrderBuyer
from keycrm.payloads.dictionaries import OrderStatus
from keycrm.payloads.values import (
    bounded_money,
    digits_of,
    read_custom_fields,
    read_instant,
    read_list,
    read_money,
    read_money_or_none,
    read_object,
    read_text,
    read_whole,
    read_whole_or_none,
)

GROUP_COMPLETED, GROUP_CANCELLED = 5, 6


def order_number(source_uuid: str, *, crm_id: int) -> str:
    """Our number of an order: the digits of its number at the source (`#70415` → `70415`), `crm:<id>` where there are none."""
    return digits_of(source_uuid) or f"crm:{crm_id}"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of goods. `price_sold` is the price after the line's own discount."""

    id: int | None
    sku: str
    name: str
    price: Decimal
    price_sold: Decimal
    quantity: Decimal
    discount: Decimal

    @classmethod
    def from_json(cls, item: Any, where: str) -> OrderLine:
        item = read_object(item, where)
        price = read_money(item.get("price"), f"{where}.price")
        sold = read_money_or_none(item.get("price_sold"), f"{where}.price_sold")
        return cls(
            id=read_whole_or_none(item.get("id"), f"{where}.id"),
            sku=read_text(item.get("sku"), f"{where}.sku"),
            name=read_text(item.get("name"), f"{where}.name"),
            price=price,
            price_sold=price if sold is None else sold,
            quantity=read_money(item.get("quantity"), f"{where}.quantity"),
            discount=read_money(item.get("total_discount"), f"{where}.total_discount"),
        )


@dataclass(frozen=True, slots=True)
class Payment:
    id: int | None
    amount: Decimal
    status: str  # paid, not_paid, canceled
    payment_date: dt.datetime | None

    @classmethod
    def from_json(cls, item: Any, where: str) -> Payment:
        item = read_object(item, where)
        return cls(
            id=read_whole_or_none(item.get("id"), f"{where}.id"),
            amount=read_money(item.get("amount"), f"{where}.amount"),
            status=read_text(item.get("status"), f"{where}.status"),
            payment_date=read_instant(item.get("payment_date"), f"{where}.payment_date"),
        )


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the API shows it. `None` in an included part means that it was not asked for."""

    id: int
    source_id: int
    source_uuid: str
    parent_id: int | None
    status_id: int
    status_group_id: int | None
    grand_total: Decimal
    total_discount: Decimal
    discount_amount: Decimal | None  # only live answers carry it
    shipping_price: Decimal
    wrap_price: Decimal
    taxes: Decimal
    promocode: str
    payment_status: str
    manager_comment: str = field(repr=False)
    buyer: OrderBuyer | None
    lines: tuple[OrderLine, ...] | None
    payments: tuple[Payment, ...] | None
    tags: tuple[str, ...] | None
    status: OrderStatus | None
    custom_fields: Mapping[str, str] | None = field(repr=False)
    client_id: int | None  # the buyer's id, where a live answer carries it without the buyer
    goods_total: Decimal | None  # "products_total", in live answers only
    ordered_at: dt.datetime | None
    created_at: dt.datetime | None
    updated_at: dt.datetime | None
    closed_at: dt.datetime | None

    @property
    def number(self) -> str:
        return order_number(self.source_uuid, crm_id=self.id)

    @property
    def buyer_id(self) -> int | None:
        """A hint: the id dies when cards are merged."""
        return (self.buyer.id if self.buyer else None) or self.client_id

    @property
    def placed_at(self) -> dt.datetime | None:
        """When it was placed at the source; the CRM's own moment where the source says nothing."""
        return self.ordered_at or self.created_at

    @property
    def group_id(self) -> int | None:
        """The group of its status; from the included status where the order itself does not say."""
        return self.status_group_id or (self.status.group_id if self.status else None)

    @property
    def products_total(self) -> Decimal | None:
        """The goods after their lines' discounts, before the order's own discount; None where neither the lines nor the sum are there."""
        if self.lines is None:
            return self.goods_total
        return sum((line.price_sold * line.quantity for line in self.lines), Decimal(0))

    @classmethod
    def from_json(cls, item: Any, where: str = "order") -> Order:
        item = read_object(item, where)
        buyer, status = item.get("buyer"), item.get("status")

        def included(name: str) -> list[tuple[Any, str]] | None:
            if name not in item:
                return None
            found = read_list(item[name], f"{where}.{name}")
            return [(one, f"{where}.{name}[{place}]") for place, one in enumerate(found)]

        lines, payments, tags = included("products"), included("payments"), included("tags")
        made = cls(
            id=read_whole(item.get("id"), f"{where}.id"),
            source_id=read_whole(item.get("source_id"), f"{where}.source_id"),
            source_uuid=read_text(item.get("source_uuid"), f"{where}.source_uuid").strip(),
            parent_id=read_whole_or_none(item.get("parent_id"), f"{where}.parent_id"),
            status_id=read_whole(item.get("status_id"), f"{where}.status_id"),
            status_group_id=read_whole_or_none(item.get("status_group_id"), f"{where}.status_group_id"),
            grand_total=read_money(item.get("grand_total"), f"{where}.grand_total"),
            total_discount=read_money(item.get("total_discount"), f"{where}.total_discount"),
            discount_amount=read_money_or_none(item.get("discount_amount"), f"{where}.discount_amount"),
            shipping_price=read_money(item.get("shipping_price"), f"{where}.shipping_price"),
            wrap_price=read_money(item.get("wrap_price"), f"{where}.wrap_price"),
            taxes=read_money(item.get("taxes"), f"{where}.taxes"),
            promocode=read_text(item.get("promocode"), f"{where}.promocode").strip(),
            payment_status=read_text(item.get("payment_status"), f"{where}.payment_status"),
            manager_comment=read_text(item.get("manager_comment"), f"{where}.manager_comment"),
            buyer=OrderBuyer.from_json(buyer, f"{where}.buyer") if buyer else None,
            lines=None if lines is None else tuple(OrderLine.from_json(one, at) for one, at in lines),
            payments=None if payments is None else tuple(Payment.from_json(one, at) for one, at in payments),
            tags=None
            if tags is None
            else tuple(read_text(read_object(one, at).get("name"), f"{at}.name") for one, at in tags),
            status=OrderStatus.from_json(status, f"{where}.status") if status else None,
            custom_fields=read_custom_fields(item, where),
            client_id=read_whole_or_none(item.get("client_id"), f"{where}.client_id"),
            goods_total=read_money_or_none(item.get("products_total"), f"{where}.products_total"),
            ordered_at=read_instant(item.get("ordered_at"), f"{where}.ordered_at"),
            created_at=read_instant(item.get("created_at"), f"{where}.created_at"),
            updated_at=read_instant(item.get("updated_at"), f"{where}.updated_at"),
            closed_at=read_instant(item.get("closed_at"), f"{where}.closed_at"),
        )
        bounded_money(made.products_total or Decimal(0), f"{where}.products")  # the lines together
        return made
