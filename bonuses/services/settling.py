"""The holds that pay for an order, one after another under lock: tied, captured, freed or taken again as the order's transition says, and their codes last.

What an order's stage means for its holds is bonuses.policy_orders' table; this is how a hold gets there from wherever it is.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bonuses.models import Order
from bonuses.policy import draw_same
from bonuses.policy_orders import HoldStep, OrderState, Stage
from bonuses.services import charging, hold_rows, holding, ledger, refunding, releasing
from bonuses.services.hold_rows import HoldRow
from bonuses.services.ledger import Book
from bonuses.services.order_rows import Snapshot, find_holds


class Stuck(StrEnum):
    """Why an order needs a person. Stored as machine words; the order was applied as far as possible."""

    HOLD_OF_ANOTHER_ORDER = "hold_of_another_order"
    SPENT_BY_LATER_ORDER = "spent_by_later_order"
    HOLD_ENDED = "hold_ended"
    EARNER_CHANGED = "earner_changed"


@dataclass(slots=True)
class Work:
    """One application of a snapshot, inside its transaction."""

    order: Order
    snapshot: Snapshot
    books: dict[int, Book]
    now: dt.datetime
    actor: str
    touched: dict[int, list[int]] = field(default_factory=dict)
    payers: dict[int, str] = field(default_factory=dict)
    releasing: list[int] = field(default_factory=list)
    used_codes: list[int] = field(default_factory=list)
    freed_codes: list[int] = field(default_factory=list)
    stuck: list[Stuck] = field(default_factory=list)
    taken_from: list[int] = field(default_factory=list)


def step_hold(work: Work, hold: HoldRow, step: HoldStep) -> None:
    order_id = work.order.pk
    if hold.order_id not in {None, order_id} and not _gives_up(hold):
        if step is HoldStep.FREE:
            return  # a cancelled order asks for nothing
        if (refusal := _refusal(work.order, hold)) is not None:
            work.stuck.append(refusal)
            return
        work.taken_from.append(hold.order_id or 0)
    if not (hold.is_unresolved or hold.is_spent or hold.may_be_taken_again):
        work.stuck.append(Stuck.HOLD_ENDED)
        return
    if step is HoldStep.KEEP:
        return
    book = work.books[hold.customer_id]
    work.payers.setdefault(book.customer_id, hold.source)
    if hold.order_id != order_id:
        holding.write_order(hold, order_id=order_id)
        hold = replace(hold, order_id=order_id)
    if step is HoldStep.FREE:
        _free(work, book, hold)
        return
    if hold.code_id is not None:
        work.used_codes.append(hold.code_id)
    if step is HoldStep.TIE and hold.is_spent:
        work.touched.setdefault(book.customer_id, []).extend(_reinstate(work, book, hold))
        _again(work, book, hold, code_id=hold.code_id)
        return
    if hold.may_be_taken_again:
        hold = _again(work, book, hold, code_id=None)
    if hold.is_unresolved:
        if step is HoldStep.CAPTURE:
            holding.write_capture(book, hold, now=work.now, actor=work.actor, order_id=order_id)
        else:
            holding.write_tie(hold, order_id=order_id)


def _gives_up(hold: HoldRow) -> bool:
    """The other order that the hold belongs to is cancelled: its code was used once more, and whoever held points for it pays for that.

    The other order is not locked. If it comes back at this moment, its snapshot waits for the accounts, and finds that the hold is another order's.
    """
    return Order.objects.filter(pk=hold.order_id or 0, state=OrderState.CANCELLED.value).exists()


def _refusal(order: Order, hold: HoldRow) -> Stuck | None:
    """Why a hold stays with the other order; None: it pays for this one, which was placed first and is only heard of later.

    What was spent stays spent, and a person decides; so does who pays, where a code that nobody held points for was charged to the customer of the later order.
    """
    if Order.objects.filter(pk=hold.order_id or 0, placed_at__lte=order.placed_at).exists():
        return Stuck.HOLD_OF_ANOTHER_ORDER
    is_of_another = hold.customer_id != order.customer_id and charging.was_charged(hold.code_id)
    return Stuck.SPENT_BY_LATER_ORDER if hold.is_spent or is_of_another else None


def have_holds_changed_hands(order: Order, snapshot: Snapshot) -> bool:
    """The same snapshot means something else when another order has taken a hold of this one since, or has given one up."""
    if not snapshot.hold_ids or snapshot.stage is Stage.CANCELLED:
        return False
    heads = hold_rows.heads(hold_rows.read_holds(find_holds(order, snapshot, is_known=True)))
    elsewhere = [hold for hold in heads if hold.order_id not in {None, order.pk}]
    answers = {None if _gives_up(hold) else _refusal(order, hold) for hold in elsewhere}
    told = set(order.stuck_reason.split()) & {Stuck.HOLD_OF_ANOTHER_ORDER.value, Stuck.SPENT_BY_LATER_ORDER.value}
    return answers != told


def _free(work: Work, book: Book, hold: HoldRow) -> None:
    """What is held is released, what was spent given back; with a code out there both wait until the code is proven dead."""
    if hold.is_unresolved and hold.code_id is not None:
        holding.write_asked_release(hold, now=work.now, order_id=work.order.pk)
        _release_by_evidence(work, hold)
    elif hold.is_unresolved:
        work.touched.setdefault(book.customer_id, []).extend(
            holding.write_release(book, hold, now=work.now, actor=work.actor)
        )
    elif hold.is_spent and hold.code_id is None:
        work.touched.setdefault(book.customer_id, []).extend(_reinstate(work, book, hold))
    elif hold.is_spent:
        _release_by_evidence(work, hold)


def _release_by_evidence(work: Work, hold: HoldRow) -> None:
    assert hold.code_id is not None
    work.releasing.append(hold.id)
    work.freed_codes.append(hold.code_id)


def settle_codes(work: Work) -> None:
    """Codes are locked last. In an order: used. Out of a cancelled one: to be deleted, also where the panel shows it used, because by whom is known."""
    for code_id in sorted(work.used_codes):
        releasing.note_used_in_order(code_id, number=work.order.number, now=work.now, actor=work.actor)
    for code_id in sorted(work.freed_codes):
        releasing.take_out_of_use(
            code_id,
            now=work.now,
            actor=work.actor,
            reason=f"order {work.order.number} was cancelled",
            is_use_settled=True,
        )


def _reinstate(work: Work, book: Book, hold: HoldRow) -> list[int]:
    return refunding.write_reinstate(
        book,
        hold,
        source=work.order.key,
        revision=work.order.revision,
        order_id=work.order.pk,
        now=work.now,
        actor=work.actor,
    )


def _again(work: Work, book: Book, hold: HoldRow, *, code_id: int | None) -> HoldRow:
    """Take the same lots again as far as they have points; the rest is owed."""
    wanted = hold_rows.drawn_lots(hold.id) if hold.points else []
    ledger.need_lots(book, (lot_id for lot_id, _ in wanted))
    draws, missing = draw_same(book.lots, wanted)
    return holding.write_hold(
        book, key=hashlib.sha256(f"{hold.key}\n{work.order.revision}".encode()).hexdigest(), draws=draws, now=work.now, actor=work.actor,
        expires_at=None, code_id=code_id, order_id=work.order.pk, owed=hold.owed + missing, again_of_id=hold.id,
    )  # fmt: skip
