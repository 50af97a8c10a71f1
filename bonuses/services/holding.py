"""Set points aside, and resolve that once: captured or released, whatever races.

A hold that handed out a code ends by evidence only: captured when the code is in an order, released when the code is proven deleted. Any other hold also
ends by time (bonuses.services.expiring). Handing out the code belongs to redeeming.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from django.db import IntegrityError, connection, transaction

from bonuses.dialect import marks, stamp
from bonuses.errors import HoldNeedsEvidence, HoldNotOpen, HoldUnknown, InsufficientPoints, KeyReused, PointsInvalid
from bonuses.models import EntryKind, Hold, HoldState
from bonuses.policy import HOLD_LIVES, REPORT_EXTENDS_HOLD, draw
from bonuses.services import expiring, hold_rows, ledger
from bonuses.services.hold_rows import HoldRow
from bonuses.services.ledger import Book
from bonusportal.money import MAX_AMOUNT_UAH
from bonusportal.sql import execute_planned, fetch_planned

_INSERT = (
    "INSERT INTO bonuses_hold (key, customer_id, points, owed, state, code_id, order_id, again_of_id, placed_at, expires_at, stuck_reason) "
    f"VALUES ({marks(11)}) RETURNING id"
)


@ledger.following_merges
def place_hold(
    *,
    customer_id: int,
    points: int,
    key: str,
    now: dt.datetime,
    actor: str,
    lives: dt.timedelta | None = HOLD_LIVES,
    code_id: int | None = None,
) -> HoldRow:
    """Set `points` of a customer aside for `lives` (None: until an order decides). `key` (at most 64 characters, never personal) makes it once.

    Raises InsufficientPoints with what there is, KeyReused, PointsInvalid, CustomerUnknown; then nothing changed.
    """
    if type(points) is not int or not 1 <= points <= MAX_AMOUNT_UAH:
        raise PointsInvalid
    if replay := _replay(key, customer_id, points):
        return replay
    try:
        with transaction.atomic():
            book = expiring.open_settled([customer_id], now=now, will_draw=True)[customer_id]
            # Looked up before the balance, and again under the lock: the first call may have committed while we waited for it.
            if replay := _replay(key, book.customer_id, points):
                return replay
            if book.points < points:
                raise InsufficientPoints(book.points)
            drawn, _short = draw(book.lots.values(), points)
            expires_at = None if lives is None else now + lives
            return write_hold(book, key=key, draws=drawn, now=now, actor=actor, expires_at=expires_at, code_id=code_id)
    except IntegrityError:
        # The same key for two customers at once: two locks, one key.
        if _replay(key, customer_id, points) is None:
            raise
        raise KeyReused from None


def _replay(key: str, customer_id: int, points: int) -> HoldRow | None:
    found = hold_rows.find_hold(key)
    if found is None:
        return None
    if found.points != points or found.customer_id != customer_id:
        if found.points == points and ledger.survivor_of(customer_id) == found.customer_id:
            return _as_replay(found)
        raise KeyReused
    return _as_replay(found)


def _as_replay(hold: HoldRow) -> HoldRow:
    return replace(hold, is_replay=True)


def write_hold(
    book: Book,
    *,
    key: str,
    draws: ledger.Draws,
    now: dt.datetime,
    actor: str,
    expires_at: dt.datetime | None,
    code_id: int | None = None,
    order_id: int | None = None,
    owed: int = 0,
    again_of_id: int | None = None,
) -> HoldRow:
    """The hold's row and entry, in an open book. `owed` points are not there and become debt at capture."""
    points = sum(n for _, n in draws)
    hold = [
        key,
        book.customer_id,
        points,
        owed,
        HoldState.OPEN.value,
        code_id,
        order_id,
        again_of_id,
        stamp(now),
        stamp(expires_at),
        "",
    ]
    ((hold_id,),) = fetch_planned(_INSERT, hold)
    if points:
        ledger.post(EntryKind.HOLD, debit=book.available, credit=book.held, points=points, source=f"hold:{key}", actor=actor, effective_at=now,
                    now=now, draws=draws, drawn_from=book, order_id=order_id, hold_id=hold_id)  # fmt: skip
    return HoldRow(
        hold_id, key, book.customer_id, points, owed, HoldState.OPEN, code_id, order_id, expires_at, again_of_id
    )


def _resolve(hold: HoldRow, state: HoldState, *, now: dt.datetime) -> None:
    """The conditional UPDATE is the answer: a hold is resolved at most once, whatever races."""
    changed = execute_planned(
        "UPDATE bonuses_hold SET state = %s, resolved_at = %s, stuck_reason = '' WHERE id = %s AND state IN ('open', 'releasing')",
        [state.value, stamp(now), hold.id],
    )
    if changed != 1:
        raise HoldNotOpen(hold.state)


def write_capture(book: Book, hold: HoldRow, *, now: dt.datetime, actor: str, order_id: int | None = None) -> None:
    """Spend what is held, in an open book. Never fails for lack of points: they are held, and what is owed becomes debt."""
    _resolve(hold, HoldState.CAPTURED, now=now)
    order_id = order_id or hold.order_id
    if hold.points:
        ledger.post(EntryKind.CAPTURE, debit=book.held, credit=ledger.REDEMPTION, points=hold.points, source=hold.source, actor=actor,
                    effective_at=now, now=now, draws=hold_rows.drawn_lots(hold.id), drawn_from=book, order_id=order_id, hold_id=hold.id)  # fmt: skip
    if hold.owed:
        ledger.post(EntryKind.INCUR_DEBT, debit=book.debt, credit=ledger.REDEMPTION, points=hold.owed, source=hold.source, actor=actor,
                    effective_at=now, now=now, order_id=order_id, hold_id=hold.id)  # fmt: skip


def write_release(book: Book, hold: HoldRow, *, now: dt.datetime, actor: str) -> list[int]:
    """Give back what is held, in an open book. Returns the lots that got points; the caller expires those whose time is over, then repays."""
    _resolve(hold, HoldState.RELEASED, now=now)
    if not hold.points:
        return []
    draws = hold_rows.drawn_lots(hold.id)
    lot_ids = [lot_id for lot_id, _ in draws]
    ledger.need_lots(book, lot_ids)
    ledger.post(EntryKind.RELEASE, debit=book.held, credit=book.available, points=hold.points, source=hold.source, actor=actor, effective_at=now,
                now=now, draws=draws, drawn_from=book, order_id=hold.order_id, hold_id=hold.id)  # fmt: skip
    return lot_ids


def write_tie(hold: HoldRow, *, order_id: int) -> None:
    """The hold pays for a confirmed order: time does not end it any more, and a release that was asked for is off."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE bonuses_hold SET order_id = %s, expires_at = NULL, state = 'open', releasing_at = NULL, stuck_reason = '' "
            "WHERE id = %s AND state IN ('open', 'releasing')",
            [order_id, hold.id],
        )


def write_order(hold: HoldRow, *, order_id: int) -> None:
    """The order that the hold pays for, whatever became of the hold."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bonuses_hold SET order_id = %s WHERE id = %s", [order_id, hold.id])


def write_asked_release(hold: HoldRow, *, now: dt.datetime, order_id: int | None = None) -> None:
    """From here on the hold waits for the evidence that its code is dead; the points stay held."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE bonuses_hold SET state = 'releasing', order_id = COALESCE(CAST(%s AS bigint), order_id), releasing_at = COALESCE(releasing_at, %s) "
            "WHERE id = %s AND state IN ('open', 'releasing')",
            [order_id, stamp(now), hold.id],
        )


def _take_off_order(hold_id: int) -> None:
    """Whatever is heard of the order from now on does not take these points again, nor those of the holds before this one."""
    chain = [hold_id]
    while (before := Hold.objects.filter(again=chain[-1]).values_list("pk", flat=True).first()) is not None:
        chain.append(before)
    Hold.objects.filter(pk__in=chain).update(order_id=None)


def _open(hold_id: int, *, now: dt.datetime) -> tuple[Book, HoldRow]:
    found = fetch_planned("SELECT customer_id FROM bonuses_hold WHERE id = %s", [hold_id])
    if not found:
        raise HoldUnknown
    owner = found[0][0]
    book = expiring.open_settled([owner], now=now)[owner]
    (hold,) = hold_rows.lock_holds([hold_id])
    return book, hold


@ledger.following_merges
def capture_hold(*, hold_id: int, now: dt.datetime, actor: str) -> HoldRow:
    """Spend what is held. A hold captured already is answered again. Raises HoldUnknown, HoldNotOpen."""
    with transaction.atomic():
        book, hold = _open(hold_id, now=now)
        if hold.state == HoldState.CAPTURED:
            return _as_replay(hold)
        if not hold.is_unresolved:
            raise HoldNotOpen(hold.state)
        write_capture(book, hold, now=now, actor=actor)
        if hold.owed:
            ledger.repay(book, source=hold.source, actor=actor, effective_at=now, now=now)
    return hold


@ledger.following_merges
def release_hold(
    *, hold_id: int, now: dt.datetime, actor: str, is_proven: bool = False, is_order_out: bool = False
) -> HoldRow:
    """Give back what is held. `is_proven` says that the hold's code was deleted in the store and seen gone; `is_order_out`, that a person takes the hold
    off the order which it pays for. A hold that is released already is answered again.

    Raises HoldUnknown, HoldNotOpen (captured, or a confirmed order decides), HoldNeedsEvidence.
    """
    with transaction.atomic():
        book, hold = _open(hold_id, now=now)
        if hold.state in {HoldState.RELEASED, HoldState.EXPIRED}:
            return _as_replay(hold)
        if not hold.is_unresolved or (hold.order_id is not None and not (is_proven or is_order_out)):
            raise HoldNotOpen(hold.state)
        if hold.code_id is not None and not is_proven:
            raise HoldNeedsEvidence
        freed = write_release(book, hold, now=now, actor=actor)
        if is_order_out:
            _take_off_order(hold.id)
        expiring.expire_freed(book, freed, now=now)
        ledger.repay(book, source=hold.source, actor=actor, effective_at=now, now=now)
    return hold


def extend_hold(*, hold_id: int, now: dt.datetime) -> bool:
    """A thank-you page named the hold: it lives at least 72 hours from now. Never shortens, never revives. True when it moved."""
    until = now + REPORT_EXTENDS_HOLD
    return bool(
        Hold.objects.filter(pk=hold_id, state=HoldState.OPEN, expires_at__gt=now, expires_at__lt=until).update(
            expires_at=until
        )
    )
