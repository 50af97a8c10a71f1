"""A trial: a member of staff opens a page of the shop with a token behind its `#`, and the tag there goes step by step and comes back to say how far it got.

What lies between a shopper's browser and us (the container that is published, the shop's content policy, names and proxies) shows in no other way. The token is
signed, lives a quarter of an hour, and counts once, in the session that it was made in: nobody else can report, and a link that lies around does nothing.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.core import signing

LIVES_SECONDS = 15 * 60
_PURPOSE = "storefront.trial.v1"
_KEPT = "storefront_trials"
_MAX_LENGTH = 120
# How far a page got, in order. The tag reports the first that failed; nothing, when none did.
STEPS = ("tag", "config", "script", "widget", "api")


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=_PURPOSE, sep=".")


def begin(session: Any, *, origin: str) -> str:
    """A token for one trial from `origin`. The session remembers which it waits for."""
    secret = secrets.token_urlsafe(9)
    session[_KEPT] = {**dict(list(session.get(_KEPT, {}).items())[-29:]), secret: origin}
    return _signer().sign(secret)


def is_trial(token: str) -> bool:
    return _secret_of(token) is not None


def end(session: Any, *, token: str) -> str | None:
    """The origin that was tried; None for a token that is not this session's, was used, or is too old."""
    waiting = dict(session.get(_KEPT, {}))
    origin: str | None = waiting.pop(_secret_of(token), None)
    session[_KEPT] = waiting
    return origin


def _secret_of(token: str) -> str | None:
    if len(token) > _MAX_LENGTH or not token.isascii():
        return None
    try:
        return _signer().unsign(token, max_age=LIVES_SECONDS)
    except signing.BadSignature:
        return None
