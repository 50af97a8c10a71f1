"""One browser page with ears: requests under way, the status each frame was answered with, dialogs; and the browser's faults as our errors.

Knows nothing of the panel. What a state of the page means is in `sighting`.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from playwright.async_api import CDPSession, Dialog, Frame, Page, Request, Response
from playwright.async_api import Error as BrowserError
from playwright.async_api import TimeoutError as BrowserTimeout

from promo.errors import PanelError, PanelNeedsPerson, PanelReason, PanelTemporary

# What a page waits for before it shows something new; pictures and styles are not among it.
_TELLING = ("document", "xhr", "fetch")
_GONE = ("has been closed", "Target closed", "crashed", "Connection closed", "Browser closed")
_MOVING = (
    "Execution context was destroyed",
    "Frame was detached",
    "Cannot find context",
    "frame got detached",
    "navigating and changing",
)


def first_line(error: BaseException) -> str:
    """What went wrong without the call log: the log repeats what was typed, a password too."""
    return str(error).strip().split("\n", 1)[0][:200]


def is_moving(error: BaseException) -> bool:
    """True where the page was replaced while it was looked at: not a fault, only a look that came too early."""
    return any(sign in str(error) for sign in _MOVING)


def as_panel_error(error: BrowserError, doing: str) -> PanelError:
    """The browser's fault in our words. `doing` names what was under way."""
    text = first_line(error)
    if isinstance(error, BrowserTimeout):
        return PanelTemporary(PanelReason.SLOW, f"{doing}: no answer in time")
    if "Missing X server" in str(error):
        return PanelNeedsPerson(
            PanelReason.NOT_CONFIGURED, "PANEL_HEADED asks for a window, and there is no display here"
        )
    if any(sign in text for sign in _GONE):
        return PanelTemporary(PanelReason.CRASHED, f"{doing}: the browser or its page went away")
    if "executable doesn't exist" in text.lower() or ("Failed to launch" in text and "ENOENT" in text):
        return PanelNeedsPerson(PanelReason.NOT_CONFIGURED, "no browser at the configured path")
    if "net::" in text or "ERR_" in text:
        return PanelTemporary(PanelReason.UNREACHABLE, f"{doing}: {text.split('net::')[-1].split(' ')[0]}")
    if "not a valid selector" in text or is_moving(error):
        return PanelTemporary(PanelReason.LAYOUT, f"{doing}: {text}")
    return PanelTemporary(PanelReason.CRASHED, f"{doing}: {text}")


@contextmanager
def browser_faults(doing: str) -> Iterator[None]:
    """Turns what Playwright raises inside into a PanelError. The original is dropped on purpose: its text holds what was typed."""
    failed: PanelError | None = None
    try:
        yield
    except BrowserError as error:
        failed = as_panel_error(error, doing)
    if failed is not None:
        # Outside of the except block, so that no traceback carries the original along.
        raise failed


@dataclass(frozen=True, slots=True)
class Answer:
    """How the server answered for a frame's document."""

    status: int
    retry_after_seconds: int | None = None


class Tab:
    """A page and what can only be known by listening from the beginning."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.accepts_dialogs = False
        self.dialogs: list[str] = []
        self.requests_begun = 0
        self._under_way: set[Request] = set()
        self._session: CDPSession | None = None
        self._answers: dict[Frame, Answer] = {}
        page.on("request", self._note_request)
        page.on("requestfinished", self._note_end)
        page.on("requestfailed", self._note_end)
        page.on("response", self._note_response)
        page.on("dialog", self._answer_dialog)
        page.on("framedetached", self._forget_frame)

    @property
    def is_quiet(self) -> bool:
        """No document and no request for content is under way."""
        return not self._under_way

    def frames(self) -> list[Frame]:
        """The page first, then the frames inside it."""
        return [frame for frame in self.page.frames if not frame.is_detached()]

    def answer_of(self, frame: Frame) -> Answer:
        return self._answers.get(frame, Answer(0))

    async def picture(self, *, seconds: float) -> bytes:
        """The window as PNG, asked of Chromium itself: it packs a picture quickly, which Playwright does not offer. A run takes dozens. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            if self._session is None:
                self._session = await self.page.context.new_cdp_session(self.page)
            taken = await self._session.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
        return base64.b64decode(taken["data"])

    async def go_to(self, url: str, *, seconds: float) -> None:
        """Begin to open an address; returns as soon as the server has answered. Raises PanelTemporary(SLOW | UNREACHABLE)."""
        with browser_faults("opening the panel"):
            try:
                await self.page.goto(url, wait_until="commit", timeout=seconds * 1000)
            except BrowserError as error:
                # An error status without a page of its own is an answer too: what it means is told by the status.
                if "ERR_HTTP_RESPONSE_CODE_FAILURE" not in first_line(error):
                    raise

    def _note_request(self, request: Request) -> None:
        if request.resource_type in _TELLING:
            self.requests_begun += 1
            self._under_way.add(request)

    def _note_end(self, request: Request) -> None:
        self._under_way.discard(request)

    def _note_response(self, response: Response) -> None:
        request = response.request
        if request.is_navigation_request():
            with suppress(BrowserError):  # the frame may be gone already
                self._answers[request.frame] = Answer(response.status, _seconds(response.headers))

    def _forget_frame(self, frame: Frame) -> None:
        # A frame that is taken away ends its requests without a word.
        self._answers.pop(frame, None)
        self._under_way = {one for one in self._under_way if _frame_of(one) not in (frame, None)}

    async def _answer_dialog(self, dialog: Dialog) -> None:
        with suppress(BrowserError):  # the page may have gone with its dialog
            if dialog.type != "beforeunload":
                self.dialogs.append(dialog.message[:300])
            # Leaving a half-filled form is meant; everything else is agreed to only while a deletion is being confirmed.
            if dialog.type == "beforeunload" or self.accepts_dialogs:
                await dialog.accept()
            else:
                await dialog.dismiss()


def _frame_of(request: Request) -> Frame | None:
    try:
        return request.frame
    except BrowserError:
        return None


def _seconds(headers: Mapping[str, Any]) -> int | None:
    text = str(headers.get("retry-after", "")).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None
