"""The browser in a thread of its own, and the door to the panel: `open_panel`.

Django refuses database work inside a running event loop, and a browser call may take minutes while a lease must be renewed. So the
browser's loop lives in its own thread; the caller waits on a queue in its own, where `on_step` and `on_wait` may write rows. When one of
them raises (the lease is lost), the page is closed under the running call, and the error goes on to the caller.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import datetime as dt
import queue
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
# Every wait for the page has a limit of its own, and a step is told after a few of them. A page whose script never ends answers to none: without this
# bound such a run would hold its lease for ever.
LONGEST_SILENCE_SECONDS = 300.0


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class _Told:
    """A step on its way to the caller. The browser does nothing more until it is answered."""

    step: Step
    loop: asyncio.AbstractEventLoop
    heard: asyncio.Future[None]

    def accept(self) -> None:
        self.loop.call_soon_threadsafe(self._settle, None)

    def refuse(self) -> None:
        self.loop.call_soon_threadsafe(self._settle, _closed())

    def _settle(self, error: PanelTemporary | None) -> None:
        if self.heard.done():
            return
        if error is None:
            self.heard.set_result(None)
        else:
            self.heard.set_exception(error)


def _closed() -> PanelTemporary:
    return PanelTemporary(PanelReason.CRASHED, "the panel has been closed")


class PanelProxy:
    """A `CodeSource` for the thread that opened it. Each call runs in the browser's thread while this one tells steps and waits."""

    def __init__(
        self,
        thread: BrowserThread,
        *,
        on_step: Callable[[Step], None],
        on_wait: Callable[[], None],
        wait_interval_seconds: float,
        silence_seconds: float,
    ) -> None:
        self._thread = thread
        self._on_step = on_step
        self._on_wait = on_wait
        self._interval = wait_interval_seconds
        self._silence = silence_seconds
        self._waited_at = time.monotonic()
        self._told: queue.SimpleQueue[_Told | None] = queue.SimpleQueue()
        self._panel: BonAdmin | None = None
        self._is_aborted = False

    def sign_in(self) -> None:
        self._call(lambda panel: panel.sign_in())

    def read_codes(self, *, amount_uah: int | None) -> GridReading:
        return self._call(lambda panel: panel.read_codes(amount_uah=amount_uah))

    def create_code(self, new: NewCode) -> None:
        self._call(lambda panel: panel.create_code(new))

    def delete_codes(self, rows: Sequence[GridRow]) -> None:
        self._call(lambda panel: panel.delete_codes(tuple(rows)))

    def check_form(self) -> dict[str, Any]:
        """What of the create form is recognised, by field; nothing is saved."""
        return self._call(lambda panel: panel.check_form())

    def saved_session(self) -> str:
        return self._call(lambda panel: panel.saved_session())

    async def emit(self, step: Step) -> None:
        """Called in the browser's thread: hand a step over and wait until the caller has taken it.

        The wait is what stops a run that lost its lease before its next click, not after it.
        """
        loop = asyncio.get_running_loop()
        told = _Told(step, loop, loop.create_future())
        self._told.put(told)
        if self._is_aborted:  # looked at after the put: whoever aborts empties the queue after having said so
            raise _closed()
        await told.heard

    def open(self, make: Callable[[Browser], BonAdmin], starting: concurrent.futures.Future[Browser]) -> None:
        """Wait for the browser as for any call, then make the panel in it."""
        starting.add_done_callback(lambda _: self._told.put(None))
        self._wait()
        self._panel = make(starting.result())

    def close(self) -> None:
        """Write the trace and close the page."""
        if self._panel is not None and self._thread.is_alive:
            concurrent.futures.wait([self._thread.submit(self._panel.close())], timeout=STOPPING_SECONDS)
        self._panel = None

    def _call(self, ask: Callable[[BonAdmin], Coroutine[Any, Any, T]]) -> T:
        if self._panel is None or self._is_aborted:
            raise _closed()
        self._call_on_wait_if_due()
        future = self._thread.submit(ask(self._panel))
        future.add_done_callback(lambda _: self._told.put(None))
        try:
            self._wait()
        except BaseException:
            # Raised by the caller's own on_step or on_wait, or by a time limit that struck here. The page must not do another click.
            self._abort(self._panel, future)
            raise
        return future.result()

    def _wait(self) -> None:
        """Tell steps and call on_wait in time, until the call has ended and every step of it is told. Raises PanelTemporary(SLOW) after a long silence."""
        heard_at = time.monotonic()
        while True:
            self._call_on_wait_if_due()
            try:
                told = self._told.get(timeout=max(0.0, self._waited_at + self._interval - time.monotonic()))
            except queue.Empty:
                if time.monotonic() - heard_at > self._silence:
                    raise PanelTemporary(
                        PanelReason.SLOW, "the browser has said nothing for minutes; it was closed"
                    ) from None
                continue
            heard_at = time.monotonic()
            if told is None:
                return
            try:
                self._on_step(told.step)
            except BaseException:
                told.refuse()
                raise
            told.accept()

    def _call_on_wait_if_due(self) -> None:
        if time.monotonic() - self._waited_at >= self._interval:
            self._on_wait()
            self._waited_at = time.monotonic()

    def _abort(self, panel: BonAdmin, future: concurrent.futures.Future[Any]) -> None:
        """Close the page under the running call, and wait for the call to end with that."""
        self._is_aborted = True
        while not self._told.empty():
            told = self._told.get()
            if told is not None:
                told.refuse()
        concurrent.futures.wait([self._thread.submit(panel.abort()), future], timeout=STOPPING_SECONDS)


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
    silence_seconds: float = LONGEST_SILENCE_SECONDS,
    clock: Callable[[], dt.datetime] = _utc_now,
    browser: BrowserThread | None = None,
) -> Iterator[PanelProxy]:
    """The panel, not yet signed in. The browser is closed at the end, unless a running one was lent as `browser`.

    While a call waits, `on_step` is told every step and `on_wait` is called at least every `wait_interval_seconds`, both in the caller's
    thread. A call in which no step ends for `silence_seconds` is broken off: PanelTemporary(SLOW). Raises PanelNeedsPerson(NOT_CONFIGURED)
    or PanelTemporary(CRASHED) when the browser does not start.
    """
    own = (
        None
        if browser is not None
        else BrowserThread(chromium_path=config.chromium_path, headed=config.headed, sandboxed=config.sandboxed)
    )
    thread = browser or own
    assert thread is not None
    proxy = PanelProxy(
        thread,
        on_step=on_step,
        on_wait=on_wait,
        wait_interval_seconds=wait_interval_seconds,
        silence_seconds=silence_seconds,
    )

    def make(running: Browser) -> BonAdmin:
        return BonAdmin(
            running,
            config,
            profile=profile,
            saved_session=saved_session,
            emit=proxy.emit,
            clock=clock,
            trace_path=trace_path,
        )

    try:
        proxy.open(make, thread.start() if own is not None else thread.ready)
        yield proxy
    finally:
        try:
            proxy.close()
        finally:
            if own is not None:
                own.stop()
