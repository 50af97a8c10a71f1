"""Which rows an account's view of the grid shows: filter, sorting, page, and the ways in which they can lie. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from demo.panel.records import GridView, PanelCode
from demo.panel.switches import Switches

# How many letters of the search text still count when the filter matches by prefix.
PREFIX_LETTERS = 5
# By how many places rows move, at most, when pages drift.
DRIFT_ROWS = 7


@dataclass(frozen=True)
class GridPage:
    """The rows of one page, with the number of the page really shown (1-based), of all pages, and of all rows."""

    rows: tuple[PanelCode, ...]
    page: int
    pages: int
    total: int


def read_page(codes: Sequence[PanelCode], view: GridView, switches: Switches, *, rng: random.Random) -> GridPage:
    """What the server answers for this view. `rng` is used only by drifting pages."""
    visible = [row for row in codes if switches.other_codes or row.origin != "other"]
    rows = _sorted([row for row in visible if _passes(row, view, switches)], view)
    pages = max(1, -(-len(rows) // view.page_size))
    page = min(max(view.page, 1), pages)
    if switches.drifting_pages and pages > 1:
        # The order turns under the reader between two answers: some rows are met twice, some never; the total is right.
        shift = rng.randint(-DRIFT_ROWS, DRIFT_ROWS) % len(rows)
        rows = rows[shift:] + rows[:shift]
    start = (page - 1) * view.page_size
    return GridPage(tuple(rows[start : start + view.page_size]), page, pages, len(rows))


def _passes(row: PanelCode, view: GridView, switches: Switches) -> bool:
    if switches.filter_mode == "ignored":
        return True
    wanted = view.search.strip().upper()
    lowest, highest = _number(view.amount_from), _number(view.amount_to)
    if switches.filter_mode == "prefix":
        amount = format(row.amount.normalize(), "f")
        return row.code.upper().startswith(wanted[:PREFIX_LETTERS]) and amount.startswith(view.amount_from.strip())
    # The range looks at the bare number, so a coupon of 50 per cent passes a filter for 50 hryvnias.
    return (
        wanted in row.code.upper()
        and (lowest is None or row.amount >= lowest)
        and (highest is None or row.amount <= highest)
    )


def _sorted(rows: list[PanelCode], view: GridView) -> list[PanelCode]:
    def place(row: PanelCode) -> tuple[Any, int]:
        keys: dict[str, Any] = {
            "number": row.id,
            "active": row.active,
            "code": row.code,
            "amount": row.amount,
            "date": row.date_limit or date.max,
        }
        return keys[view.sort], row.id

    if not view.sort:
        return sorted(rows, key=lambda row: -row.id)
    return sorted(rows, key=place, reverse=view.direction == "desc")


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
