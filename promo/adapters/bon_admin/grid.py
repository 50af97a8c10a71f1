"""The grid of codes as a screen: open it, filter it, turn its pages, read the page that is shown.

Every action waits until the grid has answered and stands still. Whether what it shows can be believed (filter obeyed, no page missed) is
`reading`'s question, not this module's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import ElementHandle, Frame
from playwright.async_api import Error as BrowserError
from playwright.async_api import TimeoutError as BrowserTimeout

from promo.adapters.bon_admin.columns import Page, locate_columns, to_page
from promo.adapters.bon_admin.page_scripts import FIND_FILTER, MARK_DOCUMENT, MARK_ROWS, READ_FILTER, READ_GRID
from promo.adapters.bon_admin.sighting import Seen, Sight, Watch, error_for, grid_arguments, slow
from promo.adapters.bon_admin.tab import as_panel_error, browser_faults, is_moving
from promo.errors import PanelReason, PanelTemporary

# How long rows that did not change must stay as they are before "the panel answered with the same rows" is believed.
_CALM_SECONDS = 0.3
_CALM_LOOKS = 2
_MARK = "read"


class GridScreen:
    def __init__(self, watch: Watch, url: str) -> None:
        self._watch = watch
        self._url = url
        self._grid = watch.profile.grid
        self._waits = watch.profile.waits
        self._arguments = grid_arguments(watch.profile)
        self._marked_after: int | None = None

    async def open(self) -> Seen:
        """The grid on the screen, loaded anew unless it is there already. Raises SESSION_LOST, MAINTENANCE, SLOW, LAYOUT …"""
        seen = await self._watch.look()
        if seen.sight is Sight.GRID:
            return seen
        await self.reload()
        return await self._watch.wait_for(Sight.GRID, seconds=self._waits.grid_seconds, doing="opening the codes page")

    async def reload(self) -> None:
        """Load the codes page from the beginning."""
        await self._watch.tab.go_to(self._url, seconds=self._watch.seconds(self._waits.open_seconds))

    async def frame(self) -> Frame:
        """The grid's frame, looked for only where it may have changed since the last look."""
        seen = self._watch.still_seen(Sight.GRID) or await self._look_for_grid()
        return seen.frame

    async def _look_for_grid(self) -> Seen:
        return await self._watch.wait_for(Sight.GRID, seconds=self._waits.grid_seconds, doing="looking for the grid")

    async def read_page(self) -> Page:
        """The page on the screen, in one evaluation. Raises PanelTemporary(LAYOUT)."""
        report = await self._report()
        return to_page(report, self._watch.profile)

    async def mark(self) -> None:
        """Mark the grid's document, to know later whether it has been loaded again."""
        frame = await self.frame()
        with browser_faults("marking the grid"):
            await frame.evaluate(MARK_DOCUMENT, _MARK)
        self._marked_after = self._watch.tab.requests_begun

    async def is_loaded_since_mark(self) -> bool:
        """True where the grid stands on the screen in another document than the marked one; waits until it is complete."""
        if self._marked_after in (None, self._watch.tab.requests_begun):
            return False
        deadline = self._watch.deadline(self._waits.filter_seconds)
        seen = self._watch.still_seen(Sight.GRID)
        while not deadline.is_over:
            seen = seen or await self._watch.look()
            if seen.sight is not Sight.GRID or seen.mark == _MARK:
                return False
            if self._is_complete(seen):
                return True
            await deadline.pause()
            seen = None
        return False

    async def reset(self) -> None:
        """Drop every filter: the account remembers them, also those that a person set yesterday."""
        frame = await self.frame()
        button = frame.locator(self._grid.reset).first
        with browser_faults("resetting the filters"):
            if not await button.count():
                raise PanelTemporary(PanelReason.LAYOUT, "there is no button that resets the filters")
        await self.after(
            "resetting the filters", lambda: button.click(timeout=self._milliseconds(), no_wait_after=True)
        )

    async def set_amount_filter(self, amount_uah: int) -> bool:
        """Ask for rows from `amount_uah` to `amount_uah`. False where the filter cannot be found or the panel did not stir."""
        parts = await self._filter_parts()
        if parts is None:
            return False
        cell, low, high = parts
        with browser_faults("setting the amount filter"):
            try:
                await cell.hover(timeout=self._milliseconds())
                await low.fill(str(amount_uah), timeout=self._milliseconds())
                await high.fill(str(amount_uah), timeout=self._milliseconds())
            except BrowserTimeout:
                return False  # the inputs did not come out: there is no filter that could be set
        return await self.after(
            "filtering by amount", lambda: high.press("Enter", timeout=self._milliseconds(), no_wait_after=True)
        )

    async def shows_filter(self, amount_uah: int) -> bool:
        """Whether the filter's inputs hold this amount: the only evidence there is when no row is left."""
        where = await self._filter_arguments()
        frame = await self.frame()
        with browser_faults("looking at the amount filter"):
            return bool(await frame.evaluate(READ_FILTER, where) == [str(amount_uah)] * 2)

    async def _filter_arguments(self) -> dict[str, Any]:
        report = await self._report()
        return self._arguments | {"at": locate_columns(report["headers"], self._watch.profile).amount}

    async def _filter_parts(self) -> tuple[ElementHandle, ElementHandle, ElementHandle] | None:
        """The amount column's header cell and the two inputs of its filter."""
        where = await self._filter_arguments()
        frame = await self.frame()
        with browser_faults("looking for the amount filter"):
            found = await frame.evaluate_handle(FIND_FILTER, where)
            parts = {name: handle.as_element() for name, handle in (await found.get_properties()).items()}
        cell, low, high = parts.get("cell"), parts.get("from"), parts.get("to")
        return None if cell is None or low is None or high is None else (cell, low, high)

    async def page_sizes(self) -> list[int]:
        """The sizes that the panel offers, largest first; empty where it offers none."""
        frame = await self.frame()
        if not self._grid.page_size:
            return []
        with browser_faults("looking for page sizes"):
            values = (
                await frame.locator(self._grid.page_size)
                .first.locator("option")
                .evaluate_all("options => options.map(one => one.value)")
            )
        return sorted(
            {int(value) for value in values if value.isascii() and value.isdigit() and int(value) > 0}, reverse=True
        )

    async def set_page_size(self, size: int) -> None:
        """Show so many rows a page. A panel that keeps its own size is not an error: what is read says how many there were."""
        frame = await self.frame()
        choice = frame.locator(self._grid.page_size).first
        with browser_faults("setting the page size"):
            if await choice.input_value(timeout=self._milliseconds()) == str(size):
                return
            if not await choice.is_visible() and self._grid.settings:
                await frame.locator(self._grid.settings).first.click(timeout=self._milliseconds(), no_wait_after=True)
        await self.after(
            "setting the page size",
            lambda: choice.select_option(str(size), timeout=self._milliseconds(), no_wait_after=True),
        )

    async def set_largest_page(self) -> int | None:
        """Show as many rows a page as the panel allows; None where it offers no choice."""
        sizes = await self.page_sizes()
        if not sizes:
            return None
        await self.set_page_size(sizes[0])
        return sizes[0]

    async def next_page(self) -> bool:
        """Turn to the next page. False when the panel did not stir."""
        frame = await self.frame()
        arrow = frame.locator(self._grid.next_page).locator("visible=true").first
        return await self.after(
            "turning the page", lambda: arrow.click(timeout=self._milliseconds(), no_wait_after=True)
        )

    async def after(self, doing: str, act: Callable[[], Awaitable[Any]], *, seconds: float | None = None) -> bool:
        """Do something that makes the grid load, and wait until it stands still. False when nothing moved at all within the time.

        Raises PanelTemporary(SLOW) when it began to load and did not end, SESSION_LOST when the login form came instead.
        """
        frame = await self.frame()
        requests = self._watch.tab.requests_begun
        with browser_faults(doing):
            await frame.evaluate(MARK_ROWS, self._arguments)
            await act()
        return await self._stands_still(requests, doing, self._watch.seconds(seconds or self._waits.filter_seconds))

    async def _stands_still(self, requests: int, doing: str, seconds: float) -> bool:
        """Wait until the grid has answered and look after look is the same. See `after`."""
        deadline = self._watch.deadline(seconds)
        before: tuple[Any, ...] = ()
        same_since, looks = 0.0, 0
        while True:
            seen = await self._watch.look()
            if seen.sight not in (Sight.GRID, Sight.LOADING, Sight.ELSEWHERE):
                raise error_for(seen, doing)
            begun = self._watch.tab.requests_begun - requests
            now = (seen.frame, begun, *(seen.grid.get(one) for one in ("rows", "marked", "pager", "total", "last")))
            if now != before or not self._is_complete(seen):
                before, same_since, looks = now, deadline.passed_seconds, 0
            looks += 1
            has_answered = begun > 0 or not seen.grid.get("marked")
            is_calm = looks > _CALM_LOOKS and deadline.passed_seconds - same_since >= self._calm_seconds(seen)
            if has_answered and is_calm:
                return True
            if deadline.is_over:
                break
            await deadline.pause()
        if seen.sight is Sight.GRID and not begun and self._watch.tab.is_quiet:
            return False
        raise error_for(seen, doing) if seen.sight is Sight.ELSEWHERE and self._watch.tab.is_quiet else slow(doing)

    def _calm_seconds(self, seen: Seen) -> float:
        """How long this grid must stay as it is before it is believed: an empty one longest, one of new rows not at all."""
        if not seen.grid.get("rows"):
            return self._waits.empty_seconds
        return _CALM_SECONDS if seen.grid["marked"] else 0.0

    def _is_complete(self, seen: Seen) -> bool:
        """The grid's page is there to its end, shows no overlay, and nothing is under way."""
        is_whole = seen.sight is Sight.GRID and bool(seen.page["ready"]) and not seen.grid["busy"]
        return is_whole and self._watch.tab.is_quiet

    async def _report(self) -> dict[str, Any]:
        for attempt in range(3):  # the page may be replaced between finding the frame and reading it
            frame = (await self._look_for_grid()).frame if attempt else await self.frame()
            try:
                report = await frame.evaluate(READ_GRID, self._arguments)
            except BrowserError as error:
                if not is_moving(error):
                    raise as_panel_error(error, "reading the grid") from None
                continue
            if report is not None:
                return dict(report)
        raise PanelTemporary(PanelReason.LAYOUT, "the grid was there and is not any more")

    def _milliseconds(self) -> float:
        return self._watch.seconds(self._waits.filter_seconds) * 1000
