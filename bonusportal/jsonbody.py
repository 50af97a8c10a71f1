"""A request's JSON body, read strictly: size, encoding, nesting, duplicate keys, NUL, NaN and infinite numbers are refused with a code each."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 32
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


class _Refused(ValueError):
    pass


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen = dict(pairs)
    if len(seen) != len(pairs):
        raise _Refused("duplicate key")
    return seen


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Refused("number out of range")
    return number


def _no_constant(text: str) -> NoReturn:
    raise _Refused(f"{text} is not JSON")


def _check_depth(raw: bytes) -> None:
    # Before parsing: the standard parser answers absurd nesting with RecursionError. Brackets inside strings do not count.
    depth = 0
    for byte in _STRING.sub(b"", raw):
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise BadInput(_("The body is nested too deeply."), code="json_too_deep")
        elif byte in b"]}":
            depth -= 1


def check_text(value: Any, *, where: str = "") -> None:
    """Refuse NUL and lone surrogates in any string: PostgreSQL stores neither, and no honest caller sends them."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise BadInput(
                _("A text holds characters that are not allowed: %(where)s") % {"where": where or "?"},
                code="text_invalid",
            )
    elif isinstance(value, dict):
        for key, inner in value.items():
            check_text(key, where=where)
            check_text(inner, where=str(key)[:40].replace("\x00", ""))
    elif isinstance(value, list):
        for inner in value:
            check_text(inner, where=where)


def read_json_object(request: HttpRequest) -> dict[str, Any]:
    """The body as an object. Raises BadInput: `body_too_large` (413), `json_invalid`, `json_too_deep`, `text_invalid`, `json_not_object`."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isascii() and length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise BadInput(_("The body is larger than 64 KiB."), code="body_too_large", status=413)
    raw = request.body
    if len(raw) > MAX_BODY_BYTES:
        raise BadInput(_("The body is larger than 64 KiB."), code="body_too_large", status=413)
    _check_depth(raw)
    try:
        document = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_float=_finite, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise BadInput(_("The body is not valid JSON."), code="json_invalid") from error
    if not isinstance(document, dict):
        raise BadInput(_("The body must be a JSON object."), code="json_not_object")
    check_text(document)
    return document
