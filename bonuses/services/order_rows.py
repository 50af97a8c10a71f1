"""The rows of orders: a snapshot as a value, the order under lock, what is written of both. What a snapshot means is decided by bonuses.services.orders."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from bonuses.dialect import for_update, marks, stamp
from bonuses.models import EarningRule, Order, OrderSnapshot
from bonuses.policy import Totals
from bonuses.policy_orders import Stage
from bonusportal.sql import columns_of, execute_planned, fetch_planned, row_of


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the CRM says of an order at `seen_at`, the CRM's own time of it. `activated_at` is when it was closed; None: unknown.

    `customer_id` earns; `hold_ids` are the holds whose code stands in the order, `freed_hold_ids` those of them that pay for nothing while the part that
    they paid for is cancelled.
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
    freed_hold_ids: tuple[int, ...] = ()
    reason: str = ""

    @property
    def digest(self) -> str:
        totals = self.totals
        sums = (totals.grand, totals.goods, totals.shipping, totals.wrap, totals.taxes, totals.other_discount)
        money = [f"{value:.2f}" for value in sums]
        freed = [f"freed {hold_id}" for hold_id in sorted(self.freed_hold_ids)]
        parts = [self.stage.value, *money, str(self.customer_id), *map(str, sorted(self.hold_ids)), *freed]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


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
    # On SQLite "ON CONFLICT" after a SELECT needs a WHERE before it, which the rule's validity is.
    execute_planned(
        _INSERT_ORDER,
        [source, number, state, stamp(placed_at), stamp(seen_at), is_imported, stamp(now), stamp(placed_at)],
    )


def lock_order(snapshot: Snapshot, now: dt.datetime) -> Order | None:
    """The order under lock; None for one that is history. Orders are locked before accounts: nobody who holds an account asks for an order."""
    found = _find_locked(snapshot)
    if found is not None:
        return found
    starts_at = settings.PROGRAM_STARTS_AT
    if starts_at is None or snapshot.placed_at < starts_at:
        return None
    make_order_row(
        source=snapshot.source, number=snapshot.number, state=snapshot.stage.value, placed_at=snapshot.placed_at, seen_at=snapshot.seen_at,
        is_imported=False, now=now,
    )  # fmt: skip
    return _find_locked(snapshot)


def _find_locked(snapshot: Snapshot) -> Order | None:
    """The order with its rule; only the order is locked."""
    columns = f"{columns_of(Order, 'o')}, {columns_of(EarningRule, 'r')}"
    lock = f"{for_update()} OF o" if for_update() else ""
    rows = fetch_planned(
        f"SELECT {columns} FROM bonuses_order o JOIN bonuses_earningrule r ON r.id = o.rule_id WHERE o.source = %s AND o.number = %s{lock}",
        [snapshot.source, snapshot.number],
    )
    if not rows:
        return None
    width = len(Order._meta.concrete_fields)
    order = row_of(Order, rows[0][:width])
    order.rule = row_of(EarningRule, rows[0][width:])
    return order


def totals_of(snapshot: OrderSnapshot) -> Totals:
    """The sums of a stored snapshot as the rules read them."""
    return Totals(
        snapshot.grand_total,
        snapshot.goods_total,
        snapshot.shipping,
        snapshot.wrap,
        snapshot.taxes,
        snapshot.other_discount,
    )


def last_digest(order: Order) -> str:
    return OrderSnapshot.objects.values_list("digest", flat=True).get(order=order, revision=order.revision)


_WITH_SUCCESSORS = (
    "WITH RECURSIVE found(id, customer_id) AS ({} UNION "
    "SELECT h.id, h.customer_id FROM bonuses_hold h JOIN found f ON h.again_of_id = f.id) SELECT id, customer_id FROM found"
)


def find_holds(order: Order, snapshot: Snapshot, *, is_known: bool) -> dict[int, int]:
    """`{hold: its owner}`, without locks: the order's own, those that the snapshot names, and for each the ones by which it was taken again since."""
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
        cursor.execute(_WITH_SUCCESSORS.format(" UNION ".join(parts)), parameters)
        return dict(cursor.fetchall())


def insert_snapshot(order: Order, snapshot: Snapshot, *, earns: int, actor: str, now: dt.datetime) -> None:
    totals = snapshot.totals
    execute_planned(
        _INSERT_SNAPSHOT,
        [order.pk, order.revision, snapshot.stage.value, totals.grand, totals.goods, totals.shipping, totals.wrap, totals.taxes,
         totals.other_discount, earns, snapshot.digest, actor, snapshot.reason[:300], stamp(snapshot.seen_at), stamp(now)],
    )  # fmt: skip


def save_order(order: Order) -> None:
    execute_planned(
        "UPDATE bonuses_order SET customer_id = %s, state = %s, revision = %s, grand_total = %s, lot_id = %s, granted = %s, clawed_back = %s, "
        "completed_at = %s, seen_at = %s, stuck_reason = %s WHERE id = %s",
        [order.customer_id, order.state, order.revision, order.grand_total, order.lot_id, order.granted, order.clawed_back,
         stamp(order.completed_at), stamp(order.seen_at), order.stuck_reason, order.pk],
    )  # fmt: skip
