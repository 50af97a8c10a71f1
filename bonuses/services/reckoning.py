"""Questions about balances: now, at a past moment as it was known at another, and statements that close. Nothing here writes.

Two axes: an entry is true from its `effective_at`, and known from its seal's `sealed_at`. What is known at a sealed moment never changes any more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection

from bonuses.dialect import moment, stamp
from bonuses.errors import CustomerUnknown
from bonuses.models import Account, AccountKind, Seal
from bonuses.policy import last_day_of
from bonuses.policy_due import DueHold, Move, Movement, due_movements
from bonuses.services import expiring
from bonuses.services.ledger import LotRow


@dataclass(frozen=True, slots=True)
class Balance:
    """Whole points; `owed` ≥ 0. `expiring` are what is available by its last Kyiv day, earliest first, never-ending last with None."""

    available: int
    held: int
    owed: int
    expiring: list[tuple[int, dt.date | None]] = field(default_factory=list)


# Every page of the store asks this, so it is one statement by hand.
_STORED = (
    "SELECT kind, balance, customer_id FROM bonuses_account WHERE customer_id = "
    "(SELECT COALESCE(merged_into_id, id) FROM bonuses_customer WHERE id = %s)"
)


def balance(customer_id: int, *, now: dt.datetime) -> Balance:
    """What the customer has at `now`. What became due and is not in the books yet counts as if it were. Raises CustomerUnknown."""
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [customer_id])
        rows = cursor.fetchall()
    if not rows:
        raise CustomerUnknown
    survivor = rows[0][2]
    stored = {kind: balance for kind, balance, _survivor in rows}
    held, owed = stored[AccountKind.HELD], -stored[AccountKind.DEBT]
    holds = expiring.due_holds(survivor, now=now) if held else []
    lots = _lots(survivor, holds) if stored[AccountKind.AVAILABLE] or holds else {}
    moves = due_movements(lots.values(), holds, owed=owed, now=now)
    left = {pk: lot.remaining for pk, lot in lots.items()}
    for move in moves:
        sign = 1 if move.move is Move.RELEASE else -1
        for lot_id, points in move.draws:
            left[lot_id] += sign * points
    by_day: dict[dt.date | None, int] = {}
    for lot_id, points in left.items():
        if points:
            day = last_day_of(lots[lot_id].expires_at)
            by_day[day] = by_day.get(day, 0) + points
    released, repaid = _sum(moves, Move.RELEASE), _sum(moves, Move.REPAY)
    expiring_first = sorted(((points, day) for day, points in by_day.items()), key=lambda pair: pair[1] or dt.date.max)
    return Balance(sum(left.values()), held - released, owed - repaid, expiring_first)


def _sum(moves: Sequence[Movement], kind: Move) -> int:
    return sum(move.points for move in moves if move.move is kind)


def _lots(customer_id: int, holds: Sequence[DueHold]) -> dict[int, LotRow]:
    freed = sorted({lot_id for hold in holds for lot_id, _ in hold.draws})
    also = f" OR id IN ({', '.join(['%s'] * len(freed))})" if freed else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, remaining, expires_at, expirations FROM bonuses_lot WHERE (customer_id = %s AND remaining > 0){also}",
            [customer_id, *freed],
        )
        return {pk: LotRow(pk, remaining, moment(until), times) for pk, remaining, until, times in cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class PastBalance:
    """`is_provisional`: something sealed later may still change it."""

    available: int
    held: int
    owed: int
    is_provisional: bool


_AS_OF = """
SELECT COALESCE(SUM(CASE WHEN e.credit_id = %s THEN e.points ELSE -e.points END), 0) FROM bonuses_ledgerentry e {seals}
WHERE (e.debit_id = %s OR e.credit_id = %s) AND e.effective_at <= %s{known}
"""


def balance_as_of(customer_id: int, *, at: dt.datetime, known_at: dt.datetime | None = None) -> PastBalance:
    """The balance at `at`, as it was known at `known_at` (None: by everything recorded). Of exactly this customer: what was merged in counts from the merge.

    Raises CustomerUnknown.
    """
    accounts = dict(Account.objects.filter(customer_id=customer_id).values_list("kind", "pk"))
    if not accounts:
        raise CustomerUnknown
    head = Seal.objects.order_by("-sequence").values_list("sealed_at", flat=True).first()
    is_provisional = known_at is None or head is None or known_at > head
    sums = [
        _sum_of(accounts[kind], at=at, known_at=known_at)
        for kind in (AccountKind.AVAILABLE, AccountKind.HELD, AccountKind.DEBT)
    ]
    return PastBalance(sums[0], sums[1], -sums[2], is_provisional)


def _sum_of(account_id: int, *, at: dt.datetime, known_at: dt.datetime | None) -> int:
    seals, known, parameters = "", "", [account_id, account_id, account_id, stamp(at)]
    if known_at is not None:
        seals, known = "JOIN bonuses_seal s ON s.entry_id = e.id", " AND s.sealed_at <= %s"
        parameters.append(stamp(known_at))
    with connection.cursor() as cursor:
        cursor.execute(_AS_OF.format(seals=seals, known=known), parameters)
        (total,) = cursor.fetchone()
    return int(total)


@dataclass(frozen=True, slots=True)
class Statement:
    """`opening` + the lines = `closing`, of available and held together; debt closes on lines of its own. Lines carry their sign."""

    opening: int
    lines: dict[str, int]
    closing: int
    debt_opening: int
    debt_lines: dict[str, int]
    debt_closing: int
    is_provisional: bool

    @property
    def closes(self) -> bool:
        return (
            self.opening + sum(self.lines.values()) == self.closing
            and self.debt_opening + sum(self.debt_lines.values()) == self.debt_closing
        )


LINES = (
    "migrated",
    "accrued",
    "reinstated",
    "merged_in",
    "adjusted",
    "captured",
    "expired",
    "clawed_back",
    "repaid",
    "merged_out",
)
DEBT_LINES = ("incurred", "repaid", "reinstated", "merged")
_LINE_OF = {"migrate": "migrated", "accrue": "accrued", "reaccrue": "accrued", "reinstate": "reinstated", "adjust": "adjusted",
            "capture": "captured", "expire": "expired", "clawback": "clawed_back", "repay": "repaid"}  # fmt: skip
_DEBT_LINE_OF = {"incur_debt": "incurred", "repay": "repaid", "reinstate": "reinstated", "merge": "merged"}
_MOVED = """
SELECT e.kind, e.debit_id, e.credit_id, SUM(e.points) FROM bonuses_ledgerentry e {seals}
WHERE (e.debit_id IN (%s, %s, %s) OR e.credit_id IN (%s, %s, %s)) AND e.effective_at > %s AND e.effective_at <= %s{known}
GROUP BY e.kind, e.debit_id, e.credit_id
"""


def statement(
    customer_id: int, *, after: dt.datetime, until: dt.datetime, known_at: dt.datetime | None = None
) -> Statement:
    """What moved in (`after`, `until`]. Seal and anchor first (bonuses.services.sealing.close_books), or it is provisional. Raises CustomerUnknown."""
    opening = balance_as_of(customer_id, at=after, known_at=known_at)
    closing = balance_as_of(customer_id, at=until, known_at=known_at)
    accounts = dict(Account.objects.filter(customer_id=customer_id).values_list("kind", "pk"))
    points = {accounts[AccountKind.AVAILABLE], accounts[AccountKind.HELD]}
    debt = accounts[AccountKind.DEBT]
    lines, debt_lines = dict.fromkeys(LINES, 0), dict.fromkeys(DEBT_LINES, 0)
    for kind, debit_id, credit_id, total in _moved([*points, debt], after, until, known_at):
        change = int(total) * ((credit_id in points) - (debit_id in points))
        debt_change = int(total) * ((credit_id == debt) - (debit_id == debt))
        if change:  # hold and release move within, so they are no line
            lines[_LINE_OF.get(kind) or ("merged_in" if change > 0 else "merged_out")] += change
        if debt_change:
            debt_lines[_DEBT_LINE_OF[kind]] -= debt_change
    return Statement(
        opening.available + opening.held, lines, closing.available + closing.held, opening.owed, debt_lines, closing.owed,
        closing.is_provisional,
    )  # fmt: skip


def _moved(
    accounts: list[int], after: dt.datetime, until: dt.datetime, known_at: dt.datetime | None
) -> list[tuple[str, int, int, int]]:
    seals, known, parameters = "", "", [*accounts, *accounts, stamp(after), stamp(until)]
    if known_at is not None:
        seals, known = "JOIN bonuses_seal s ON s.entry_id = e.id", " AND s.sealed_at <= %s"
        parameters.append(stamp(known_at))
    with connection.cursor() as cursor:
        cursor.execute(_MOVED.format(seals=seals, known=known), parameters)
        return list(cursor.fetchall())
