"""The portal as a page of the shop sees it, played at the network's border: configuration and scripts are real, the API is a script of a few answers.

What it is told to hold, it answers only when the test lets it: so "slow" needs no waiting.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import BrowserContext, Route

from demo.panel.records import KIND_CERTIFICATE
from demo.shop.pricing import Coupon, CouponRefusedError
from storefront.configuration import BUILT, Look, configure, language_of, newest_version

PORTAL = "https://portal.example"
DIGITS = "246810"
SCRIPT = f"GET /static/gtm/{newest_version()}/checkout.js"
_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After",
    "Cache-Control": "no-store",
}


class Certificates:
    """Codes that the shop takes: those that the stand-in handed out and nobody took back."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}

    def look(self, code: str) -> Coupon:
        if code not in self.codes:
            raise CouponRefusedError("unknown_code")
        return Coupon(code=code, kind=KIND_CERTIFICATE, amount=Decimal(self.codes[code]))

    def spend(self, code: str) -> None:
        self.codes.pop(code, None)


@dataclass
class Portal:
    """One customer with some points. `failing` maps "POST /sessions" to (status, body) or to None: no answer at all."""

    certificates: Certificates
    available: int = 300
    stock: tuple[int, ...] = (50, 100, 150, 200, 250, 300, 400, 500)
    hold: dict[str, Any] | None = None
    notices: list[dict[str, Any]] = field(default_factory=list)
    look: Look = field(default_factory=lambda: Look(version=newest_version()))
    failing: dict[str, Any] = field(default_factory=dict)
    holding: set[str] = field(default_factory=set)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lives: timedelta = timedelta(minutes=60)
    is_down: bool = False
    refused_tokens: bool = False
    keys: list[str] = field(default_factory=list)
    _held: list[tuple[Route, str]] = field(default_factory=list)
    _numbers: int = 0

    def attach(self, context: BrowserContext) -> None:
        context.route(f"{PORTAL}/**", self._answer)

    def counted(self) -> Counter[str]:
        return Counter(name for name, _body in self.calls)

    def bodies(self, name: str) -> list[dict[str, Any]]:
        return [body for called, body in self.calls if called == name]

    def let_go(self) -> None:
        """Answer what was held."""
        self.holding.clear()
        held, self._held = self._held, []
        for route, name in held:
            self._serve(route, name)

    def change(self, **choices: Any) -> None:
        self.look = replace(self.look, **choices)

    def _answer(self, route: Route) -> None:
        request = route.request
        path = urlsplit(request.url).path
        name = f"{request.method} {path.removeprefix('/api/v1')}"
        for prefix in ("/redemptions/",):
            if prefix in name:
                name = name[: name.index(prefix) + len(prefix)] + "…"
        self.calls.append((name, json.loads(request.post_data) if request.post_data else {}))
        if key := request.headers.get("idempotency-key"):
            self.keys.append(key)
        if self.is_down:
            route.abort()
        elif name in self.holding:
            self._held.append((route, name))
        else:
            self._serve(route, name)

    def _serve(self, route: Route, name: str) -> None:
        url = urlsplit(route.request.url)
        if self.refused_tokens and "authorization" in route.request.headers:
            refusal = {"success": False, "code": "session_required", "error": "…", "message": "…"}
            return route.fulfill(status=401, json=refusal, headers=_HEADERS)
        if name in self.failing:
            failure = self.failing[name]
            if failure is None:
                return route.abort()
            status, body, *headers = failure
            text = body if isinstance(body, str) else json.dumps(body)
            return route.fulfill(status=status, body=text, headers={**_HEADERS, **(headers[0] if headers else {})})
        if url.path.startswith("/static/"):
            script = BUILT.parent / url.path.removeprefix("/static/")
            return route.fulfill(body=script.read_bytes(), headers={**_HEADERS, "Content-Type": "text/javascript"})
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        body = json.loads(route.request.post_data) if route.request.post_data else {}
        answer = self._decide(name, query, body)
        return route.fulfill(status=answer[0], json=answer[1], headers=_HEADERS)

    def _decide(self, name: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        match name:
            case "GET /widgets/config.json":
                return 200, configure(
                    self.look, language=language_of(query["lang"]), portal=PORTAL, static_url=lambda path: f"{PORTAL}/static/{path}",
                    share_percent=50, rate_percent=10, channels=["sms", "email"],
                )  # fmt: skip
            case "POST /sessions":
                return 202, {"session": "an-invented-session", "channel": "sms"}
            case "POST /sessions/verify":
                if body["code"] != DIGITS:
                    return 401, {"success": False, "code": "code_wrong", "error": "…", "message": "…"}
                return 200, {"token": "an-invented-token"}
            case "GET /balance":
                return 200, self._balance(query)
            case "POST /redemptions":
                return self._redeem(body)
            case "GET /redemptions/…":
                return 200, {"status": self.hold["status"]} if self.hold else {"status": "captured"}
            case "DELETE /redemptions/…":
                self.hold = {**self.hold, "status": "releasing"} if self.hold else None
                return 202, {"status": "releasing"}
            case "POST /orders":
                return 200, {"points_expected": int((Decimal(body["total"]) - Decimal(body.get("delivery", 0))) / 10)}
            case "GET /notices":
                cursor = self.notices[-1]["cursor"] if self.notices else "7-7"
                return 200, {"notices": self.notices, "cursor": cursor, "has_more": False}
            case "POST /notices/ack":
                told = [notice["cursor"] for notice in self.notices]
                self.notices = self.notices[told.index(body["cursor"]) + 1 :]
                return 200, {}
        raise AssertionError(f"the widgets called {name}, which the portal has not")

    def _balance(self, query: dict[str, str]) -> dict[str, Any]:
        held = self.hold["points"] if self.hold else 0
        available = self.available - held
        most = available
        if "order_total" in query:
            total, discount = Decimal(query["order_total"]), Decimal(query["discount"])
            most = min(available, int((total + discount) * 50 / 100 - discount))
        return {
            "available": available, "held": held, "expected": 0, "pending": 0, "debt": 0, "expiring": [{"points": 40, "last_day": "2026-12-24"}],
            "max_payable": most, "payable": [amount for amount in self.stock if amount <= most], "redemption": self.hold,
        }  # fmt: skip

    def _redeem(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.hold and self.hold["points"] == body["points"]:
            self.hold = {**self.hold, "status": "open"}
        else:
            self._numbers += 1
            points = body["points"]
            code = f"BON{points}TEST{self._numbers:03d}"
            self.hold = {
                "id": f"hold-{self._numbers}", "promo_code": code, "points": points, "status": "open",
                "expires_at": (datetime.now(UTC) + self.lives).isoformat(),
            }  # fmt: skip
        self.certificates.codes[self.hold["promo_code"]] = body["points"]
        return 201, self.hold
