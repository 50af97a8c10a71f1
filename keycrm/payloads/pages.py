"""One page of a list. Nothing but `data`, `current_page`, `total` and `next_page_url` is relied on: the rest differs between accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from keycrm.payloads.values import read_list, read_object, read_whole, read_whole_or_none

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`has_next` is what the CRM says, not what could be reckoned from `total`: rows come and go while a list is read."""

    items: tuple[T, ...]
    number: int
    total: int
    has_next: bool

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    @classmethod
    def from_json(cls, item: Any, read: Callable[[Any, str], T], where: str) -> Page[T]:
        item = read_object(item, where)
        rows = read_list(item.get("data"), f"{where}.data")
        return cls(
            items=tuple(read(row, f"{where}.data[{place}]") for place, row in enumerate(rows)),
            number=read_whole_or_none(item.get("current_page"), f"{where}.current_page") or 1,
            total=read_whole(item.get("total", len(rows)), f"{where}.total"),
            has_next=bool(item.get("next_page_url")),
        )
