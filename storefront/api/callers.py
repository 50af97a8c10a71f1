"""Who calls: a shopper with a session's token, or a server that signs. A claim in the body is neither."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja.security import APIKeyHeader, HttpBearer

from bonusportal import signing
from bonusportal.errors import Unauthorised
from bonusportal.middleware import client_address
from storefront.services import doorkeeping
from storefront.tokens import read_token


def address_of(request: HttpRequest) -> str:
    return client_address(request) or "unknown"


class Session(HttpBearer):
    """`Authorization: Bearer <token>`. What the view gets is the customer."""

    def authenticate(self, request: HttpRequest, token: str) -> int:
        return customer_of(token)


def customer_of(token: str) -> int:
    """Raises Unauthorised `session_required`, StorefrontOff."""
    now = timezone.now()
    doorkeeping.require_open(now=now)
    customer_id = read_token(token, now=now)
    if customer_id is None:
        raise Unauthorised(_("Please confirm your phone number first."), code="session_required")
    return customer_id


def shopper(request: Any) -> int:
    """The customer whose token came with the call."""
    return int(request.auth)


class Signed(APIKeyHeader):
    """`X-Bonus-Key`, `X-Bonus-Timestamp` and `X-Bonus-Signature`. What the view gets is the key's name."""

    param_name = "X-Bonus-Signature"

    def authenticate(self, request: HttpRequest, key: str | None) -> str:
        return signing.verify(request)
