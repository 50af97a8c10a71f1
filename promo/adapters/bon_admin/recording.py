"""The story of a run: steps with a picture each, and the browser's trace. Told while it happens, through a callable.

No password may get into a picture, a detail or the trace: pictures near a login are masked and checked, and the trace is off until signed in.
What becomes of a step (stored, encrypted, shown) is the caller's matter.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Locator
from playwright.async_api import Error as BrowserError

from bonusportal.masking import mask_text
from promo.adapters.bon_admin.page_scripts import IS_LEAKING
from promo.adapters.bon_admin.tab import Tab, browser_faults, first_line
from promo.errors import PanelError
from promo.ports import Step

logger = logging.getLogger(__name__)

_PICTURE_SECONDS = 3.0


class Recorder:
    """Makes steps. `tab` is the page of which pictures are taken; None while there is none.

    `secrets` are texts that must never be seen, `hidden` selectors that are painted over while `is_private` is set. `pictures` off: steps without one.
    """

    def __init__(
        self,
        emit: Callable[[Step], Awaitable[None]],
        *,
        clock: Callable[[], dt.datetime],
        secrets: Sequence[str],
        hidden: Sequence[str],
        pictures: bool = True,
    ) -> None:
        self.tab: Tab | None = None
        self.is_private = False
        self._emit = emit
        self._clock = clock
        self._secrets = [one for one in secrets if one]
        self._hidden = [one for one in hidden if one]
        self._pictures = pictures
        self._pictured: tuple[Tab, int] | None = None

    @asynccontextmanager
    async def step(
        self, name: str, *, masked: str = "", only_looks: bool = False, **detail: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """One step around what is done inside. The yielded mapping becomes its detail; an error makes it a failed step and goes on up.

        `masked` is a code as it may be shown; everything else is cleaned once more. A step that only looks at what the last picture shows gets none.
        """
        started_at, begun = self._clock(), time.perf_counter()
        try:
            with browser_faults(name):
                yield detail
        except PanelError as error:
            detail["reason"] = error.reason.value
            detail["error"] = error.detail
            if error.expected and error.seen:
                detail["expected"], detail["seen"] = error.expected, error.seen
            await self._tell(name, False, started_at, time.perf_counter() - begun, masked, detail)
            raise
        await self._tell(
            name,
            True,
            started_at,
            time.perf_counter() - begun,
            masked,
            detail,
            is_shown=only_looks and self._is_pictured(),
        )

    async def _tell(
        self,
        name: str,
        ok: bool,
        started_at: dt.datetime,
        seconds: float,
        masked: str,
        detail: dict[str, Any],
        *,
        is_shown: bool = False,
    ) -> None:
        told = {"code": masked} if masked else {}
        shown = (self.tab, self.tab.requests_begun) if self.tab is not None else None
        picture = None if is_shown else await self._picture()
        self._pictured = shown if picture is not None or is_shown else None
        await self._emit(
            Step(
                name=name,
                ok=ok,
                started_at=started_at,
                seconds=round(seconds, 3),
                detail=told | self.clean(detail),
                picture=picture,
            )
        )

    def _is_pictured(self) -> bool:
        """Whether the last picture shows this page, and the page has asked for nothing since."""
        return self.tab is not None and self._pictured == (self.tab, self.tab.requests_begun) and self.tab.is_quiet

    def clean(self, value: Any) -> Any:
        """The value with secrets and codes blotted out of every text: a panel may quote what was typed in what it says."""
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, "•••")
            return mask_text(value)
        if isinstance(value, dict):
            return {key: self.clean(one) for key, one in value.items()}
        return [self.clean(one) for one in value] if isinstance(value, list | tuple) else value

    async def _picture(self) -> bytes | None:
        """The window as PNG; None where there is nothing to picture, or where a secret would be on it."""
        if self.tab is None or not self._pictures:
            return None
        try:
            if not self.is_private:
                return await self.tab.picture(seconds=_PICTURE_SECONDS)
            masks: list[Locator] = []
            for frame in self.tab.frames():
                async with asyncio.timeout(_PICTURE_SECONDS):
                    if await frame.evaluate(IS_LEAKING, self._secrets):
                        return None
                masks += [frame.locator(selector) for selector in self._hidden]
            return await self.tab.page.screenshot(timeout=_PICTURE_SECONDS * 1000, mask=masks)
        except TimeoutError:
            return None  # too slow; or a frame that does not say what is on it yet: no picture rather than one with a secret
        except BrowserError as error:
            # A step without a picture is still a step: the page may have crashed, and that is what the step is about.
            logger.info("no picture of the panel: %s", first_line(error))
            return None


class Trace:
    """The browser's own recording, in parts: it stops before a password is typed and goes on in a new file after it.

    Parts are `trace.zip`, `trace-2.zip` … beside the path given; None records nothing. A part holds live codes and the session's cookies.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._context: BrowserContext | None = None
        self.parts: list[Path] = []

    async def start(self, context: BrowserContext) -> None:
        if self._path is None or self._context is not None:
            return
        # Without the browser's film: every step has its picture, and filming doubles what a click costs.
        await context.tracing.start(screenshots=False, snapshots=True)
        self._context = context

    async def stop(self) -> None:
        """Write what was recorded since `start`; nothing happens where nothing runs."""
        context, self._context = self._context, None
        if context is None or self._path is None:
            return
        part = self._path if not self.parts else self._path.with_stem(f"{self._path.stem}-{len(self.parts) + 1}")
        try:
            await context.tracing.stop(path=part)
        except BrowserError as error:
            logger.warning("the browser's trace could not be saved: %s", first_line(error))
            return
        self.parts.append(part)
