"""Deleting rows of the grid: tick exactly those whose amount and string match, call the panel's own function, answer its question.

Success is not claimed: the caller reads again. What may be deleted was decided by the caller; a row of unknown amount never is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from playwright.async_api import Frame

from promo.adapters.bon_admin.columns import Page
from promo.adapters.bon_admin.grid import GridScreen
from promo.adapters.bon_admin.page_scripts import CALL_FUNCTION, TICK_ROWS
from promo.adapters.bon_admin.reading import MOST_PAGES
from promo.adapters.bon_admin.recording import Recorder
from promo.adapters.bon_admin.sighting import Watch, grid_arguments
from promo.adapters.bon_admin.tab import browser_faults
from promo.errors import PanelReason, PanelTemporary
from promo.ports import GridRow


class Deleting:
    def __init__(self, watch: Watch, grid: GridScreen, steps: Recorder) -> None:
        self._watch = watch
        self._grid = grid
        self._steps = steps
        self._removal = watch.profile.removal

    async def delete(self, rows: Sequence[GridRow]) -> None:
        """Delete these rows where they are found. Raises ValueError for a row without an amount, PanelTemporary when the panel does not play along."""
        wanted: dict[int, list[GridRow]] = defaultdict(list)
        for row in rows:
            if row.amount_uah is None or not row.code:
                raise ValueError("a row is deleted only when its amount and its code are known")
            wanted[row.amount_uah].append(row)
        for amount_uah, of_amount in wanted.items():
            async with self._steps.step("deletion_prepared", amount_uah=amount_uah, wanted=len(of_amount)) as detail:
                await self._grid.open()
                await self._grid.reset()
                await self._grid.set_largest_page()
                # Only to have fewer pages to go through: rows are matched one by one, so a filter that is ignored does no harm.
                detail["filtered"] = await self._grid.set_amount_filter(amount_uah)
            await self._delete_of_amount(of_amount)

    async def _delete_of_amount(self, rows: Sequence[GridRow]) -> None:
        """Go through the pages once. Rows that are gone move the later ones up, so a page is read again after each deletion."""
        left = list(rows)
        turns = 0
        while left and turns < MOST_PAGES:
            page = await self._grid.read_page()
            places, remaining = [], list(left)
            for place, row in zip(page.places, page.rows, strict=True):
                match = _matching(row, remaining)
                if match is not None:
                    remaining.remove(match)
                    places.append(place)
            left = remaining
            if places:
                async with self._steps.step("rows_deleted", ticked=len(places), on_page=page.page):
                    await self._delete_places(page, places)
                continue
            turns += 1
            if not page.has_next or not await self._grid.next_page():
                break
        if left:
            async with self._steps.step("rows_not_found", missing=len(left)):
                pass

    async def _delete_places(self, page: Page, places: list[int]) -> None:
        frame = await self._grid.frame()
        arguments = grid_arguments(self._watch.profile) | {"wanted": places}
        with browser_faults("ticking the rows"):
            report = await frame.evaluate(TICK_ROWS, arguments)
        again = await self._grid.read_page()
        if (
            report is None
            or report["ticked"] != places
            or report["elsewhere"]
            or report["masters"]
            or again.rows != page.rows
        ):
            raise PanelTemporary(
                PanelReason.LAYOUT, "exactly the rows to delete could not be ticked; nothing was deleted"
            )
        await self._grid.after(
            "deleting", lambda: self._confirm(frame), seconds=self._watch.profile.waits.delete_seconds
        )

    async def _confirm(self, frame: Frame) -> None:
        """Call the panel's function and agree to its question, native or drawn on the page."""
        tab = self._watch.tab
        requests, dialogs = tab.requests_begun, len(tab.dialogs)
        deadline = self._watch.deadline(self._watch.profile.waits.delete_seconds)
        tab.accepts_dialogs = True
        try:
            if not await frame.evaluate(CALL_FUNCTION, self._removal.function):
                raise PanelTemporary(
                    PanelReason.LAYOUT, f"the page has no function {self._removal.function}; nothing was deleted"
                )
            while not deadline.is_over:
                if len(tab.dialogs) > dialogs or tab.requests_begun > requests:
                    return
                if await self._agree(frame):
                    return
                await deadline.pause()
        finally:
            tab.accepts_dialogs = False
        raise PanelTemporary(PanelReason.LAYOUT, "the panel asked nothing that could be agreed to; nothing was deleted")

    async def _agree(self, frame: Frame) -> bool:
        """Press the button of the panel's own question, in the frame or in the page around it."""
        selector = " ".join(one for one in (self._removal.dialog, self._removal.confirm) if one)
        for place in (frame, self._watch.tab.page.main_frame) if self._removal.confirm else ():
            button = place.locator(selector).locator("visible=true").first
            if await button.count():
                await button.click(
                    timeout=self._watch.seconds(self._watch.profile.waits.delete_seconds) * 1000, no_wait_after=True
                )
                return True
        return False


def _matching(row: GridRow, wanted: Sequence[GridRow]) -> GridRow | None:
    """The wanted row that this one is: same string, same amount, and the same id where both have one."""
    for one in wanted:
        if (row.code, row.amount_uah) == (one.code, one.amount_uah) and (
            not row.row_id or not one.row_id or row.row_id == one.row_id
        ):
            return one
    return None
