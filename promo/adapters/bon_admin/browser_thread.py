"""One running Chromium and the thread that its event loop lives in. Knows how to start and stop it, nothing of what it is used for."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import shutil
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from playwright.async_api import Browser, async_playwright
from playwright.async_api import Error as BrowserError

from promo.adapters.bon_admin.tab import as_panel_error, first_line
from promo.errors import PanelError, PanelReason, PanelTemporary

T = TypeVar("T")

STOPPING_SECONDS = 20.0
# The panel is the only address that this browser has business with.
_QUIET_ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
    "--no-pings",
    "--metrics-recording-only",
)


class BrowserThread:
    """One running Chromium and the thread that its loop lives in. Several panels may be opened in it, one after another."""

    def __init__(self, *, chromium_path: str = "", headed: bool = False, sandboxed: bool = True) -> None:
        self._chromium_path = chromium_path
        self._headed = headed
        self._sandboxed = sandboxed
        self._ready: concurrent.futures.Future[Browser] = concurrent.futures.Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="panel-browser", daemon=True)

    @property
    def ready(self) -> concurrent.futures.Future[Browser]:
        """Ends with the running browser, or with the PanelError that kept it from starting."""
        return self._ready

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> concurrent.futures.Future[Browser]:
        """Begin to start the browser; the future ends with it, or with a PanelError."""
        self._thread.start()
        return self._ready

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run something in the browser's loop."""
        assert self._loop is not None
        if not self.is_alive:
            work.close()
            raise PanelTemporary(PanelReason.CRASHED, "the browser has ended")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def stop(self) -> None:
        """Close the browser and wait for its thread. Nothing happens when it has ended already."""
        self._is_stopping.set()
        if not self.is_alive:
            return
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOPPING_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BrowserError as error:
            self._fail(as_panel_error(error, "starting the browser"))
        except BaseException as error:
            # Without an answer the caller would wait for ever; the driver's own faults are bare Exceptions.
            self._fail(PanelTemporary(PanelReason.CRASHED, f"starting the browser: {first_line(error)}"))
            raise

    def _fail(self, error: PanelError) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)

    def _program(self) -> str | None:
        """The browser to start. One that has no window cannot be watched: then the whole one beside it, else Playwright's own."""
        if self._headed and self._chromium_path.endswith("headless-shell"):
            return shutil.which("chromium")
        return self._chromium_path or None

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        if self._is_stopping.is_set():
            self._stop.set()
        as_root = hasattr(os, "geteuid") and os.geteuid() == 0
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=self._program(),
                headless=not self._headed,
                # The sandbox needs an ordinary user; as root Chromium does not start with it.
                chromium_sandbox=self._sandboxed and not as_root,
                args=list(_QUIET_ARGUMENTS),
            )
            self._ready.set_result(browser)
            await self._stop.wait()
            await browser.close()


@contextmanager
def running_browser(*, chromium_path: str = "", headed: bool = False) -> Iterator[BrowserThread]:
    """A browser for several `open_panel` calls in a row. Raises PanelNeedsPerson(NOT_CONFIGURED) or PanelTemporary(CRASHED)."""
    thread = BrowserThread(chromium_path=chromium_path, headed=headed)
    try:
        thread.start().result()
        yield thread
    finally:
        thread.stop()
