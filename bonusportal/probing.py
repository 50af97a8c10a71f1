"""Holding a running portal against its HTTP contract, from outside: what `manage.py try_api` asks, and in which order.

Nothing here sends an amount that could be issued, unless an amount to issue is given: even a portal that has every fault
looked for would hand out no code. What an answer must look like is `expectations`. `send` is what sends (the `request` of
a requests.Session), so a test brings its own far side.
"""

from __future__ import annotations

import enum
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bonusportal.expectations import (
    Answer,
    Check,
    allows_origin,
    balance_of,
    code_of,
    error,
    has_request_id,
    is_bare_preflight,
    issues_nothing,
    refuses_origin,
    speaks,
    status,
)

FOREIGN_ORIGIN = "https://not-the-shop.example"
DEMO_PHONE = "+380000000001"
HINTS = ("/order-reserve", "/order-complete", "/order-cancel", "/lead-reserve")
Send = Callable[..., Answer]


class Verdict(enum.StrEnum):
    FINE = "fine"
    WRONG = "wrong"
    NOT_THERE = "not there"


@dataclass(frozen=True, slots=True)
class Finding:
    """One question and what came of it. `remarks` say what is not as the contract, or what else is worth knowing."""

    asked: str
    verdict: Verdict
    status: int | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One call and what its answer has to pass. `may_lack`: a 404 means that the path is not there yet."""

    method: str
    path: str
    about: str
    checks: tuple[Check, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    may_lack: bool = False


def questions(*, origin: str) -> list[Question]:
    """Everything that can be asked without issuing. `origin` is the shop's; empty: it is not known, so only foreign ones are tried."""
    return [*_alive(), *_get_code(), *_refused_methods(), *_others(), *_cross_origin(origin)]


def _alive() -> list[Question]:
    return [
        Question("GET", "/healthz", "alive", (status(200), has_request_id)),
        # The details are for loopback and signed callers; whoever else asks is turned away.
        Question("GET", "/readyz", "ready, or none of our business", (status(200, 503, 401, 403), has_request_id)),
    ]


def _get_code() -> list[Question]:
    missing, invalid = error(400, code="amount_missing"), error(400, code="amount_invalid")
    return [
        Question("GET", "/get-code", "no amount", (missing,)),
        Question("GET", "/get-code/", "a slash at the end", (missing,)),
        Question("GET", "/prod/get-code", "the predecessor's prefix", (missing,)),
        Question("GET", "/get-code", "in Ukrainian by default", (speaks("uk"),)),
        Question("GET", "/get-code", "in English when asked", (speaks("en"),), {"Accept-Language": "en"}),
        Question("GET", "/get-code?amount=abc", "no number", (invalid,)),
        Question("GET", "/get-code?amount=0", "zero", (invalid,)),
        Question("GET", "/get-code?amount=abc&amount=0", "an amount twice", (invalid,)),
        _post("/get-code", {}, "no amount", missing),
        _post("/get-code", {"amount": "abc"}, "no number", invalid),
        _post("/get-code", {"amount": -100}, "below zero", invalid),
        _post("/get-code", [], "no object", error(400)),
        _post("/get-code", '{"amount": ', "broken JSON", error(400)),
        _post("/get-code", "[" * 5000, "absurd nesting", error(400, 413, 422)),
    ]


def _refused_methods() -> list[Question]:
    # Without an amount: where HEAD is taken for GET it must not cost a code.
    return [
        Question("HEAD", "/get-code", "a link preview", (status(405), has_request_id)),
        Question("PUT", "/get-code", "a method that is not there", (error(405, code="method_not_allowed"),)),
    ]


def _others() -> list[Question]:
    balance = f"/check-balance?phone={DEMO_PHONE.replace('+', '%2B')}"
    return [
        Question("GET", "/check-balance", "no phone", (error(400),), may_lack=True),
        Question("GET", balance, "a stranger", (balance_of(DEMO_PHONE),), may_lack=True),
        _post("/bonus-accrual", {}, "nothing in it", error(400), may_lack=True),
        *(_post(path, {}, "without the secret", status(404)) for path in HINTS),
    ]


def _cross_origin(origin: str) -> list[Question]:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    found = [Question("OPTIONS", "/get-code", "no origin", (is_bare_preflight,))]
    for path in ("/get-code", "/bonus-accrual", "/check-balance"):
        foreign = {**asked, "Origin": FOREIGN_ORIGIN}
        found.append(Question("OPTIONS", path, "a foreign page", (status(200, 204), refuses_origin), foreign))
        if origin:
            ours = {**asked, "Origin": origin}
            found.append(Question("OPTIONS", path, "the shop's page", (status(200, 204), allows_origin(origin)), ours))
    return found


def _post(path: str, document: Any, about: str, check: Check, *, may_lack: bool = False) -> Question:
    body = document if isinstance(document, str) else json.dumps(document)
    return Question("POST", path, about, (check,), {"Content-Type": "application/json"}, body, may_lack)


def ask(question: Question, *, base_url: str, send: Send) -> Finding:
    """Send one question and hold the answer against what is expected."""
    finding, _answer = _ask(question, base_url, send)
    return finding


def _ask(question: Question, base_url: str, send: Send) -> tuple[Finding, Answer]:
    answer = send(
        question.method,
        base_url.rstrip("/") + question.path,
        headers={"Accept-Language": "uk", **question.headers},
        data=question.body,
        # A redirect loses a POST's body, so it is an answer like any other: a wrong one.
        allow_redirects=False,
    )
    title = f"{question.method} {question.path}: {question.about}"
    if question.may_lack and answer.status_code == 404:
        return Finding(title, Verdict.NOT_THERE, 404), answer
    wrong = tuple(remark for check in question.checks for remark in check(answer))
    return Finding(title, Verdict.WRONG if wrong else Verdict.FINE, answer.status_code, wrong), answer


def issue_one(*, amount_uah: int, base_url: str, send: Send) -> Iterator[Finding]:
    """Really take one code: a prefetch gets none, a key gets one code however often it is used, another body is refused.

    Where nothing can be issued (no code left, guarded mode) the refusal is held against the contract instead.
    """
    prefetch = Question(
        "GET",
        f"/get-code?amount={amount_uah}",
        "a prefetch",
        (issues_nothing,),
        {"Sec-Purpose": "prefetch", "Purpose": "prefetch"},
    )
    yield ask(prefetch, base_url=base_url, send=send)
    key = {"Content-Type": "application/json", "Idempotency-Key": f"try-api-{uuid.uuid4().hex}"}

    def post(amount: int, about: str, *checks: Check) -> Question:
        return Question("POST", "/get-code", about, checks, key, json.dumps({"amount": amount}))

    first, answer = _ask(post(amount_uah, "one code", code_of(amount_uah)), base_url, send)
    yield first
    if first.verdict is not Verdict.FINE or answer.status_code != 200:
        return
    code = answer.json()["promo_code"]
    yield ask(post(amount_uah, "the same key", code_of(amount_uah, code)), base_url=base_url, send=send)
    yield ask(
        post(amount_uah % 9_999_999 + 1, "the same key, another amount", error(422, code="idempotency_key_reused")),
        base_url=base_url,
        send=send,
    )
