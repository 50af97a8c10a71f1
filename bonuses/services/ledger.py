"""Write points: the only writer of entries, and the only place that moves a stored balance.

A book is one customer's three accounts, locked, with the lots that still have points. `open_books` locks; `post` writes one entry with its draws and brings
accounts and lots after it, in the caller's transaction. Which entry is right is decided elsewhere. SQL is written by hand because every purchase waits for it:
on PostgreSQL an entry with all that follows from it is one statement; SQLite runs the same parts one by one.

Lock order: orders by primary key, then accounts by primary key, then hold, lots, code. A lot and a hold are only written under their customer's accounts.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from django.db import connection

from bonuses.dialect import for_update, marks, moment, stamp
from bonuses.errors import CustomerUnknown
from bonuses.models import AccountKind, Customer, EntryKind
from bonuses.models.customers import PROGRAM_ACCOUNTS
from bonuses.policy import draw
from bonusportal.sql import execute_planned, fetch_planned

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
_INSERT_DRAWS = "INSERT INTO bonuses_lotdraw (entry_id, lot_id, points)"
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
    rows = fetch_planned(_LOCK.format(marks=marks(len(wanted)), lock=for_update()), wanted)
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
    for lot_id, remaining, expires_at, expirations in fetch_planned(_LOTS + condition, parameters):
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
    due = "SELECT 1 FROM bonuses_lot WHERE customer_id = %s AND remaining > 0 AND expires_at <= %s LIMIT 1"
    return bool(fetch_planned(due, [book.customer_id, stamp(now)]))


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
    entry = [kind.value, debit.id, credit.id, points, source, revision, rule_id, order_id, hold_id, actor, reason_code, digest,
             stamp(effective_at), stamp(now)]  # fmt: skip
    assert not draws or (drawn_from is not None and sum(n for _, n in draws) == points)
    changes = [(side.id, change) for side, change in ((debit, -points), (credit, points)) if side.balance is not None]
    write = _write_in_one if connection.vendor == "postgresql" else _write_in_steps
    entry_id = write(kind, entry, draws, changes)
    _follow(kind, debit, credit, points, draws, drawn_from)
    if note:
        execute_planned("INSERT INTO bonuses_note (entry_id, text, salt) VALUES (%s, %s, %s)", [entry_id, note, salt])
    return entry_id


def _write_in_one(kind: EntryKind, entry: list[object], draws: Draws, changes: Draws) -> int:
    flat = [value for pair in draws for value in pair] + [value for pair in changes for value in pair]
    return int(fetch_planned(_in_one(kind, len(draws), len(changes)), [*entry, *flat])[0][0])


@lru_cache(maxsize=256)
def _in_one(kind: EntryKind, draws: int, changes: int) -> str:
    """The entry, its draws and what they do to lots, and the balances of its sides."""
    parts = [f"entry AS ({_INSERT_ENTRY})"]
    if draws:
        parts.append(f"drawn (lot_id, points) AS (VALUES {_pairs(draws)})")
        parts.append(f"draws AS ({_INSERT_DRAWS} SELECT entry.id, drawn.lot_id, drawn.points FROM entry, drawn)")
        if sets := _sets(kind, "drawn.points"):
            parts.append(f"lots AS (UPDATE bonuses_lot SET {sets} FROM drawn WHERE bonuses_lot.id = drawn.lot_id)")
    if changes:
        parts.append(f"changes (id, points) AS (VALUES {_pairs(changes)})")
        parts.append(
            "sides AS (UPDATE bonuses_account SET balance = balance + changes.points FROM changes WHERE bonuses_account.id = changes.id)"
        )
    return f"WITH {', '.join(parts)} SELECT id FROM entry"


def _write_in_steps(kind: EntryKind, entry: list[object], draws: Draws, changes: Draws) -> int:
    ((entry_id,),) = fetch_planned(_INSERT_ENTRY, entry)
    for lot_id, points in draws:
        execute_planned(f"{_INSERT_DRAWS} VALUES (%s, %s, %s)", [entry_id, lot_id, points])
        if sets := _sets(kind, "%s"):
            execute_planned(f"UPDATE bonuses_lot SET {sets} WHERE id = %s", [*[points] * sets.count("%s"), lot_id])
    for side_id, change in changes:
        execute_planned("UPDATE bonuses_account SET balance = balance + %s WHERE id = %s", [change, side_id])
    return int(entry_id)


def _pairs(count: int) -> str:
    return ", ".join(["(%s, %s)"] * count)


def _sets(kind: EntryKind, points: str) -> str:
    """What a draw does to its lot, as the SET of an UPDATE."""
    columns = zip(("remaining", "held", "granted"), MOVES[kind], strict=True)
    sets = [f"{column} = {column} {'-' if factor < 0 else '+'} {points}" for column, factor in columns if factor]
    return ", ".join([*sets, "expirations = expirations + 1"] if kind is EntryKind.EXPIRE else sets)


def _follow(kind: EntryKind, debit: Side, credit: Side, points: int, draws: Draws, book: Book | None) -> None:
    """What was written, in the open book."""
    for side, change in ((debit, -points), (credit, points)):
        if side.balance is not None:
            side.balance += change
    for lot_id, drawn in draws:
        if book is not None and (lot := book.lots.get(lot_id)):
            lot.remaining += MOVES[kind][0] * drawn
            lot.expirations += kind is EntryKind.EXPIRE


def _digest_note(note: str) -> tuple[str, str]:
    """A person's words never enter the sealed history: a digest does, salted so that nobody can guess the words from it."""
    if not note:
        return "", ""
    salt = secrets.token_hex(16)
    return hashlib.sha256(f"{salt}\n{note}".encode()).hexdigest(), salt


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
    lot = [book.customer_id, entry_id, points, points, 0, stamp(activates_at), stamp(expires_at), 0, rule_id]
    ((lot_id,),) = fetch_planned(_INSERT_LOT, lot)
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
