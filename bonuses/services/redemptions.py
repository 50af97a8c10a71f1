"""Redemptions as they are found, shown and kept: by their key, their public id, or the code in an order. Making one is bonuses.services.redeeming."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q

from bonuses.dialect import moment
from bonuses.errors import HoldUnknown, KeyReused
from bonuses.models import Customer, Hold, HoldState
from bonuses.policy import HOLD_LIVES
from bonuses.services import ledger

_FIND = (
    "SELECT h.key, c.code, h.points, h.state, h.expires_at, h.customer_id, h.id, h.order_id FROM bonuses_hold h "
    "JOIN promo_code c ON c.id = h.code_id "
)
_BY_ID = _FIND + "WHERE h.key = %s"
_BY_KEY = _FIND + "WHERE h.key = %s OR h.id = (SELECT a.hold_id FROM bonuses_askedagain a WHERE a.key = %s)"


@dataclass(frozen=True, slots=True)
class Redemption:
    """A hold that handed out a code. `id` is opaque and may stand in an address; `promo_code` is bearer money and may not.

    `runs_asked` tells that a run at the panel was asked for just now: the edge nudges.
    """

    id: str
    promo_code: str
    points: int
    state: str
    expires_at: dt.datetime | None
    is_replay: bool = False
    runs_asked: bool = False


def public_id_of(customer_id: int, key: str) -> str:
    """128 bits of a digest: nobody reads the key or the customer from it."""
    return hashlib.sha256(f"redemption\n{customer_id}\n{key}".encode()).hexdigest()[:32]


def find_by_key(hold_key: str, points: int | None = None) -> Redemption | None:
    """What this public id stands for, also one under which a code was given again. Raises KeyReused where it was for other points."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_KEY, [hold_key, hold_key])
        row = cursor.fetchone()
    if row is None:
        return None
    if points is not None and row[2] != points:
        raise KeyReused
    return _redemption(row, is_replay=True)


def _redemption(row: tuple[Any, ...], *, is_replay: bool = False) -> Redemption:
    key, code, points, state, expires_at, *_ = row
    return Redemption(key, code, points, state, moment(expires_at), is_replay)


def find_replay(*, customer_id: int, key: str, points: int | None = None) -> Redemption | None:
    """What was redeemed under this key. Edges ask before they count a limit. Raises KeyReused where it was for other points."""
    return find_by_key(public_id_of(customer_id, key), points) or find_in_family(
        ledger.survivor_of(customer_id), key, points
    )


def find_in_family(survivor_id: int, key: str, points: int | None) -> Redemption | None:
    """What was redeemed under this key by the customer as the survivor of merges, or by anybody merged into them: a retry knows nothing of a merge."""
    merged = Customer.objects.filter(merged_into_id=survivor_id).order_by("pk").values_list("pk", flat=True)
    for customer_id in (survivor_id, *merged):
        if found := find_by_key(public_id_of(customer_id, key), points):
            return found
    return None


def as_payload(redemption: Redemption) -> dict[str, Any]:
    """JSON-ready, as answers and idempotency records have it."""
    return {
        "id": redemption.id,
        "promo_code": redemption.promo_code,
        "points": redemption.points,
        "expires_at": redemption.expires_at.isoformat() if redemption.expires_at else None,
    }


def from_payload(payload: dict[str, Any]) -> Redemption:
    until = payload["expires_at"]
    return Redemption(
        payload["id"], payload["promo_code"], payload["points"], HoldState.OPEN.value,
        dt.datetime.fromisoformat(until) if until else None, is_replay=True,
    )  # fmt: skip


def find_redemption(*, public_id: str, customer_id: int) -> Redemption:
    """A redemption of this customer. Raises HoldUnknown, also for somebody else's."""
    return _redemption(_row_of(public_id, customer_id))


def find_unspent(*, customer_id: int, now: dt.datetime) -> Redemption | None:
    """The newest code that the customer may still have in a cart, or that is being taken back: a page that was reloaded, or another tab, goes on from it.

    One that an order was placed with is none: a confirmed order decides about it, a reported one has made its time longer than any hold's of its own.
    """
    hold = (
        Hold.objects.unresolved()
        .filter(customer_id=ledger.survivor_of(customer_id), order=None, code__isnull=False)
        .filter(Q(state=HoldState.RELEASING) | Q(expires_at__gt=now, expires_at__lte=now + HOLD_LIVES))
        .select_related("code")
        .order_by("-pk")
        .first()
    )
    if hold is None or hold.code is None:
        return None
    return Redemption(hold.key, hold.code.code, hold.points, hold.state, hold.expires_at)


def _row_of(public_id: str, customer_id: int) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_BY_ID, [public_id])
        row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None or row[5] != ledger.survivor_of(customer_id):
        raise HoldUnknown
    return row


def holds_of_code(code: str) -> list[int]:
    """The holds that handed out this code: what an order in which it stands is paid with. Newest last; empty for a code that nobody holds points for."""
    return list(Hold.objects.filter(code__code=code.strip().upper()).order_by("pk").values_list("pk", flat=True))


def hold_id_of(*, public_id: str, customer_id: int) -> int:
    """The hold behind a redemption of this customer. Raises HoldUnknown, also for somebody else's."""
    return int(_row_of(public_id, customer_id)[6])
