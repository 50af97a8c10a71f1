"""Cards of a sales pipeline: the way in which a manager reserves points by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keycrm.payloads.values import (
    read_custom_fields,
    read_instant,
    read_object,
    read_text,
    read_texts,
    read_whole,
    read_whole_or_none,
)


@dataclass(frozen=True, slots=True)
class CardClient:
    """The buyer behind a card, in the card's own shape."""

    id: int | None
    full_name: str = field(repr=False)
    phone: str = field(repr=False)
    email: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Card:
    """A card of a sales pipeline. `target_id` is the order that grew out of it (`target_type` says whether it is one)."""

    id: int
    status_id: int | None
    source_id: int | None
    contact_id: int | None
    target_id: int | None
    target_type: str
    title: str = field(repr=False)
    client: CardClient | None
    custom_fields: Mapping[str, str] | None = field(repr=False)
    updated_at: dt.datetime | None

    @classmethod
    def from_json(cls, item: Any, where: str = "card") -> Card:
        item = read_object(item, where)
        contact = read_object(item.get("contact") or {}, f"{where}.contact")
        raw = contact.get("client")
        client = None
        if raw:
            raw = read_object(raw, f"{where}.contact.client")
            phones = read_texts(raw.get("phone"), f"{where}.contact.client.phone")
            emails = read_texts(raw.get("email"), f"{where}.contact.client.email")
            client = CardClient(
                id=read_whole_or_none(raw.get("id"), f"{where}.contact.client.id"),
                full_name=read_text(raw.get("full_name"), f"{where}.contact.client.full_name"),
                phone=phones[0] if phones else "",
                email=emails[0] if emails else "",
            )
        return cls(
            id=read_whole(item.get("id"), f"{where}.id"),
            status_id=read_whole_or_none(item.get("status_id"), f"{where}.status_id"),
            source_id=read_whole_or_none(item.get("source_id"), f"{where}.source_id"),
            contact_id=read_whole_or_none(item.get("contact_id"), f"{where}.contact_id"),
            target_id=read_whole_or_none(item.get("target_id"), f"{where}.target_id"),
            target_type=read_text(item.get("target_type"), f"{where}.target_type"),
            title=read_text(item.get("title"), f"{where}.title"),
            client=client,
            custom_fields=read_custom_fields(item, where),
            updated_at=read_instant(item.get("updated_at"), f"{where}.updated_at"),
        )
