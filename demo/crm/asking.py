"""Query strings: filters, included parts, sorting, pages. What is not allowed is answered 400 with the allowed list, as the real one does."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from flask import request

from demo.crm import rows
from demo.crm.rows import Row
from demo.crm.state import CrmState

MOST, USUAL = 50, 15


class NotAllowedError(Exception):
    """400."""


Test = Callable[[Row, list[str]], bool]


def filters(allowed: Mapping[str, Test]) -> list[tuple[Test, list[str]]]:
    """The asked filters with their comma-separated values. Raises NotAllowedError."""
    asked = {key[7:-1]: value for key, value in request.args.items() if key.startswith("filter[") and key.endswith("]")}
    _only(asked, allowed, "filter")
    return [(allowed[name], [one.strip() for one in value.split(",") if one.strip()]) for name, value in asked.items()]


def parts(allowed: Iterable[str]) -> frozenset[str]:
    asked = [one for one in request.args.get("include", "").split(",") if one]
    _only(asked, allowed, "include")
    return frozenset(asked)


def sorted_rows(found: list[Row], allowed: Iterable[str]) -> list[Row]:
    asked = request.args.get("sort", "")
    if not asked:
        return found
    _only([asked.lstrip("-")], allowed, "sort")
    return sorted(found, key=lambda row: (row[asked.lstrip("-")], row.get("id", 0)), reverse=asked.startswith("-"))


def _only(asked: Iterable[str], allowed: Iterable[str], what: str) -> None:
    unknown = [one for one in asked if one not in set(allowed)]
    if unknown:
        raise NotAllowedError(
            f"Requested {what}(s) `{', '.join(unknown)}` are not allowed. Allowed {what}(s) are `{', '.join(allowed)}`."
        )


def page(found: list[Row], show: Callable[[Row], Row]) -> dict[str, Any]:
    """The envelope of every list. Rows are shown only for the page that is asked for."""
    limit = min(max(_whole("limit", USUAL), 1), MOST)
    number = max(_whole("page", 1), 1)
    last = max(-(-len(found) // limit), 1)
    rest = [(key, value) for key, value in request.args.items() if key != "page"]

    def address(to: int) -> str:
        return f"{request.base_url}?{urlencode([*rest, ('page', to)])}"

    start = (number - 1) * limit
    shown = [show(row) for row in found[start : start + limit]]
    return {
        "total": len(found),
        "current_page": number,
        "per_page": limit,
        "data": shown,
        "first_page_url": address(1),
        "last_page_url": address(last),
        # Null at the end in life; the description knows no null here, so the caller may leave it out.
        "next_page_url": address(number + 1) if number < last else None,
        "last_page": last,
        "path": request.base_url,
        "from": start + 1 if shown else None,
        "to": start + len(shown) if shown else None,
        "prev_page_url": address(number - 1) if number > 1 else None,
    }


def _whole(name: str, default: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else default


def is_in(name: str) -> Test:
    return lambda row, values: str(row[name]) in values


def between(name: str) -> Test:
    """Both ends count, but an end given as a date alone is its first moment."""

    @lru_cache(maxsize=1)
    def ends(*values: str) -> tuple[str, str]:
        if len(values) != 2:
            raise NotAllowedError(f"{name}: two moments are expected")
        try:
            start, end = (rows.read_stamp(one) for one in values)
        except ValueError:
            raise NotAllowedError(f"{name}: the dates cannot be read") from None
        # The CRM keeps whole seconds.
        return start[:19], end[:19]

    def test(row: Row, values: list[str]) -> bool:
        start, end = ends(*values)
        return start <= str(row[name])[:19] <= end

    return test


def updated_between(state: CrmState) -> Test:
    inside = between("updated_at")

    def test(row: Row, values: list[str]) -> bool:
        if state.switches.new_orders_missing_from_updated and not row.get("touched", True):
            return False
        return inside(row, values)

    return test


def has_phone(state: CrmState, phones_of: Callable[[Row], list[str]]) -> Test:
    """An exact match with what is stored, plus sign and all."""

    def test(row: Row, values: list[str]) -> bool:
        stored = phones_of(row)
        if state.switches.phone_filter == "by_digits":
            return bool({rows.digits(one) for one in stored} & {rows.digits(one) for one in values})
        return bool(set(stored) & set(values))

    return test


def has_email(emails_of: Callable[[Row], list[str]]) -> Test:
    return lambda row, values: bool({one.casefold() for one in emails_of(row)} & {one.casefold() for one in values})
