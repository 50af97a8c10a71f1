"""What services need of the CRM, as a protocol. `keycrm.client.KeyCrm` is it; every call raises the errors of keycrm.errors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from keycrm.payloads import Buyer, Card, Order, OrderStatus, Page

Span = tuple[dt.datetime, dt.datetime]


class Crm(Protocol):
    def order(self, order_id: int) -> Order: ...

    def orders(self, *, page: int = 1, created: Span | None = None, updated: Span | None = None) -> Page[Order]: ...

    def orders_by_number(self, number: str) -> Sequence[Order]: ...

    def update_order(self, order_id: int, *, discount_amount: Decimal | None = None) -> Order: ...

    def statuses(self) -> Sequence[OrderStatus]: ...

    def card(self, card_id: int) -> Card: ...

    def update_card(self, card_id: int, *, custom_fields: Mapping[str, str]) -> None: ...

    def buyers_by_phone(self, phone: str) -> Sequence[Buyer]: ...

    def buyers(self, *, page: int = 1) -> Page[Buyer]: ...

    def update_buyer(
        self, buyer_id: int, *, full_name: str, custom_fields: Mapping[str, str] | None = None
    ) -> Buyer: ...
