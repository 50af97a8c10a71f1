"""Orders as the CRM confirms them: a snapshot is applied as a difference.

What its stage and totals say should be granted and captured, against what the order's rows say is. That is why duplicates, disorder and detours end in the
same points. docs/orders.md has the table; what browsers claim is bonuses.services.reporting.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction

from bonuses.models import Order
from bonuses.policy import points_of_order
from bonuses.policy_orders import TRANSITIONS, HoldStep, OrderState, PointStep, Stage, event_of, target_points
from bonuses.services import accruing, expiring, hold_rows, ledger, refunding, settling
from bonuses.services.order_rows import Snapshot, find_holds, insert_snapshot, last_digest, lock_order, save_order
from bonuses.services.ruling import as_rule
from bonuses.services.settling import Stuck, Work

__all__ = ["Applied", "Outcome", "Snapshot", "Stuck", "apply_snapshot"]


class Outcome(StrEnum):
    APPLIED = "applied"
    UNCHANGED = "unchanged"  # the same snapshot as before
    DROPPED = "dropped"  # older than what was applied
    HISTORY = "history"  # placed before the program started


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


@ledger.following_merges
def apply_snapshot(*, snapshot: Snapshot, now: dt.datetime, actor: str) -> Applied:
    """Bring the ledger to what the snapshot says, in one transaction. Repeating it, or applying an older one, changes nothing."""
    with transaction.atomic():
        order = lock_order(snapshot, now)
        if order is None:
            return Applied(Outcome.HISTORY)
        if order.revision and snapshot.seen_at < order.seen_at:
            return Applied(Outcome.DROPPED, order.pk, order.revision)
        if (
            order.revision
            and last_digest(order) == snapshot.digest
            and not settling.have_holds_changed_hands(order, snapshot)
        ):
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
    work = Work(order, snapshot, {}, now, actor)
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
        settling.step_hold(work, hold, HoldStep.FREE if hold.id in freed else step.holds)
    for customer_id, lot_ids in work.touched.items():
        expiring.expire_freed(work.books[customer_id], lot_ids, now=now)
    points = 0
    if step.points is PointStep.MEET_TARGET and order.customer_id is not None:
        points = _meet_target(
            work, target_points(rule, snapshot.totals, stage=snapshot.stage, placed_at=order.placed_at)
        )
    _repay(work)
    settling.settle_codes(work)
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


def _settle_on_earner(work: Work) -> None:
    """Who earns may change until something was granted; after that the first earner stays, and a person is told."""
    wanted = work.snapshot.customer_id
    if wanted is None or wanted == work.order.customer_id:
        return
    if work.order.lot_id is None:
        work.order.customer_id = wanted
    else:
        work.stuck.append(Stuck.EARNER_CHANGED)


def _meet_target(work: Work, target: int) -> int:
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


def _repay(work: Work) -> None:
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
