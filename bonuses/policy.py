"""The rules of the program as pure functions: how many points, until when, from which lots. No rows, no clock.

`points_for` is the only place where money becomes points, so the only place that rounds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from enum import StrEnum
from typing import Any, Protocol
from zoneinfo import ZoneInfo

KYIV = ZoneInfo("Europe/Kyiv")
HOLD_LIVES = dt.timedelta(minutes=60)
REPORT_EXTENDS_HOLD = dt.timedelta(hours=72)
REPORT_FORGOTTEN_AFTER = dt.timedelta(days=14)
_ROUNDINGS = {"floor": ROUND_DOWN, "half_up": ROUND_HALF_UP, "up": ROUND_UP}


class Base(StrEnum):
    """What the rate is taken of."""

    GOODS = "goods"  # grand total − shipping − wrap − taxes
    GRAND = "grand"  # the whole payable total, the predecessor's way


@dataclass(frozen=True, slots=True)
class Multiplier:
    """ "Double points on the first weekend of March": orders placed on these Kyiv days, first and last included."""

    name: str
    first_day: dt.date
    last_day: dt.date
    factor: Decimal

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Multiplier:
        """Raises ValueError, KeyError or ArithmeticError for anything but `{name, first_day, last_day, factor}`."""
        made = cls(
            name=str(value["name"]),
            first_day=dt.date.fromisoformat(value["first_day"]),
            last_day=dt.date.fromisoformat(value["last_day"]),
            factor=Decimal(str(value["factor"])),
        )
        if made.last_day < made.first_day or not 0 <= made.factor <= 100:
            raise ValueError("a multiplier needs a last day not before its first, and a factor from 0 to 100")
        return made


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of the earning rule. `rate_percent` 10 is 10 %; money in hryvnias; times in days."""

    version: int = 1
    rate_percent: Decimal = Decimal(10)
    base: str = Base.GOODS
    rounding: str = "floor"
    minimum_order: Decimal = Decimal(0)
    share_percent: int = 50
    lifetime_days: int = 90
    least_days: int = 30
    multipliers: tuple[Multiplier, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """An order's money as the CRM states it, in hryvnias. `goods` is the products' total before discounts."""

    grand: Decimal
    goods: Decimal = Decimal(0)
    shipping: Decimal = Decimal(0)
    wrap: Decimal = Decimal(0)
    taxes: Decimal = Decimal(0)
    other_discount: Decimal = Decimal(0)


def base_of(rule: Rule, totals: Totals) -> Decimal:
    """Hryvnias that earn. Our code's discount is already taken off the grand total. Never below 0."""
    if rule.base == Base.GRAND:
        return max(totals.grand, Decimal(0))
    return max(totals.grand - totals.shipping - totals.wrap - totals.taxes, Decimal(0))


def factor_of(rule: Rule, placed_at: dt.datetime) -> Decimal:
    """Multipliers of one day multiply."""
    day = placed_at.astimezone(KYIV).date()
    factor = Decimal(1)
    for multiplier in rule.multipliers:
        if multiplier.first_day <= day <= multiplier.last_day:
            factor *= multiplier.factor
    return factor


def points_for(rule: Rule, base: Decimal, *, placed_at: dt.datetime) -> int:
    """Whole points for `base` hryvnias; 0 under the minimum order."""
    if base < rule.minimum_order or base <= 0:
        return 0
    exact = base * rule.rate_percent / 100 * factor_of(rule, placed_at)
    return int(exact.quantize(Decimal(1), rounding=_ROUNDINGS[rule.rounding]))


def points_of_order(rule: Rule, totals: Totals, *, placed_at: dt.datetime) -> int:
    return points_for(rule, base_of(rule, totals), placed_at=placed_at)


def max_payable(rule: Rule, *, available: int, goods: Decimal, other_discount: Decimal = Decimal(0)) -> int:
    """How many points may pay for an order: the share of its products' total, less other discounts, and no more than there are."""
    share = int(goods * rule.share_percent / 100 - other_discount)
    return max(0, min(available, share))


def max_payable_in_cart(rule: Rule, *, available: int, total: Decimal, discount: Decimal = Decimal(0)) -> int:
    """The same for a cart, which shows what its products come to once other discounts (`discount`) are taken off, and before our code."""
    return max_payable(rule, available=available, goods=total + discount, other_discount=discount)


def kyiv_midnight(day: dt.date) -> dt.datetime:
    """The first instant of a Kyiv day, in UTC. Clocks there change at three in the morning, so midnight exists once on every day."""
    return dt.datetime.combine(day, dt.time(), KYIV).astimezone(dt.UTC)


def lot_end(rule: Rule, *, activated_at: dt.datetime, known_at: dt.datetime) -> dt.datetime:
    """The first instant at which the points are gone: 00:00 in Kyiv of the day after the last one.

    `lifetime_days` from activation, but at least `least_days` from the moment we knew.
    """
    last = max(
        activated_at.astimezone(KYIV).date() + dt.timedelta(days=rule.lifetime_days),
        known_at.astimezone(KYIV).date() + dt.timedelta(days=rule.least_days),
    )
    return end_of_day(last)


def end_of_day(last_day: dt.date) -> dt.datetime:
    """Points usable on the whole of `last_day` end here."""
    return kyiv_midnight(last_day + dt.timedelta(days=1))


def last_day_of(expires_at: dt.datetime | None) -> dt.date | None:
    """The last Kyiv day on which the points are usable: what people and the CRM are shown."""
    return None if expires_at is None else (expires_at - dt.timedelta(microseconds=1)).astimezone(KYIV).date()


class LotLike(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def remaining(self) -> int: ...
    @property
    def expires_at(self) -> dt.datetime | None: ...


_NEVER = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


def draw_order(lot: LotLike) -> tuple[dt.datetime, int]:
    """Earliest end first, never-ending last, then the oldest lot."""
    return (lot.expires_at or _NEVER, lot.id)


def draw(lots: Iterable[LotLike], points: int, *, first: int | None = None) -> tuple[list[tuple[int, int]], int]:
    """Take `points` from lots in the draw order: `([(lot id, points)], shortfall)`.

    `first` is drawn before all others: what an order granted is taken back from its own lot, or a cancelled order would shorten an older lot's life and
    leave its own, younger one in its place.
    """
    drawn: list[tuple[int, int]] = []
    for lot in sorted(lots, key=lambda one: (one.id != first, *draw_order(one))):
        if points <= 0:
            break
        take = min(points, lot.remaining)
        if take > 0:
            drawn.append((lot.id, take))
            points -= take
    return drawn, points


def draw_same(lots: Mapping[int, LotLike], wanted: Iterable[tuple[int, int]]) -> tuple[list[tuple[int, int]], int]:
    """Take from the same lots as before as far as they have points: `([(lot id, points)], shortfall)`."""
    drawn: list[tuple[int, int]] = []
    missing = 0
    for lot_id, points in wanted:
        lot = lots.get(lot_id)
        take = min(points, lot.remaining) if lot else 0
        if take:
            drawn.append((lot_id, take))
        missing += points - take
    return drawn, missing
