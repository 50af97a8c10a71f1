"""One real browser at the simulated panel: what the tests of the adapter share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from demo.panel.server import RunningPanel
from demo.panel.state import PanelState
from promo.adapters.bon_admin.browser_thread import BrowserThread
from promo.adapters.bon_admin.profile import PanelProfile, Waits
from promo.adapters.bon_admin.thread import PanelProxy, open_panel
from promo.ports import GridReading, NewCode, PanelConfig, Step

# What is expected to come is waited for as long as a crowded machine may need; a wait that must run out is made short by the test that is about it.
PATIENT = Waits(
    open_seconds=60,
    login_seconds=60,
    grid_seconds=60,
    filter_seconds=60,
    form_seconds=60,
    save_seconds=60,
    delete_seconds=60,
    anti_bot_seconds=60,
    empty_seconds=0.3,
    settled_seconds=60,
)
PROFILE = PanelProfile(waits=PATIENT)
DAY = dt.date(2027, 3, 14)


def impatient(**seconds: float) -> PanelProfile:
    """The profile with these waits, for a test in which they run out."""
    return replace(PROFILE, waits=replace(PATIENT, **seconds))


@dataclass
class Visit:
    """The panel as opened, and every step that was told."""

    panel: PanelProxy
    steps: list[Step] = field(default_factory=list)

    def names(self, *, ok: bool | None = None) -> list[str]:
        return [step.name for step in self.steps if ok in (None, step.ok)]

    def detail(self, name: str) -> dict[str, Any]:
        """The detail of the last step of this name."""
        return dict(next(step.detail for step in reversed(self.steps) if step.name == name))


@contextmanager
def visit(
    running: RunningPanel,
    browser: BrowserThread,
    *,
    saved_session: str | None = None,
    profile: PanelProfile = PROFILE,
    password: str | None = None,
    totp_secret: str = "",
    trace_path: Path | None = None,
    url: str = "",
    with_pictures: bool = False,
) -> Iterator[Visit]:
    """The panel opened in the browser lent, nobody signed in yet. Pictures cost more than all else, so only who looks at them takes any."""
    config = PanelConfig(
        url=url or running.codes_url,
        username=running.state.username,
        password=running.state.password if password is None else password,
        totp_secret=totp_secret,
        wait_seconds=60,
        with_pictures=with_pictures,
    )
    steps: list[Step] = []
    with open_panel(
        config,
        profile=profile,
        saved_session=saved_session,
        on_step=steps.append,
        on_wait=lambda: None,
        trace_path=trace_path,
        clock=running.state.clock,
        browser=browser,
    ) as panel:
        yield Visit(panel, steps)


@contextmanager
def signed_in(
    running: RunningPanel,
    browser: BrowserThread,
    session: str,
    *,
    profile: PanelProfile = PROFILE,
    with_pictures: bool = False,
) -> Iterator[Visit]:
    """The panel with the grid on the screen, by a saved session; the steps of getting there are not kept."""
    with visit(running, browser, saved_session=session, profile=profile, with_pictures=with_pictures) as here:
        here.panel.sign_in()
        here.steps.clear()
        yield here


def put_codes(state: PanelState, *, hundreds: int = 0, thousands: int = 0, inactive_every: int = 0) -> None:
    """`hundreds` codes of 100 UAH and `thousands` of 1000; of each every n-th is inactive."""
    for amount, count in ((100, hundreds), (1000, thousands)):
        for number in range(count):
            active = not inactive_every or number % inactive_every != 0
            state.add_code(f"BON{amount}Q{number:04d}", amount, active=active, date_limit=DAY)


def strings(reading: GridReading) -> list[str]:
    return sorted(row.code for row in reading.rows)


def new(code: str, amount_uah: int = 100) -> NewCode:
    return NewCode(code=code, amount_uah=amount_uah, valid_until=DAY)
