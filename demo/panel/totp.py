"""Time-based one-time passwords by RFC 6238 (SHA-1, six digits, 30 seconds): what an authenticator app shows."""

import base64
import hmac
from datetime import datetime

STEP_SECONDS = 30
DIGITS = 6


def totp_code(secret: str, *, now: datetime, steps_away: int = 0) -> str:
    """The six digits for a base32 secret at `now`, or at a neighbouring 30-second step."""
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    counter = int(now.timestamp()) // STEP_SECONDS + steps_away
    digest = hmac.digest(key, counter.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def is_totp_code(secret: str, answer: str, *, now: datetime) -> bool:
    """True for the present code and its two neighbours, because clocks differ a little."""
    return any(
        hmac.compare_digest(totp_code(secret, now=now, steps_away=n).encode(), answer.encode()) for n in (-1, 0, 1)
    )
