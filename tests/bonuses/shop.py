"""A shop around the seam: shoppers with several tabs, a panel in memory that may fail, a CRM that may be late; and what must hold after every step.

Steps are small numbers, so that Hypothesis can choose them. The far side keeps its own truth: which strings would be accepted at the checkout right now.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import connection

from bonuses.errors import HoldNotOpen, HoldUnknown, InsufficientPoints, KeyReused, OverShare
from bonuses.models import Hold, Order
from bonuses.services import auditing, expiring, redeeming, redemptions, releasing
from bonuses.services.orders import Stuck
from promo import sitting
from promo.errors import PanelReason, PanelTemporary, PoolEmpty, PoolUnknown
from promo.models import Code, CodeState, Issue, Pool, ReplenishRun, RunState
from promo.ports import GridRow, RowStatus
from tests.bonuses.scenes import NOW, give, make_customer, say
from tests.factories import make_codes, make_pool
from tests.promo.local_panel import LocalPanel

AMOUNTS = (20, 50, 100)
PEOPLE = 3
# Asked after every step, so written by hand: making the statements would take longer than all else.
_HOLDS = (
    "SELECT h.customer_id, h.state, h.reinstated_at, c.code, c.state, p.amount_uah FROM bonuses_hold h "
    "JOIN promo_code c ON c.id = h.code_id JOIN promo_pool p ON p.id = c.pool_id"
)
_ISSUED = "SELECT c.code FROM promo_issue i JOIN promo_code c ON c.id = i.code_id"
_HELD = "SELECT customer_id, balance FROM bonuses_account WHERE kind = 'held' AND customer_id IS NOT NULL"
Refusals = (InsufficientPoints, OverShare, PoolEmpty, PoolUnknown, KeyReused)


def _fetch(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


class Panel(LocalPanel):
    """The store's list of codes. `during` is done while a run begins to read, `before_delete` after it has read; `fails` says where it breaks next."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = ""
        self.during: Callable[[], None] | None = None
        self.before_delete: Callable[[], None] | None = None
        self.happened: Counter[str] = Counter()
        self.before_read = self._before_read

    def _before_read(self) -> None:
        if self.fails == "unreachable":
            self.happened[self.fails] += 1
            raise PanelTemporary(PanelReason.UNREACHABLE)
        if self.during is not None:
            action, self.during = self.during, None
            self.happened["somebody acts while the list is read"] += 1
            action()

    def delete_codes(self, rows: Sequence[GridRow]) -> None:
        if self.before_delete is not None:
            action, self.before_delete = self.before_delete, None
            self.happened["somebody acts between reading and deleting"] += 1
            action()
        if self.fails in {"refuses", "dies"}:
            self.happened[self.fails] += 1
        if self.fails == "refuses":
            raise PanelTemporary(PanelReason.SLOW)
        super().delete_codes(rows)
        if self.fails == "dies":
            raise PanelTemporary(PanelReason.SESSION_LOST)  # the rows are gone, and nobody read that they are

    def takes(self, code: str) -> bool:
        """Whether the checkout would accept it."""
        return code in self.rows and self.rows[code].status is RowStatus.ACTIVE

    def set(self, code: str, status: RowStatus) -> None:
        if code in self.rows:
            self.rows[code] = replace(self.rows[code], status=status)


@dataclass
class Bought:
    """An order in the store: paid with `code`, in `stage`; `told` is the stage that we were told last."""

    number: str
    person: int
    code: str
    stage: str = "confirmed"
    told: str = ""
    is_over: bool = False  # its code was given free for other orders: it does not come back


class Shop:
    def __init__(self) -> None:
        self.now = NOW
        self.panel = Panel()
        self.pools = [make_pool(amount, low_water=1, target=3, adopt="ask") for amount in AMOUNTS]
        Pool.objects.exclude(amount_uah__in=AMOUNTS).update(is_active=False)
        self.people = [make_customer() for _ in range(PEOPLE)]
        for person in self.people:
            give(person, 150, now=self.now)
        self.asked: dict[tuple[int, str], redemptions.Redemption] = {}
        self.amounts: dict[tuple[int, str], int] = {}
        self.bought: list[Bought] = []
        self._keys = itertools.count(1)
        self.work(0, None)

    # --- shoppers

    def redeem(self, person: int, amount: int, tabs: int = 1) -> None:
        """One or two tabs ask, each with a key of its own; what each was answered is remembered."""
        person, points = person % PEOPLE, AMOUNTS[amount % len(AMOUNTS)]
        for _ in range(tabs):
            self._ask(person, points, f"tab{next(self._keys)}")

    def _ask(self, person: int, points: int, key: str) -> None:
        try:
            made = redeeming.redeem(
                customer_id=self.people[person], points=points, order_total=Decimal(1000), key=key, now=self.now, actor="shop"
            )  # fmt: skip
        except Refusals:
            return
        before = self.asked.setdefault((person, key), made)
        assert before.promo_code == made.promo_code, "one key, two codes"
        self.amounts[person, key] = points

    def retry(self, which: int) -> None:
        """A lost answer is asked for again, whatever happened since."""
        if self.asked:
            person, key = list(self.asked)[which % len(self.asked)]
            count = Issue.objects.count()
            self._ask(person, self.amounts[person, key], key)
            assert Issue.objects.count() == count

    def take_off(self, which: int, stranger: bool) -> None:
        if not self.asked:
            return
        (person, _key), made = list(self.asked.items())[which % len(self.asked)]
        asker = self.people[(person + 1) % PEOPLE if stranger else person]
        try:
            redeeming.ask_release(public_id=made.id, customer_id=asker, now=self.now, actor="shop")
            assert not stranger
        except HoldUnknown:
            assert stranger
        except HoldNotOpen:
            pass

    def buy(self, which: int, with_code: bool) -> None:
        """An order in the store, with a code if the checkout takes it. The CRM tells us later, or much later."""
        if not self.asked:
            return
        (person, _key), made = list(self.asked.items())[which % len(self.asked)]
        code = made.promo_code if with_code and self.panel.takes(made.promo_code) else ""
        if code:
            self.panel.set(code, RowStatus.INACTIVE)
        self.bought.append(Bought(f"order{len(self.bought) + 1}", person, code))

    # --- the far side

    def turn(self, which: int, stage: int, reactivates: bool) -> None:
        """The store completes or cancels an order; a cancelled order's code may become usable again."""
        if self.bought:
            order = self.bought[which % len(self.bought)]
            if order.is_over:
                return
            order.stage = ("completed", "cancelled")[stage % 2]
            if order.stage == "cancelled" and order.code and reactivates:
                self.panel.set(order.code, RowStatus.ACTIVE)
                order.is_over = True

    def tell(self, which: int) -> None:
        if self.bought:
            self._tell(self.bought[which % len(self.bought)])

    def _tell(self, order: Bought) -> None:
        holds = redemptions.holds_of_code(order.code) if order.code else []
        say(
            order.number,
            order.stage,
            "900",
            customer=self.people[order.person],
            now=self.now,
            placed_at=NOW,
            holds=holds,
        )
        order.told = order.stage

    def work(
        self, failure: int, during: Callable[[], None] | None, before_delete: Callable[[], None] | None = None
    ) -> None:
        """Somebody works through what is requested at the panel, which may break; `during` and `before_delete` happen meanwhile."""
        self._fill()
        # As the worker's task asks: a sitting without a run would open the panel and do nothing. `during` and `before_delete` are what happens *while*
        # codes are read and deleted, so they do not happen either; the panel counts how often they did, and the tests look that they do.
        if not sitting.is_anything_to_do():
            self.panel.happened["nothing to do"] += 1
            return
        self.panel.fails = ("", "", "", "unreachable", "refuses", "dies")[failure % 6]
        self.panel.during, self.panel.before_delete = during, before_delete
        sitting.hold_sitting(open_panel=self._open, holder="tests", budget_seconds=600, clock=lambda: self.now)
        self.panel.fails, self.panel.during, self.panel.before_delete = "", None, None

    def _fill(self) -> None:
        """Codes as refills leave them, here and in the panel: how they are made is not what is searched."""
        left = Counter(Code.objects.available().values_list("pool_id", flat=True))
        for pool in self.pools:
            codes = make_codes(pool, max(0, 3 - left[pool.pk]))
            for code in codes:
                self.panel.put(code.code, pool.amount_uah)
            # The runs that an empty pool asked for have nothing to do.
            ReplenishRun.objects.filter(pool=pool, kind="refill", state=RunState.REQUESTED).update(
                state=RunState.SUCCEEDED
            )

    @contextmanager
    def _open(self, **kwargs: Any) -> Iterator[Panel]:
        yield self.panel

    def sweep(self) -> None:
        releasing.sweep(now=self.now)
        expiring.sweep(now=self.now)

    def advance(self, minutes: int) -> None:
        self.now += dt.timedelta(minutes=minutes)

    # --- what must hold

    def check(self) -> None:
        """INV-31 and POOL-01, by our rows and by the far side's truth."""
        out: Counter[int] = Counter()
        backed, spent, owner_of, state_of, amount_of = set(), set(), {}, {}, {}
        for owner, state, reinstated_at, code, code_state, amount in _fetch(_HOLDS):
            owner_of[code], state_of[code], amount_of[code] = owner, code_state, amount
            if state == "captured" and reinstated_at is None:
                spent.add(code)
            elif state in {"open", "releasing"}:
                backed.add(code)
        issued = [code for (code,) in _fetch(_ISSUED)]
        assert len(issued) == len(set(issued)), "POOL-01: a string was handed out twice"
        assert set(issued) == set(owner_of), "a code was handed out without a hold"
        for code, state in state_of.items():
            if state == CodeState.VOID:
                assert not self.panel.takes(code), "a code that counts as dead would be taken"
            elif code not in spent:
                out[owner_of[code]] += amount_of[code]
            assert code in backed | spent or not self.panel.takes(code), (
                "a code is live and nobody's points stand for it"
            )
        for person, held in _fetch(_HELD):
            assert out[person] <= held, f"INV-31: {out[person]} hryvnias are out, {held} points are held"
        # One string, one person.
        answered = {(made.promo_code, person) for (person, _key), made in self.asked.items()}
        assert len({code for code, _person in answered}) == len(answered)

    def finish(self) -> None:
        """All is told and done: every order that stands was paid by its code's owner, everything else is free again."""
        for _ in range(3):
            # Of two orders with one code the second waits; the CRM is asked for it again, as keycrm.services.applying does.
            waiting = set(
                Order.objects.filter(stuck_reason__contains=Stuck.HOLD_OF_ANOTHER_ORDER.value).values_list(
                    "number", flat=True
                )
            )
            for order in self.bought:
                if order.told != order.stage or order.number in waiting:
                    self._tell(order)
            self.advance(60 * 24)
            self.sweep()
            ReplenishRun.objects.filter(state=RunState.NEEDS_PERSON).update(state=RunState.REQUESTED)
            self.work(0, None)
            self.sweep()
            self.check()
        unresolved = Hold.objects.filter(state__in=["open", "releasing"]).exclude(order__state="confirmed")
        assert not unresolved.exists(), list(
            unresolved.values("state", "stuck_reason", "code__state", "code__inactive_since")
        )
        for person in range(PEOPLE):
            spent = Hold.objects.filter(customer_id=self.people[person], state="captured", reinstated_at=None)
            paid = sum(hold.points + hold.owed for hold in spent)
            taken = sum(
                self._face(order)
                for order in self.bought
                if order.code and order.stage == "completed" and self._owner(order) == person
            )
            assert paid == taken, f"{paid} points were spent for {taken} hryvnias"
        assert list(auditing.fold_differences()) == []

    def _face(self, order: Bought) -> int:
        return Code.objects.select_related("pool").get(code=order.code).pool.amount_uah

    def _owner(self, order: Bought) -> int:
        return next(person for (person, _key), made in self.asked.items() if made.promo_code == order.code)
