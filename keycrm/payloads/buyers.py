"""Buyers: a card of its own, and the buyer inside an order, whose phone and e-mail are plain texts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bonusportal.phones import PhoneInvalid, normalise_phone
from keycrm.payloads.values import (
    read_custom_fields,
    read_instant,
    read_list,
    read_money_or_none,
    read_object,
    read_text,
    read_texts,
    read_whole,
    read_whole_or_none,
)


def canonical_phones(written: tuple[str, ...]) -> tuple[str, ...]:
    """The Ukrainian numbers among them in our form (`+380…`), each once; the others are left out."""
    found = []
    for phone in written:
        try:
            found.append(normalise_phone(phone))
        except PhoneInvalid:
            continue
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Buyer:
    """A buyer's card. `phones` and `emails` stand as they are written in the CRM."""

    id: int
    full_name: str = field(repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)
    note: str = field(default="", repr=False)
    custom_fields: Mapping[str, str] | None = field(default=None, repr=False)
    loyalty_sum: Decimal | None = None  # "amount" of its first loyalty programme: the predecessor's fallback balance
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None

    @property
    def canonical_phones(self) -> tuple[str, ...]:
        return canonical_phones(self.phones)

    @classmethod
    def from_json(cls, item: Any, where: str = "buyer") -> Buyer:
        item = read_object(item, where)
        loyalty = read_list(item.get("loyalty"), f"{where}.loyalty")
        return cls(
            id=read_whole(item.get("id"), f"{where}.id"),
            full_name=read_text(item.get("full_name"), f"{where}.full_name"),
            phones=read_texts(item.get("phone"), f"{where}.phone"),
            emails=read_texts(item.get("email"), f"{where}.email"),
            note=read_text(item.get("note"), f"{where}.note"),
            custom_fields=read_custom_fields(item, where),
            loyalty_sum=read_money_or_none(
                read_object(loyalty[0], f"{where}.loyalty[0]").get("amount"), f"{where}.loyalty[0].amount"
            )
            if loyalty
            else None,
            created_at=read_instant(item.get("created_at"), f"{where}.created_at"),
            updated_at=read_instant(item.get("updated_at"), f"{where}.updated_at"),
        )


@dataclass(frozen=True, slots=True)
class OrderBuyer:
    """The buyer inside an order: his id (it dies when cards are merged), and one phone and e-mail as text."""

    id: int | None
    full_name: str = field(repr=False)
    phone: str = field(repr=False)
    email: str = field(repr=False)

    @property
    def canonical_phone(self) -> str:
        """In our form; "" where there is none or it is not Ukrainian."""
        return next(iter(canonical_phones((self.phone,) if self.phone else ())), "")

    @classmethod
    def from_json(cls, item: Any, where: str) -> OrderBuyer:
        item = read_object(item, where)
        phones = read_texts(item.get("phone"), f"{where}.phone")
        emails = read_texts(item.get("email"), f"{where}.email")
        return cls(
            id=read_whole_or_none(item.get("id"), f"{where}.id"),
            full_name=read_text(item.get("full_name"), f"{where}.full_name"),
            phone=phones[0] if phones else "",
            email=emails[0] if emails else "",
        )
