"""What the CRM posts: only a hint, its context has no lines, no phone and no custom fields. The order is fetched afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from keycrm.errors import PayloadInvalid
from keycrm.payloads.values import (
    read_instant,
    read_object,
    read_text,
    read_whole,
    read_whole_or_none,
)

ORDER_STATUS_EVENT, PAYMENT_STATUS_EVENT = "order.change_order_status", "order.change_payment_status"
CARD_STATUS_EVENT = "lead.change_lead_status"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Webhook:
    """What the CRM posted. Only `event` and the id are needed: everything else is fetched, and what cannot be read of it is None.

    `context` stays for the inbox.
    """

    event: str
    id: int
    status_id: int | None
    status_group_id: int | None
    payment_status: str
    client_id: int | None
    parent_id: int | None
    source_id: int | None
    source_uuid: str
    changed_at: dt.datetime | None  # of the status
    updated_at: dt.datetime | None
    context: Mapping[str, Any] = field(repr=False)

    @property
    def is_about_an_order(self) -> bool:
        return self.event.startswith("order.")

    @property
    def is_about_a_card(self) -> bool:
        return self.event.startswith("lead.")

    @property
    def fingerprint(self) -> str:
        """Equal for a delivery and its repeats, different for another change of the same order."""
        if self.event == PAYMENT_STATUS_EVENT:
            moment, what = self.updated_at, self.payment_status
        else:
            moment, what = self.changed_at or self.updated_at, str(self.status_id or "")
        return f"{self.event}:{self.id}:{what}:{moment.isoformat() if moment else ''}"

    @classmethod
    def from_json(cls, item: Any, where: str = "webhook") -> Webhook:
        item = read_object(item, where)
        context = read_object(item.get("context"), f"{where}.context")
        at = f"{where}.context"

        def side(read: Callable[[Any, str], T | None], name: str) -> T | None:
            try:
                return read(context.get(name), f"{at}.{name}")
            except PayloadInvalid:
                return None

        return cls(
            event=read_text(item.get("event"), f"{where}.event").strip(),
            id=read_whole(context.get("id"), f"{at}.id"),
            status_id=side(read_whole_or_none, "status_id"),
            status_group_id=side(read_whole_or_none, "status_group_id"),
            payment_status=side(read_text, "payment_status") or "",
            client_id=side(read_whole_or_none, "client_id"),
            parent_id=side(read_whole_or_none, "parent_id"),
            source_id=side(read_whole_or_none, "source_id"),
            source_uuid=(side(read_text, "source_uuid") or "").strip(),
            changed_at=side(read_instant, "status_changed_at"),
            updated_at=side(read_instant, "updated_at"),
            context=dict(context),
        )
