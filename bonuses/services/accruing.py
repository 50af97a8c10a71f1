"""Give an order the points that it earned. The first time makes the order's own lot; later times go back into it, with its date. Written in open books."""

from __future__ import annotations

import datetime as dt

from bonuses.models import EntryKind, Order
from bonuses.policy import Rule, lot_end
from bonuses.services import ledger
from bonuses.services.ledger import Book


def write_accrual(
    book: Book, *, order: Order, rule: Rule, points: int, activated_at: dt.datetime, now: dt.datetime, actor: str
) -> list[int]:
    """Post `points` > 0. `activated_at` is the completion as the CRM knows it; one in the future counts as now. Sets `order.lot_id`.

    Returns the lots that got points.
    """
    if order.lot_id is not None:
        ledger.need_lots(book, [order.lot_id])
        ledger.post(EntryKind.REACCRUE, debit=ledger.ISSUANCE, credit=book.available, points=points, source=order.key, revision=order.revision,
                    actor=actor, effective_at=now, now=now, draws=[(order.lot_id, points)], drawn_from=book, rule_id=order.rule_id,
                    order_id=order.pk)  # fmt: skip
        return [order.lot_id]
    since = min(activated_at, now)
    entry_id = ledger.post(EntryKind.ACCRUE, debit=ledger.ISSUANCE, credit=book.available, points=points, source=order.key, actor=actor,
                           effective_at=since, now=now, rule_id=order.rule_id, order_id=order.pk)  # fmt: skip
    until = lot_end(rule, activated_at=since, known_at=now)
    order.lot_id = ledger.make_lot(
        book, entry_id=entry_id, points=points, activates_at=since, expires_at=until, rule_id=order.rule_id
    )
    return [order.lot_id]
