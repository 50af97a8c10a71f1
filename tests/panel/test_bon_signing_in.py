"""Getting into the panel, and every way of not getting in."""

import json
import zipfile

import pytest

from demo.panel.server import RunningPanel
from promo.adapters.bon_admin.browser_thread import running_browser
from promo.adapters.bon_admin.signing_in import read_saved
from promo.errors import PanelError, PanelNeedsPerson, PanelReason, PanelTemporary
from tests.panel.odd_pages import LOGIN, serve_pages
from tests.panel.visiting import PROFILE, Visit, impatient, visit

pytestmark = pytest.mark.xdist_group("panel-door")


def refusal(here: Visit) -> PanelError:
    with pytest.raises(PanelError) as refused:
        here.panel.sign_in()
    return refused.value


def test_a_password_opens_the_panel_and_its_session_opens_it_again(panel: RunningPanel, browser_thread):
    with visit(panel, browser_thread, with_pictures=True) as here:
        here.panel.sign_in()
        session = here.panel.saved_session()
    assert here.names() == ["login_opened", "password_sent", "signed_in"]
    assert all(step.picture is not None and step.picture.startswith(b"\x89PNG") for step in here.steps)

    with visit(panel, browser_thread, saved_session=session, password="not needed") as again:
        again.panel.sign_in()
    assert again.names() == ["saved_session_tried"]
    assert again.detail("saved_session_tried") == {"saved_session": "alive"}
    assert panel.state.counters == {"login": 1}


def test_a_dead_session_falls_through_to_a_fresh_login(panel, browser_thread, live_session):
    panel.state.expire_sessions()
    with visit(panel, browser_thread, saved_session=live_session) as here:
        here.panel.sign_in()
    assert here.names() == ["saved_session_tried", "login_opened", "password_sent", "signed_in"]
    assert here.detail("saved_session_tried") == {"saved_session": "dead"}
    assert panel.state.counters == {"login": 1}


@pytest.mark.parametrize("saved", ["", "{", "[]", "null", "7", "{}", '{"cookies": 1, "origins": []}', "[" * 100_000])
def test_what_is_no_session_is_not_tried(saved):
    assert read_saved(saved) is None


@pytest.mark.parametrize("saved", ["{", '{"cookies": [{}], "origins": []}'])
def test_a_damaged_session_is_only_a_reason_to_sign_in(panel, browser_thread, saved):
    with visit(panel, browser_thread, saved_session=saved) as here:
        here.panel.sign_in()
        assert {"cookies", "origins"} <= set(json.loads(here.panel.saved_session()))
    assert panel.state.counters == {"login": 1}


def test_a_wrong_password_needs_a_person_and_is_sent_once(panel, browser_thread):
    with visit(panel, browser_thread, password="hunter2-but-wrong") as here:
        error = refusal(here)
    assert isinstance(error, PanelNeedsPerson)
    assert error.reason is PanelReason.WRONG_PASSWORD
    assert "Невірна ел. пошта або пароль" in error.detail
    assert panel.state.counters == {"login_refused": 1}
    assert here.names(ok=False) == ["password_sent"]
    assert "hunter2" not in repr(here.steps)


def test_a_captcha_needs_a_person_and_nothing_is_typed(panel, browser_thread):
    panel.state.set_switches(captcha=True)
    with visit(panel, browser_thread) as here:
        error = refusal(here)
    assert isinstance(error, PanelNeedsPerson)
    assert error.reason is PanelReason.CAPTCHA
    assert panel.state.counters == {}


def test_a_second_factor_by_app_needs_no_person(panel, browser_thread):
    panel.state.set_switches(second_factor="totp")
    with visit(panel, browser_thread, totp_secret=panel.state.totp_secret) as here:
        here.panel.sign_in()
    assert here.names() == ["login_opened", "password_sent", "second_factor_sent", "signed_in"]
    assert panel.state.counters == {"login": 1}


@pytest.mark.parametrize(("secret", "refused"), [("", 0), ("not base32!", 0), ("JBSWY3DPEHPK3PXQ", 1)])
def test_a_second_factor_that_we_have_not_got_needs_a_person(panel, browser_thread, secret, refused):
    panel.state.set_switches(second_factor="totp")
    with visit(panel, browser_thread, totp_secret=secret) as here:
        error = refusal(here)
    assert isinstance(error, PanelNeedsPerson)
    assert error.reason is PanelReason.SECOND_FACTOR
    assert panel.state.counters["login_refused"] == refused
    assert panel.state.counters["login"] == 0


def test_maintenance_ends_by_itself_and_says_when(panel, browser_thread, live_session):
    panel.state.set_switches(maintenance=True)
    with visit(panel, browser_thread, saved_session=live_session) as here:
        error = refusal(here)
    assert isinstance(error, PanelTemporary)
    assert (error.reason, error.retry_after_seconds) == (PanelReason.MAINTENANCE, 120)
    assert here.names() == ["saved_session_tried"], "a login would meet the same"


def test_a_challenge_that_passes_by_itself_is_waited_for(panel, browser_thread):
    panel.state.set_switches(challenge=True)
    with visit(panel, browser_thread) as here:
        here.panel.sign_in()
    assert panel.state.counters == {"login": 1}


def test_a_panel_that_never_answers_is_slow(panel, browser_thread):
    panel.state.set_switches(slow_seconds=600)
    with visit(panel, browser_thread, profile=impatient(open_seconds=0.5)) as here:
        error = refusal(here)
    assert isinstance(error, PanelTemporary)
    assert error.reason is PanelReason.SLOW


def test_an_address_where_nobody_listens_is_unreachable(panel, browser_thread):
    with visit(panel, browser_thread, url="http://127.0.0.1:1/edit/discounts/codes") as here:
        error = refusal(here)
    assert isinstance(error, PanelTemporary)
    assert (error.reason, error.detail) == (PanelReason.UNREACHABLE, "opening the panel: ERR_UNSAFE_PORT")


@pytest.mark.parametrize(
    ("pages", "reason", "asked", "profile"),
    [
        # An anti-bot page that does not pass by itself.
        ({"GET /": "<title>Just a moment...</title><p>Checking your browser</p>"}, PanelReason.CAPTCHA, 1, impatient(anti_bot_seconds=0.3)),
        # Complete, and nothing that the profile knows.
        ({"GET /": "<h1>Оновлена панель</h1>"}, PanelReason.LAYOUT, 1, impatient(settled_seconds=0.3)),
        ({}, PanelReason.LAYOUT, 1, PROFILE),
        # The captcha comes only after the first try.
        ({"GET /": LOGIN, "POST /": LOGIN + '<div class="g-recaptcha">?</div>'}, PanelReason.CAPTCHA, 2, PROFILE),
        # The answer is the same form without a word.
        ({"GET /": LOGIN, "POST /": LOGIN}, PanelReason.WRONG_PASSWORD, 2, PROFILE),
        # The page refuses by itself, without loading anything.
        (
            {"GET /": LOGIN.replace("<form", "<form onsubmit=\"e.textContent='Ні!'; return false\"") + '<p id="e" role="alert"></p>'},
            PanelReason.WRONG_PASSWORD,
            1,
            PROFILE,
        ),
        # The button does nothing: taken as a refusal rather than tried again for ever.
        ({"GET /": LOGIN.replace("<form", '<form onsubmit="return false"')}, PanelReason.WRONG_PASSWORD, 1, impatient(settled_seconds=0.3)),
        # Signed in, it seems, but the codes page shows the login again.
        ({"GET /": LOGIN, "POST /": "<h1>Вітаємо</h1>"}, PanelReason.SESSION_LOST, 3, PROFILE),
    ],
)  # fmt: skip
def test_an_odd_login_ends_with_its_own_reason(panel, browser_thread, pages, reason, asked, profile):
    with serve_pages(pages) as (address, log), visit(panel, browser_thread, url=f"{address}/", profile=profile) as here:
        error = refusal(here)
    assert error.reason is reason
    assert len([one for one in log if "favicon" not in one]) == asked
    assert isinstance(error, PanelNeedsPerson) == (reason in (PanelReason.CAPTCHA, PanelReason.WRONG_PASSWORD))


def test_a_session_that_shows_a_blank_page_is_dead_too(panel, browser_thread, live_session):
    """A panel need not say that it forgot a session."""
    with (
        serve_pages({"GET /": "<main></main>"}) as (address, _),
        visit(
            panel,
            browser_thread,
            saved_session=live_session,
            url=f"{address}/",
            profile=impatient(settled_seconds=0.3),
        ) as here,
    ):
        error = refusal(here)
    assert here.names() == ["saved_session_tried", "login_opened"]
    assert here.detail("saved_session_tried") == {"saved_session": "dead", "seen": "layout"}
    assert error.reason is PanelReason.LAYOUT


def test_a_page_that_repeats_the_password_is_not_pictured_and_not_quoted(panel, browser_thread):
    echo = '<p role="alert">Невірний пароль: Tr0ub4dor-and-3</p>'
    with (
        serve_pages({"GET /": LOGIN, "POST /": LOGIN + echo}) as (address, _),
        visit(panel, browser_thread, password="Tr0ub4dor-and-3", url=f"{address}/", with_pictures=True) as here,
    ):
        error = refusal(here)
    assert error.detail == "the panel did not accept the name and password: Невірний пароль: •••"
    assert "Tr0ub4dor" not in repr([(step.name, dict(step.detail)) for step in here.steps])
    assert [step.picture is None for step in here.steps] == [False, True]


def test_the_trace_begins_after_the_login_and_holds_no_password(panel, browser_thread, tmp_path):
    panel.state.set_switches(second_factor="totp")
    trace = tmp_path / "trace.zip"
    with visit(panel, browser_thread, totp_secret=panel.state.totp_secret, trace_path=trace) as here:
        here.panel.sign_in()
        panel.state.expire_sessions()  # the second login must not get into it either
        here.panel.read_codes(amount_uah=100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["trace-2.zip", "trace.zip"]
    for path in tmp_path.iterdir():
        with zipfile.ZipFile(path) as archive:
            content = b"".join(archive.read(name) for name in archive.namelist())
        assert b"datagrid" in content
        assert panel.state.password.encode() not in content


def test_a_missing_browser_is_a_matter_of_configuration(tmp_path):
    with pytest.raises(PanelNeedsPerson) as refused, running_browser(chromium_path=str(tmp_path / "chromium")):
        pass
    assert refused.value.reason is PanelReason.NOT_CONFIGURED


def test_a_password_that_the_panel_refuses_all_of_a_sudden_is_sent_once(panel, browser_thread):
    panel.state.set_switches(password_refused=True)
    with visit(panel, browser_thread) as here:
        error = refusal(here)
    assert (type(error), error.reason) == (PanelNeedsPerson, PanelReason.WRONG_PASSWORD)
    assert panel.state.counters == {"login_refused": 1}


def test_maintenance_that_begins_in_the_middle_is_told_as_maintenance(panel, browser_thread, live_session):
    with visit(panel, browser_thread, saved_session=live_session) as here:
        here.panel.sign_in()
        panel.state.set_switches(maintenance_after_requests=1)
        with pytest.raises(PanelTemporary) as stopped:
            all(here.panel.check_form() for _ in range(3))
    assert stopped.value.reason is PanelReason.MAINTENANCE
    assert panel.state.counters == {}


def test_sessions_that_die_all_the_time_are_renewed_only_so_often(panel, browser_thread, live_session):
    panel.state.set_switches(session_requests=2)
    with visit(panel, browser_thread, saved_session=live_session) as here:
        here.panel.sign_in()
        with pytest.raises(PanelTemporary) as stopped:
            all(here.panel.read_codes(amount_uah=100) for _ in range(8))
    assert stopped.value.reason is PanelReason.SESSION_LOST
    assert panel.state.counters["login"] <= 6
