"""What stands before and around every page: delay, anti-bot page, CSP, and who visits in which language and layout."""

import re
from typing import cast
from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from demo.shop.state import ShopState, Visitor

SESSION_COOKIE = "shop_session"
LAYOUT_COOKIE = "shop_layout"
CHALLENGE_COOKIE = "challenge_passed"
UNGATED = ("/_demo/", "/shop-static/")
_PHONES = re.compile(r"Mobile|Android|iPhone|iPad", re.IGNORECASE)

gate = Blueprint("gate", __name__)


def shop_state() -> ShopState:
    return cast(ShopState, current_app.config["SHOP_STATE"])


def wait(seconds: float) -> None:
    """Be slow, but let a server that is shutting down go at once."""
    if seconds:
        current_app.config["SHOP_STOPPING"].wait(seconds)


def visitor() -> Visitor:
    """Who asks; a new visitor gets the cookie with this answer."""
    if "visitor" not in g:
        g.visitor = shop_state().visitor(request.cookies.get(SESSION_COOKIE, ""))
    return cast(Visitor, g.visitor)


def language() -> str:
    """By the prefix of the address, which the store's default language does not have."""
    prefix = g.get("prefix", "")
    return {"ua": "uk", "ru": "ru", "en": "en"}.get(prefix) or shop_state().switches.default_language


def is_mobile() -> bool:
    """Another HTML for phones, chosen by User-Agent and never by width; a person can choose it in the footer."""
    chosen = shop_state().switches.layout
    if chosen == "user_agent":
        chosen = request.cookies.get(LAYOUT_COOKIE, "user_agent")
    if chosen == "user_agent":
        return bool(_PHONES.search(request.headers.get("User-Agent", "")))
    return chosen == "mobile"


@gate.before_app_request
def stand_in_the_way() -> AnyResponse | None:
    if request.path.startswith(UNGATED):
        return None
    switches = shop_state().switches
    wait(switches.slow_seconds)
    if switches.challenge and CHALLENGE_COOKIE not in request.cookies:
        return make_response(render_template("challenge.html"))
    return None


@gate.after_app_request
def finish(answer: AnyResponse) -> AnyResponse:
    """The visitor's cookie, no storing of pages, and the policy that the switch asks for."""
    if "visitor" in g and request.cookies.get(SESSION_COOKIE) != g.visitor.sid:
        answer.set_cookie(SESSION_COOKIE, g.visitor.sid, httponly=True, samesite="Lax", path="/")
    if answer.mimetype == "text/html" and not request.path.startswith(UNGATED):
        answer.headers["Cache-Control"] = "no-store, no-cache, must-revalidate"
        policy = content_policy(shop_state().switches.csp, portal=shop_state().links.portal)
        if policy:
            answer.headers["Content-Security-Policy"] = policy
    return answer


def content_policy(kind: str, *, portal: str) -> str:
    """The header's value: what of the portal's the browser may load, or nothing at all said."""
    if kind == "none":
        return ""
    parts = urlsplit(portal)
    ours = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    script = "" if kind == "blocks_script" else ours
    connect = "" if kind == "blocks_api" else ours
    style = "'self'" if kind == "blocks_style" else f"'self' 'unsafe-inline'{ours}"
    return (
        f"default-src 'self'; script-src 'self' 'unsafe-inline'{script}; connect-src 'self'{connect}; "
        f"style-src {style}; img-src 'self' data:{ours}"
    )
