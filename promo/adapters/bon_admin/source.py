"""`BonAdmin`: one signed-in panel in one browser, with everything that the replenishing service may ask of it.

Ties the screens together and nothing else: how a screen works is in its own module, in which thread all this runs is in `thread`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from playwright.async_api import Browser, BrowserContext
from playwright.async_api import Error as BrowserError

from promo.adapters.bon_admin.deleting import Deleting
from promo.adapters.bon_admin.form import CreateScreen
from promo.adapters.bon_admin.grid import GridScreen
from promo.adapters.bon_admin.profile import PanelProfile
from promo.adapters.bon_admin.reading import Reader
from promo.adapters.bon_admin.recording import Recorder, Trace
from promo.adapters.bon_admin.sighting import Watch
from promo.adapters.bon_admin.signing_in import SigningIn, read_saved
from promo.adapters.bon_admin.tab import Tab, browser_faults
from promo.errors import OutcomeUnknown, PanelError, PanelReason, PanelTemporary
from promo.ports import GridReading, GridRow, NewCode, PanelConfig, Step

T = TypeVar("T")

_WINDOW = {"width": 1280, "height": 720}
# Sessions end in the middle of long runs. A bound, so that a panel that drops every session does not see a login a second.
_MOST_LOGINS = 6
_CLOSING_SECONDS = 10.0


class _Screens:
    """The page of one browser context and the screens on it. A new login gets a new context, so nothing of a dead session stays."""

    def __init__(
        self, context: BrowserContext, tab: Tab, profile: PanelProfile, config: PanelConfig, steps: Recorder
    ) -> None:
        self.context = context
        self.tab = tab
        self.watch = Watch(tab, profile, longest_wait_seconds=config.wait_seconds)
        grid = GridScreen(self.watch, config.url)
        self.reader = Reader(grid, steps)
        self.form = CreateScreen(self.watch, grid, steps)
        self.deleting = Deleting(self.watch, grid, steps)


class BonAdmin:
    """The panel as seen through one profile. All methods run in the browser's event loop; `close` must be called in the end.

    `emit` is awaited with every step as it ends; `clock` is the time (UTC) that steps and one-time passwords use.
    """

    def __init__(
        self,
        browser: Browser,
        config: PanelConfig,
        *,
        profile: PanelProfile,
        saved_session: str | None,
        emit: Callable[[Step], Awaitable[None]],
        clock: Callable[[], dt.datetime],
        trace_path: Path | None,
    ) -> None:
        self._browser = browser
        self._config = config
        self._profile = profile
        self._saved = saved_session
        self._clock = clock
        login = profile.login
        self._steps = Recorder(
            emit,
            clock=clock,
            secrets=(config.password, config.totp_secret),
            hidden=(login.password, login.second_factor),
            pictures=config.with_pictures,
        )
        self._trace = Trace(trace_path)
        self._screens: _Screens | None = None
        self._logins = 0

    async def sign_in(self) -> None:
        """Get to the codes page, with the saved session if it lives. Raises PanelNeedsPerson or PanelTemporary."""
        saved, self._saved = read_saved(self._saved), None
        screens = await self._screens_of(saved) if saved is not None else None
        if screens is not None and await self._signing_in(screens).by_saved_session():
            await self._trace.start(screens.context)
            return
        await self._sign_in_afresh()

    async def read_codes(self, *, amount_uah: int | None) -> GridReading:
        """See `Reader.read`."""
        return await self._signed_in(lambda screens: screens.reader.read(amount_uah))

    async def create_code(self, new: NewCode) -> None:
        """See `CreateScreen.create`. A session that ended before the code was sent is renewed; after that nothing is sent twice."""
        await self._signed_in(lambda screens: screens.form.create(new))

    async def delete_codes(self, rows: Sequence[GridRow]) -> None:
        """See `Deleting.delete`."""
        await self._signed_in(lambda screens: screens.deleting.delete(rows))

    async def check_form(self) -> dict[str, Any]:
        """What of the create form is recognised; nothing is saved. See `CreateScreen.check`."""
        return await self._signed_in(lambda screens: screens.form.check())

    async def saved_session(self) -> str:
        """The session as it is now, for `saved_session` of a later run. As good as the password: to be stored encrypted."""
        with browser_faults("saving the session"):
            return json.dumps(await self._present().context.storage_state())

    async def close(self) -> None:
        """Write the trace and close the page. Never raises: what is being closed may be broken already."""
        try:
            async with asyncio.timeout(_CLOSING_SECONDS):
                await self._trace.stop()
                if self._screens is not None:
                    await self._screens.context.close()
        except (BrowserError, TimeoutError):
            pass  # the browser itself is closed next, with everything in it
        self._screens, self._steps.tab = None, None

    async def abort(self) -> None:
        """Close the page under whatever is running: it ends at once with an error instead of doing its next click."""
        if self._screens is not None:
            with suppress(BrowserError):  # gone already
                await self._screens.context.close()

    async def _signed_in(self, do: Callable[[_Screens], Awaitable[T]]) -> T:
        """Do something; when the panel asks to sign in again on the way, do that and begin anew, once."""
        try:
            return await do(self._present())
        except OutcomeUnknown:
            raise  # a code was sent: doing it again could make it twice
        except PanelError as error:
            if error.reason is not PanelReason.SESSION_LOST:
                raise
        await self._sign_in_afresh()
        return await do(self._present())

    async def _sign_in_afresh(self) -> None:
        if self._logins >= _MOST_LOGINS:
            raise PanelTemporary(PanelReason.SESSION_LOST, f"the panel ended {_MOST_LOGINS} sessions in one go")
        self._logins += 1
        # Before anything is typed: the trace would hold the password.
        await self._trace.stop()
        screens = await self._new_screens(None)
        await self._signing_in(screens).by_password()
        await self._trace.start(screens.context)

    def _signing_in(self, screens: _Screens) -> SigningIn:
        return SigningIn(screens.watch, self._config, self._steps, clock=self._clock)

    async def _new_screens(self, saved: dict[str, Any] | None) -> _Screens:
        if self._screens is not None:
            self._steps.tab, old, self._screens = None, self._screens, None
            with browser_faults("closing the old page"):
                await old.context.close()
        agent = self._profile.user_agent.replace("{major}", self._browser.version.split(".")[0])
        with browser_faults("opening a page"):
            context = await self._browser.new_context(
                storage_state=saved,  # type: ignore[arg-type]  # checked by read_saved; Playwright refuses what is not a state
                viewport=_WINDOW,  # type: ignore[arg-type]
                locale=self._profile.locale,
                user_agent=agent or None,
                accept_downloads=False,
                service_workers="block",
            )
            tab = Tab(await context.new_page())
        self._screens = _Screens(context, tab, self._profile, self._config, self._steps)
        self._steps.tab = tab
        return self._screens

    async def _screens_of(self, saved: dict[str, Any]) -> _Screens | None:
        """Screens with a saved session; None where the browser does not take what was saved."""
        try:
            return await self._new_screens(saved)
        except PanelTemporary:
            return None

    def _present(self) -> _Screens:
        if self._screens is None:
            raise PanelTemporary(PanelReason.SESSION_LOST, "nobody has signed in yet")
        return self._screens
