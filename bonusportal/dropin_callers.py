"""Who calls a drop-in path, and so how far they are believed.

signed    a server of the shop that has a key: its word is posted at once
session   a customer who proved their phone: sees their own points, and may turn them into a code
page      anybody's browser: a claim, recorded and not believed
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from bonusportal import signing
from bonusportal.errors import BadInput
from storefront.tokens import read_token

_BEARER = "Bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """`scope` keeps the idempotency keys of one caller apart from all others'."""

    kind: str
    key_name: str = ""
    customer_id: int | None = None

    @property
    def scope(self) -> str:
        if self.kind == "signed":
            return f"signed:{self.key_name}"
        return f"customer:{self.customer_id}" if self.kind == "session" else ""

    @property
    def is_signed(self) -> bool:
        return self.kind == "signed"


def find_caller(request: HttpRequest, *, session: Any = "", now: dt.datetime) -> Caller:
    """A signature that is there must be good (Unauthorised `signature_invalid`); a token that is not good is none."""
    if signing.is_signed(request):
        return Caller("signed", key_name=signing.verify(request))
    customer_id = read_session(request, session=session, now=now)
    return Caller("page") if customer_id is None else Caller("session", customer_id=customer_id)


def read_session(request: HttpRequest, *, session: Any, now: dt.datetime) -> int | None:
    """The customer of the token in `session` or in `Authorization: Bearer`; None without a good one. The field wins."""
    header = request.headers.get("Authorization", "")
    token = session or (header[len(_BEARER) :].strip() if header.startswith(_BEARER) else "")
    return read_token(token, now=now) if isinstance(token, str) and token else None


def session_of_query(request: HttpRequest) -> str:
    """The `session` of a query string. Raises BadInput when it was sent twice."""
    if len(request.GET.getlist("session")) > 1:
        raise BadInput("session", code="parameter_repeated")
    return request.GET.get("session", "")
