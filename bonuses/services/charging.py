"""Pay for a code that was handed out without a hold (in open mode): the customer of the order in which it stands pays, with the points that there are; the
rest is owed once the order is completed.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from bonuses.errors import KeyReused
from bonuses.models import Hold
from bonuses.policy import draw
from bonuses.services import expiring, hold_rows, holding, ledger
from bonuses.services.hold_rows import HoldRow

_KEYS = "open-mode:"


def key_of(code_id: int) -> str:
    """Under which a code is charged, once."""
    return f"{_KEYS}{code_id}"


def was_charged(code_id: int | None) -> bool:
    """Nobody had held points for the code when an order named it."""
    return code_id is not None and Hold.objects.filter(key=key_of(code_id)).exists()


@ledger.following_merges
def charge_code(*, customer_id: int, points: int, code_id: int, key: str, now: dt.datetime, actor: str) -> HoldRow:
    """Hold `points` for a code that is out there, as far as they go; what is missing is owed at capture. Does not end by time: an order decides.

    `key` makes it once, whoever is charged by a repeat. Raises KeyReused, CustomerUnknown.
    """
    with transaction.atomic():
        book = expiring.open_settled([customer_id], now=now, will_draw=True)[customer_id]
        if found := hold_rows.find_hold(key):
            if found.points + found.owed != points:
                raise KeyReused
            return found
        drawn, short = draw(book.lots.values(), points)
        return holding.write_hold(
            book, key=key, draws=drawn, now=now, actor=actor, expires_at=None, code_id=code_id, owed=short
        )
