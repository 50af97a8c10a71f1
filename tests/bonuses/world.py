"""The same things done to the product and to the reference, and the comparison of both.

Steps are small numbers, so that Hypothesis and a seed can choose them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from collections import Counter
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from bonuses.errors import CannotMerge, HoldNeedsEvidence, HoldNotOpen, InsufficientPoints
from bonuses.models import Account, EarningRule, Hold, LedgerEntry, Lot, LotDraw, Order, StaffPhone
from bonuses.policy import HOLD_LIVES, Totals
from bonuses.policy_orders import Stage
from bonuses.services import (
    adjusting,
    auditing,
    customers,
    expiring,
    holding,
    merging,
    orders,
    reckoning,
    refunding,
    sealing,
)
from promo.models import Code, CodeState, Pool
from tests.bonuses.reference import Reference, RefHold, RefRule, Refused

START = dt.datetime(
    2027, 3, 20, 9, 30, tzinfo=dt.UTC
)  # spring and autumn change of clocks, and 29 February 2028, lie ahead
PEOPLE = 5
ORDERS = 12
STAGES = [Stage.CONFIRMED, Stage.COMPLETED, Stage.CANCELLED]
_codes = itertools.count(1)


class World:
    """`compare` after every step; `finish` at the end brings everything due into the books and compares entry by entry."""

    def __init__(self) -> None:
        self.now = START
        self.reference = Reference(START)
        first = EarningRule.objects.get(version=1)
        self.reference.rules.append(RefRule(first.valid_from, 10, 0, 90))
        self.ids: list[int] = []
        self.holds: list[int] = []  # the product's id of each hold of the reference
        self._keys = itertools.count(1)
        self._staff = get_user_model().objects.create(username=f"adjuster{next(_codes)}", is_superuser=True)
        StaffPhone.objects.create(user=self._staff, phone="+380009999999")
        self._compared: dict[int, tuple[object, ...]] = {}
        self._base = dict(LedgerEntry.objects.values_list("pk", "pk"))
        for person in range(PEOPLE):
            self.ids.append(customers.find_or_create(phone=f"+38000000{person:04d}", now=START))

    # --- steps

    def advance(self, seconds: int) -> None:
        self.now += dt.timedelta(seconds=seconds)
        self.reference.advance(self.now)

    def advance_to_end(self, microseconds: int) -> None:
        """To the next moment at which something ends, or a microsecond around it."""
        end = self.reference.next_end()
        if end is not None:
            self.now = max(self.now, end + dt.timedelta(microseconds=microseconds))
            self.reference.advance(self.now)

    def snapshot(self, number: int, stage: int, kopecks: int, person: int, hold: int, late: bool) -> None:
        """A snapshot of an order; `hold` picks a hold that it names (0: none); `late` ones are older than what may have been seen."""
        person = self.reference.survivor(person % PEOPLE)
        number %= ORDERS
        named: list[RefHold] = []
        if hold and self.reference.holds:
            named = [self.reference.holds[hold % len(self.reference.holds)]]
        known = self.reference.orders.get(number)
        # Some are heard of long after they were placed, so that which of two was placed first and which is known first differ.
        placed_at = known.placed_at if known else self.now - dt.timedelta(minutes=10 if kopecks % 3 else 300)
        seen_at = self.now - dt.timedelta(hours=5) if late else self.now
        applied = orders.apply_snapshot(
            snapshot=orders.Snapshot(
                source="shop", number=str(number), stage=STAGES[stage % 3], totals=Totals(grand=Decimal(kopecks) / 100), placed_at=placed_at,
                seen_at=seen_at, customer_id=self.ids[person], hold_ids=tuple(self.holds[one.number] for one in named),
            ),
            now=self.now, actor="crm",
        )  # fmt: skip
        outcome = self.reference.snapshot(number, STAGES[stage % 3].value, kopecks, person, named, placed_at, seen_at)
        assert applied.outcome.value == outcome
        self._learn_holds()

    def place(self, person: int, points: int, kind: int) -> None:
        """A hold: 0 for an hour, 1 with a code, 2 until an order decides."""
        person = self.reference.survivor(person % PEOPLE)
        key = f"hold{next(self._keys)}"
        kind %= 3
        lives = None if kind == 2 else HOLD_LIVES
        code_id = _new_code() if kind == 1 else None
        try:
            self.reference.place(person, points, lives, kind == 1)
        except Refused:
            try:
                holding.place_hold(
                    customer_id=self.ids[person],
                    points=points,
                    key=key,
                    now=self.now,
                    actor="shop",
                    lives=lives,
                    code_id=code_id,
                )
            except InsufficientPoints:
                return
            raise AssertionError("the product held points that are not there") from None
        for _ in range(2):  # repeating it changes nothing
            holding.place_hold(
                customer_id=self.ids[person],
                points=points,
                key=key,
                now=self.now,
                actor="shop",
                lives=lives,
                code_id=code_id,
            )
        self._learn_holds()

    def capture(self, hold: int) -> None:
        if self.holds:
            index = hold % len(self.holds)
            self._both(
                lambda: self.reference.capture(self.reference.holds[index]),
                lambda: holding.capture_hold(hold_id=self.holds[index], now=self.now, actor="shop"),
            )

    def release(self, hold: int, proven: bool) -> None:
        if self.holds:
            index = hold % len(self.holds)
            self._both(
                lambda: self.reference.release(self.reference.holds[index], proven),
                lambda: holding.release_hold(hold_id=self.holds[index], now=self.now, actor="shop", is_proven=proven),
            )

    def prove_dead(self, hold: int) -> None:
        if self.holds:
            index = hold % len(self.holds)
            self._both(
                lambda: self.reference.prove_dead(self.reference.holds[index]),
                lambda: refunding.prove_code_dead(hold_id=self.holds[index], now=self.now, actor="panel"),
            )

    def adjust(self, person: int, points: int) -> None:
        person = self.reference.survivor(person % PEOPLE)
        if points:
            key = f"adjust{next(self._keys)}"
            self._both(
                lambda: self.reference.adjust(person, points),
                lambda: adjusting.adjust_points(
                    customer_id=self.ids[person],
                    points=points,
                    reason="goodwill",
                    key=key,
                    user_id=self._staff.pk,
                    now=self.now,
                    note="a note",
                ),
            )

    def merge(self, old: int, new: int) -> None:
        # The last person is never merged away, so that somebody is left.
        old %= PEOPLE - 1
        new %= PEOPLE
        self._both(
            lambda: self.reference.merge(old, new),
            lambda: merging.merge_customers(from_id=self.ids[old], into_id=self.ids[new], now=self.now, actor="olena"),
        )

    def new_rule(self, percent: int, minimum_kopecks: int, lifetime_days: int) -> None:
        EarningRule.objects.create(
            version=len(self.reference.rules) + 1, valid_from=self.now, rate_percent=percent, minimum_order=Decimal(minimum_kopecks) / 100,
            lifetime_days=lifetime_days, actor="olena", created_at=self.now,
        )  # fmt: skip
        self.reference.rules.append(RefRule(self.now, percent, minimum_kopecks, lifetime_days))

    def sweep(self) -> None:
        expiring.sweep(now=self.now)

    def seal(self) -> None:
        sealing.seal_entries(now=self.now)

    def _both(self, reference: object, product: object) -> None:
        try:
            reference()  # type: ignore[operator]
        except Refused:
            try:
                product()  # type: ignore[operator]
            except (InsufficientPoints, HoldNotOpen, HoldNeedsEvidence, CannotMerge):
                return
            raise AssertionError("the product did what the reference refuses") from None
        product()  # type: ignore[operator]

    def _learn_holds(self) -> None:
        newest = self.holds[-1] if self.holds else 0
        known = set(self.holds)
        mine = Hold.objects.filter(pk__gt=newest, customer_id__in=self.ids).order_by("pk").values_list("pk", flat=True)
        self.holds += [pk for pk in mine if pk not in known]
        assert len(self.holds) == len(self.reference.holds)

    # --- comparisons

    def compare(self) -> None:
        """Balances of everybody, as anybody may ask at this moment, whatever was settled.

        Whoever had the same entries at the same moment was compared then: asking again would be the same question.
        """
        for person in self._changed():
            found = reckoning.balance(self.ids[person], now=self.now)
            expected = (self.reference.available(person), self.reference.held(person), self.reference.owed(person))
            assert (found.available, found.held, found.owed) == expected, f"person {person} at {self.now}"
            assert sum(points for points, _ in found.expiring) == found.available
            assert not (found.available and found.owed)

    def _changed(self) -> list[int]:
        """People whom the product or the reference moved since the last comparison; everybody once the clock moved."""
        before, self._compared = self._compared, {}
        told = {person: [] for person in range(PEOPLE) if person not in self.reference.merged}
        accounts = Account.objects.filter(customer_id__in=self.ids).order_by("id")
        for customer_id, stored in accounts.values_list("customer_id", "balance"):
            person = self.ids.index(customer_id)
            if person in told:
                told[person].append(stored)
        for person, figures in told.items():
            expected = (self.reference.available(person), self.reference.held(person), self.reference.owed(person))
            self._compared[person] = (self.now, *figures, *expected)
        return [person for person, key in self._compared.items() if before.get(person) != key]

    def check_rows(self) -> None:
        """Folding the history gives the stored figures; lots add up to balances; debits equal credits by construction."""
        assert list(auditing.fold_differences()) == []
        for customer_id in self.ids:
            stored = dict(Account.objects.filter(customer_id=customer_id).values_list("kind", "balance"))
            lots = list(Lot.objects.filter(customer_id=customer_id).values_list("remaining", "held"))
            assert stored["available"] == sum(remaining for remaining, _ in lots)
            assert stored["held"] == sum(held for _, held in lots)

    def finish(self) -> str:
        """Everything due enters the books; then lots, orders and every single entry are compared. Returns the state's digest."""
        while expiring.sweep(now=self.now):
            pass
        self.compare()
        self.check_rows()
        lots = list(Lot.objects.filter(customer_id__in=self.ids).order_by("pk"))
        assert [(lot.granted, lot.remaining, lot.held, lot.expires_at, lot.customer_id) for lot in lots] == [
            (lot.granted, lot.remaining, lot.held, lot.end, self.ids[lot.owner]) for lot in self.reference.lots
        ]
        for number, order in self.reference.orders.items():
            row = Order.objects.get(source="shop", number=str(number))
            assert (row.granted, row.clawed_back, row.state, row.revision) == (
                order.granted,
                order.clawed,
                order.state,
                order.revision,
            )
        for index, hold in enumerate(self.reference.holds):
            found = Hold.objects.get(pk=self.holds[index])
            assert (found.state, found.points, found.owed, found.reinstated_at is not None) == (
                hold.state,
                hold.points,
                hold.owed,
                hold.reinstated,
            )
        ours, theirs = Counter(self._entries(lots)), Counter(self.reference.entries)
        assert ours == theirs, f"only the product wrote {ours - theirs}, only the reference {theirs - ours}"
        return self.digest()

    def _entries(self, lots: list[Lot]) -> list[tuple[object, ...]]:
        people = {pk: index for index, pk in enumerate(self.ids)}
        numbers = {lot.pk: index for index, lot in enumerate(lots)}
        draws: dict[int, list[tuple[int, int]]] = {}
        for entry_id, lot_id, points in LotDraw.objects.filter(lot_id__in=numbers).values_list(
            "entry_id", "lot_id", "points"
        ):
            draws.setdefault(entry_id, []).append((numbers[lot_id], points))

        def side(account: Account) -> object:
            return account.kind if account.customer_id is None else (people[account.customer_id], account.kind)

        return [
            (
                entry.kind,
                side(entry.debit),
                side(entry.credit),
                entry.points,
                entry.effective_at,
                tuple(sorted(draws.get(entry.pk, []))),
            )
            for entry in LedgerEntry.objects.exclude(pk__in=self._base).select_related("debit", "credit")
        ]

    def digest(self) -> str:
        """Equal on both databases after the same steps: no primary keys, only what was done."""
        lots = list(Lot.objects.filter(customer_id__in=self.ids).order_by("pk"))
        entries = sorted(repr(entry) for entry in self._entries(lots))
        held = sorted(Hold.objects.filter(customer_id__in=self.ids).values_list("key", "state", "points", "owed"))
        return hashlib.sha256(repr((entries, held)).encode()).hexdigest()


def _new_code() -> int:
    pool, _ = Pool.objects.get_or_create(amount_uah=100)
    code = Code.objects.create(
        code=f"BON100WORLD{next(_codes):08d}", pool=pool, state=CodeState.ISSUED, created_at=START, changed_at=START
    )
    return code.pk


def allow(user: object, permission: str) -> None:
    app_label, codename = permission.split(".")
    user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))  # type: ignore[attr-defined]


def random_step(world: World, random: object) -> None:
    """One step chosen by a `random.Random`."""
    number = random.randrange  # type: ignore[attr-defined]
    dice = number(100)
    if dice < 42:
        world.snapshot(
            number(ORDERS),
            number(3),
            number(0, 400_000),
            number(PEOPLE),
            number(1, 60) if number(2) else 0,
            number(12) == 0,
        )
    elif dice < 58:
        world.place(number(PEOPLE), number(1, 300), number(3))
    elif dice < 65:
        world.capture(number(1000))
    elif dice < 73:
        world.release(number(1000), bool(number(2)))
    elif dice < 76:
        world.prove_dead(number(1000))
    elif dice < 82:
        world.adjust(number(PEOPLE), number(-200, 200))
    elif dice < 83:
        world.merge(number(PEOPLE), number(PEOPLE))
    elif dice < 85:
        world.new_rule(number(21), number(0, 50_000), number(1, 120))
    elif dice < 88:
        world.sweep()
    elif dice < 90:
        world.seal()
    elif dice < 97:
        world.advance(number(0, 3 * 86_400))
    else:
        world.advance_to_end(number(-1, 2))
