"""Write points: the only writer of entries, and the only place that moves a stored balance.

A book is one customer's three accounts, locked, with the lots that still have points. `open_books` locks; `post` writes one entry with its draws and brings
accounts and lots after it, in the caller's transaction. Which entry is right is decided elsewhere. SQL is written by hand because every purchase waits for it.

Lock order: orders by primary key, then accounts by primary key, then hold, lots, code. A lot and a hold are only written under their customer's accounts.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection

from bonuses.dialect import for_update, marks, moment, stamp
from bonuses.errors import CustomerUnknown
from bonuses.models import AccountKind, Customer, EntryKind
from bonuses.models.customers import PROGRAM_ACCOUNTS
from bonuses.policy import draw

Draws = Sequence[tuple[int, int]]
Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
RETRIES = 20


@dataclass(slots=True)
class Side:
    """An account as one side of an entry; `balance` None for the program's."""

    id: int
    balance: int | None = None


@dataclass(slots=True)
class LotRow:
    """What of a lot a writer needs."""

    id: int
    remaining: int
    expires_at: dt.datetime | None
    expirations: int


@dataclass(slots=True)
class Book:
    """A customer's accounts under lock. `lots` are those read so far; after `need_all_lots` it holds every lot that has points left."""

    customer_id: int
    available: Side
    held: Side
    debt: Side
    lots: dict[int, LotRow] = field(default_factory=dict)
    has_all_lots: bool = False

    @property
    def points(self) -> int:
        return self.available.balance or 0

    @property
    def owed(self) -> int:
        """Debt as a number ≥ 0."""
        return -(self.debt.balance or 0)


def each(books: Mapping[int, Book]) -> list[Book]:
    """Every book once, in the order of customers."""
    return sorted({book.customer_id: book for book in books.values()}.values(), key=lambda book: book.customer_id)


ISSUANCE = Side(PROGRAM_ACCOUNTS[AccountKind.ISSUANCE])
REDEMPTION = Side(PROGRAM_ACCOUNTS[AccountKind.REDEMPTION])
BREAKAGE = Side(PROGRAM_ACCOUNTS[AccountKind.BREAKAGE])
ADJUSTMENT = Side(PROGRAM_ACCOUNTS[AccountKind.ADJUSTMENT])
MIGRATION = Side(PROGRAM_ACCOUNTS[AccountKind.MIGRATION])

# What a draw of an entry does to its lot: (remaining, held, granted) per point.
_OUT_OF_REMAINING = (-1, 0, 0)
MOVES = {
    EntryKind.REACCRUE: (1, 0, 1),
    EntryKind.CLAWBACK: _OUT_OF_REMAINING,
    EntryKind.HOLD: (-1, 1, 0),
    EntryKind.RELEASE: (1, -1, 0),
    EntryKind.CAPTURE: (0, -1, 0),
    EntryKind.EXPIRE: _OUT_OF_REMAINING,
    EntryKind.REINSTATE: (1, 0, 0),
    EntryKind.REPAY: _OUT_OF_REMAINING,
    EntryKind.ADJUST: _OUT_OF_REMAINING,
    EntryKind.MERGE: (0, 0, 0),
}

_INSERT_ENTRY = (
    "INSERT INTO bonuses_ledgerentry (kind, debit_id, credit_id, points, source, revision, rule_id, order_id, hold_id, "
    "actor, reason_code, note_digest, effective_at, recorded_at) VALUES (" + marks(14) + ") RETURNING id"
)
_INSERT_LOT = (
    "INSERT INTO bonuses_lot (customer_id, entry_id, granted, remaining, held, activates_at, expires_at, expirations, rule_id) "
    "VALUES (" + marks(9) + ") RETURNING id"
)
# Whoever was merged points straight at the survivor, so one statement finds and locks.
_LOCK = (
    "SELECT a.id, a.customer_id, a.kind, a.balance, a.is_closed FROM bonuses_account a WHERE a.customer_id IN "
    "(SELECT COALESCE(c.merged_into_id, c.id) FROM bonuses_customer c WHERE c.id IN ({marks})) ORDER BY a.id{lock}"
)
_LOTS = "SELECT id, remaining, expires_at, expirations FROM bonuses_lot WHERE "


class MovedAway(Exception):
    """A customer was merged into another while we waited for the accounts. Everything that was locked has to be let go before locking anew."""


def following_merges(service: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """A service that opens books. Where a customer is merged at that very moment it begins again, and finds the survivor.

    Beginning again rolls back to the service's own savepoint or BEGIN, which lets go of the locks: taking the survivor's in addition could deadlock.
    """

    @wraps(service)
    def begin_again(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        for _ in range(RETRIES):
            try:
                return service(*args, **kwargs)
            except MovedAway:
                continue
        return service(*args, **kwargs)

    return begin_again


def open_books(customer_ids: Iterable[int]) -> dict[int, Book]:
    """Lock the accounts of these customers, in the order of primary keys. Lots are read by whoever needs them.

    A merged customer is replaced by the survivor: the answer has a key for each id asked for and for each survivor. To write, use
    bonuses.services.expiring.open_settled: every writer settles what is due first. Raises CustomerUnknown; MovedAway, see `following_merges`.
    """
    wanted = sorted(set(customer_ids))
    assert connection.in_atomic_block, "books are opened in a transaction"
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(marks=marks(len(wanted)), lock=for_update()), wanted)
        rows = cursor.fetchall()
    if any(row[4] for row in rows):
        raise MovedAway
    sides: dict[int, dict[str, Side]] = {}
    for account_id, customer_id, kind, balance, _closed in rows:
        sides.setdefault(customer_id, {})[kind] = Side(account_id, balance)
    books = {
        pk: Book(pk, kinds[AccountKind.AVAILABLE], kinds[AccountKind.HELD], kinds[AccountKind.DEBT])
        for pk, kinds in sides.items()
    }
    missing = [pk for pk in wanted if pk not in books]
    survivors = dict(Customer.objects.filter(pk__in=missing).values_list("pk", "merged_into_id")) if missing else {}
    if any(survivors.get(pk) not in books for pk in missing):
        raise CustomerUnknown
    return books | {pk: books[survivors[pk]] for pk in missing}


def survivor_of(customer_id: int) -> int:
    """The customer that `customer_id` was merged into; itself where it was not."""
    return Customer.objects.values_list("merged_into_id", flat=True).filter(pk=customer_id).first() or customer_id


def _read_lots(book: Book, condition: str, parameters: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LOTS + condition, parameters)
        for lot_id, remaining, expires_at, expirations in cursor.fetchall():
            book.lots[lot_id] = LotRow(lot_id, remaining, moment(expires_at), expirations)


def need_all_lots(book: Book) -> None:
    """Read every lot with points, because an entry is about to draw from them in order."""
    if not book.has_all_lots:
        if book.points:
            _read_lots(book, "customer_id = %s AND remaining > 0", [book.customer_id])
        book.has_all_lots = True


def has_due_lots(book: Book, *, now: dt.datetime) -> bool:
    """Whether points of this book are over. One step into an index, however many lots there are."""
    if book.has_all_lots:
        return any(lot.expires_at is not None and lot.expires_at <= now for lot in book.lots.values())
    if not book.points:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM bonuses_lot WHERE customer_id = %s AND remaining > 0 AND expires_at <= %s LIMIT 1",
            [book.customer_id, stamp(now)],
        )
        return cursor.fetchone() is not None


def need_lots(book: Book, lot_ids: Iterable[int]) -> None:
    """Read lots that may have no points left, because an entry is about to give them some."""
    missing = sorted(set(lot_ids) - book.lots.keys())
    if missing:
        _read_lots(book, f"id IN ({marks(len(missing))})", missing)


def post(
    kind: EntryKind,
    *,
    debit: Side,
    credit: Side,
    points: int,
    source: str,
    actor: str,
    effective_at: dt.datetime,
    now: dt.datetime,
    revision: int = 0,
    draws: Draws = (),
    drawn_from: Book | None = None,
    rule_id: int | None = None,
    order_id: int | None = None,
    hold_id: int | None = None,
    reason_code: str = "",
    note: str = "",
) -> int:
    """Write one entry and bring balances and lots after it; returns its id.

    The accounts must be locked by `open_books`. `draws` name lots of the book `drawn_from` and add up to `points`, except for entries that make a lot or
    touch debt. The natural key `(kind, source, revision)` is unique: callers look it up before they get here.
    """
    digest, salt = _digest_note(note)
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_ENTRY,
            [kind.value, debit.id, credit.id, points, source, revision, rule_id, order_id, hold_id, actor, reason_code, digest,
             stamp(effective_at), stamp(now)],
        )  # fmt: skip
        (entry_id,) = cursor.fetchone()
        if draws:
            assert drawn_from is not None
            assert sum(n for _, n in draws) == points
            _draw(cursor, kind, int(entry_id), draws, drawn_from)
        _move_balances(cursor, debit, credit, points)
        if note:
            cursor.execute(
                "INSERT INTO bonuses_note (entry_id, text, salt) VALUES (%s, %s, %s)", [entry_id, note, salt]
            )
    return int(entry_id)


def _digest_note(note: str) -> tuple[str, str]:
    """A person's words never enter the sealed history: a digest does, salted so that nobody can guess the words from it."""
    if not note:
        return "", ""
    salt = secrets.token_hex(16)
    return hashlib.sha256(f"{salt}\n{note}".encode()).hexdigest(), salt


def _draw(cursor: object, kind: EntryKind, entry_id: int, draws: Draws, book: Book) -> None:
    execute = cursor.execute  # type: ignore[attr-defined]
    execute(
        "INSERT INTO bonuses_lotdraw (entry_id, lot_id, points) VALUES " + ", ".join(["(%s, %s, %s)"] * len(draws)),
        [value for lot_id, points in draws for value in (entry_id, lot_id, points)],
    )
    remaining, held, granted = MOVES[kind]
    if kind is EntryKind.MERGE:
        return
    for lot_id, points in draws:
        sets, values = [], []
        for column, factor in (("remaining", remaining), ("held", held), ("granted", granted)):
            if factor:
                sets.append(f"{column} = {column} + %s")
                values.append(factor * points)
        if kind is EntryKind.EXPIRE:
            sets.append("expirations = expirations + 1")
        execute(f"UPDATE bonuses_lot SET {', '.join(sets)} WHERE id = %s", [*values, lot_id])
        if lot := book.lots.get(lot_id):
            lot.remaining += remaining * points
            lot.expirations += kind is EntryKind.EXPIRE


def _move_balances(cursor: object, debit: Side, credit: Side, points: int) -> None:
    moved = []
    for side, change in ((debit, -points), (credit, points)):
        if side.balance is not None:
            side.balance += change
            moved.append((side.id, change))
    if len(moved) == 1:
        ((side_id, change),) = moved
        cursor.execute("UPDATE bonuses_account SET balance = balance + %s WHERE id = %s", [change, side_id])  # type: ignore[attr-defined]
    elif moved:
        (first, change), (second, other) = moved
        cursor.execute(  # type: ignore[attr-defined]
            "UPDATE bonuses_account SET balance = balance + CASE WHEN id = %s THEN CAST(%s AS bigint) ELSE CAST(%s AS bigint) END WHERE id IN (%s, %s)",
            [first, change, other, first, second],
        )


def make_lot(
    book: Book,
    *,
    entry_id: int,
    points: int,
    activates_at: dt.datetime,
    expires_at: dt.datetime | None,
    rule_id: int | None,
) -> int:
    """The lot that an entry created. Returns its id."""
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_LOT,
            [book.customer_id, entry_id, points, points, 0, stamp(activates_at), stamp(expires_at), 0, rule_id],
        )
        (lot_id,) = cursor.fetchone()
    book.lots[lot_id] = LotRow(lot_id, points, expires_at, 0)
    return int(lot_id)


def repay(
    book: Book, *, source: str, revision: int = 0, actor: str, effective_at: dt.datetime, now: dt.datetime
) -> int:
    """Free points pay debt first. `source` names the cause. Returns the points repaid; available points and debt never stand side by side."""
    points = min(book.points, book.owed)
    if not points:
        return 0
    need_all_lots(book)
    drawn, _short = draw(book.lots.values(), points)
    post(EntryKind.REPAY, debit=book.available, credit=book.debt, points=points, source=source, revision=revision, actor=actor,
         effective_at=effective_at, now=now, draws=drawn, drawn_from=book)  # fmt: skip
    return points
