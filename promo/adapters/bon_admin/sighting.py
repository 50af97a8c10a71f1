"""What is on the screen, by name, and waiting until something is.

A wait ends as soon as the state is there. When it does not come, the error says why: still loading is SLOW, complete but different is LAYOUT.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from playwright.async_api import Error as BrowserError
from playwright.async_api import Frame

from promo.adapters.bon_admin.page_scripts import LOOK
from promo.adapters.bon_admin.profile import PanelProfile
from promo.adapters.bon_admin.tab import Tab, as_panel_error, is_moving
from promo.errors import PanelError, PanelNeedsPerson, PanelReason, PanelTemporary

# Pause between two looks: short against a page load, long against the two milliseconds a look takes.
_LOOK_EVERY_SECONDS = 0.03
# A frame whose first document has not come yet answers no question at all, not even "what are you?"; a browser call has no time limit of its own.
LONGEST_LOOK_SECONDS = 2.0


class Sight(enum.StrEnum):
    GRID = "grid"
    FORM = "form"
    LOGIN = "login"
    CAPTCHA = "captcha"
    SECOND_FACTOR = "second_factor"
    MAINTENANCE = "maintenance"
    ANTI_BOT = "anti_bot"
    BROKEN = "broken"  # answered with a server error
    GONE = "gone"  # answered with "no such page" or "not allowed"
    LOADING = "loading"
    ELSEWHERE = "elsewhere"  # complete, and nothing that the profile describes


# On the way to something else; nothing can be concluded from them yet.
_PASSING = frozenset({Sight.LOADING, Sight.ELSEWHERE, Sight.ANTI_BOT})


@dataclass(frozen=True, slots=True)
class Seen:
    """One look. `frame` is where the sight is; `page` the raw report of that frame (see LOOK)."""

    sight: Sight
    frame: Frame
    page: dict[str, Any] = field(default_factory=dict)
    status: int = 0
    retry_after_seconds: int | None = None

    @property
    def grid(self) -> dict[str, Any]:
        return self.page.get("grid") or {}

    @property
    def errors(self) -> list[str]:
        return list(self.page.get("errors") or ())

    @property
    def mark(self) -> str:
        return str(self.page.get("mark") or "")


def grid_arguments(profile: PanelProfile) -> dict[str, Any]:
    """What the grid's scripts need of the profile."""
    grid = profile.grid
    required = [
        {"id": column.header_id, "texts": [text.lower() for text in column.header_texts]}
        for column in (grid.code, grid.amount, grid.status)
    ]
    return {
        "table": grid.table,
        "emptyRow": grid.empty_row,
        "headerExtras": grid.header_extras,
        "required": required,
        "loader": grid.loader,
        "pager": grid.pager,
        "total": grid.total,
        "pageSize": grid.page_size,
        "nextPage": grid.next_page,
        "rowCheck": grid.row_check,
        "masterCheck": grid.master_check,
        "amountFilter": grid.amount_filter,
        "filterFrom": grid.filter_from,
        "filterTo": grid.filter_to,
    }


class Deadline:
    """How long a wait has lasted and may last. Every loop of looks in this package has one."""

    def __init__(self, seconds: float) -> None:
        self._clock = asyncio.get_running_loop().time
        self._begun = self._clock()
        self._seconds = seconds

    @property
    def passed_seconds(self) -> float:
        return self._clock() - self._begun

    @property
    def is_over(self) -> bool:
        return self.passed_seconds > self._seconds

    async def pause(self) -> None:
        """Until the next look."""
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


class Watch:
    """Looks at one tab through one profile. `longest_wait_seconds` caps every wait."""

    def __init__(self, tab: Tab, profile: PanelProfile, *, longest_wait_seconds: float) -> None:
        self.tab = tab
        self.profile = profile
        self._cap = longest_wait_seconds
        self._last: tuple[Seen, int] | None = None
        login, form = profile.login, profile.form
        self.errors = ", ".join(one for one in dict.fromkeys((login.error, form.error)) if one)
        self._arguments = grid_arguments(profile) | {
            "password": login.password,
            "captcha": login.captcha,
            "factor": login.second_factor,
            "code": form.code,
            "errors": self.errors,
        }

    def seconds(self, wanted: float) -> float:
        return min(wanted, self._cap)

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(self.seconds(seconds))

    async def look(self) -> Seen:
        """One look at the page and its frames: the first that shows something known, else whether anything is still loading."""
        begun = self.tab.requests_begun
        seen = await self._look_around()
        self._last = (seen, begun)
        return seen

    def still_seen(self, sight: Sight) -> Seen | None:
        """The last look, where it showed this and the page has asked the panel for nothing since: another look could only see the same."""
        if self._last is None:
            return None
        seen, begun = self._last
        is_same = seen.sight is sight and begun == self.tab.requests_begun and self.tab.is_quiet
        return seen if is_same and not seen.frame.is_detached() else None

    async def _look_around(self) -> Seen:
        passing: Seen | None = None
        for frame in self._frames():
            seen = await self._look_at(frame)
            if seen.sight not in _PASSING:
                return seen
            if passing is None or passing.sight is Sight.ELSEWHERE:
                passing = seen
        if passing is None or (passing.sight is Sight.ELSEWHERE and not self.tab.is_quiet):
            return Seen(Sight.LOADING, self.tab.page.main_frame)
        return passing

    def _frames(self) -> list[Frame]:
        """The page and the frame that the profile names; all frames where no frame is called so."""
        page, *inner = self.tab.frames()
        return [page, *([frame for frame in inner if self.profile.grid.frame_url_part in frame.url] or inner)]

    async def _look_at(self, frame: Frame) -> Seen:
        try:
            async with asyncio.timeout(LONGEST_LOOK_SECONDS):
                page: dict[str, Any] = await frame.evaluate(LOOK, self._arguments)
        except TimeoutError:
            return Seen(Sight.LOADING, frame)
        except BrowserError as error:
            if is_moving(error):
                return Seen(Sight.LOADING, frame)
            raise as_panel_error(error, "looking at the page") from None
        answer = self.tab.answer_of(frame)
        return Seen(self._name(page, answer.status), frame, page, answer.status, answer.retry_after_seconds)

    def _name(self, page: dict[str, Any], status: int) -> Sight:
        if page["captcha"] and (page["password"] or not page["grid"]):
            return Sight.CAPTCHA
        if page["factor"] and not page["password"]:
            return Sight.SECOND_FACTOR
        if page["password"]:
            return Sight.LOGIN
        if page["form"]:
            return Sight.FORM
        if page["grid"] and page["grid"]["shown"]:
            return Sight.GRID
        words, text = self.profile.words, f"{page['title']} {page['text']}".casefold()
        if any(word.casefold() in text for word in words.anti_bot):
            return Sight.ANTI_BOT
        if status == 503 or any(word.casefold() in text for word in words.maintenance):
            return Sight.MAINTENANCE
        if status >= 400:
            return Sight.BROKEN if status >= 500 else Sight.GONE
        return Sight.ELSEWHERE if page["ready"] else Sight.LOADING

    async def wait_for(
        self, *wanted: Sight, seconds: float, doing: str, unless: Callable[[Seen], bool] | None = None
    ) -> Seen:
        """Look until one of `wanted` is there and `unless` does not hold it back. Any other definite sight raises its error.

        Raises PanelTemporary(SLOW) when it is still loading after `seconds`, LAYOUT when the page is complete and stays something else.
        """
        deadline = self.deadline(seconds)
        idle_since: float | None = None
        waits = self.profile.waits
        while True:
            seen = await self.look()
            held_back = unless is not None and unless(seen)
            if seen.sight in wanted and not held_back:
                return seen
            if seen.sight not in _PASSING and not held_back:
                raise error_for(seen, doing, wanted)
            now = deadline.passed_seconds
            if seen.sight is Sight.ANTI_BOT and now > self.seconds(waits.anti_bot_seconds):
                raise error_for(seen, doing)
            # "Not as described" must last: some pages put their parts in place late. While a request is under way it is only slow.
            is_idle = (seen.sight is Sight.ELSEWHERE or held_back) and self.tab.is_quiet
            idle_since = None if not is_idle else now if idle_since is None else idle_since
            if idle_since is not None and now - idle_since > self.seconds(waits.settled_seconds):
                raise error_for(seen, doing, wanted)
            if deadline.is_over:
                raise slow(doing)
            await deadline.pause()


def slow(doing: str) -> PanelTemporary:
    return PanelTemporary(PanelReason.SLOW, f"{doing}: no answer in time")


def error_for(seen: Seen, doing: str, wanted: Sequence[Sight] = (Sight.GRID,)) -> PanelError:
    """What a sight means where one of `wanted` was expected."""
    match seen.sight:
        case Sight.LOGIN:
            return PanelTemporary(PanelReason.SESSION_LOST, f"{doing}: the panel asks to sign in again")
        case Sight.CAPTCHA:
            return PanelNeedsPerson(PanelReason.CAPTCHA, f"{doing}: the panel asks for a captcha")
        case Sight.SECOND_FACTOR:
            return PanelNeedsPerson(PanelReason.SECOND_FACTOR, f"{doing}: the panel asks for a second factor")
        case Sight.ANTI_BOT:
            return PanelNeedsPerson(
                PanelReason.CAPTCHA,
                f"{doing}: an anti-bot page stands in front of the panel and does not pass by itself",
            )
        case Sight.MAINTENANCE:
            return PanelTemporary(
                PanelReason.MAINTENANCE,
                f"{doing}: the panel is closed for maintenance",
                retry_after_seconds=seen.retry_after_seconds,
            )
        case Sight.BROKEN:
            return PanelTemporary(PanelReason.UNREACHABLE, f"{doing}: the panel answered with status {seen.status}")
        case Sight.GONE if seen.status == 429:
            return PanelTemporary(
                PanelReason.SLOW,
                f"{doing}: the panel asks to slow down (429)",
                retry_after_seconds=seen.retry_after_seconds,
            )
        case Sight.GONE:
            return PanelTemporary(
                PanelReason.LAYOUT, f"{doing}: the panel answered with status {seen.status}", **_compared(seen, wanted)
            )
        case Sight.LOADING:
            return slow(doing)
        case _:
            return PanelTemporary(
                PanelReason.LAYOUT,
                f"{doing}: found {seen.sight.value}, the page is not as the profile describes it",
                **_compared(seen, wanted),
            )


class Compared(TypedDict):
    """What `PanelError` takes."""

    expected: dict[str, object]
    seen: dict[str, object]


def _compared(seen: Seen, wanted: Sequence[Sight]) -> Compared:
    """The screen that was wanted beside the one that is there."""
    title, text = str(seen.page.get("title", "")), str(seen.page.get("text", ""))
    return {
        "expected": {"screen": " or ".join(one.value for one in wanted), "http_status": 200},
        "seen": {"screen": seen.sight.value, "http_status": seen.status, "title": title[:100], "text": text[:160]},
    }
