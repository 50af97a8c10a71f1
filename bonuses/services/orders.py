"""Orders: what a browser claims, and what the CRM confirms.

A claim (`report_order`) writes no entry and owns no order. A snapshot (`apply_snapshot`) is applied as a difference: what its stage and totals say should be
granted and captured, against what the order's rows say is. That is why duplicates, disorder and detours end in the same points. docs/orders.md has the table.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Sum

from bonuses.dialect import marks, stamp
from bonuses.models import Hold, Order, OrderReport, OrderSnapshot
from bonuses.models.orders import order_key
from bonuses.policy import (
    REPORT_FORGOTTEN_AFTER,
    TRANSITIONS,
    HoldStep,
    OrderState,
    PointStep,
    Stage,
    Totals,
    draw_same,
    event_of,
    points_of_order,
    target_points,
)
from bonuses.services import accruing, expiring, holding, ledger, refunding
from bonuses.services.holding import HoldRow
from bonuses.services.ledger import Book
from bonuses.services.ruling import as_rule, rule_in_force


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the CRM says of an order at `seen_at`, the CRM's own time of it. `activated_at` is when it was closed; None: unknown.

    `customer_id` earns; `hold_ids` are the holds whose code stands in the order.
    """

    source: str
    number: str
    stage: Stage
    totals: Totals
    placed_at: dt.datetime
    seen_at: dt.datetime
    customer_id: int | None = None
    activated_at: dt.datetime | None = None
    hold_ids: tuple[int, ...] = ()
    reason: str = ""

    @property
    def digest(self) -> str:
        totals = self.totals
        sums = (totals.grand, totals.goods, totals.shipping, totals.wrap, totals.taxes, totals.other_discount)
        money = [f"{value:.2f}" for value in sums]
        parts = [self.stage.value, *money, str(self.customer_id), *map(str, sorted(self.hold_ids))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class Outcome(StrEnum):
    APPLIED = "applied"
    UNCHANGED = "unchanged"  # the same snapshot as before
    DROPPED = "dropped"  # older than what was applied
    HISTORY = "history"  # placed before the program started


class Stuck(StrEnum):
    """Why an order needs a person. Stored as machine words; the order was applied as far as possible."""

    HOLD_OF_ANOTHER_ORDER = "hold_of_another_order"
    HOLD_ENDED = "hold_ended"
    EARNER_CHANGED = "earner_changed"


@dataclass(frozen=True, slots=True)
class Applied:
    """What happened. `points` is the net change of what the order earned; `releasing` are holds that now wait for evidence."""

    outcome: Outcome
    order_id: int | None = None
    revision: int = 0
    points: int = 0
    releasing: tuple[int, ...] = ()
    stuck: tuple[Stuck, ...] = ()


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
    stuck: list[Stuck] = field(default_factory=list)


_INSERT_ORDER = """
INSERT INTO bonuses_order (source, number, customer_id, rule_id, state, revision, grand_total, granted, clawed_back, placed_at, seen_at, is_imported,
    stuck_reason, created_at)
SELECT %s, %s, NULL, r.id, %s, 0, 0, 0, 0, %s, %s, %s, '', %s FROM bonuses_earningrule r WHERE r.valid_from <= %s
ORDER BY r.valid_from DESC, r.version DESC LIMIT 1 ON CONFLICT (source, number) DO NOTHING
"""
_INSERT_SNAPSHOT = (
    "INSERT INTO bonuses_ordersnapshot (order_id, revision, stage, grand_total, goods_total, shipping, wrap, taxes, other_discount, earns, digest, "
    "actor, reason, seen_at, recorded_at) VALUES (" + marks(15) + ")"
)


def make_order_row(
    *,
    source: str,
    number: str,
    state: str,
    placed_at: dt.datetime,
    seen_at: dt.datetime,
    is_imported: bool,
    now: dt.datetime,
) -> None:
    """The order's row under the rule that is in force when it was placed; where there is one, nothing changes."""
    with connection.cursor() as cursor:
        cursor.execute(
            # On SQLite "ON CONFLICT" after a SELECT needs a WHERE before it, which the rule's validity is.
            _INSERT_ORDER,
            [source, number, state, stamp(placed_at), stamp(seen_at), is_imported, stamp(now), stamp(placed_at)],
        )


def _lock_order(snapshot: Snapshot, now: dt.datetime) -> Order | None:
    """The order under lock; None for one that is history. Orders are locked before accounts: nobody who holds an account asks for an order."""
    orders = Order.objects.select_related("rule").select_for_update(of=("self",))
    found = orders.filter(source=snapshot.source, number=snapshot.number).first()
    if found is not None:
        return found
    starts_at = settings.PROGRAM_STARTS_AT
    if starts_at is None or snapshot.placed_at < starts_at:
        return None
    make_order_row(
        source=snapshot.source, number=snapshot.number, state=snapshot.stage.value, placed_at=snapshot.placed_at, seen_at=snapshot.seen_at,
        is_imported=False, now=now,
    )  # fmt: skip
    return orders.get(source=snapshot.source, number=snapshot.number)


@ledger.following_merges
def apply_snapshot(*, snapshot: Snapshot, now: dt.datetime, actor: str) -> Applied:
    """Bring the ledger to what the snapshot says, in one transaction. Repeating it, or applying an older one, changes nothing."""
    with transaction.atomic():
        order = _lock_order(snapshot, now)
        if order is None:
            return Applied(Outcome.HISTORY)
        if order.revision and snapshot.seen_at < order.seen_at:
            return Applied(Outcome.DROPPED, order.pk, order.revision)
        if order.revision and _last_digest(order) == snapshot.digest:
            Order.objects.filter(pk=order.pk).update(seen_at=snapshot.seen_at)
            return Applied(Outcome.UNCHANGED, order.pk, order.revision)
        return _apply(order, snapshot, now=now, actor=actor)


def _last_digest(order: Order) -> str:
    return OrderSnapshot.objects.values_list("digest", flat=True).get(order=order, revision=order.revision)


def _apply(order: Order, snapshot: Snapshot, *, now: dt.datetime, actor: str) -> Applied:
    state = OrderState(order.state) if order.revision else OrderState.REPORTED
    step = TRANSITIONS[state, event_of(state, snapshot.stage)]
    is_known = bool(order.revision) or order.is_imported  # may have holds of its own
    order.revision += 1
    rule = as_rule(order.rule)
    earns = points_of_order(rule, snapshot.totals, placed_at=order.placed_at)
    work = _Work(order, snapshot, {}, now, actor)
    _settle_on_earner(work)
    holds = _find_holds(order, snapshot, is_known=is_known)
    people = set(holds.values()) | ({order.customer_id} if order.customer_id else set())
    work.books = expiring.open_settled(people, now=now) if people else {}
    if order.customer_id is not None:
        order.customer_id = work.books[order.customer_id].customer_id  # merged while we waited for the lock
    _insert_snapshot(work, earns)
    for hold in _heads(holding.lock_holds(holds)):
        _step_hold(work, hold, step.holds)
    for customer_id, lot_ids in work.touched.items():
        expiring.expire_freed(work.books[customer_id], lot_ids, now=now)
    points = 0
    if step.points is PointStep.MEET_TARGET and order.customer_id is not None:
        points = _meet_target(
            work, target_points(rule, snapshot.totals, stage=snapshot.stage, placed_at=order.placed_at)
        )
    _repay(work)
    order.state, order.grand_total, order.seen_at = step.to.value, snapshot.totals.grand, snapshot.seen_at
    if snapshot.stage is Stage.COMPLETED and order.completed_at is None:
        order.completed_at = snapshot.activated_at or now
    order.stuck_reason = " ".join(dict.fromkeys(work.stuck))
    _save(order)
    return Applied(
        Outcome.APPLIED, order.pk, order.revision, points, tuple(work.releasing), tuple(dict.fromkeys(work.stuck))
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


def _find_holds(order: Order, snapshot: Snapshot, *, is_known: bool) -> dict[int, int]:
    """`{hold: its owner}`, without locks: the order's own and those that the snapshot names."""
    parts: list[str] = []
    parameters: list[int] = []
    if is_known:
        parts.append("SELECT id, customer_id FROM bonuses_hold WHERE order_id = %s")
        parameters.append(order.pk)
    if snapshot.hold_ids:
        parts.append(f"SELECT id, customer_id FROM bonuses_hold WHERE id IN ({marks(len(snapshot.hold_ids))})")
        parameters += snapshot.hold_ids
    if not parts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ".join(parts), parameters)
        return dict(cursor.fetchall())


def _heads(holds: list[HoldRow]) -> list[HoldRow]:
    """A hold that was taken again is represented by its newest row."""
    replaced = {hold.again_of_id for hold in holds}
    return [hold for hold in holds if hold.id not in replaced]


def _step_hold(work: _Work, hold: HoldRow, step: HoldStep) -> None:
    order_id = work.order.pk
    if hold.order_id not in {None, order_id}:
        work.stuck.append(Stuck.HOLD_OF_ANOTHER_ORDER)
        return
    if not (hold.is_unresolved or hold.is_spent or hold.was_freed_by_its_order):
        work.stuck.append(Stuck.HOLD_ENDED)
        return
    if step is HoldStep.KEEP:
        return
    book = work.books[hold.customer_id]
    work.payers.setdefault(book.customer_id, hold.source)
    if hold.order_id is None:
        holding.write_order(hold, order_id=order_id)
        hold = replace(hold, order_id=order_id)
    if step is HoldStep.FREE:
        _free(work, book, hold)
        return
    if step is HoldStep.TIE and hold.is_spent:
        work.touched.setdefault(book.customer_id, []).extend(_reinstate(work, book, hold))
        _again(work, book, hold, code_id=hold.code_id)
        return
    if hold.was_freed_by_its_order:
        hold = _again(work, book, hold, code_id=None)
    if hold.is_unresolved:
        if step is HoldStep.CAPTURE:
            holding.write_capture(book, hold, now=work.now, actor=work.actor, order_id=order_id)
        else:
            holding.write_tie(hold, order_id=order_id)


def _free(work: _Work, book: Book, hold: HoldRow) -> None:
    """What is held is released, what was spent given back; with a code out there both wait until the code is proven dead."""
    if hold.is_unresolved and hold.code_id is not None:
        holding.write_asked_release(hold, order_id=work.order.pk)
        work.releasing.append(hold.id)
    elif hold.is_unresolved:
        work.touched.setdefault(book.customer_id, []).extend(
            holding.write_release(book, hold, now=work.now, actor=work.actor)
        )
    elif hold.is_spent and hold.code_id is None:
        work.touched.setdefault(book.customer_id, []).extend(_reinstate(work, book, hold))
    elif hold.is_spent:
        work.releasing.append(hold.id)


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
    draws, missing = draw_same(book.lots, holding.drawn_lots(hold.id) if hold.points else [])
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


def _insert_snapshot(work: _Work, earns: int) -> None:
    snapshot, totals = work.snapshot, work.snapshot.totals
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_SNAPSHOT,
            [work.order.pk, work.order.revision, snapshot.stage.value, totals.grand, totals.goods, totals.shipping, totals.wrap, totals.taxes,
             totals.other_discount, earns, snapshot.digest, work.actor, snapshot.reason[:300], stamp(snapshot.seen_at), stamp(work.now)],
        )  # fmt: skip


def _save(order: Order) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE bonuses_order SET customer_id = %s, state = %s, revision = %s, grand_total = %s, lot_id = %s, granted = %s, clawed_back = %s, "
            "completed_at = %s, seen_at = %s, stuck_reason = %s WHERE id = %s",
            [order.customer_id, order.state, order.revision, order.grand_total, order.lot_id, order.granted, order.clawed_back,
             stamp(order.completed_at), stamp(order.seen_at), order.stuck_reason, order.pk],
        )  # fmt: skip


def report_order(
    *,
    source: str,
    number: str,
    customer_id: int,
    total: Decimal,
    now: dt.datetime,
    hold_key: str = "",
    trust: str = "page",
) -> int:
    """Record what a page claims, and keep the hold it names alive. Returns the points that the claim would earn. Moves nothing."""
    rule = rule_in_force(now)
    expected = points_of_order(as_rule(rule), Totals(grand=total, goods=total), placed_at=now)
    hold = Hold.objects.filter(key=hold_key, customer_id=customer_id).first() if hold_key else None
    with transaction.atomic():
        # The hold before the claim, as a merge takes them.
        if hold is not None:
            holding.extend_hold(hold_id=hold.pk, now=now)
        OrderReport.objects.update_or_create(
            source=source, order_number=number, customer_id=customer_id,
            defaults={"total": total, "points_expected": expected, "trust": trust, "hold": hold, "reported_at": now},
        )  # fmt: skip
    return expected


def expected_points(customer_id: int, *, now: dt.datetime) -> int:
    """Points that claims of the last 14 days would earn, orders that the CRM knows left out."""
    known = Order.objects.filter(source=OuterRef("source"), number=OuterRef("order_number"))
    claims = (
        OrderReport.objects.reported_after(now - REPORT_FORGOTTEN_AFTER)
        .filter(customer_id=customer_id)
        .exclude(Exists(known))
    )
    return claims.aggregate(points=Sum("points_expected"))["points"] or 0


def pending_points(customer_id: int) -> int:
    """Points that confirmed orders will earn when they are completed."""
    newest = OrderSnapshot.objects.filter(
        order__customer_id=customer_id, order__state="confirmed", revision=F("order__revision")
    )
    return newest.aggregate(points=Sum("earns"))["points"] or 0


__all__ = [
    "Applied",
    "Outcome",
    "Snapshot",
    "Stuck",
    "apply_snapshot",
    "expected_points",
    "order_key",
    "pending_points",
    "report_order",
]
