"""What the portal's browser is compared with: the same clicks at the panel as one would script them for one panel that never misbehaves.

Nothing is verified beyond "the code is in the table", no picture is taken, nothing is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import FrameLocator, Page, StorageState, sync_playwright

_ROWS = "#datagrid tbody tr:not(.no-data)"
_NEXT = ".datagrid-pager .fl-l.r.active"
_LARGEST_PAGE = "160"
_CHOOSE_ALL = "lists => lists.forEach(list => [...list.options].forEach(one => { one.selected = one.value !== '0'; }))"


@dataclass(frozen=True, slots=True)
class Script:
    """The panel's codes page, who signs in, and the browser to do it with."""

    url: str
    username: str
    password: str
    chromium: str

    def sign_in(self) -> StorageState:
        """A session to be used again."""
        with self._page(None) as page:
            page.goto(self.url)
            page.get_by_placeholder("Ел. пошта").fill(self.username)
            page.get_by_placeholder("Пароль").fill(self.password)
            page.get_by_role("button", name="Увійти").click()
            _grid(page)
            return page.context.storage_state()

    def refill(self, session: StorageState, *, amount_uah: int, codes: Sequence[str], last_day: str) -> None:
        """Make the codes one by one, each looked for in the filtered table after it was saved."""
        with self._page(session) as page:
            page.goto(self.url)
            grid = _grid(page)
            _show_most(page, grid)
            grid.locator("#header_id_4778").hover()
            low, high = (grid.locator(f"#sortingBlock_4778 input[name=text{end}]") for end in (1, 2))
            low.fill(str(amount_uah))
            high.fill(str(amount_uah))
            _answered(page, grid, lambda: high.press("Enter"))
            grid.locator(_ROWS).all_inner_texts()
            for code in codes:
                _make(grid, code, amount_uah=amount_uah, last_day=last_day)
                if not any(code in row for row in _grid(page).locator(_ROWS).all_inner_texts()):
                    raise AssertionError(f"{code} is not in the table")

    def read_all(self, session: StorageState) -> tuple[int, int]:
        """Every row of the table. Returns how many there were and on how many pages."""
        with self._page(session) as page:
            page.goto(self.url)
            grid = _grid(page)
            _show_most(page, grid)
            rows, pages = len(grid.locator(_ROWS).all_inner_texts()), 1
            while grid.locator(_NEXT).count():
                _answered(page, grid, grid.locator(_NEXT).click)
                rows += len(grid.locator(_ROWS).all_inner_texts())
                pages += 1
        return rows, pages

    @contextmanager
    def _page(self, session: StorageState | None) -> Iterator[Page]:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=self.chromium)
            yield browser.new_context(storage_state=session, viewport={"width": 1280, "height": 720}).new_page()
            browser.close()


def _grid(page: Page) -> FrameLocator:
    grid = page.frame_locator('iframe[src*="adminLegacy/data.php"]')
    grid.locator("#datagrid tbody tr").first.wait_for()
    return grid


def _show_most(page: Page, grid: FrameLocator) -> None:
    """No filter left over from somebody else, and as many rows a page as there can be."""
    _answered(page, grid, grid.locator("#reset_datagrid").click)
    size = grid.locator("#datagrid-perpage-select")
    if size.input_value() != _LARGEST_PAGE:
        grid.locator(".button.settings").click()
        _answered(page, grid, lambda: size.select_option(_LARGEST_PAGE))


def _answered(page: Page, grid: FrameLocator, act: Callable[[], object]) -> None:
    """Do something that loads the table anew, and wait until it has."""
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        act()
    grid.locator("#datagrid-loader").wait_for(state="hidden")


def _make(grid: FrameLocator, code: str, *, amount_uah: int, last_day: str) -> None:
    grid.locator("a.button.add.plus").first.click()
    grid.locator('input[name="names[code]"]').fill(code)
    grid.locator('select[name="names[type]"]').select_option("1")
    grid.locator('input[name="names[amount]"]').fill(str(amount_uah))
    grid.locator('input[name="names[date_limit]"]').fill(last_day)
    grid.locator('input[type="checkbox"][name="names[active]"]').check()
    grid.locator("select[multiple]").evaluate_all(_CHOOSE_ALL)
    grid.locator("input.save-exit-button").click()
