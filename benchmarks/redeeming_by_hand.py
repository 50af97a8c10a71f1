"""A redemption as one would write it by hand: keys, accounts, lots, code, hold, entry and record, and nothing around them."""

from __future__ import annotations

import datetime as dt
import json
from hashlib import sha256
from typing import Any

from django.conf import settings

from benchmarks.handwritten import CLAIM
from promo.services import stock

_HOLD = "SELECT h.id, h.points FROM bonuses_hold h WHERE h.key = %s"
_RULE = "SELECT share_percent FROM bonuses_earningrule WHERE valid_from <= %s ORDER BY valid_from DESC, version DESC LIMIT 1"
_LOCK = (
    "SELECT a.id, a.customer_id, a.kind, a.balance, a.is_closed FROM bonuses_account a WHERE a.customer_id IN "
    "(SELECT COALESCE(c.merged_into_id, c.id) FROM bonuses_customer c WHERE c.id = %s) ORDER BY a.id FOR NO KEY UPDATE"
)
_DUE = (
    "SELECT h.id, h.expires_at, d.lot_id, d.points FROM bonuses_hold h JOIN bonuses_ledgerentry e ON e.hold_id = h.id AND e.kind = 'hold' "
    "JOIN bonuses_lotdraw d ON d.entry_id = e.id WHERE h.customer_id = %s AND h.state = 'open' AND h.code_id IS NULL AND h.expires_at <= %s"
)
_BEING_RELEASED = (
    "SELECT h.id, h.key, h.code_id FROM bonuses_hold h JOIN promo_code c ON c.id = h.code_id WHERE h.customer_id = %s AND h.points = %s AND h.owed = 0 "
    "AND h.state = 'releasing' AND h.order_id IS NULL AND c.state = 'withdrawn' AND c.retire_tried_at IS NULL AND c.inactive_since IS NULL ORDER BY h.id"
)
_ISSUE = """
INSERT INTO promo_issue (code_id, pool_id, channel, natural_key, phone, order_number, caller_address, request_id, actor, issued_at)
VALUES (%s, %s, 'redemption', %s, '', '', '', '', 'bench', %s) RETURNING id
"""
_ENTRY = (
    "INSERT INTO bonuses_ledgerentry (kind, debit_id, credit_id, points, source, revision, hold_id, actor, reason_code, note_digest, effective_at, "
    "recorded_at) VALUES ('hold', %s, %s, %s, %s, 0, %s, 'bench', '', '', %s, %s) RETURNING id"
)


def redeem_by_hand(cursor: Any, *, customer: int, available: int, held: int, amount: int, key: str) -> int:
    """Hold `amount` points and hand out a code of that amount. The transaction is the caller's. Returns the pool."""
    now = dt.datetime.now(dt.UTC)
    scope, hold_key = sha256(key.encode()).hexdigest(), sha256(f"hold {key}".encode()).hexdigest()[:32]
    cursor.execute(_HOLD, [hold_key])
    cursor.execute(
        "INSERT INTO bonusportal_idempotencyrecord (scope, body, status, answer, created_at) VALUES (%s, %s, 0, '{}', %s) ON CONFLICT (scope) DO NOTHING",
        [scope, scope, now],
    )
    cursor.execute(_LOCK, [customer])
    cursor.execute(
        "SELECT id, remaining, expires_at, expirations FROM bonuses_lot WHERE customer_id = %s AND remaining > 0",
        [customer],
    )
    lot_id = min(cursor.fetchall(), key=lambda lot: (lot[2], lot[0]))[0]
    cursor.execute(_DUE, [customer, now])
    cursor.execute(_HOLD, [hold_key])
    cursor.execute(_RULE, [now])
    cursor.execute(_BEING_RELEASED, [customer, amount])
    cursor.execute(CLAIM, (now, amount, now.date() + dt.timedelta(days=3)))
    code_id, code, pool_id = cursor.fetchone()
    cursor.execute(_ISSUE, (code_id, pool_id, scope, now))
    cursor.execute(
        "INSERT INTO bonuses_hold (key, customer_id, points, owed, state, code_id, placed_at, expires_at, stuck_reason) "
        "VALUES (%s, %s, %s, 0, 'open', %s, %s, %s, '') RETURNING id",
        [hold_key, customer, amount, code_id, now, now + dt.timedelta(hours=1)],
    )
    hold_id = cursor.fetchone()[0]
    cursor.execute(_ENTRY, [available, held, amount, f"hold:{hold_key}", hold_id, now, now])
    cursor.execute(
        "INSERT INTO bonuses_lotdraw (entry_id, lot_id, points) VALUES (%s, %s, %s)",
        [cursor.fetchone()[0], lot_id, amount],
    )
    cursor.execute(
        "UPDATE bonuses_lot SET remaining = remaining - %s, held = held + %s WHERE id = %s", [amount, amount, lot_id]
    )
    cursor.execute(
        "UPDATE bonuses_account SET balance = balance + CASE WHEN id = %s THEN -%s ELSE %s END WHERE id IN (%s, %s)",
        [available, amount, amount, available, held],
    )
    answer = json.dumps({"id": hold_key, "promo_code": code, "points": amount})
    cursor.execute(
        "UPDATE bonusportal_idempotencyrecord SET status = 200, answer = %s WHERE scope = %s", [answer, scope]
    )
    return int(pool_id)


def look_at_stock(cursor: Any, *, pool: int) -> None:
    """Whether the pool is low now: the portal's own statement, which has nothing around it."""
    now = dt.datetime.now(dt.UTC)
    cursor.execute(
        stock._ask(settings.BATCH_ISSUES, vendor="postgresql"), {"pool": pool, "long_ago": stock._LONG_AGO, "now": now}
    )
