"""A redemption as one would write it by hand: the portal's own statements, one transaction of psycopg's, and nothing around them.

Also nothing that a redemption does not need: the statements were put together as far as they go, and this side has the use of that.
"""

from __future__ import annotations

import datetime as dt
import json
from hashlib import sha256
from typing import Any

from django.conf import settings

from bonuses.models import EntryKind
from bonuses.services import expiring, ledger, redeeming
from bonusportal import idempotency
from promo.services import issuing, stock

_LOCK = ledger._LOCK.format(marks="%s", lock=" FOR NO KEY UPDATE")
_LOTS = f"{ledger._LOTS}customer_id = %s AND remaining > 0"
_HOLD = (
    "INSERT INTO bonuses_hold (key, customer_id, points, owed, state, code_id, placed_at, expires_at, stuck_reason) "
    "VALUES (%s, %s, %s, 0, 'open', %s, %s, %s, '') RETURNING id"
)


def redeem_by_hand(cursor: Any, *, customer: int, available: int, held: int, amount: int, key: str) -> int:
    """Hold `amount` points and hand out a code of that amount. The transaction is the caller's. Returns the pool."""
    now = dt.datetime.now(dt.UTC)
    scope, hold_key = sha256(key.encode()).hexdigest(), sha256(f"hold {key}".encode()).hexdigest()[:32]
    cursor.execute(idempotency._RECORD_WAITING, [scope, scope, now])
    cursor.execute(_LOCK, [customer])
    cursor.execute(_LOTS, [customer])
    lot_id = min(cursor.fetchall(), key=lambda lot: (lot[2], lot[0]))[0]
    cursor.execute(expiring._DUE_HOLDS, [customer, now])
    cursor.execute(redeeming._LOOK, {"key": hold_key, "now": now, "customer": customer, "points": amount})
    claim = [now, amount, now.date() + dt.timedelta(days=3)]
    cursor.execute(issuing._ISSUE, [*claim, "redemption", scope, "", "", "", "", "bench", now])
    code, pool_id, _issue_id, code_id = cursor.fetchone()
    cursor.execute(_HOLD, [hold_key, customer, amount, code_id, now, now + dt.timedelta(hours=1)])
    hold_id = cursor.fetchone()[0]
    entry = ["hold", available, held, amount, f"hold:{hold_key}", 0, None, None, hold_id, "bench", "", "", now, now]
    draw_and_changes = [lot_id, amount, available, -amount, held, amount]
    cursor.execute(ledger._in_one(EntryKind.HOLD, 1, 2), [*entry, *draw_and_changes])
    answer = json.dumps({"id": hold_key, "promo_code": code, "points": amount})
    cursor.execute(idempotency._ANSWER, [answer, scope])
    return int(pool_id)


def look_at_stock(cursor: Any, *, pool: int) -> None:
    """Whether the pool is low now: the portal's own statement, which has nothing around it."""
    now = dt.datetime.now(dt.UTC)
    cursor.execute(
        stock._ask(settings.BATCH_ISSUES, vendor="postgresql"), {"pool": pool, "long_ago": stock._LONG_AGO, "now": now}
    )
