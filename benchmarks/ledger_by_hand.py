"""The ledger's hot statements as one would write them by hand: the same locks, entries, lots and balances, and nothing around them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

ISSUANCE, REDEMPTION = -1, -2
_ENTRY = (
    "INSERT INTO bonuses_ledgerentry (kind, debit_id, credit_id, points, source, revision, rule_id, order_id, hold_id, actor, reason_code, "
    "note_digest, effective_at, recorded_at) VALUES (%s, %s, %s, %s, %s, 0, %s, %s, %s, 'bench', '', '', %s, %s) RETURNING id"
)
_CHANGED = "sides AS (UPDATE bonuses_account SET balance = balance + c.points FROM (VALUES {pairs}) c (id, points) WHERE bonuses_account.id = c.id)"
_DRAWN = (
    "draws AS (INSERT INTO bonuses_lotdraw (entry_id, lot_id, points) SELECT entry.id, %s, 1 FROM entry), "
    "lots AS (UPDATE bonuses_lot SET {sets} WHERE id = %s)"
)
_ONE, _BOTH = (_CHANGED.format(pairs=pairs) for pairs in ("(%s, %s)", "(%s, %s), (%s, %s)"))
_HOLDS, _SPENDS = (
    _DRAWN.format(sets=sets) for sets in ("remaining = remaining - 1, held = held + 1", "held = held - 1")
)
# An entry with all that follows from it is one statement.
_ACCRUE = f"WITH entry AS ({_ENTRY}), {_ONE} SELECT id FROM entry"
_PLACE = f"WITH entry AS ({_ENTRY}), {_HOLDS}, {_BOTH} SELECT id FROM entry"
_CAPTURE = f"WITH entry AS ({_ENTRY}), {_SPENDS}, {_ONE} SELECT id FROM entry"
_LOCK = (
    "SELECT a.id, a.customer_id, a.kind, a.balance, a.is_closed FROM bonuses_account a WHERE a.customer_id IN "
    "(SELECT COALESCE(c.merged_into_id, c.id) FROM bonuses_customer c WHERE c.id = %s) ORDER BY a.id FOR NO KEY UPDATE"
)
_DUE = "SELECT 1 FROM bonuses_lot WHERE customer_id = %s AND remaining > 0 AND expires_at <= %s LIMIT 1"
_HOLD = "SELECT id, key, customer_id, points, owed, state, code_id, order_id, expires_at, again_of_id, reinstated_at FROM bonuses_hold WHERE "


def accrue(cursor: Any, *, customer: int, available: int, number: str) -> None:
    """An order of 1 000 UAH is completed: 100 points in a lot of their own."""
    now = dt.datetime.now(dt.UTC)
    order = "SELECT * FROM bonuses_order o JOIN bonuses_earningrule r ON r.id = o.rule_id WHERE source = 'bench' AND number = %s FOR NO KEY UPDATE OF o"
    cursor.execute(order, [number])
    cursor.execute(
        "INSERT INTO bonuses_order (source, number, customer_id, rule_id, state, revision, grand_total, granted, clawed_back, placed_at, seen_at, "
        "is_imported, stuck_reason, created_at) SELECT 'bench', %s, NULL, r.id, 'completed', 0, 0, 0, 0, %s, %s, false, '', %s "
        "FROM bonuses_earningrule r WHERE r.valid_from <= %s ORDER BY r.valid_from DESC, r.version DESC LIMIT 1 ON CONFLICT (source, number) DO NOTHING",
        [number, now, now, now, now],
    )
    cursor.execute(order, [number])
    order_id = cursor.fetchone()[0]
    cursor.execute(_LOCK, [customer])
    cursor.execute(_DUE, [customer, now])
    cursor.execute(
        "INSERT INTO bonuses_ordersnapshot (order_id, revision, stage, grand_total, goods_total, shipping, wrap, taxes, other_discount, earns, "
        "digest, actor, reason, seen_at, recorded_at) VALUES (%s, 1, 'completed', 1000, 0, 0, 0, 0, 0, 100, %s, 'bench', '', %s, %s)",
        [order_id, "0" * 64, now, now],
    )
    cursor.execute(
        _ACCRUE,
        ["accrue", ISSUANCE, available, 100, f"order:bench:{number}", None, order_id, None, now, now, available, 100],
    )
    entry_id = cursor.fetchone()[0]
    cursor.execute(
        "INSERT INTO bonuses_lot (customer_id, entry_id, granted, remaining, held, activates_at, expires_at, expirations, rule_id) "
        "VALUES (%s, %s, 100, 100, 0, %s, %s, 0, NULL) RETURNING id",
        [customer, entry_id, now, now + dt.timedelta(days=91)],
    )
    lot_id = cursor.fetchone()[0]
    cursor.execute(
        "UPDATE bonuses_order SET customer_id = %s, state = 'completed', revision = 1, grand_total = 1000, lot_id = %s, granted = 100, completed_at = %s, "
        "seen_at = %s WHERE id = %s",
        [customer, lot_id, now, now, order_id],
    )


def place(cursor: Any, *, customer: int, available: int, held: int, key: str) -> int:
    """One point is held, from the lot that ends first."""
    now = dt.datetime.now(dt.UTC)
    cursor.execute(_HOLD + "key = %s", [key])
    cursor.execute(_LOCK, [customer])
    cursor.execute(
        "SELECT id, remaining, expires_at, expirations FROM bonuses_lot WHERE customer_id = %s AND remaining > 0",
        [customer],
    )
    lot_id = min(cursor.fetchall(), key=lambda lot: (lot[2], lot[0]))[0]
    cursor.execute(_HOLD + "key = %s", [key])
    cursor.execute(
        "INSERT INTO bonuses_hold (key, customer_id, points, owed, state, placed_at, expires_at, stuck_reason) "
        "VALUES (%s, %s, 1, 0, 'open', %s, %s, '') RETURNING id",
        [key, customer, now, now + dt.timedelta(hours=1)],
    )
    hold = int(cursor.fetchone()[0])
    entry = ["hold", available, held, 1, f"hold:{key}", None, None, hold, now, now]
    cursor.execute(_PLACE, [*entry, lot_id, lot_id, available, -1, held, 1])
    return hold


def capture(cursor: Any, *, hold: int, held: int, key: str) -> None:
    """The hold is spent."""
    now = dt.datetime.now(dt.UTC)
    cursor.execute("SELECT customer_id FROM bonuses_hold WHERE id = %s", [hold])
    customer = cursor.fetchone()[0]
    cursor.execute(_LOCK, [customer])
    cursor.execute(
        "SELECT h.id, h.expires_at, d.lot_id, d.points FROM bonuses_hold h JOIN bonuses_ledgerentry e ON e.hold_id = h.id AND e.kind = 'hold' "
        "JOIN bonuses_lotdraw d ON d.entry_id = e.id "
        "WHERE h.customer_id = %s AND h.state = 'open' AND h.code_id IS NULL AND h.expires_at <= %s",
        [customer, now],
    )
    cursor.execute(_DUE, [customer, now])
    cursor.execute(_HOLD + "id = %s FOR NO KEY UPDATE", [hold])
    cursor.execute(
        "UPDATE bonuses_hold SET state = 'captured', resolved_at = %s WHERE id = %s AND state IN ('open', 'releasing')",
        [now, hold],
    )
    cursor.execute(
        "SELECT d.lot_id, d.points FROM bonuses_lotdraw d JOIN bonuses_ledgerentry e ON e.id = d.entry_id WHERE e.hold_id = %s AND e.kind = 'hold'",
        [hold],
    )
    lot_id = cursor.fetchone()[0]
    entry = ["capture", held, REDEMPTION, 1, f"hold:{key}", None, None, hold, now, now]
    cursor.execute(_CAPTURE, [*entry, lot_id, lot_id, held, -1])


def fill_history(*, customer: int, entries: int, now: dt.datetime) -> None:
    """So many old entries of a customer who earned and lost a point again and again, made by the database itself. Balances stay true."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM bonuses_account WHERE customer_id = %s AND kind = 'available'", [customer])
        available = cursor.fetchone()[0]
        values = {
            "customer": customer,
            "account": available,
            "pairs": entries // 2,
            "then": now - dt.timedelta(days=200),
        }
        cursor.execute(
            "INSERT INTO bonuses_ledgerentry (kind, debit_id, credit_id, points, source, revision, actor, reason_code, note_digest, effective_at, "
            "recorded_at) SELECT 'accrue', -1, %(account)s, 1, 'order:old:' || %(customer)s || ':' || n, 0, 'bench', '', '', %(then)s, %(then)s "
            "FROM generate_series(1, %(pairs)s) n",
            values,
        )
        cursor.execute(
            "INSERT INTO bonuses_lot (customer_id, entry_id, granted, remaining, held, activates_at, expires_at, expirations) "
            "SELECT %(customer)s, id, 1, 0, 0, %(then)s, %(then)s + interval '90 days', 1 FROM bonuses_ledgerentry "
            "WHERE credit_id = %(account)s AND kind = 'accrue' AND source LIKE 'order:old:%%'",
            values,
        )
        cursor.execute(
            "INSERT INTO bonuses_ledgerentry (kind, debit_id, credit_id, points, source, revision, actor, reason_code, note_digest, effective_at, "
            "recorded_at) SELECT 'expire', %(account)s, -3, 1, 'lot:' || id, 1, 'portal', '', '', expires_at, expires_at "
            "FROM bonuses_lot WHERE customer_id = %(customer)s AND expirations = 1",
            values,
        )
        cursor.execute(
            "INSERT INTO bonuses_lotdraw (entry_id, lot_id, points) SELECT e.id, substr(e.source, 5)::bigint, 1 FROM bonuses_ledgerentry e "
            "WHERE e.debit_id = %(account)s AND e.kind = 'expire'",
            values,
        )
