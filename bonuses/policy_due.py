"""What becomes due by itself: ends of holds and of lots, and the repayments that follow. Pure functions of rows and time; no rows, no clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bonuses.policy import LotLike, draw


@dataclass(frozen=True, slots=True)
class DueHold:
    """An open hold without a code: its end releases it."""

    id: int
    expires_at: dt.datetime
    draws: Sequence[tuple[int, int]]


@dataclass(slots=True)
class _Left:
    id: int
    remaining: int
    expires_at: dt.datetime | None


class Move(StrEnum):
    RELEASE = "release"
    EXPIRE = "expire"
    REPAY = "repay"


@dataclass(frozen=True, slots=True)
class Movement:
    """Something that became due by itself. `subject` is the hold's or the lot's id; None for a repayment."""

    move: Move
    at: dt.datetime
    points: int
    draws: tuple[tuple[int, int], ...]
    subject: int | None = None


@dataclass(slots=True)
class _Foreseen:
    left: dict[int, _Left]
    owed: int
    moves: list[Movement] = field(default_factory=list)

    def release(self, hold: DueHold) -> None:
        self.moves.append(
            Movement(Move.RELEASE, hold.expires_at, sum(n for _, n in hold.draws), tuple(hold.draws), hold.id)
        )
        for lot_id, points in hold.draws:
            self.left[lot_id].remaining += points
        # Freed after its date it is gone at once: at the moment of freeing, never before it.
        for lot_id, _points in hold.draws:
            end = self.left[lot_id].expires_at
            if end is not None and end <= hold.expires_at:
                self.expire(lot_id, hold.expires_at)
        self.repay(hold.expires_at)

    def expire(self, lot_id: int, at: dt.datetime) -> None:
        lot = self.left[lot_id]
        if lot.remaining:
            self.moves.append(Movement(Move.EXPIRE, at, lot.remaining, ((lot_id, lot.remaining),), lot_id))
            lot.remaining = 0

    def repay(self, at: dt.datetime) -> None:
        drawn, short = draw(self.left.values(), self.owed)
        if drawn:
            self.moves.append(Movement(Move.REPAY, at, self.owed - short, tuple(drawn)))
            for lot_id, points in drawn:
                self.left[lot_id].remaining -= points
            self.owed = short


def due_movements(lots: Iterable[LotLike], holds: Iterable[DueHold], *, owed: int, now: dt.datetime) -> list[Movement]:
    """What became due by itself up to and including `now`, in the order of time: ends of holds, then ends of lots, repayments of `owed` (≥ 0) points.

    The answer is the same however often and however late it is asked, which is why no scheduler changes a balance. `lots` must hold every lot that still
    has points or is drawn by one of `holds`.
    """
    foreseen = _Foreseen({lot.id: _Left(lot.id, lot.remaining, lot.expires_at) for lot in lots}, owed)
    events: list[tuple[dt.datetime, int, int, DueHold | None]] = [
        (hold.expires_at, 0, hold.id, hold) for hold in holds if hold.expires_at <= now
    ]
    events += [
        (lot.expires_at, 1, lot.id, None) for lot in foreseen.left.values() if lot.expires_at and lot.expires_at <= now
    ]
    for at, _rank, lot_id, hold in sorted(events, key=lambda event: event[:3]):
        if hold is not None:
            foreseen.release(hold)
        else:
            foreseen.expire(lot_id, at)
    return foreseen.moves
