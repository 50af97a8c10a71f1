"""Who is behind: customers with entries that are newer than the one pushed to their cards. The ledger is the outbox, so nobody who moves points has to say so.

Entries are read once, in the order of their ids, up to a mark; their customers' links are asked for, and missing links made. Ids are not in the order of
commits: an entry may appear behind one with a larger id, until its transaction ends. So the mark stays an hour behind, and the newest hour is read again
each time, which costs as much as that hour had entries and not as much as there are customers.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.db.backends.utils import CursorWrapper

from bonuses.dialect import stamp
from keycrm.models import PollCursor

NAME = "write_back"
SETTLED_AFTER = dt.timedelta(hours=1)  # no transaction takes so long
AT_ONCE = 5_000  # entries

_LAST = "SELECT MAX(id) FROM (SELECT id FROM bonuses_ledgerentry WHERE id > %s ORDER BY id LIMIT %s) batch"
_FIRST_YOUNG = "SELECT id FROM bonuses_ledgerentry WHERE id > %s AND recorded_at > %s ORDER BY id LIMIT 1"
# The newest entry of each customer among those that are read.
_TOUCHED = """
SELECT a.customer_id AS customer_id, MAX(e.id) AS newest FROM (
    SELECT id, debit_id AS account_id FROM bonuses_ledgerentry WHERE id > %s AND id <= %s UNION ALL
    SELECT id, credit_id FROM bonuses_ledgerentry WHERE id > %s AND id <= %s
) e JOIN bonuses_account a ON a.id = e.account_id WHERE a.customer_id IS NOT NULL GROUP BY a.customer_id
"""
_ASK = f"""
UPDATE keycrm_buyerlink SET asked_at = %s WHERE asked_at IS NULL AND id IN (
    SELECT l.id FROM ({_TOUCHED}) t JOIN keycrm_buyerlink l ON l.customer_id = t.customer_id WHERE t.newest > l.pushed_entry)
"""  # noqa: S608 - a constant of ours
_LINK = f"""
INSERT INTO keycrm_buyerlink (customer_id, buyer_id, pushed_entry, is_overwritten, asks, asked_at, attempts, failures, stuck_reason, stuck_detail)
SELECT t.customer_id, NULL, 0, %s, 0, %s, 0, 0, '', '' FROM ({_TOUCHED}) t JOIN bonuses_customer c ON c.id = t.customer_id
WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL AND NOT EXISTS (SELECT 1 FROM keycrm_buyerlink l WHERE l.customer_id = c.id)
ON CONFLICT DO NOTHING
"""  # noqa: S608 - a constant of ours


def notice_entries(*, now: dt.datetime, at_once: int = AT_ONCE) -> int:
    """Ask for the links of everybody whose entries are new, and make those that are missing. Returns how many rows were asked for or made."""
    row, _made = PollCursor.objects.get_or_create(name=NAME)
    mark = after = row.entry
    found = 0
    with connection.cursor() as cursor:
        while (last := _one(cursor, _LAST, [after, at_once])) is not None:
            span = [after, last, after, last]
            for statement, values in ((_ASK, [stamp(now), *span]), (_LINK, [False, stamp(now), *span])):
                cursor.execute(statement, values)
                found += cursor.rowcount
            # Asked after the entries were read: whatever is younger than the hour and was read is found here.
            young = _one(cursor, _FIRST_YOUNG, [mark, stamp(now - SETTLED_AFTER)])
            mark = max(mark, last if young is None else min(last, young - 1))
            PollCursor.objects.filter(name=NAME, entry__lt=mark).update(entry=mark)
            after = last
    return found


def _one(cursor: CursorWrapper, statement: str, values: list[int | str | None]) -> int | None:
    cursor.execute(statement, values)
    row = cursor.fetchone()
    return row[0] if row else None
