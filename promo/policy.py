"""The rules of pools, as pure functions: when is a pool low, what is a good code, what becomes of a row of the grid. No rows, no clock, no network."""

from __future__ import annotations

import datetime as dt
import math
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from promo.ports import GridRow, RowStatus

# Codes so near their last day are not handed out: a shopper needs time to use one.
MIN_DAYS_LEFT = 3
QUARANTINE = dt.timedelta(days=7)
COOLDOWN_FIRST = dt.timedelta(minutes=15)
COOLDOWN_MOST = dt.timedelta(hours=6)
NEARBY_AMOUNTS = 4

# Without 0/O, 1/I/L: a person reads codes out on the phone. 31 letters, so ten of them are 49.5 bits.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
RANDOM_LENGTH = 10
# Fragments one would not print on a customer's order: uk, en and ru words in the letters that codes have.
BANNED = (
    "FUCK",
    "SHIT",
    "CUNT",
    "DAMN",
    "NAZ",
    "SS88",
    "HH88",
    "SEX",
    "XXX",
    "ASS",
    "GAY",
    "FAG",
    "KKK",
    "HUY",
    "XYN",
    "XYU",
    "XYE",
    "PZD",
    "SYKA",
    "CYKA",
    "SUKA",
    "BLYA",
    "BLYAT",
    "EBAT",
    "EBAN",
    "MUDAK",
    "DURA",
    "DYPA",
    "DUPA",
    "SRAK",
    "ZHPA",
    "PUTN",
    "RUS",
    "VATA",
    "DEAD",
    "HATE",
)


def cooldown_after(failures_in_row: int) -> dt.timedelta:
    """15 minutes, doubling with every failure in a row, at most six hours."""
    doublings = max(0, min(failures_in_row - 1, 10))
    return min(COOLDOWN_FIRST * (1 << doublings), COOLDOWN_MOST)


def invent_code(amount_uah: int, *, pick: Callable[[str], str] = secrets.choice) -> str:
    """`BON` + amount + ten random letters, none of them banned. The amount is never read back from a code: the random part may begin with digits."""
    while True:
        random_part = "".join(pick(ALPHABET) for _ in range(RANDOM_LENGTH))
        if not any(word in random_part for word in BANNED):
            return f"BON{amount_uah}{random_part}"


def random_length_of(code_length: int, *, amount_uah: int) -> int:
    """How many letters of a code a guesser does not know: all but `BON` and the amount."""
    return max(0, code_length - len(f"BON{amount_uah}"))


def entropy_bits(length: int = RANDOM_LENGTH, letters: int = len(ALPHABET)) -> float:
    return length * math.log2(letters)


def expected_guesses(live_codes: int, *, length: int = RANDOM_LENGTH, letters: int = len(ALPHABET)) -> float:
    """How many guesses one hit costs on average when this many codes of the amount are live."""
    return math.inf if live_codes == 0 else letters**length / (live_codes + 1)


class Decision(StrEnum):
    """What becomes of a row of the grid."""

    KEEP = "keep"  # ours, planned, there and active: available from now on
    KNOWN = "known"  # known to us in another state: nothing changes
    ADOPT = "adopt"  # not ours, active, and the pool trusts the panel
    FOREIGN = "foreign"  # not ours, active: a person decides
    VOID = "void"  # ours and not handed out, but inactive in the panel
    USED = "used"  # handed out and now inactive: spent in the store
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Decided:
    row: GridRow
    decision: Decision
    why: str


MAX_CODE_LENGTH = 50


def decide_row(
    row: GridRow,
    *,
    amount_uah: int,
    known_state: str | None,
    known_amount_uah: int | None,
    adopts: bool,
    today: dt.date,
) -> Decided:
    """What to do with one row of the grid. `known_state` is our state of that string, None where we never saw it.

    Every way to be unsure ends in IGNORE: a wrong code in a pool costs money, a missed one only time.
    """
    if not row.code or len(row.code) > MAX_CODE_LENGTH:
        return Decided(row, Decision.IGNORE, "no code in the row")
    if row.amount_uah is None:
        return Decided(row, Decision.IGNORE, "amount could not be read")
    if row.amount_uah != amount_uah:
        return Decided(row, Decision.IGNORE, f"another amount: {row.amount_uah}")
    if known_state is not None and known_amount_uah != amount_uah:
        return Decided(row, Decision.IGNORE, f"known to us as a code of {known_amount_uah}")
    if row.status is RowStatus.UNKNOWN:
        return Decided(row, Decision.IGNORE, "status word unknown")
    lapsed = row.valid_until is not None and row.valid_until < today + dt.timedelta(days=MIN_DAYS_LEFT)
    if known_state is None:
        if row.status is RowStatus.INACTIVE:
            return Decided(row, Decision.IGNORE, "not ours and inactive")
        if not row.code.startswith("BON"):
            return Decided(row, Decision.IGNORE, "not a bonus code")
        if lapsed:
            return Decided(row, Decision.IGNORE, "not ours and near its last day")
        return (
            Decided(row, Decision.ADOPT, "active and new to us")
            if adopts
            else Decided(row, Decision.FOREIGN, "active and new to us: a person decides")
        )
    if known_state == "planned":
        if row.status is RowStatus.INACTIVE or lapsed:
            return Decided(
                row, Decision.VOID, "ours, but inactive in the panel" if not lapsed else "ours, but past its day"
            )
        return Decided(row, Decision.KEEP, "ours, read back active")
    if row.status is RowStatus.INACTIVE:
        if known_state == "available":
            return Decided(row, Decision.VOID, "inactive in the panel although not handed out")
        if known_state in {"issued", "withdrawn"}:
            return Decided(row, Decision.USED, "inactive in the panel: used in the store")
    return Decided(row, Decision.KNOWN, f"known as {known_state}")


def codes_to_make(*, target: int, available: int, planned: int) -> int:
    """How many new strings to plan: planned ones that are still open count, so a rerun invents none while they are."""
    return max(0, target - available - planned)


def states_in(rows: Collection[Decided], decision: Decision) -> list[GridRow]:
    return [decided.row for decided in rows if decided.decision is decision]
