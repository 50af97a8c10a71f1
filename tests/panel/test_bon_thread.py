"""The browser's thread and the caller's: who is told what where, and what stops when the caller gives up."""

import threading

import pytest

from promo.adapters.bon_admin.thread import open_panel
from promo.errors import LeaseLost, PanelError, PanelNeedsPerson, PanelReason, PanelTemporary
from promo.ports import PanelConfig, Step
from tests.panel.odd_pages import serve_pages
from tests.panel.visiting import PROFILE, new

pytestmark = pytest.mark.xdist_group("panel-door")


def config(panel, **changes) -> PanelConfig:
    return PanelConfig(
        **{"url": panel.codes_url, "username": "", "password": "", "wait_seconds": 60, "with_pictures": False} | changes
    )


def test_steps_and_waits_are_told_in_the_callers_thread_and_while_the_panel_is_silent(
    panel, browser_thread, live_session
):
    panel.state.set_switches(slow_seconds=600)
    told: list[tuple[str, str]] = []

    def note(what: str) -> None:
        told.append((what, threading.current_thread().name))
        if told.count(("wait", threading.current_thread().name)) == 3:
            panel.state.set_switches(slow_seconds=0)

    with open_panel(
        config(panel),
        profile=PROFILE,
        saved_session=live_session,
        on_step=lambda step: note(step.name),
        on_wait=lambda: note("wait"),
        wait_interval_seconds=0.1,
        browser=browser_thread,
    ) as bon:
        bon.sign_in()
    assert {thread for _, thread in told} == {threading.current_thread().name}
    names = [what for what, _ in told]
    assert names[:3] == ["wait"] * 3
    assert "saved_session_tried" in names[3:]


def test_a_lease_lost_at_a_step_stops_before_the_next_click(panel, browser_thread, live_session):
    """The code is typed; the run learns that somebody else works at the panel now; it is never sent."""

    def on_step(step: Step) -> None:
        if step.name == "code_typed":
            threading.Event().wait(1.0)  # time enough for a browser that would not wait for us
            raise LeaseLost

    with open_panel(
        config(panel),
        profile=PROFILE,
        saved_session=live_session,
        on_step=on_step,
        on_wait=lambda: None,
        browser=browser_thread,
    ) as bon:
        bon.sign_in()
        with pytest.raises(LeaseLost):
            bon.create_code(new("BON100LEASE"))
        with pytest.raises(PanelTemporary) as closed:
            bon.read_codes(amount_uah=100)
        assert closed.value.reason is PanelReason.CRASHED
    assert panel.state.counters == {}
    assert panel.state.codes() == []


def test_a_lease_lost_while_waiting_ends_the_call_at_once(panel, browser_thread, live_session):
    calls = 0

    def on_wait() -> None:
        nonlocal calls
        calls += 1
        if panel.state.switches.slow_seconds:
            raise LeaseLost

    with open_panel(
        config(panel),
        profile=PROFILE,
        saved_session=live_session,
        on_step=lambda step: None,
        on_wait=on_wait,
        wait_interval_seconds=0.1,
        browser=browser_thread,
    ) as bon:
        bon.sign_in()
        panel.state.set_switches(slow_seconds=600)
        asked_before = calls
        with pytest.raises(LeaseLost):
            bon.create_code(new("BON100LEASE"))
        assert calls <= asked_before + 3
    assert panel.state.counters == {}


def test_a_browser_of_its_own_is_started_and_gone_afterwards(panel, chromium_path, live_session):
    with open_panel(
        config(panel, chromium_path=chromium_path),
        profile=PROFILE,
        saved_session=live_session,
        on_step=lambda step: None,
        on_wait=lambda: None,
    ) as bon:
        bon.sign_in()
        assert "panel-browser" in [thread.name for thread in threading.enumerate()]
        own = [thread for thread in threading.enumerate() if thread.name == "panel-browser"]
    # The one that other tests of this module share goes on.
    assert len([thread for thread in own if thread.is_alive()]) < len(own)
    with pytest.raises(PanelError):
        bon.saved_session()


def test_nothing_is_known_before_signing_in(panel, browser_thread):
    with open_panel(
        config(panel),
        profile=PROFILE,
        saved_session=None,
        on_step=lambda step: None,
        on_wait=lambda: None,
        browser=browser_thread,
    ) as bon:
        with pytest.raises(PanelTemporary) as refused:
            bon.saved_session()
        assert refused.value.reason is PanelReason.SESSION_LOST


def test_the_password_is_in_no_representation():
    shown = repr(PanelConfig(url="https://store.example", username="a", password="hush-hush", totp_secret="ABCDEF"))
    assert "hush-hush" not in shown
    assert "ABCDEF" not in shown


def test_a_page_whose_script_never_ends_does_not_hold_the_run_for_ever(panel, browser_thread):
    """It shows the grid, and hangs when a row is read: no limit of the browser's own covers that."""
    endless = "<script>Object.defineProperty(HTMLElement.prototype, 'dataset', {get() { for (;;) {} }})</script>"
    grid = """<button id="reset_datagrid" onclick="location.reload()">Скинути</button><table id="datagrid">
    <thead><tr><th>Активний</th><th>Код</th><th id="header_id_4778">Розмір знижки</th></tr></thead>
    <tbody><tr><td>Так</td><td>BON100ODD1</td><td>100</td></tr></tbody></table>"""
    with (
        serve_pages({"GET /": grid + endless}) as (address, _),
        open_panel(
            config(panel, url=f"{address}/"),
            profile=PROFILE,
            saved_session='{"cookies": [], "origins": []}',
            on_step=lambda step: None,
            on_wait=lambda: None,
            wait_interval_seconds=0.1,
            silence_seconds=12,
            browser=browser_thread,
        ) as bon,
    ):
        bon.sign_in()
        with pytest.raises(PanelTemporary) as given_up:
            bon.read_codes(amount_uah=None)
    assert given_up.value.reason is PanelReason.SLOW
    assert "said nothing" in given_up.value.detail


def test_a_window_where_there_is_no_display_is_asked_for_in_vain_and_says_so(panel, tmp_path):
    """The browser is one that ends as Chromium does there."""
    chromium = tmp_path / "chromium"
    chromium.write_text(
        "#!/bin/sh\necho '[1:1:ERROR:ozone_platform_x11.cc(245)] Missing X server or $DISPLAY' >&2\nexit 1\n"
    )
    chromium.chmod(0o755)
    with pytest.raises(PanelNeedsPerson, match="no display here") as refused, open_panel(
        config(panel, headed=True, chromium_path=str(chromium)),
        profile=PROFILE,
        saved_session=None,
        on_step=lambda step: None,
        on_wait=lambda: None,
    ):  # fmt: skip
        pass
    assert refused.value.reason is PanelReason.NOT_CONFIGURED
