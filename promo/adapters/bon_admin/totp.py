"""Time-based one-time passwords by RFC 6238 (SHA-1, six digits, 30 seconds), as authenticator apps show them. Pure."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac

_STEP_SECONDS = 30
_DIGITS = 6


class SecretInvalid(ValueError):
    """The secret is not base32; its text is not repeated in the message."""


def one_time_code(secret: str, *, now: dt.datetime) -> str:
    """The six digits for `now`. `secret` is base32 as shown beside the QR code: spaces, dashes, lower case and missing padding are accepted."""
    plain = secret.replace(" ", "").replace("-", "").rstrip("=").upper()
    try:
        key = base64.b32decode(plain + "=" * (-len(plain) % 8))
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise SecretInvalid("the one-time password secret is not base32")
    counter = int(now.timestamp()) // _STEP_SECONDS
    digest = hmac.digest(key, counter.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)
