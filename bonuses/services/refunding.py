"""Take back what an order earned, and give back what it spent. Both by what the history says was granted and taken, never by today's rule.

Written in open books by bonuses.services.orders; `prove_code_dead` is the way of evidence that arrives later.
"""

from __future__ import annotations

import datetime as dt
from functools import partial

from django.db import connection, transaction

from bonuses.dialect import stamp
from bonuses.errors import HoldUnknown
from bonuses.models import EntryKind, Hold, HoldState, Order
from bonuses.policy import draw
from bonuses.services import expiring, hold_rows, ledger
from bonuses.services.hold_rows import HoldRow
from bonuses.services.ledger import Book

# Which lots repaid this customer's debt and were not given that back yet, the newest repayment first; of one repayment the lot that it drew last.
_REPAID = """
SELECT d.lot_id, SUM(CASE WHEN e.kind = 'repay' THEN d.points ELSE -d.points END) AS points
FROM bonuses_lotdraw d JOIN bonuses_ledgerentry e ON e.id = d.entry_id JOIN bonuses_lot l ON l.id = d.lot_id
WHERE l.customer_id = %s AND (e.kind = 'repay' OR (e.kind = 'reinstate' AND e.reason_code = 'repaid'))
GROUP BY d.lot_id, l.expires_at HAVING SUM(CASE WHEN e.kind = 'repay' THEN d.points ELSE -d.points END) > 0
ORDER BY MAX(CASE WHEN e.kind = 'repay' THEN e.id ELSE 0 END) DESC, l.expires_at IS NULL DESC, l.expires_at DESC, d.lot_id DESC
"""


def write_clawback(book: Book, *, order: Order, points: int, now: dt.datetime, actor: str) -> None:
    """Take `points` back: from the order's own lot, then from others in the draw order; what is missing becomes debt, visibly."""
    ledger.need_all_lots(book)
    drawn, short = draw(book.lots.values(), points, first=order.lot_id)
    if drawn:
        ledger.post(EntryKind.CLAWBACK, debit=book.available, credit=ledger.ISSUANCE, points=points - short, source=order.key,
                    revision=order.revision, actor=actor, effective_at=now, now=now, draws=drawn, drawn_from=book, rule_id=order.rule_id,
                    order_id=order.pk)  # fmt: skip
    if short:
        ledger.post(EntryKind.INCUR_DEBT, debit=book.debt, credit=ledger.ISSUANCE, points=short, source=order.key, revision=order.revision,
                    actor=actor, effective_at=now, now=now, rule_id=order.rule_id, order_id=order.pk)  # fmt: skip


def write_reinstate(
    book: Book, hold: HoldRow, *, source: str, revision: int, order_id: int | None, now: dt.datetime, actor: str
) -> list[int]:
    """Give back what a captured hold spent, to the same lots with their original dates. Returns the lots that got points.

    What was spent as debt is taken off the debt; what of that debt was repaid meanwhile goes back to the lots that repaid it, the newest repayment first.
    """
    touched: list[int] = []
    source = f"{source}/{hold.source}"
    post = partial(ledger.post, EntryKind.REINSTATE, debit=ledger.REDEMPTION, revision=revision, actor=actor, effective_at=now, now=now,
                   order_id=order_id, hold_id=hold.id)  # fmt: skip
    if hold.points:
        draws = hold_rows.drawn_lots(hold.id)
        touched += [lot_id for lot_id, _ in draws]
        ledger.need_lots(book, touched)
        post(credit=book.available, points=hold.points, source=source, draws=draws, drawn_from=book)
    forgiven = min(hold.owed, book.owed)
    if forgiven:
        post(credit=book.debt, points=forgiven, source=f"{source}/debt")
    rest = hold.owed - forgiven
    if rest:
        draws = _lots_that_repaid(book, rest)
        touched += [lot_id for lot_id, _ in draws]
        post(
            credit=book.available,
            points=rest,
            source=f"{source}/repaid",
            draws=draws,
            drawn_from=book,
            reason_code="repaid",
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE bonuses_hold SET reinstated_at = %s, stuck_reason = '' WHERE id = %s", [stamp(now), hold.id]
        )
    return touched


def _lots_that_repaid(book: Book, points: int) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_REPAID, [book.customer_id])
        rows = cursor.fetchall()
    draws: list[tuple[int, int]] = []
    for lot_id, repaid in rows:
        take = min(points, int(repaid))
        draws.append((lot_id, take))
        points -= take
        if not points:
            break
    assert not points, "debt that is gone was repaid from lots"
    ledger.need_lots(book, (lot_id for lot_id, _ in draws))
    return draws


@ledger.following_merges
def prove_code_dead(*, hold_id: int, now: dt.datetime, actor: str) -> bool:
    """The code of a captured hold, whose order is cancelled, was seen deleted: give the points back. True when this call did it. Raises HoldUnknown."""
    with transaction.atomic():
        found = Hold.objects.values_list("customer_id", "order_id").filter(pk=hold_id).first()
        if found is None:
            raise HoldUnknown
        owner, order_id = found
        order = Order.objects.select_for_update(no_key=True).filter(pk=order_id).first()
        book = expiring.open_settled([owner], now=now)[owner]
        (hold,) = hold_rows.lock_holds([hold_id])
        if hold.state != HoldState.CAPTURED or hold.reinstated or order is None or order.state != "cancelled":
            return False
        touched = write_reinstate(
            book, hold, source=order.key, revision=order.revision, order_id=order.pk, now=now, actor=actor
        )
        expiring.expire_freed(book, touched, now=now)
        ledger.repay(
            book, source=f"{order.key}/{hold.source}", revision=order.revision, actor=actor, effective_at=now, now=now
        )
    return True
