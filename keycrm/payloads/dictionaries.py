"""What an administrator of the CRM sets up: statuses, sources, tags, custom fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keycrm.payloads.values import (
    read_flag,
    read_object,
    read_text,
    read_whole,
    read_whole_or_none,
)


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """An entry of the dictionary of statuses (active ones only), and what an order carries with `include=status`."""

    id: int
    name: str
    alias: str
    group_id: int | None
    is_active: bool

    @classmethod
    def from_json(cls, item: Any, where: str = "status") -> OrderStatus:
        item = read_object(item, where)
        return cls(
            id=read_whole(item.get("id"), f"{where}.id"),
            name=read_text(item.get("name"), f"{where}.name"),
            alias=read_text(item.get("alias"), f"{where}.alias"),
            group_id=read_whole_or_none(item.get("group_id"), f"{where}.group_id"),
            is_active=read_flag(item.get("is_active", True), f"{where}.is_active"),
        )


@dataclass(frozen=True, slots=True)
class Source:
    """Where orders come from. Orders carry only its id."""

    id: int
    name: str
    alias: str
    driver: str

    @classmethod
    def from_json(cls, item: Any, where: str = "source") -> Source:
        item = read_object(item, where)
        return cls(
            id=read_whole(item.get("id"), f"{where}.id"),
            name=read_text(item.get("name"), f"{where}.name"),
            alias=read_text(item.get("alias"), f"{where}.alias"),
            driver=read_text(item.get("driver"), f"{where}.driver"),
        )


@dataclass(frozen=True, slots=True)
class Tag:
    id: int
    name: str
    alias: str

    @classmethod
    def from_json(cls, item: Any, where: str = "tag") -> Tag:
        item = read_object(item, where)
        return cls(
            id=read_whole(item.get("id"), f"{where}.id"),
            name=read_text(item.get("name"), f"{where}.name"),
            alias=read_text(item.get("alias"), f"{where}.alias"),
        )


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field that an administrator made. `uuid` is what values are written under; its prefix says nothing reliable of the model."""

    id: int
    uuid: str
    name: str
    model: str  # order, lead, client, crm_product
    type: str
    is_required: bool = False
    is_multiple: bool = False

    @classmethod
    def from_json(cls, item: Any, where: str = "custom_field") -> CustomField:
        item = read_object(item, where)
        return cls(
            id=read_whole(item.get("id"), f"{where}.id"),
            uuid=read_text(item.get("uuid"), f"{where}.uuid"),
            name=read_text(item.get("name"), f"{where}.name").strip(),
            model=read_text(item.get("model"), f"{where}.model"),
            type=read_text(item.get("type"), f"{where}.type"),
            is_required=read_flag(item.get("required"), f"{where}.required"),
            is_multiple=read_flag(item.get("is_multiple"), f"{where}.is_multiple"),
        )
