"""An HTTP answer of the CRM, read into JSON or into an error of the tree in keycrm.errors."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from bonusportal.masking import mask_text
from keycrm.errors import (
    CrmError,
    CrmUnavailable,
    InvalidRequest,
    NotConfigured,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unauthorized,
)

_SECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)
# The CRM does not always say how long to wait; live integrations use 20 to 30 s.
WAIT_AFTER_LIMIT_SECONDS = 20.0
LONGEST_WAIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def read_answer(answer: RawAnswer, *, is_write: bool) -> Any:
    """The JSON of a success; None where there is none (204). Numbers with a fraction become Decimal, from their text.

    A write whose answer cannot be used may have been done: that is OutcomeUnknown, never a plain failure.
    """
    if answer.status == 204:
        return None
    if 200 <= answer.status < 300:
        try:
            return _read_json(answer.body)
        except ValueError:
            if is_write:
                raise OutcomeUnknown("the answer is not JSON", status=answer.status) from None
            raise CrmUnavailable("the answer is not JSON", status=answer.status) from None
    raise _error_of(answer, is_write=is_write)


def _error_of(answer: RawAnswer, *, is_write: bool) -> CrmError:
    status = answer.status
    if status == 429:
        return RateLimited(
            "over the limit of calls",
            status=status,
            retry_after_seconds=retry_after(answer) or WAIT_AFTER_LIMIT_SECONDS,
        )
    if status >= 500 or status == 408:
        kind = OutcomeUnknown if is_write else CrmUnavailable
        return kind(f"answered {status}", status=status, retry_after_seconds=retry_after(answer))
    if status in {401, 403}:
        return Unauthorized(
            "the key is not accepted" if status == 401 else "the key has no right to this", status=status
        )
    if status == 404:
        return NotFound("there is no such row", status=status)
    if 300 <= status < 400:
        # Following it would carry the key to another address.
        return NotConfigured("the address answers with a redirect", status=status)
    message, fields = _complaint(answer.body)
    return InvalidRequest(message or f"answered {status}", status=status, fields=fields)


def retry_after(answer: RawAnswer) -> float | None:
    """`Retry-After` as seconds, from either form; None where it is absent or nonsense, and never longer than five minutes."""
    text = answer.headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_WAIT_SECONDS)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return min(max((moment - dt.datetime.now(dt.UTC)).total_seconds(), 0.0), LONGEST_WAIT_SECONDS)


def _complaint(body: bytes) -> tuple[str, dict[str, list[str]]]:
    """What the CRM says was wrong: its `message` and its map of fields, without codes, phones and addresses."""
    try:
        document = _read_json(body)
    except ValueError:
        return "", {}
    if not isinstance(document, dict):
        return "", {}
    errors = document.get("errors")
    fields: dict[str, list[str]] = {}
    if isinstance(errors, dict):
        for name, words in list(errors.items())[:20]:
            several = words if isinstance(words, list) else [words]
            fields[str(name)[:60]] = [mask_text(str(word))[:200] for word in several[:5]]
    return mask_text(str(document.get("message") or ""))[:300], fields


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
