"""Signed calls, server to server: `X-Bonus-Key`, `X-Bonus-Timestamp`, `X-Bonus-Signature` = hex HMAC-SHA256 of `timestamp\\nMETHOD\\npath\\nbody`."""

from __future__ import annotations

import hashlib
import hmac
import re
import time

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bonusportal.errors import Unauthorised

WINDOW_SECONDS = 300
_TIMESTAMP = re.compile(r"[0-9]{9,11}", re.ASCII)


def sign(secret: str, *, timestamp: int, method: str, path: str, body: bytes) -> str:
    message = f"{timestamp}\n{method}\n{path}\n".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def is_signed(request: HttpRequest) -> bool:
    """Whether the call claims to be signed (not whether that is true)."""
    return "X-Bonus-Signature" in request.headers


def verify(request: HttpRequest) -> str:
    """The name of the key that signed this call. Raises Unauthorised with one answer for every way to be wrong.

    Two secrets of one name are valid at a time, so that keys rotate without a gap.
    """
    refused = Unauthorised(_("The signature is missing or not valid."), code="signature_invalid")
    name = request.headers.get("X-Bonus-Key", "")
    timestamp = request.headers.get("X-Bonus-Timestamp", "")
    signature = request.headers.get("X-Bonus-Signature", "")
    if not _TIMESTAMP.fullmatch(timestamp) or abs(time.time() - int(timestamp)) > WINDOW_SECONDS:
        raise refused
    good = False
    for pair in settings.API_KEYS:
        known, _colon, secret = pair.partition(":")
        expected = sign(
            secret,
            timestamp=int(timestamp),
            method=str(request.method),
            path=request.get_full_path(),
            body=request.body,
        )
        # Every pair is compared, so that the time taken tells nothing.
        good |= hmac.compare_digest(expected.encode(), signature.encode()) & hmac.compare_digest(
            known.encode(), name.encode()
        )
    if not good:
        raise refused
    return name
