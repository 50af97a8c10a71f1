"""Bring due ends into the books: of lots, and of holds without a code.

Every writer does it first for the accounts that it locked; the sweep does it for the rest.

What becomes due is decided by bonuses.policy_due.due_movements, a function of rows and time: with the sweep off, late or doubled every answer is the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import transaction

from bonuses.dialect import moment, stamp
from bonuses.models import EntryKind, Hold, HoldState, Lot
from bonuses.policy_due import DueHold, Move, Movement, due_movements
from bonuses.services import ledger
from bonuses.services.ledger import Book
from bonusportal.sql import fetch_planned

ACTOR = "portal"
SWEEP_AT_MOST = 500
_DUE_HOLDS = """
SELECT h.id, h.expires_at, d.lot_id, d.points FROM bonuses_hold h
JOIN bonuses_ledgerentry e ON e.hold_id = h.id AND e.kind = 'hold' JOIN bonuses_lotdraw d ON d.entry_id = e.id
WHERE h.customer_id = %s AND h.state = 'open' AND h.code_id IS NULL AND h.expires_at <= %s ORDER BY h.id, d.lot_id
"""


def open_settled(customer_ids: Iterable[int], *, now: dt.datetime, will_draw: bool = False) -> dict[int, Book]:
    """Lock these customers' accounts and write what is due. What every writer calls; `will_draw` reads the lots at once instead of asking twice."""
    books = ledger.open_books(customer_ids)
    for book in ledger.each(books):
        if will_draw:
            ledger.need_all_lots(book)
        settle(book, now=now)
    return books


def settle(book: Book, *, now: dt.datetime) -> int:
    """Post what is due in this book, each with the moment at which it was true. Returns the number of entries."""
    holds = due_holds(book.customer_id, now=now) if book.held.balance else []
    if not holds and not ledger.has_due_lots(book, now=now):
        return 0
    ledger.need_all_lots(book)
    ledger.need_lots(book, (lot_id for hold in holds for lot_id, _ in hold.draws))
    moves = due_movements(book.lots.values(), holds, owed=book.owed, now=now)
    cause = ""
    for move in moves:
        cause = _post(book, move, cause=cause, now=now)
    return len(moves)


def due_holds(customer_id: int, *, now: dt.datetime) -> list[DueHold]:
    """Open holds without a code whose time is over."""
    rows = fetch_planned(_DUE_HOLDS, [customer_id, stamp(now)])
    draws: dict[int, list[tuple[int, int]]] = {}
    ends: dict[int, dt.datetime] = {}
    for hold_id, expires_at, lot_id, points in rows:
        end = moment(expires_at)
        assert end is not None
        ends[hold_id] = end
        draws.setdefault(hold_id, []).append((lot_id, points))
    return [DueHold(pk, end, draws[pk]) for pk, end in ends.items()]


def _post(book: Book, move: Movement, *, cause: str, now: dt.datetime) -> str:
    """Returns the cause that a repayment after it names."""
    assert move.subject is not None or move.move is Move.REPAY
    if move.move is Move.RELEASE:
        hold = Hold.objects.only("key").get(pk=move.subject or 0)
        source = f"hold:{hold.key}"
        Hold.objects.filter(pk=hold.pk).update(state=HoldState.EXPIRED, resolved_at=move.at)
        ledger.post(EntryKind.RELEASE, debit=book.held, credit=book.available, points=move.points, source=source, actor=ACTOR,
                    effective_at=move.at, now=now, draws=move.draws, drawn_from=book, hold_id=hold.pk)  # fmt: skip
        return source
    if move.move is Move.REPAY:
        ledger.repay(book, source=cause, actor=ACTOR, effective_at=move.at, now=now)
        return cause
    assert move.subject is not None
    expire_lot(book, move.subject, effective_at=move.at, now=now)
    return cause


def expire_lot(book: Book, lot_id: int, *, effective_at: dt.datetime, now: dt.datetime) -> None:
    """All that remains of a lot is gone."""
    lot = book.lots[lot_id]
    ledger.post(EntryKind.EXPIRE, debit=book.available, credit=ledger.BREAKAGE, points=lot.remaining, source=f"lot:{lot_id}",
                revision=lot.expirations + 1, actor=ACTOR, effective_at=effective_at, now=now, draws=[(lot_id, lot.remaining)],
                drawn_from=book)  # fmt: skip


def expire_freed(book: Book, lot_ids: Iterable[int], *, now: dt.datetime) -> None:
    """Points that came back to lots whose time is over are gone at once, at the moment of coming back."""
    for lot_id in sorted(set(lot_ids)):
        lot = book.lots[lot_id]
        if lot.remaining and lot.expires_at is not None and lot.expires_at <= now:
            expire_lot(book, lot_id, effective_at=now, now=now)


def sweep(*, now: dt.datetime, at_most: int = SWEEP_AT_MOST) -> int:
    """Settle customers who have something due, each in a transaction of its own. Returns the number of entries written."""
    due = list(
        Lot.objects.filter(remaining__gt=0, expires_at__lte=now)
        .order_by("expires_at")
        .values_list("customer_id", flat=True)[:at_most]
    )
    due += Hold.objects.due(now).order_by("expires_at").values_list("customer_id", flat=True)[:at_most]
    written = 0
    for customer_id in sorted(set(due)):
        written += _settle_customer(customer_id, now=now)
    return written


@ledger.following_merges
def _settle_customer(customer_id: int, *, now: dt.datetime) -> int:
    with transaction.atomic():
        return settle(ledger.open_books([customer_id])[customer_id], now=now)
