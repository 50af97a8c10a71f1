"""All rows of the grid, and only when they can be believed: no page missed, none read twice, and the filter obeyed by every row.

What a row means for a pool is not decided here. Rows whose amount or status could not be understood are handed on as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from promo.adapters.bon_admin.columns import Page
from promo.adapters.bon_admin.grid import GridScreen
from promo.adapters.bon_admin.recording import Recorder
from promo.errors import PanelReason, PanelTemporary
from promo.ports import GridReading, GridRow, RowStatus

# A bound on everything: 500 pages of 160 are 80 000 rows, four times what the predecessor ever kept.
MOST_PAGES = 500
# One reading at the largest page size, and re-readings at other sizes when rows move between pages meanwhile.
_READINGS = 5


@dataclass(slots=True)
class _Pass:
    """One way through all pages. `faults` says why it cannot be believed by itself."""

    rows: dict[tuple[str, str, str], GridRow] = field(default_factory=dict)
    pages: int = 0
    shown: int = 0
    skipped: int = 0
    total: int | None = None
    faults: list[str] = field(default_factory=list)


class FilterIgnored(Exception):
    """A row of another amount was on a page that was filtered."""


def row_key(row: GridRow) -> tuple[str, str, str]:
    """What tells one row from another across readings. Status and date may change meanwhile; the amount's text is in, so that no mix-up is hidden."""
    return (row.row_id, row.code, str(row.amount_uah))


class Reader:
    """Reads the grid of one signed-in panel. Remembers that a filter was ignored, so that it is not tried again and again."""

    def __init__(self, grid: GridScreen, steps: Recorder) -> None:
        self._grid = grid
        self._steps = steps
        self._filter_works = True

    async def read(self, amount_uah: int | None) -> GridReading:
        """Every row (None), or every row of an amount together with those whose amount could not be understood.

        An ignored filter is tried twice; then everything is read and the rows are selected here, with a step that says so.
        Raises PanelTemporary(FILTER_IGNORED) when that is not possible, DRIFTING, LAYOUT, SLOW, SESSION_LOST.
        """
        if amount_uah is not None and await self._shows_anew(amount_uah):
            again = await self._read_anew(amount_uah)
            if again is not None:
                return again
        await self._open()
        if amount_uah is None:
            return await self._reading(await self._read_all(None))
        attempts = 2 if self._filter_works else 0
        for attempt in range(attempts):
            async with self._steps.step("filter_set", amount_uah=amount_uah, attempt=attempt + 1) as detail:
                moved = await self._grid.set_amount_filter(amount_uah)
                obeyed = await self._is_obeyed(amount_uah)
                detail["obeyed"] = obeyed
                detail["panel_moved"] = moved
            if obeyed:
                try:
                    return await self._reading(await self._read_all(amount_uah))
                except FilterIgnored:
                    pass  # the first page obeyed and a later one did not
            async with self._steps.step("filter_reset"):
                await self._grid.reset()
        return await self._select(amount_uah)

    async def _shows_anew(self, amount_uah: int) -> bool:
        """Whether the panel has loaded the grid since the last reading, with the filter that this reading asks for still in it.

        So it is after a code was saved: the account keeps its filter, and what is on the screen is fresh.
        """
        return (
            self._filter_works and await self._grid.is_loaded_since_mark() and await self._grid.shows_filter(amount_uah)
        )

    async def _read_anew(self, amount_uah: int) -> GridReading | None:
        """The reading without setting anything again; None where anything about it is not plain, an empty grid included."""
        try:
            one = await self._read_once(amount_uah)
        except FilterIgnored:
            return None
        return None if one.faults or not one.rows else await self._reading(one)

    async def _reading(self, one: _Pass) -> GridReading:
        await self._grid.mark()
        return GridReading(rows=tuple(one.rows.values()), total=one.total, pages=one.pages)

    async def _open(self) -> None:
        async with self._steps.step("grid_opened") as detail:
            await self._grid.open()
            await self._grid.reset()
            detail["page_size"] = await self._grid.set_largest_page()

    async def _is_obeyed(self, amount_uah: int) -> bool:
        page = await self._grid.read_page()
        if _strangers(page.rows, amount_uah):
            return False
        if any(row.amount_uah == amount_uah for row in page.rows):
            return True
        # No row to verify by. An empty answer counts only while the panel still shows what was asked.
        return await self._grid.shows_filter(amount_uah)

    async def _select(self, amount_uah: int) -> GridReading:
        """Read everything without a filter and keep the rows of this amount and those of no known amount."""
        self._filter_works = False
        try:
            everything = await self._read_all(None)
        except PanelTemporary as error:
            if error.reason in (PanelReason.DRIFTING, PanelReason.LAYOUT):
                raise PanelTemporary(
                    PanelReason.FILTER_IGNORED,
                    f"the panel ignores the amount filter, and reading all rows failed: {error.detail}",
                ) from None
            raise
        rows = tuple(row for row in everything.rows.values() if row.amount_uah in (amount_uah, None))
        async with self._steps.step(
            "rows_selected", amount_uah=amount_uah, filter_ignored=True, read=len(everything.rows), kept=len(rows)
        ):
            return GridReading(rows=rows, total=None, pages=everything.pages)

    async def _read_all(self, amount_uah: int | None) -> _Pass:
        """The first reading that is complete in itself; else all readings together when they add up to exactly what the panel says it has."""
        sizes = await self._grid.page_sizes()
        one, together = _Pass(), _Pass()
        totals: set[int | None] = set()
        readings = _READINGS if len(sizes) > 1 else 1
        for number in range(readings):
            if number:
                size = sizes[number % len(sizes)]
                async with self._steps.step("page_size_changed", page_size=size):
                    await self._grid.set_page_size(size)
            one = await self._read_once(amount_uah)
            if not one.faults:
                return one
            together.rows.update(one.rows)
            together.pages += one.pages
            together.skipped = max(together.skipped, one.skipped)
            totals.add(one.total)
            together.total = one.total
            if len(totals) == 1 and one.total is not None and len(together.rows) + together.skipped == one.total:
                async with self._steps.step(
                    "readings_joined", only_looks=True, readings=number + 1, rows=len(together.rows), total=one.total
                ):
                    return together
        raise PanelTemporary(
            PanelReason.DRIFTING,
            f"the pages changed while they were read, {readings} times: {'; '.join(one.faults[:5])}",
        )

    async def _read_once(self, amount_uah: int | None) -> _Pass:
        one = _Pass()
        while True:
            async with self._steps.step("page_read", only_looks=True, page=one.pages + 1) as detail:
                page = await self._grid.read_page()
                _describe(page, detail)
                strangers = [] if amount_uah is None else _strangers(page.rows, amount_uah)
                detail["other_amounts"] = len(strangers)
            if strangers:
                raise FilterIgnored
            _add(one, page)
            if not page.has_next:
                break
            if one.pages >= MOST_PAGES:
                raise PanelTemporary(PanelReason.LAYOUT, f"more than {MOST_PAGES} pages")
            if not await self._grid.next_page() and not await self._grid.next_page():
                one.faults.append(f"page {one.pages + 1} did not come")
                break
        seen = len(one.rows) + one.skipped
        if one.total is not None and seen != one.total:
            one.faults.append(f"{seen} rows were read where the panel says {one.total}")
        elif one.shown != seen:
            one.faults.append(f"{one.shown - seen} rows were met twice")
        return one


def _add(one: _Pass, page: Page) -> None:
    """Put a page to the others, noting what does not fit: a page out of turn, or a total that changed on the way."""
    one.pages += 1
    if page.page is not None and page.page != one.pages:
        one.faults.append(f"page {page.page} came as page {one.pages}")
    if page.pages is not None and page.has_next == (page.page == page.pages):
        one.faults.append("the pager and its arrow disagree")
    if one.pages > 1 and page.total != one.total:
        one.faults.append("the total changed")
    if page.has_next and page.size is not None and page.shown != page.size:
        one.faults.append(f"page {one.pages} has {page.shown} rows, not {page.size}")
    one.total = page.total
    one.shown += page.shown
    one.skipped += page.skipped
    one.rows.update((row_key(row), row) for row in page.rows)


def _strangers(rows: tuple[GridRow, ...], amount_uah: int) -> list[GridRow]:
    """Rows whose amount is known and another one. A row of unknown amount proves nothing either way."""
    return [row for row in rows if row.amount_uah is not None and row.amount_uah != amount_uah]


def _describe(page: Page, detail: dict[str, object]) -> None:
    detail.update(
        rows=len(page.rows), pages=page.pages, total=page.total, page_size=page.size, rows_without_code=page.skipped
    )
    detail["unknown_status"] = sum(row.status is RowStatus.UNKNOWN for row in page.rows)
    detail["unknown_amount"] = sum(row.amount_uah is None for row in page.rows)
    detail["unknown_date"] = sum(row.valid_until is None for row in page.rows)
