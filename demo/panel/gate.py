"""What stands before every page: delay, anti-bot page, maintenance, login with its extras, and the session check."""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from demo.panel.layout import LEGACY_PREFIX, MOVED_PREFIX, layout_for
from demo.panel.records import Session
from demo.panel.state import PanelState
from demo.panel.totp import is_totp_code

SESSION_COOKIE = "API_SESSION_ID"
CHALLENGE_COOKIE = "challenge_passed"
UNGATED = ("/_demo/", "/panel-static/")
HOME_PATH = "/edit/"

WRONG_PASSWORD = "Невірна ел. пошта або пароль"
WRONG_CAPTCHA = "Невірно введено символи з картинки"
WRONG_CODE = "Невірний код підтвердження"

gate = Blueprint("gate", __name__)


def panel_state() -> PanelState:
    return cast(PanelState, current_app.config["PANEL_STATE"])


def wait(seconds: float) -> None:
    """Be slow, but let a server that is shutting down go at once."""
    if seconds:
        current_app.config["PANEL_STOPPING"].wait(seconds)


@gate.before_app_request
def stand_in_the_way() -> AnyResponse | tuple[str, int, dict[str, str]] | tuple[str, int] | None:
    if request.path.startswith(UNGATED):
        return None
    switches = panel_state().switches
    wait(switches.slow_seconds)
    if switches.challenge and CHALLENGE_COOKIE not in request.cookies:
        return make_response(render_template("challenge.html"))
    allowed = switches.maintenance_after_requests
    if switches.maintenance or (allowed and panel_state().count_request() > allowed):
        return render_template("maintenance.html"), 503, {"Retry-After": "120"}
    layout = layout_for(switches)
    if request.path.startswith((LEGACY_PREFIX, MOVED_PREFIX)) and not request.path.startswith(layout.prefix + "/"):
        return render_template("gone.html"), 404
    return None


def live_session() -> Session | None:
    """The session of this request, counted as one request more."""
    state = panel_state()
    return state.sessions.touch(
        request.cookies.get(SESSION_COOKIE, ""),
        now=state.clock(),
        allowed_requests=state.switches.session_requests,
    )


def needs_login(view: Callable[..., Any]) -> Callable[..., Any]:
    """Without a live session the answer is the login form, with status 200 and at the address asked for."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        session = live_session()
        if session is None:
            return login_page(back_to=_address_now())
        if session.stage == "second_factor":
            return second_factor_page(back_to=_address_now())
        g.panel_session = session
        return view(*args, **kwargs)

    return guarded


def login_page(*, back_to: str, fault: str = "", email: str = "") -> str:
    state = panel_state()
    captcha_name = captcha_text = ""
    if state.switches.captcha:
        captcha_name = secrets.token_hex(8)
        captcha_text = "".join(secrets.choice("ACEFHKMPRTXY349") for _ in range(5))
        state.sessions.put_answer(captcha_name, captcha_text)
    return render_template(
        "login.html",
        back_to=back_to,
        fault=fault,
        email=email,
        captcha_name=captcha_name,
        captcha_text=captcha_text,
    )


def second_factor_page(*, back_to: str, fault: str = "") -> str:
    return render_template(
        "second_factor.html", kind=panel_state().switches.second_factor, back_to=back_to, fault=fault
    )


@gate.post("/edit/")
def log_in() -> str | AnyResponse:
    state = panel_state()
    email, back_to = request.form.get("email", "").strip(), request.form.get("back_to", "")
    if state.switches.captcha:
        expected = state.sessions.take_answer(request.form.get("captcha_name", ""))
        if expected is None or request.form.get("captcha", "").strip().upper() != expected:
            state.count("login_refused")
            return login_page(back_to=back_to, fault=WRONG_CAPTCHA, email=email)
    if state.switches.password_refused or email != state.username or request.form.get("password", "") != state.password:
        state.count("login_refused")
        return login_page(back_to=back_to, fault=WRONG_PASSWORD, email=email)
    if state.switches.second_factor == "none":
        state.count("login")
        session = state.sessions.open(email, now=state.clock())
        answer: AnyResponse = redirect(_own_address(back_to), 303)
    else:
        session = state.sessions.open(email, now=state.clock(), stage="second_factor")
        if state.switches.second_factor == "sms":
            # "Sent" to a telephone: only the demonstration page, which is no part of the store, shows it.
            state.sessions.put_answer("sms", str(secrets.randbelow(10**6)).zfill(6))
            state.count("sms")
        answer = make_response(second_factor_page(back_to=back_to))
    answer.set_cookie(SESSION_COOKIE, session.sid, httponly=True, samesite="Lax", path="/")
    return answer


@gate.post("/edit/second-factor")
def confirm_second_factor() -> str | AnyResponse:
    state = panel_state()
    back_to, given = request.form.get("back_to", ""), request.form.get("otp", "").strip()
    session = live_session()
    if session is None:
        return login_page(back_to=back_to)
    if state.switches.second_factor == "sms":
        is_right = given != "" and given == state.sessions.answer("sms")
    else:
        is_right = is_totp_code(state.totp_secret, given, now=state.clock())
    if not is_right:
        state.count("login_refused")
        return second_factor_page(back_to=back_to, fault=WRONG_CODE)
    state.count("login")
    state.sessions.change(session.sid, stage="in")
    return redirect(_own_address(back_to), 303)


@gate.get("/edit/logout")
def log_out() -> Response | AnyResponse:
    panel_state().sessions.close(request.cookies.get(SESSION_COOKIE, ""))
    answer = redirect(HOME_PATH, 303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


def _address_now() -> str:
    """Where to go on after a login that came in between; what was posted is lost, as it is on the real panel."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    return layout_for(panel_state().switches).grid_path


def _own_address(back_to: str) -> str:
    """The page that was asked for before the login, if it is one of ours: never a redirect to another host."""
    parts = urlsplit(back_to)
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith(("/edit/", LEGACY_PREFIX, MOVED_PREFIX))
    return back_to if is_ours else HOME_PATH
