"""What the portal is compared with: a claim as one would write it by hand, two statements in one transaction and nothing around them."""

from __future__ import annotations

import datetime as dt
from typing import Any

CLAIM = """
UPDATE promo_code SET state = 'issued', changed_at = %s WHERE id = (
    SELECT c.id FROM promo_code c
    WHERE c.pool_id = (SELECT p.id FROM promo_pool p WHERE p.amount_uah = %s AND p.is_active)
      AND c.state = 'available' AND (c.valid_until IS NULL OR c.valid_until >= %s)
    ORDER BY c.place LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, code, pool_id
"""
RECORD = """
INSERT INTO promo_issue (code_id, pool_id, channel, phone, order_number, caller_address, request_id, actor, issued_at)
VALUES (%s, %s, 'drop_in', '', '', '', '', '', %s) RETURNING id
"""


def claim_code(cursor: Any, *, amount_uah: int, now: dt.datetime) -> str:
    """Hand out one code with any cursor of Python's database interface. The transaction is the caller's."""
    cursor.execute(CLAIM, (now, amount_uah, now.date() + dt.timedelta(days=3)))
    code_id, code, pool_id = cursor.fetchone()
    cursor.execute(RECORD, (code_id, pool_id, now))
    cursor.fetchone()
    return str(code)
