"""The browser in a thread of its own, and the door to the panel: `open_panel`.

Django refuses database work inside a running event loop, and a browser call may take minutes while a lease must be renewed. So the
browser's loop lives in its own thread; the caller waits on a queue in its own, where `on_step` and `on_wait` may write rows. When one of
them raises (the lease is lost), the page is closed under the running call, and the error goes on to the caller.
"""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import queue
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from playwright.async_api import Browser

from promo.adapters.bon_admin.browser_thread import STOPPING_SECONDS, BrowserThread
from promo.adapters.bon_admin.profile import PanelProfile
from promo.adapters.bon_admin.source import BonAdmin
from promo.errors import PanelReason, PanelTemporary
from promo.ports import GridReading, GridRow, NewCode, PanelConfig, Step

T = TypeVar("T")

WAIT_INTERVAL_SECONDS = 5.0


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class PanelProxy:
    """A `CodeSource` for the thread that opened it. Each call runs in the browser's thread while this one tells steps and waits."""

    def __init__(
        self,
        thread: BrowserThread,
        *,
        on_step: Callable[[Step], None],
        on_wait: Callable[[], None],
        wait_interval_seconds: float,
    ) -> None:
        self._thread = thread
        self._on_step = on_step
        self._on_wait = on_wait
        self._interval = wait_interval_seconds
        self._waited_at = time.monotonic()
        self._told: queue.SimpleQueue[Step | None] = queue.SimpleQueue()
        self._panel: BonAdmin | None = None
        self._is_aborted = False

    def sign_in(self) -> None:
        self._call(self._bon.sign_in())

    def read_codes(self, *, amount_uah: int | None) -> GridReading:
        return self._call(self._bon.read_codes(amount_uah=amount_uah))

    def create_code(self, new: NewCode) -> None:
        self._call(self._bon.create_code(new))

    def delete_codes(self, rows: Sequence[GridRow]) -> None:
        self._call(self._bon.delete_codes(tuple(rows)))

    def check_form(self) -> dict[str, Any]:
        """What of the create form is recognised, by field; nothing is saved."""
        return self._call(self._bon.check_form())

    def saved_session(self) -> str:
        return self._call(self._bon.saved_session())

    @property
    def _bon(self) -> BonAdmin:
        if self._panel is None or self._is_aborted:
            raise PanelTemporary(PanelReason.CRASHED, "the panel has been closed")
        return self._panel

    def _open(self, make: Callable[[Browser], BonAdmin]) -> None:
        self._panel = make(self._thread.browser)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        future = self._thread.submit(work)
        future.add_done_callback(lambda _: self._told.put(None))
        try:
            self._wait(future)
        except BaseException:
            # Raised by the caller's own on_step or on_wait, or by a time limit that struck here. The page must not do another click.
            self._abort(future)
            raise
        return future.result()

    def _wait(self, future: concurrent.futures.Future[Any]) -> None:
        """Tell steps and call on_wait in time, until the call has ended and every step of it is told."""
        while True:
            left = self._waited_at + self._interval - time.monotonic()
            if left <= 0:
                self._on_wait()
                self._waited_at = time.monotonic()
                continue
            try:
                step = self._told.get(timeout=left)
            except queue.Empty:
                continue
            if step is None:
                return
            self._on_step(step)

    def _abort(self, future: concurrent.futures.Future[Any]) -> None:
        self._is_aborted = True
        if self._panel is not None:
            self._thread.submit(self._panel.abort())
        # The running call ends with "page closed"; nobody is interested in that any more.
        concurrent.futures.wait([future], timeout=STOPPING_SECONDS)

    def _close(self) -> None:
        if self._panel is not None and self._thread.is_alive:
            concurrent.futures.wait([self._thread.submit(self._panel.close())], timeout=STOPPING_SECONDS)
        self._panel = None


@contextmanager
def open_panel(
    config: PanelConfig,
    *,
    profile: PanelProfile,
    saved_session: str | None,
    on_step: Callable[[Step], None],
    on_wait: Callable[[], None],
    trace_path: Path | None = None,
    wait_interval_seconds: float = WAIT_INTERVAL_SECONDS,
    clock: Callable[[], dt.datetime] = _utc_now,
    browser: BrowserThread | None = None,
) -> Iterator[PanelProxy]:
    """The panel, not yet signed in. The browser is closed at the end, unless a running one was lent as `browser`.

    While a call waits, `on_step` is told every step and `on_wait` is called at least every `wait_interval_seconds`, both in the caller's
    thread. Raises PanelNeedsPerson(NOT_CONFIGURED) or PanelTemporary(CRASHED) when the browser does not start.
    """
    own = None if browser is not None else BrowserThread(chromium_path=config.chromium_path, headed=config.headed)
    thread = browser or own
    assert thread is not None
    proxy = PanelProxy(thread, on_step=on_step, on_wait=on_wait, wait_interval_seconds=wait_interval_seconds)
    try:
        if own is not None:
            starting = own.start()
            starting.add_done_callback(lambda _: proxy._told.put(None))
            proxy._wait(starting)
            starting.result()
        proxy._open(
            lambda running: BonAdmin(
                running,
                config,
                profile=profile,
                saved_session=saved_session,
                emit=proxy._told.put,
                clock=clock,
                trace_path=trace_path,
            )
        )
        yield proxy
    finally:
        try:
            proxy._close()
        finally:
            if own is not None:
                own.stop()
