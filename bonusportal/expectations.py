"""What the HTTP contract expects of an answer, as small checks: each returns what is wrong, an empty list where nothing is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

# The predecessor's page scripts may still send these.
ALLOWED_HEADERS = (
    "content-type",
    "x-amz-date",
    "authorization",
    "x-api-key",
    "x-amz-security-token",
    "x-requested-with",
)
_CYRILLIC = re.compile(r"[а-яіїєґ]", re.IGNORECASE)
# What a portal that is well may answer instead of a code.
_HONEST_REFUSALS = {
    (404, "pool_empty"),
    (404, "pool_unknown"),
    (401, "session_required"),
    (429, "rate_limited"),
    (429, "daily_cap"),
}


class Answer(Protocol):
    """What is looked at of an answer; `requests.Response` has it."""

    status_code: int

    @property
    def headers(self) -> Mapping[str, str]: ...

    def json(self) -> Any: ...


Check = Callable[[Answer], list[str]]


def status(*expected: int) -> Check:
    def check(answer: Answer) -> list[str]:
        if answer.status_code in expected:
            return []
        return [f"status {answer.status_code} instead of {' or '.join(map(str, expected))}"]

    return check


def has_request_id(answer: Answer) -> list[str]:
    return [] if answer.headers.get("X-Request-ID") else ["X-Request-ID is missing"]


def error(*expected: int, code: str = "") -> Check:
    """The one shape of every error, with one of these statuses and, if given, this machine word."""

    def check(answer: Answer) -> list[str]:
        wrong = [*status(*expected)(answer), *_plain(answer)]
        body = _object(answer)
        if body is None:
            return [*wrong, "the body is no JSON object"]
        if body.get("success") is not False:
            wrong.append("success is not false")
        sentence = body.get("error")
        if not (isinstance(sentence, str) and sentence) or sentence != body.get("message"):
            wrong.append("error and message are not one sentence")
        if not isinstance(body.get("code"), str) or (code and body["code"] != code):
            wrong.append(f"code is {body.get('code')!r}" + (f" instead of {code!r}" if code else ""))
        return wrong

    return check


def _plain(answer: Answer) -> list[str]:
    """What every answer of the predecessor's paths has."""
    wrong = has_request_id(answer)
    if "no-store" not in answer.headers.get("Cache-Control", ""):
        wrong.append("Cache-Control is not no-store")
    if not answer.headers.get("Content-Type", "").startswith("application/json"):
        wrong.append("Content-Type is not application/json")
    return wrong


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        body = answer.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def speaks(language: str) -> Check:
    """The sentence of an error is Ukrainian (`uk`) or English (`en`)."""

    def check(answer: Answer) -> list[str]:
        sentence = str((_object(answer) or {}).get("error", ""))
        is_ukrainian = bool(_CYRILLIC.search(sentence))
        return [] if sentence and is_ukrainian == (language == "uk") else [f"the sentence is not in {language}"]

    return check


def code_of(amount_uah: int, code: str = "") -> Check:
    """A code of this amount, or an honest refusal; with `code` given, that one and the word that it is a replay."""

    def check(answer: Answer) -> list[str]:
        body = _object(answer) or {}
        if not code and (answer.status_code, body.get("code")) in _HONEST_REFUSALS:
            return error(answer.status_code)(answer)
        wrong = [*status(200)(answer), *_plain(answer)]
        if body.get("success") is not True:
            wrong.append("success is not true")
        if not (isinstance(body.get("promo_code"), str) and body["promo_code"]):
            wrong.append("promo_code is no text")
        elif code and body["promo_code"] != code:
            wrong.append("another code for the same key")
        if type(body.get("amount")) is not int or body["amount"] != amount_uah:
            wrong.append("amount is not echoed as it was sent")
        if code and answer.headers.get("Idempotent-Replayed") != "true":
            wrong.append("Idempotent-Replayed is not true")
        return wrong

    return check


def issues_nothing(answer: Answer) -> list[str]:
    return ["a code was handed out"] if "promo_code" in (_object(answer) or {}) or answer.status_code < 300 else []


def balance_of(phone: str) -> Check:
    """A balance of whole points of this phone, which is echoed as it was sent."""

    def check(answer: Answer) -> list[str]:
        wrong = [*status(200)(answer), *_plain(answer)]
        body = _object(answer) or {}
        if body.get("success") is not True:
            wrong.append("success is not true")
        if type(body.get("bonus_balance")) is not int:
            wrong.append("bonus_balance is no whole number")
        if body.get("phone") != phone.removeprefix("+") or body.get("original_phone") != phone:
            wrong.append("phone and original_phone are not what was sent")
        return wrong

    return check


def is_bare_preflight(answer: Answer) -> list[str]:
    wrong = [*status(200, 204)(answer), *has_request_id(answer)]
    if "post" not in answer.headers.get("Access-Control-Allow-Methods", "").lower():
        wrong.append("Access-Control-Allow-Methods has no POST")
    return wrong


def refuses_origin(answer: Answer) -> list[str]:
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    return [] if allowed is None else [f"any page may call: Access-Control-Allow-Origin is {json.dumps(allowed)}"]


def allows_origin(origin: str) -> Check:
    """The preflight lets the shop's pages send what the predecessor's scripts send, without cookies."""

    def check(answer: Answer) -> list[str]:
        wrong = []
        if answer.headers.get("Access-Control-Allow-Origin") != origin:
            wrong.append("Access-Control-Allow-Origin is not the shop's")
        if "origin" not in answer.headers.get("Vary", "").lower():
            wrong.append("Vary has no Origin")
        if "Access-Control-Allow-Credentials" in answer.headers:
            wrong.append("cookies are allowed")
        allowed = {name.strip() for name in answer.headers.get("Access-Control-Allow-Headers", "").lower().split(",")}
        if missing := sorted(set(ALLOWED_HEADERS) - allowed):
            wrong.append(f"not allowed: {', '.join(missing)}")
        return wrong

    return check
