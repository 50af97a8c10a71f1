"""Callers of the drop-in paths: a page, a customer's session, a server with a key."""

from __future__ import annotations

import json
import time
from typing import Any

from django.test import Client
from django.utils import timezone

from bonuses.models import Account, Customer
from bonusportal import signing
from bonusportal.models import DailyCount
from storefront.tokens import make_token

KEYS = ["shop:the first invented secret", "shop:the second invented secret", "till:another invented secret"]
PHONE = "+380000000001"
ORDER = {"orderId": "70415", "orderTotal": 1840, "bonusAmount": 184, "customer": {"name": "Зразок", "phone": PHONE}}


def token(customer_id: int) -> str:
    return make_token(customer_id=customer_id, now=timezone.now())


def post(client: Client, path: str, document: Any, **headers: str) -> Any:
    return client.post(path, json.dumps(document), content_type="application/json", headers=headers)


def signed(
    client: Client,
    document: Any,
    *,
    path: str = "/bonus-accrual",
    key: str = KEYS[0],
    at: int | None = None,
    **headers: str,
) -> Any:
    """A signed POST; `at` is the caller's clock."""
    body = json.dumps(document)
    name, _colon, secret = key.partition(":")
    timestamp = int(time.time()) if at is None else at
    signature = signing.sign(secret, timestamp=timestamp, method="POST", path=path, body=body.encode())
    return client.post(
        path,
        body,
        content_type="application/json",
        headers={"X-Bonus-Key": name, "X-Bonus-Timestamp": str(timestamp), "X-Bonus-Signature": signature, **headers},
    )


def points_of(phone: str = PHONE) -> tuple[int, int, int]:
    """(available, held, owed) in the books."""
    kinds = dict(Account.objects.filter(customer__phone=phone).values_list("kind", "balance"))
    return kinds.get("available", 0), kinds.get("held", 0), -kinds.get("debt", 0)


def counted(name: str) -> int:
    return sum(DailyCount.objects.filter(name=name).values_list("count", flat=True))


def customer_of(phone: str = PHONE) -> int:
    return Customer.objects.get(phone=phone).pk
