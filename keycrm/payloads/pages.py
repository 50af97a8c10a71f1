"""One page of a list. Nothing but `data`, `current_page`, `total` and `next_page_url` is relied on: the rest differs between accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from keycrm.errors import PayloadInvalid
from keycrm.payloads.values import read_list, read_object, read_whole, read_whole_or_none

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`has_next` is what the CRM says, not what could be reckoned from `total`: rows come and go while a list is read.

    `unreadable` are ids of rows that cannot be understood, where the reader asked for them instead of an error: one such row must not hide all others.
    """

    items: tuple[T, ...]
    number: int
    total: int
    has_next: bool
    unreadable: tuple[int, ...] = ()

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    @classmethod
    def from_json(cls, item: Any, read: Callable[[Any, str], T], where: str, *, is_lenient: bool = False) -> Page[T]:
        item = read_object(item, where)
        rows = read_list(item.get("data"), f"{where}.data")
        items: list[T] = []
        unreadable: list[int] = []
        for place, row in enumerate(rows):
            path = f"{where}.data[{place}]"
            try:
                items.append(read(row, path))
            except PayloadInvalid:
                if not is_lenient:
                    raise
                unreadable.append(read_whole(read_object(row, path).get("id"), f"{path}.id"))
        return cls(
            items=tuple(items),
            unreadable=tuple(unreadable),
            number=read_whole_or_none(item.get("current_page"), f"{where}.current_page") or 1,
            total=read_whole(item.get("total", len(rows)), f"{where}.total"),
            has_next=bool(item.get("next_page_url")),
        )
