"""From nothing to the codes page: a saved session when it still lives, else the login form, a second factor by app included.

A wrong password, a captcha or a second factor that only a person has raise PanelNeedsPerson and are never tried twice: the account would be locked.
Where sessions are kept, and who may sign in now, is not known here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from playwright.async_api import Frame, Locator

from promo.adapters.bon_admin.page_scripts import MARK_DOCUMENT
from promo.adapters.bon_admin.recording import Recorder
from promo.adapters.bon_admin.sighting import Seen, Sight, Watch
from promo.adapters.bon_admin.tab import browser_faults
from promo.adapters.bon_admin.totp import SecretInvalid, one_time_code
from promo.errors import PanelError, PanelNeedsPerson, PanelReason, PanelTemporary
from promo.ports import PanelConfig

_MARK = "asked"
# What a saved session cannot be blamed for: a fresh login would meet the same.
_NOT_THE_SESSION = frozenset(
    {PanelReason.MAINTENANCE, PanelReason.CAPTCHA, PanelReason.UNREACHABLE, PanelReason.CRASHED}
)


def read_saved(text: str | None) -> dict[str, Any] | None:
    """A saved session as Playwright's storage state, or None when it is empty or not what `saved_session` once gave."""
    try:
        state = json.loads(text or "null")
    except (json.JSONDecodeError, RecursionError):
        return None
    if not isinstance(state, dict) or not all(isinstance(state.get(key), list) for key in ("cookies", "origins")):
        return None
    return state


class SigningIn:
    """One attempt to get in, on a page that is still blank."""

    def __init__(self, watch: Watch, config: PanelConfig, steps: Recorder, *, clock: Callable[[], dt.datetime]) -> None:
        self._watch = watch
        self._config = config
        self._steps = steps
        self._clock = clock
        self._login = watch.profile.login
        self._waits = watch.profile.waits

    async def by_saved_session(self) -> bool:
        """True when the saved session opened the codes page, False when it is dead. Raises what has nothing to do with the session."""
        async with self._steps.step("saved_session_tried") as detail:
            try:
                await self._open()
                seen = await self._watch.wait_for(
                    *(Sight.GRID, Sight.LOGIN, Sight.SECOND_FACTOR, Sight.CAPTCHA),
                    seconds=self._waits.grid_seconds,
                    doing="opening the panel with the saved session",
                )
            except PanelError as error:
                if error.reason in _NOT_THE_SESSION:
                    raise
                # A dead session need not show a login form: the page may stay blank. Only a fresh login can tell that from a changed page.
                detail["saved_session"] = "dead"
                detail["seen"] = error.reason.value
                return False
            detail["saved_session"] = "alive" if seen.sight is Sight.GRID else "dead"
            return seen.sight is Sight.GRID

    async def by_password(self) -> None:
        """Sign in with name and password. Raises PanelNeedsPerson(WRONG_PASSWORD | CAPTCHA | SECOND_FACTOR) or PanelTemporary."""
        async with self._steps.step("login_opened") as detail:
            await self._open()
            seen = await self._watch.wait_for(
                Sight.LOGIN, Sight.GRID, seconds=self._waits.open_seconds, doing="opening the login page"
            )
            detail["seen"] = seen.sight.value
        if seen.sight is Sight.GRID:
            return
        self._steps.is_private = True
        try:
            async with self._steps.step("password_sent"):
                seen = await self._send_password(seen)
            if seen.sight is Sight.SECOND_FACTOR:
                async with self._steps.step("second_factor_sent"):
                    seen = await self._send_second_factor(seen)
            async with self._steps.step("signed_in"):
                await self._arrive(seen)
        finally:
            self._steps.is_private = False

    async def _open(self) -> None:
        await self._watch.tab.go_to(self._config.url, seconds=self._watch.seconds(self._waits.open_seconds))

    async def _send_password(self, page: Seen) -> Seen:
        frame = page.frame
        seconds = self._watch.seconds(self._waits.login_seconds)
        password = frame.locator(self._login.password).locator("visible=true").first
        await self._type(await self._username_input(frame), self._config.username, "typing the name", seconds)
        await self._type(password, self._config.password, "typing the password", seconds)
        await self._submit(frame, password, seconds)
        seen = await self._after_asking(Sight.LOGIN, page, doing="signing in")
        if seen.sight is Sight.LOGIN:
            said = self._steps.clean(f": {seen.errors[0]}" if seen.errors else "")
            raise PanelNeedsPerson(PanelReason.WRONG_PASSWORD, f"the panel did not accept the name and password{said}")
        return seen

    async def _send_second_factor(self, page: Seen) -> Seen:
        frame = page.frame
        if not self._config.totp_secret:
            raise PanelNeedsPerson(
                PanelReason.SECOND_FACTOR,
                "the panel asks for a second factor, and no secret of an authenticator app is set",
            )
        try:
            code = one_time_code(self._config.totp_secret, now=self._clock())
        except SecretInvalid as error:
            raise PanelNeedsPerson(PanelReason.SECOND_FACTOR, str(error)) from None
        seconds = self._watch.seconds(self._waits.login_seconds)
        box = frame.locator(self._login.second_factor).locator("visible=true").first
        await self._type(box, code, "typing the second factor", seconds)
        await self._submit(frame, box, seconds)
        seen = await self._after_asking(Sight.SECOND_FACTOR, page, doing="sending the second factor")
        if seen.sight is Sight.SECOND_FACTOR:
            raise PanelNeedsPerson(
                PanelReason.SECOND_FACTOR,
                "the panel did not accept the code of the authenticator app: compare its secret, and the clock",
            )
        return seen

    async def _arrive(self, seen: Seen) -> None:
        """To the codes page, wherever the login led."""
        if seen.sight is not Sight.GRID:
            await self._open()
        await self._watch.wait_for(
            Sight.GRID, seconds=self._waits.grid_seconds, doing="opening the codes page after signing in"
        )

    async def _username_input(self, frame: Frame) -> Locator:
        by_placeholder = frame.locator(self._login.username).locator("visible=true").first
        if await by_placeholder.count():
            return by_placeholder
        return frame.locator(self._login.username_fallback).locator("visible=true").first

    async def _type(self, box: Locator, text: str, doing: str, seconds: float) -> None:
        with browser_faults(doing):
            await box.fill(text, timeout=seconds * 1000)

    async def _submit(self, frame: Frame, box: Locator, seconds: float) -> None:
        """Press the button of the form that `box` is in; Enter where there is no button."""
        with browser_faults("sending the login form"):
            await frame.evaluate(MARK_DOCUMENT, _MARK)
            form = frame.locator("form").filter(has=box)
            button = (
                (form if await form.count() else frame.locator("body"))
                .first.locator(self._login.submit)
                .locator("visible=true")
                .first
            )
            if await button.count():
                await button.click(timeout=seconds * 1000, no_wait_after=True)
            else:
                await box.press("Enter", timeout=seconds * 1000, no_wait_after=True)

    async def _after_asking(self, same: Sight, before: Seen, *, doing: str) -> Seen:
        """What came after a form was sent: `same` only when it came back, in a new document or with new words of refusal in the old one.

        Where the panel leads somewhere that the profile does not know (a home page), that is returned as ELSEWHERE.
        """
        told_before = set(before.errors)

        def is_unanswered(seen: Seen) -> bool:
            if seen.sight not in (same, Sight.ELSEWHERE) or seen.mark != _MARK:
                return False
            # The old document: it answers only by saying something new, and not while a request is under way.
            return not (self._watch.tab.is_quiet and set(seen.errors) - told_before)

        wanted = {Sight.GRID, Sight.ELSEWHERE, Sight.SECOND_FACTOR, same}
        try:
            return await self._watch.wait_for(
                *wanted, seconds=self._waits.login_seconds, doing=doing, unless=is_unanswered
            )
        except PanelTemporary:
            seen = await self._watch.look()
            if seen.sight is same and self._watch.tab.is_quiet:
                # Nothing is under way and nothing is said. Taken as a refusal, because trying again and again may lock the account.
                return seen
            raise
