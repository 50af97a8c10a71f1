"""Orders as the CRM confirms them: a snapshot is applied as a difference.

What its stage and totals say should be granted and captured, against what the order's rows say is. That is why duplicates, disorder and detours end in the
same points. docs/orders.md has the table; what browsers claim is bonuses.services.reporting.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field, replace
from enum import StrEnum

from django.db import transaction

from bonuses.models import Order
from bonuses.policy import draw_same, points_of_order
from bonuses.policy_orders import TRANSITIONS, HoldStep, OrderState, PointStep, Stage, event_of, target_points
from bonuses.services import accruing, charging, expiring, hold_rows, holding, ledger, refunding, releasing
from bonuses.services.hold_rows import HoldRow
from bonuses.services.ledger import Book
from bonuses.services.order_rows import Snapshot, find_holds, insert_snapshot, last_digest, lock_order, save_order
from bonuses.services.ruling import as_rule

__all__ = ["Applied", "Outcome", "Snapshot", "Stuck", "apply_snapshot"]


class Outcome(StrEnum):
    APPLIED = "applied"
    UNCHANGED = "unchanged"  # the same snapshot as before
    DROPPED = "dropped"  # older than what was applied
    HISTORY = "history"  # placed before the program started


class Stuck(StrEnum):
    """Why an order needs a person. Stored as machine words; the order was applied as far as possible."""

    HOLD_OF_ANOTHER_ORDER = "hold_of_another_order"
    SPENT_BY_LATER_ORDER = "spent_by_later_order"
    HOLD_ENDED = "hold_ended"
    EARNER_CHANGED = "earner_changed"


@dataclass(frozen=True, slots=True)
class Applied:
    """What happened. `points` is the net change of what the order earned; `releasing` are holds that now wait for evidence; `taken_from` are orders placed
    later that had a hold of this one.
    """

    outcome: Outcome
    order_id: int | None = None
    revision: int = 0
    points: int = 0
    releasing: tuple[int, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    taken_from: tuple[int, ...] = ()


@dataclass(slots=True)
class _Work:
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


@ledger.following_merges
def apply_snapshot(*, snapshot: Snapshot, now: dt.datetime, actor: str) -> Applied:
    """Bring the ledger to what the snapshot says, in one transaction. Repeating it, or applying an older one, changes nothing."""
    with transaction.atomic():
        order = lock_order(snapshot, now)
        if order is None:
            return Applied(Outcome.HISTORY)
        if order.revision and snapshot.seen_at < order.seen_at:
            return Applied(Outcome.DROPPED, order.pk, order.revision)
        if order.revision and last_digest(order) == snapshot.digest and not _have_holds_changed_hands(order, snapshot):
            Order.objects.filter(pk=order.pk).update(seen_at=snapshot.seen_at)
            return Applied(Outcome.UNCHANGED, order.pk, order.revision)
        return _apply(order, snapshot, now=now, actor=actor)


def _apply(order: Order, snapshot: Snapshot, *, now: dt.datetime, actor: str) -> Applied:
    state = OrderState(order.state) if order.revision else OrderState.REPORTED
    step = TRANSITIONS[state, event_of(state, snapshot.stage)]
    is_known = bool(order.revision) or order.is_imported  # may have holds of its own
    order.revision += 1
    rule = as_rule(order.rule)
    earns = points_of_order(rule, snapshot.totals, placed_at=order.placed_at)
    work = _Work(order, snapshot, {}, now, actor)
    _settle_on_earner(work)
    holds = find_holds(order, snapshot, is_known=is_known)
    people = set(holds.values()) | ({order.customer_id} if order.customer_id else set())
    work.books = expiring.open_settled(people, now=now) if people else {}
    if order.customer_id is not None:
        order.customer_id = work.books[order.customer_id].customer_id  # merged while we waited for the lock
    if holds:
        # Once more, under the locks: while we waited for them another order may have taken one of these again.
        holds = find_holds(order, snapshot, is_known=is_known)
        if not set(holds.values()) <= work.books.keys():
            raise ledger.MovedAway
    insert_snapshot(order, snapshot, earns=earns, actor=actor, now=now)
    locked = hold_rows.lock_holds(holds)
    freed = hold_rows.with_successors(snapshot.freed_hold_ids, locked)
    for hold in hold_rows.heads(locked):
        _step_hold(work, hold, HoldStep.FREE if hold.id in freed else step.holds)
    for customer_id, lot_ids in work.touched.items():
        expiring.expire_freed(work.books[customer_id], lot_ids, now=now)
    points = 0
    if step.points is PointStep.MEET_TARGET and order.customer_id is not None:
        points = _meet_target(
            work, target_points(rule, snapshot.totals, stage=snapshot.stage, placed_at=order.placed_at)
        )
    _repay(work)
    _settle_codes(work)
    order.state, order.grand_total, order.seen_at = step.to.value, snapshot.totals.grand, snapshot.seen_at
    if snapshot.stage is Stage.COMPLETED and order.completed_at is None:
        order.completed_at = snapshot.activated_at or now
    order.stuck_reason = " ".join(dict.fromkeys(work.stuck))
    save_order(order)
    return Applied(
        Outcome.APPLIED,
        order.pk,
        order.revision,
        points,
        tuple(work.releasing),
        tuple(dict.fromkeys(work.stuck)),
        tuple(work.taken_from),
    )


def _settle_on_earner(work: _Work) -> None:
    """Who earns may change until something was granted; after that the first earner stays, and a person is told."""
    wanted = work.snapshot.customer_id
    if wanted is None or wanted == work.order.customer_id:
        return
    if work.order.lot_id is None:
        work.order.customer_id = wanted
    else:
        work.stuck.append(Stuck.EARNER_CHANGED)


def _step_hold(work: _Work, hold: HoldRow, step: HoldStep) -> None:
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


def _have_holds_changed_hands(order: Order, snapshot: Snapshot) -> bool:
    """The same snapshot means something else when another order has taken a hold of this one since, or has given one up."""
    if not snapshot.hold_ids or snapshot.stage is Stage.CANCELLED:
        return False
    heads = hold_rows.heads(hold_rows.read_holds(find_holds(order, snapshot, is_known=True)))
    elsewhere = [hold for hold in heads if hold.order_id not in {None, order.pk}]
    answers = {None if _gives_up(hold) else _refusal(order, hold) for hold in elsewhere}
    told = set(order.stuck_reason.split()) & {Stuck.HOLD_OF_ANOTHER_ORDER.value, Stuck.SPENT_BY_LATER_ORDER.value}
    return answers != told


def _free(work: _Work, book: Book, hold: HoldRow) -> None:
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


def _release_by_evidence(work: _Work, hold: HoldRow) -> None:
    assert hold.code_id is not None
    work.releasing.append(hold.id)
    work.freed_codes.append(hold.code_id)


def _settle_codes(work: _Work) -> None:
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


def _reinstate(work: _Work, book: Book, hold: HoldRow) -> list[int]:
    return refunding.write_reinstate(
        book,
        hold,
        source=work.order.key,
        revision=work.order.revision,
        order_id=work.order.pk,
        now=work.now,
        actor=work.actor,
    )


def _again(work: _Work, book: Book, hold: HoldRow, *, code_id: int | None) -> HoldRow:
    """Take the same lots again as far as they have points; the rest is owed."""
    wanted = hold_rows.drawn_lots(hold.id) if hold.points else []
    ledger.need_lots(book, (lot_id for lot_id, _ in wanted))
    draws, missing = draw_same(book.lots, wanted)
    return holding.write_hold(
        book, key=hashlib.sha256(f"{hold.key}\n{work.order.revision}".encode()).hexdigest(), draws=draws, now=work.now, actor=work.actor,
        expires_at=None, code_id=code_id, order_id=work.order.pk, owed=hold.owed + missing, again_of_id=hold.id,
    )  # fmt: skip


def _meet_target(work: _Work, target: int) -> int:
    """Grant or take back the difference; returns it."""
    order = work.order
    assert order.customer_id is not None
    book = work.books[order.customer_id]
    difference = target - (order.granted - order.clawed_back)
    if difference > 0:
        lots = accruing.write_accrual(
            book, order=order, rule=as_rule(order.rule), points=difference, activated_at=work.snapshot.activated_at or work.now,
            now=work.now, actor=work.actor,
        )  # fmt: skip
        expiring.expire_freed(book, lots, now=work.now)
        order.granted += difference
    elif difference < 0:
        refunding.write_clawback(book, order=order, points=-difference, now=work.now, actor=work.actor)
        order.clawed_back -= difference
    return difference


def _repay(work: _Work) -> None:
    order = work.order
    for book in ledger.each(work.books):
        source = (
            order.key
            if book.customer_id == order.customer_id
            else f"{order.key}/{work.payers.get(book.customer_id, 'payer')}"
        )
        ledger.repay(
            book, source=source, revision=order.revision, actor=work.actor, effective_at=work.now, now=work.now
        )
