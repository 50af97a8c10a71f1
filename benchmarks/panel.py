"""Theme: the robot at the panel, beside the same clicks as a bare script without verification, steps and pictures.

Both sides drive the same simulated panel with the same Chromium and a session that is alive.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from playwright.sync_api import BrowserContext, FrameLocator, sync_playwright

from benchmarks.crews import take_turns
from benchmarks.figures import AtMost, Figure, figure_of_rounds
from benchmarks.sizes import Size
from demo.panel.gate import SESSION_COOKIE
from demo.panel.server import RunningPanel, serve
from demo.panel.state import PanelState
from promo.adapters.bon_admin.profile import PanelProfile
from promo.adapters.bon_admin.thread import open_panel
from promo.ports import NewCode, PanelConfig
from tools.binaries import chromium_program

if TYPE_CHECKING:
    from benchmarks.ground import Ground

CODES = 10
AMOUNT = 100
LARGE_GRID = 2000
ROUNDS_AT_MOST = 5
DAY = dt.date(2030, 1, 1)
_numbers = itertools.count()


def measure(ground: Ground | None, size: Size) -> list[Figure]:
    """The database is not needed: this is about the browser alone."""
    rounds = min(size.rounds, ROUNDS_AT_MOST)
    with serve(PanelState()) as panel:
        sides: dict[str, Callable[[], float]] = {
            "ours": partial(_refill, panel),
            "theirs": partial(_refill_barely, panel),
        }
        refills = take_turns(sides, rounds=rounds)
    with serve(PanelState()) as panel:
        for number in range(LARGE_GRID):
            panel.state.add_code(f"BON{AMOUNT}R{number:05d}", AMOUNT)
        pages: list[int] = []
        readers: dict[str, Callable[[], float]] = {
            "ours": partial(_read, panel, pages),
            "theirs": partial(_read_barely, panel),
        }
        readings = take_turns(readers, rounds=rounds)
    most_pages = -(-LARGE_GRID // 160)
    return [
        figure_of_rounds(
            f"a refill of {CODES} codes / the same clicks", refills["ours"], refills["theirs"], target=AtMost(2), unit="s"
        ),
        figure_of_rounds(
            f"a grid of {LARGE_GRID} rows / one script a page", readings["ours"], readings["theirs"], target=None, unit="s"
        ),
        Figure("… its pages", max(pages), most_pages, max(pages) / most_pages, AtMost(1), "pages"),
    ]  # fmt: skip


def _session(panel: RunningPanel) -> dict[str, Any]:
    sid = panel.state.sessions.open(panel.state.username, now=panel.state.clock()).sid
    cookie = {"name": SESSION_COOKIE, "value": sid, "domain": "127.0.0.1", "path": "/", "expires": -1}
    return {"cookies": [cookie | {"httpOnly": True, "secure": False, "sameSite": "Lax"}], "origins": []}


def _strings() -> list[str]:
    return [f"BON{AMOUNT}N{next(_numbers):06d}" for _ in range(CODES)]


def _forget_view(panel: RunningPanel) -> None:
    """Both sides begin with the grid as a person left it."""
    panel.state.change_view(panel.state.username, search="", amount_from="", amount_to="", page=1, page_size=20)


def _refill(panel: RunningPanel) -> float:
    """Seconds from nothing to nothing: browser, session, reading, ten codes each read back, with a step and a picture of everything."""
    _forget_view(panel)
    begun = time.perf_counter()
    with open_panel(
        _config(panel),
        profile=PanelProfile(),
        saved_session=json.dumps(_session(panel)),
        on_step=lambda step: None,
        on_wait=lambda: None,
    ) as bon:
        bon.sign_in()
        bon.read_codes(amount_uah=AMOUNT)
        for string in _strings():
            bon.create_code(NewCode(string, AMOUNT, DAY))
            assert string in {row.code for row in bon.read_codes(amount_uah=AMOUNT).rows}
    return time.perf_counter() - begun


def _refill_barely(panel: RunningPanel) -> float:
    _forget_view(panel)
    begun = time.perf_counter()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_config(panel).chromium_path)
        grid = _open(browser.new_context(storage_state=_session(panel)), panel)  # type: ignore[arg-type]
        _set_up(grid)
        grid.locator("#header_id_4778").hover()
        grid.locator("#sortingBlock_4778 input[name=text1]").fill(str(AMOUNT))
        grid.locator("#sortingBlock_4778 input[name=text2]").fill(str(AMOUNT))
        grid.locator("#sortingBlock_4778 input[name=text2]").press("Enter")
        grid.locator("#datagrid-loader").wait_for(state="hidden")
        _codes_on_page(grid)
        for string in _strings():
            _create_barely(grid, string)
            assert string in _codes_on_page(grid)
        browser.close()
    return time.perf_counter() - begun


def _create_barely(grid: FrameLocator, string: str) -> None:
    grid.locator("a.button.add.plus").click()
    grid.locator('input[name="names[code]"]').fill(string)
    grid.locator('select[name="names[type]"]').select_option("1")
    grid.locator('input[name="names[amount]"]').fill(str(AMOUNT))
    grid.locator('input[name="names[date_limit]"]').fill(DAY.isoformat())
    grid.locator('input[type=checkbox][name="names[active]"]').check()
    for name in ("brands", "categories"):
        choice = grid.locator(f'select[name="names[{name}][]"]')
        values = choice.locator("option").evaluate_all("all => all.map(one => one.value).filter(one => one !== '0')")
        choice.select_option(values)
    grid.locator("input.save-exit-button").click()
    grid.locator("a.button.add.plus").wait_for()


def _read(panel: RunningPanel, pages: list[int]) -> float:
    _forget_view(panel)
    with open_panel(
        _config(panel),
        profile=PanelProfile(),
        saved_session=json.dumps(_session(panel)),
        on_step=lambda step: None,
        on_wait=lambda: None,
    ) as bon:
        bon.sign_in()
        begun = time.perf_counter()
        reading = bon.read_codes(amount_uah=None)
        seconds = time.perf_counter() - begun
    assert len(reading.rows) == LARGE_GRID
    pages.append(reading.pages)
    return seconds


def _read_barely(panel: RunningPanel) -> float:
    _forget_view(panel)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_config(panel).chromium_path)
        grid = _open(browser.new_context(storage_state=_session(panel)), panel)  # type: ignore[arg-type]
        begun = time.perf_counter()
        _set_up(grid)
        read, following = set(_codes_on_page(grid)), 2
        while grid.locator(".datagrid-pager .r.active").count():
            grid.locator(".datagrid-pager .r.active").click()
            grid.locator(".pages", has_text=f"{following} /").wait_for()
            read |= set(_codes_on_page(grid))
            following += 1
        seconds = time.perf_counter() - begun
        browser.close()
    assert len(read) == LARGE_GRID
    return seconds


def _open(context: BrowserContext, panel: RunningPanel) -> FrameLocator:
    page = context.new_page()
    page.goto(panel.codes_url)
    grid = page.frame_locator('iframe[src*="adminLegacy/data.php"]')
    grid.locator("#datagrid").wait_for()
    return grid


def _set_up(grid: FrameLocator) -> None:
    grid.locator("#reset_datagrid").click()
    grid.locator("#datagrid-loader").wait_for(state="hidden")
    grid.locator(".button.settings").click()
    grid.locator("#datagrid-perpage-select").select_option("160")
    grid.locator("#datagrid-loader").wait_for(state="hidden")


def _codes_on_page(grid: FrameLocator) -> list[str]:
    return list(grid.locator("#datagrid tbody tr td:nth-child(4)").all_text_contents())


def _config(panel: RunningPanel) -> PanelConfig:
    return PanelConfig(url=panel.codes_url, username="", password="", chromium_path=str(chromium_program() or ""))
