"""Holds as services read and lock them. What may be done to one is holding's to say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bonuses.dialect import for_update, marks, moment
from bonuses.models import HoldState
from bonusportal.sql import fetch_planned


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold as services pass it around. Points are whole; `owed` is what was spent beyond the customer's points."""

    id: int
    key: str
    customer_id: int
    points: int
    owed: int
    state: str
    code_id: int | None
    order_id: int | None
    expires_at: dt.datetime | None
    again_of_id: int | None = None
    reinstated: bool = False
    is_replay: bool = False

    @property
    def source(self) -> str:
        return f"hold:{self.key}"

    @property
    def is_unresolved(self) -> bool:
        return self.state in {HoldState.OPEN, HoldState.RELEASING}

    @property
    def is_spent(self) -> bool:
        return self.state == HoldState.CAPTURED and not self.reinstated

    @property
    def may_be_taken_again(self) -> bool:
        """Its order was cancelled, so if the order comes back it takes the points again. (A hold that belongs to an order has no end by time.)

        Or its code was released as deleted, and an order names it all the same: it was used at the very moment at which it was deleted. The order is the
        better evidence.
        """
        freed = self.order_id is not None or self.code_id is not None
        return self.reinstated or (self.state == HoldState.RELEASED and freed)


_COLUMNS = "id, key, customer_id, points, owed, state, code_id, order_id, expires_at, again_of_id, reinstated_at"


def _row(values: Sequence[Any]) -> HoldRow:
    pk, key, customer_id, points, owed, state, code_id, order_id, expires_at, again_of_id, reinstated_at = values
    return HoldRow(
        pk,
        key,
        customer_id,
        points,
        owed,
        state,
        code_id,
        order_id,
        moment(expires_at),
        again_of_id,
        reinstated_at is not None,
    )


def find_hold(key: str) -> HoldRow | None:
    found = fetch_planned(f"SELECT {_COLUMNS} FROM bonuses_hold WHERE key = %s", [key])
    return _row(found[0]) if found else None


def lock_holds(hold_ids: Iterable[int]) -> list[HoldRow]:
    """Lock holds by primary key. Their customers' books must be open."""
    return _select(hold_ids, locking=for_update())


def read_holds(hold_ids: Iterable[int]) -> list[HoldRow]:
    """The same without locks: what is seen may be changing."""
    return _select(hold_ids)


def _select(hold_ids: Iterable[int], *, locking: str = "") -> list[HoldRow]:
    if not (wanted := sorted(set(hold_ids))):
        return []
    asked = f"SELECT {_COLUMNS} FROM bonuses_hold WHERE id IN ({marks(len(wanted))}) ORDER BY id{locking}"
    return [_row(values) for values in fetch_planned(asked, wanted)]


def heads(holds: Sequence[HoldRow]) -> list[HoldRow]:
    """A hold that was taken again is represented by its newest row."""
    replaced = {hold.again_of_id for hold in holds}
    return [hold for hold in holds if hold.id not in replaced]


def with_successors(hold_ids: Iterable[int], holds: Sequence[HoldRow]) -> set[int]:
    """These ids, and those of the rows by which they were taken again; `holds` as they were selected: a row is newer than the one that it replaces."""
    found = set(hold_ids)
    for hold in holds:
        if hold.again_of_id in found:
            found.add(hold.id)
    return found


def drawn_lots(hold_id: int) -> list[tuple[int, int]]:
    """`[(lot id, points)]` that the hold took when it was placed."""
    rows = fetch_planned(
        "SELECT d.lot_id, d.points FROM bonuses_lotdraw d JOIN bonuses_ledgerentry e ON e.id = d.entry_id "
        "WHERE e.hold_id = %s AND e.kind = 'hold' ORDER BY d.lot_id",
        [hold_id],
    )
    return [(lot_id, points) for lot_id, points in rows]
