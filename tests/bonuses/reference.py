"""The ledger once more, as plainly as Python allows: lists, no rows, no laziness. Everything that is due is done at the moment time moves.

It shares no code with the product. tests/bonuses/world.py does the same things to both and compares.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

KYIV = ZoneInfo("Europe/Kyiv")


class Refused(Exception):
    """The reference refuses; the product must refuse as well."""


@dataclass
class RefLot:
    number: int
    owner: int
    granted: int
    end: dt.datetime
    remaining: int = 0
    held: int = 0

    def order(self) -> tuple[dt.datetime, int]:
        return (self.end, self.number)


@dataclass
class RefHold:
    number: int
    owner: int
    points: int
    owed: int
    draws: list[tuple[RefLot, int]]
    end: dt.datetime | None
    has_code: bool
    state: str = "open"
    order: RefOrder | None = None
    again_of: RefHold | None = None
    reinstated: bool = False


@dataclass
class RefOrder:
    number: int
    placed_at: dt.datetime
    rule: RefRule
    seen_at: dt.datetime
    state: str = "reported"
    revision: int = 0
    earner: int | None = None
    granted: int = 0
    clawed: int = 0
    lot: RefLot | None = None
    last: tuple[object, ...] | None = None
    refused: set[str] = field(default_factory=set)  # why holds that it names stay with another order
    holds: list[RefHold] = field(default_factory=list)


@dataclass
class RefRule:
    valid_from: dt.datetime
    percent: int
    minimum_kopecks: int
    lifetime_days: int


@dataclass
class Reference:
    """Everything at `now`. Customers are numbers; money is in kopecks."""

    now: dt.datetime
    lots: list[RefLot] = field(default_factory=list)
    holds: list[RefHold] = field(default_factory=list)
    orders: dict[int, RefOrder] = field(default_factory=dict)
    debts: dict[int, int] = field(default_factory=dict)
    rules: list[RefRule] = field(default_factory=list)
    merged: dict[int, int] = field(default_factory=dict)
    repaid: list[tuple[RefLot, int]] = field(default_factory=list)  # what repaid debt and was not given back
    entries: list[tuple[object, ...]] = field(default_factory=list)

    # --- what a customer has

    def available(self, person: int) -> int:
        return sum(lot.remaining for lot in self.lots if lot.owner == person)

    def held(self, person: int) -> int:
        return sum(lot.held for lot in self.lots if lot.owner == person)

    def owed(self, person: int) -> int:
        return self.debts.get(person, 0)

    # --- time

    def advance(self, to: dt.datetime) -> None:
        while True:
            ends = [
                (hold.end, 0, hold.number)
                for hold in self.holds
                if hold.state == "open" and not hold.has_code and hold.end and hold.end <= to
            ]
            ends += [(lot.end, 1, lot.number) for lot in self.lots if lot.remaining and lot.end <= to]
            if not ends:
                break
            at, what, number = min(ends)
            self.now = max(self.now, at)
            if what == 0:
                hold = self.holds[number]
                self._release(hold, at, "expired")
                self._lapse([lot for lot, _ in hold.draws], at)
                self._repay(hold.owner, at)
            else:
                self._lapse([self.lots[number]], at)
        self.now = max(self.now, to)

    def next_end(self) -> dt.datetime | None:
        ends = [hold.end for hold in self.holds if hold.state == "open" and not hold.has_code and hold.end]
        ends += [lot.end for lot in self.lots if lot.remaining]
        return min(ends, default=None)

    # --- movements

    def _note(
        self, kind: str, debit: object, credit: object, points: int, at: dt.datetime, draws: list[tuple[RefLot, int]]
    ) -> None:
        self.entries.append((kind, debit, credit, points, at, tuple(sorted((lot.number, n) for lot, n in draws))))

    def _take(self, person: int, points: int, first: RefLot | None = None) -> tuple[list[tuple[RefLot, int]], int]:
        mine = sorted((lot for lot in self.lots if lot.owner == person and lot.remaining), key=RefLot.order)
        if first in mine:
            mine.remove(first)
            mine.insert(0, first)
        draws = []
        for lot in mine:
            n = min(points, lot.remaining)
            if n:
                draws.append((lot, n))
                lot.remaining -= n
                points -= n
        return draws, points

    def _lapse(self, lots: list[RefLot], at: dt.datetime) -> None:
        for found in sorted({lot.number: lot for lot in lots}.values(), key=lambda lot: lot.number):
            if found.remaining and found.end <= at:
                self._note(
                    "expire", (found.owner, "available"), "breakage", found.remaining, at, [(found, found.remaining)]
                )
                found.remaining = 0

    def _repay(self, person: int, at: dt.datetime) -> None:
        points = min(self.available(person), self.owed(person))
        if points:
            draws, _ = self._take(person, points)
            self._note("repay", (person, "available"), (person, "debt"), points, at, draws)
            self.debts[person] -= points
            self.repaid += draws

    def _owe(self, person: int, points: int, to: str) -> None:
        self._note("incur_debt", (person, "debt"), to, points, self.now, [])
        self.debts[person] = self.owed(person) + points

    def _release(self, hold: RefHold, at: dt.datetime, state: str) -> None:
        hold.state = state
        for lot, n in hold.draws:
            lot.held -= n
            lot.remaining += n
        if hold.points:
            self._note("release", (hold.owner, "held"), (hold.owner, "available"), hold.points, at, hold.draws)

    def _capture(self, hold: RefHold) -> None:
        hold.state = "captured"
        for lot, n in hold.draws:
            lot.held -= n
        if hold.points:
            self._note("capture", (hold.owner, "held"), "redemption", hold.points, self.now, hold.draws)
        if hold.owed:
            self._owe(hold.owner, hold.owed, "redemption")

    def _hold(
        self, person: int, draws: list[tuple[RefLot, int]], owed: int, end: dt.datetime | None, has_code: bool
    ) -> RefHold:
        points = sum(n for _, n in draws)
        hold = RefHold(len(self.holds), person, points, owed, draws, end, has_code)
        for lot, n in draws:
            lot.held += n
        if points:
            self._note("hold", (person, "available"), (person, "held"), points, self.now, draws)
        self.holds.append(hold)
        return hold

    def _reinstate(self, hold: RefHold) -> list[RefLot]:
        hold.reinstated = True
        touched = [lot for lot, _ in hold.draws]
        for lot, n in hold.draws:
            lot.remaining += n
        if hold.points:
            self._note("reinstate", "redemption", (hold.owner, "available"), hold.points, self.now, hold.draws)
        forgiven = min(hold.owed, self.owed(hold.owner))
        if forgiven:
            self._note("reinstate", "redemption", (hold.owner, "debt"), forgiven, self.now, [])
            self.debts[hold.owner] -= forgiven
        rest = hold.owed - forgiven
        if rest:
            back: dict[int, int] = {}
            # Lots in the order of their newest repayment, each with all that it repaid.
            newest = list(dict.fromkeys(lot.number for lot, _ in reversed(self.repaid) if lot.owner == hold.owner))
            for number in newest:
                have = sum(n for lot, n in self.repaid if lot.number == number)
                take = min(rest, have)
                if take > 0:
                    back[number] = take
                    rest -= take
            draws = [(self.lots[number], n) for number, n in back.items()]
            for lot, n in draws:
                lot.remaining += n
                self._forget_repaid(lot, n)
                touched.append(lot)
            self._note("reinstate", "redemption", (hold.owner, "available"), sum(back.values()), self.now, draws)
        return touched

    def _forget_repaid(self, lot: RefLot, points: int) -> None:
        """Given back: counted out of what this lot repaid, its place among the newest kept while anything is left."""
        kept: list[tuple[RefLot, int]] = []
        for one, n in self.repaid:
            used = min(points, n) if one is lot else 0
            points -= used
            if n > used:
                kept.append((one, n - used))
        self.repaid = kept

    # --- what happens

    def place(self, person: int, points: int, lives: dt.timedelta | None, has_code: bool) -> RefHold:
        if self.available(person) < points:
            raise Refused
        draws, _ = self._take(person, points)
        return self._hold(person, draws, 0, None if lives is None else self.now + lives, has_code)

    def capture(self, hold: RefHold) -> None:
        if hold.state == "captured":
            return
        if hold.state not in {"open", "releasing"}:
            raise Refused
        self._capture(hold)
        if hold.owed:
            self._repay(hold.owner, self.now)

    def release(self, hold: RefHold, proven: bool) -> None:
        if hold.state in {"released", "expired"}:
            return
        if hold.state == "captured" or (hold.order is not None and not proven) or (hold.has_code and not proven):
            raise Refused
        self._release(hold, self.now, "released")
        self._lapse([lot for lot, _ in hold.draws], self.now)
        self._repay(hold.owner, self.now)

    def prove_dead(self, hold: RefHold) -> None:
        if hold.state != "captured" or hold.reinstated or hold.order is None or hold.order.state != "cancelled":
            return
        self._lapse(self._reinstate(hold), self.now)
        self._repay(hold.owner, self.now)

    def adjust(self, person: int, points: int) -> None:
        if points > 0:
            self._note("adjust", "adjustment", (person, "available"), points, self.now, [])
            self._lot(person, points, self.now, self._rule(self.now))
            self._repay(person, self.now)
            return
        if self.available(person) < -points:
            raise Refused
        draws, _ = self._take(person, -points)
        self._note("adjust", (person, "available"), "adjustment", -points, self.now, draws)

    def merge(self, old: int, new: int) -> None:
        if old in self.merged:
            if old != new and self.survivor(old) == self.survivor(new):  # done before, wherever it led since
                return
            raise Refused
        if old == new or new in self.merged:
            raise Refused
        self.merged[old] = new
        for lot in self.lots:
            if lot.owner == old:
                for kind, n in (("available", lot.remaining), ("held", lot.held)):
                    if n:
                        self._note("merge", (old, kind), (new, kind), n, self.now, [(lot, n)])
                lot.owner = new
        if self.owed(old):
            self._note("merge", (new, "debt"), (old, "debt"), self.owed(old), self.now, [])
            self.debts[new] = self.owed(new) + self.debts.pop(old)
        for hold in self.holds:
            hold.owner = new if hold.owner == old else hold.owner
        for order in self.orders.values():
            order.earner = new if order.earner == old else order.earner
        self._repay(new, self.now)

    def survivor(self, person: int) -> int:
        while person in self.merged:
            person = self.merged[person]
        return person

    def snapshot(
        self,
        number: int,
        stage: str,
        kopecks: int,
        person: int,
        named: list[RefHold],
        placed_at: dt.datetime,
        seen_at: dt.datetime,
    ) -> str:
        order = self.orders.get(number)
        if order is None:
            order = self.orders[number] = RefOrder(number, placed_at, self._rule(placed_at), seen_at)
        elif seen_at < order.seen_at:
            return "dropped"
        # Holds are told apart by their numbers; a person by the survivor at the moment of asking.
        content = (stage, kopecks, person, tuple(sorted(hold.number for hold in named)))
        group = [*order.holds, *named]
        for hold in self.holds:  # in order of time: whoever was taken again comes before that by which it was
            if any(hold.again_of is one for one in group if hold.again_of is not None):
                group.append(hold)
        group = sorted({hold.number: hold for hold in group}.values(), key=lambda hold: hold.number)
        replaced = [hold.again_of for hold in group if hold.again_of is not None]
        heads = [hold for hold in group if not any(hold is one for one in replaced)]
        foreign = [hold for hold in heads if hold.order is not None and hold.order is not order]
        answers = {self._refusal(order, hold) for hold in foreign}
        if order.last == content and (not named or stage == "cancelled" or answers == order.refused):
            order.seen_at = seen_at
            return "unchanged"
        order.last, order.seen_at = content, seen_at
        order.revision += 1
        if order.lot is None:
            order.earner = person
        order.refused = set()
        touched: list[RefLot] = []
        payers: dict[int, None] = {}
        for hold in heads:
            self._apply_hold(order, hold, stage, touched, payers)
        for owner in payers:
            self._lapse([lot for lot in touched if lot.owner == owner], self.now)
        assert order.earner is not None
        self._meet(order, kopecks if stage == "completed" else 0, stage)
        for owner in sorted({*payers, order.earner}):
            self._repay(owner, self.now)
        order.state = stage
        return "applied"

    def _apply_hold(
        self, order: RefOrder, hold: RefHold, stage: str, touched: list[RefLot], payers: dict[int, None]
    ) -> None:
        if hold.order is not None and hold.order is not order and hold.order.state != "cancelled":
            refusal = self._refusal(order, hold)
            if stage == "cancelled":
                return
            if refusal:
                order.refused.add(refusal)
                return
        unresolved = hold.state in {"open", "releasing"}
        spent = hold.state == "captured" and not hold.reinstated
        freed = hold.reinstated or (hold.state == "released" and (hold.order is not None or hold.has_code))
        if not (unresolved or spent or freed):
            return
        payers[hold.owner] = None
        if hold.order is not order:
            if hold.order is not None:
                hold.order.holds.remove(hold)
            hold.order = order
            order.holds.append(hold)
        if stage == "cancelled":
            if unresolved and hold.has_code:
                hold.state = "releasing"
            elif unresolved:
                self._release(hold, self.now, "released")
                touched += [lot for lot, _ in hold.draws]
            elif spent and not hold.has_code:
                touched += self._reinstate(hold)
            return
        if stage == "confirmed" and spent:
            touched += self._reinstate(hold)
            self._again(order, hold, hold.has_code)
            return
        if freed:
            hold = self._again(order, hold, False)
            unresolved = True
        if unresolved and stage == "completed":
            self._capture(hold)
        elif unresolved:
            hold.state, hold.end = "open", None

    @staticmethod
    def _refusal(order: RefOrder, hold: RefHold) -> str:
        """Empty: the hold pays for this order, though it belongs to another one."""
        assert hold.order is not None
        if hold.order.state == "cancelled":
            return ""
        if hold.order.placed_at <= order.placed_at:
            return "of another"
        return "spent later" if hold.state == "captured" and not hold.reinstated else ""

    def _again(self, order: RefOrder, hold: RefHold, has_code: bool) -> RefHold:
        draws, missing = [], 0
        for lot, n in hold.draws:
            take = min(n, lot.remaining)
            missing += n - take
            if take:
                lot.remaining -= take
                draws.append((lot, take))
        made = self._hold(hold.owner, draws, hold.owed + missing, None, has_code)
        made.order, made.again_of = order, hold
        order.holds.append(made)
        return made

    def _meet(self, order: RefOrder, kopecks: int, stage: str) -> None:
        target = 0
        if stage == "completed" and kopecks >= order.rule.minimum_kopecks:
            target = kopecks * order.rule.percent // 10_000
        difference = target - (order.granted - order.clawed)
        person = order.earner
        assert person is not None
        if difference > 0:
            order.granted += difference
            if order.lot is None:
                self._note("accrue", "issuance", (person, "available"), difference, self.now, [])
                order.lot = self._lot(person, difference, self.now, order.rule)
            else:
                order.lot.remaining += difference
                order.lot.granted += difference
                self._note(
                    "reaccrue", "issuance", (person, "available"), difference, self.now, [(order.lot, difference)]
                )
                self._lapse([order.lot], self.now)
        elif difference < 0:
            order.clawed -= difference
            draws, short = self._take(person, -difference, first=order.lot)
            if draws:
                self._note("clawback", (person, "available"), "issuance", -difference - short, self.now, draws)
            if short:
                self._owe(person, short, "issuance")

    def _lot(self, person: int, points: int, at: dt.datetime, rule: RefRule) -> RefLot:
        today = at.astimezone(KYIV).date()
        last = today + dt.timedelta(days=max(rule.lifetime_days, 30))
        end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), KYIV).astimezone(dt.UTC)
        lot = RefLot(len(self.lots), person, points, end, remaining=points)
        self.lots.append(lot)
        return lot

    def _rule(self, at: dt.datetime) -> RefRule:
        """Of those that begin at one moment the one that was made last, also where an earlier one has the same figures."""
        return max((rule for rule in reversed(self.rules) if rule.valid_from <= at), key=lambda rule: rule.valid_from)
