"""Which column is which, and what a row of cells says. Pure: reports of READ_GRID in, GridRows out.

A column is known by its header's id and by its text. Where the two point to different columns nothing is read at all: the panel is not
as described, and a wrong column would put codes into the wrong pool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promo.adapters.bon_admin.parsing import (
    clean_code,
    clean_text,
    parse_amount,
    parse_date,
    parse_pager,
    parse_status,
    parse_total,
)
from promo.adapters.bon_admin.profile import Column, PanelProfile
from promo.errors import PanelReason, PanelTemporary
from promo.ports import GridRow


@dataclass(frozen=True, slots=True)
class Columns:
    """Places of the columns, counted from 0 with spans. None: the panel does not show it."""

    code: int
    amount: int
    status: int
    valid_until: int | None
    number: int | None
    width: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the grid as it was read. `skipped` counts rows without a code."""

    rows: tuple[GridRow, ...]
    places: tuple[int, ...]  # of each row among the rows on the screen, for ticking
    shown: int
    page: int | None
    pages: int | None
    total: int | None
    size: int | None
    has_next: bool

    @property
    def skipped(self) -> int:
        return self.shown - len(self.rows)


def locate_columns(headers: Sequence[Mapping[str, Any]], profile: PanelProfile) -> Columns:
    """Where the columns are. Raises PanelTemporary(LAYOUT) for a needed column that is missing or could be two."""
    grid = profile.grid
    known = {
        "code": grid.code,
        "amount": grid.amount,
        "status": grid.status,
        "valid_until": grid.valid_until,
        "number": grid.number,
    }
    found: dict[str, int | None] = {}
    for name, column in known.items():
        others = [other for key, other in known.items() if key != name]
        try:
            found[name] = _place(name, column, others, headers)
        except PanelTemporary:
            if name in ("code", "amount", "status"):
                raise
            found[name] = None
    code, amount, status = found["code"], found["amount"], found["status"]
    if code is None or amount is None or status is None:
        missing = [name for name in ("code", "amount", "status") if found[name] is None]
        seen = ", ".join(str(header["text"]) or "–" for header in headers)
        raise PanelTemporary(
            PanelReason.LAYOUT,
            f"no column for {', '.join(missing)} among the headers: {seen}",
            expected={
                name: _title_at(headers, found[name])
                if found[name] is not None
                else " / ".join(column.header_texts) or column.header_id
                for name, column in known.items()
            },
            seen={name: _title_at(headers, place) for name, place in found.items()} | {"headers": seen},
        )
    places = [place for place in found.values() if place is not None]
    if len(set(places)) != len(places):
        raise PanelTemporary(PanelReason.LAYOUT, "two columns of the profile fit the same header")
    width = sum(int(header["span"]) for header in headers)
    return Columns(code, amount, status, found["valid_until"], found["number"], width)


def _place(name: str, column: Column, others: Sequence[Column], headers: Sequence[Mapping[str, Any]]) -> int | None:
    by_text = [header for header in headers if _is_text_of(header, column)]
    by_id = [header for header in headers if column.header_id and header["id"] == column.header_id]
    # Ids are the store's own numbers: in another store this one may belong to another column, which its text then says.
    by_id = [header for header in by_id if not any(_is_text_of(header, other) for other in others)]
    if len(by_text) > 1 and by_id and by_id[0] in by_text:
        by_text = by_id
    if len(by_text) > 1 or len(by_id) > 1:
        raise PanelTemporary(PanelReason.LAYOUT, f"more than one column could be {name}")
    if by_text and by_id and by_text[0]["at"] != by_id[0]["at"]:
        raise PanelTemporary(
            PanelReason.LAYOUT, f"column {name}: the header's id and its text are at different columns"
        )
    either = by_text or by_id
    return int(either[0]["at"]) if either else None


def _title_at(headers: Sequence[Mapping[str, Any]], place: int | None) -> str:
    return next((str(header["text"] or header["id"]) for header in headers if header["at"] == place), "not there")


def _is_text_of(header: Mapping[str, Any], column: Column) -> bool:
    text = clean_text(str(header["text"])).casefold()
    return bool(text) and text in {clean_text(one).casefold() for one in column.header_texts}


def to_page(report: Mapping[str, Any], profile: PanelProfile) -> Page:
    """The page that READ_GRID reported. Raises PanelTemporary(LAYOUT) when columns are unclear or a row does not fit under them."""
    columns = locate_columns(report["headers"], profile)
    rows, places = [], []
    for place, raw in enumerate(report["rows"]):
        cells = tuple(clean_text(str(cell)) for cell in raw["cells"])
        if len(cells) != columns.width:
            raise PanelTemporary(PanelReason.LAYOUT, f"a row of {len(cells)} cells under {columns.width} headers")
        row = _to_row(str(raw["id"]), cells, columns, profile)
        if row.code:
            rows.append(row)
            places.append(place)
    pager = parse_pager(str(report["pager"]))
    size = str(report["size"])
    return Page(
        rows=tuple(rows),
        places=tuple(places),
        shown=len(report["rows"]),
        page=pager[0] if pager else None,
        pages=pager[1] if pager else None,
        total=parse_total(str(report["total"])),
        size=int(size) if size.isascii() and size.isdigit() else None,
        has_next=bool(report["hasNext"]),
    )


def _to_row(row_id: str, cells: tuple[str, ...], columns: Columns, profile: PanelProfile) -> GridRow:
    words = profile.words
    return GridRow(
        code=clean_code(cells[columns.code]),
        amount_uah=parse_amount(cells[columns.amount], currency_words=words.currency),
        status=parse_status(cells[columns.status], active=words.active, inactive=words.inactive),
        valid_until=None
        if columns.valid_until is None
        else parse_date(cells[columns.valid_until], formats=profile.date_formats),
        row_id=row_id or (cells[columns.number] if columns.number is not None else ""),
        cells=cells,
    )
