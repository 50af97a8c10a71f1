"""Runs against a panel that misbehaves at random, with workers that die at random moments, and what must hold after every one of them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import connection

from demo.panel.server import RunningPanel
from demo.panel.state import DEMO_PASSWORD, DEMO_TOTP_SECRET, DEMO_USERNAME
from demo.panel.switches import Switches, mutate
from promo.adapters.bon_admin.browser_thread import BrowserThread
from promo.adapters.bon_admin.profile import PanelProfile, Waits
from promo.adapters.bon_admin.thread import open_panel
from promo.errors import PoolEmpty
from promo.models import Code, Issue, Pool, ReplenishRun
from promo.ports import PanelConfig, Step
from promo.services import issuing, leasing, moving, stock
from promo.sitting import hold_sitting
from tests.panel.visiting import PATIENT

AMOUNT, OTHER = 1100, 1200
# While the panel misbehaves, a wait that runs out is one more accident. While it heals, only what never comes may fail.
HURRIED = Waits(
    open_seconds=10, login_seconds=10, grid_seconds=10, filter_seconds=6, form_seconds=6, save_seconds=1.5, delete_seconds=6,
    anti_bot_seconds=4, empty_seconds=0.2, settled_seconds=1,
)  # fmt: skip
HEALING = replace(PATIENT, empty_seconds=0.2)
# Of a slow panel only that it is slow matters here; how slow is in the tests of the waits.
SLOWEST = {"slow_seconds": 0.1, "slow_grid_seconds": 0.25}


class Killed(BaseException):
    """kill -9: nothing of ours runs after it, and the lease is given back only when it lapses."""


class Fate:
    """When a worker dies: at the n-th step that the browser tells, or before the n-th statement to the database. From then on no row changes any more."""

    def __init__(self, dice: random.Random) -> None:
        self._steps = dice.choice([0, 0, 0, *range(1, 25)])
        self._statements = 0 if self._steps or dice.random() < 0.3 else dice.randrange(1, 250)
        self._is_dead = False

    def after_step(self) -> None:
        self._steps -= 1
        if self._steps == 0:
            self._is_dead = True
            raise Killed

    def around_statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(
            ("SAVEPOINT", "ROLLBACK", "RELEASE")
        ):  # what a database does by itself for a client that is gone
            return execute(sql, params, many, context)
        self._statements -= 1
        if self._statements == 0:
            self._is_dead = True
        if self._is_dead:
            raise Killed
        return execute(sql, params, many, context)


class Story:
    """One seed: a panel, a pool, staff and shoppers who come and go, and a worker that dies now and then."""

    def __init__(self, *, seed: int, panel: RunningPanel, browser: BrowserThread) -> None:
        self.seed, self.panel, self.state, self.browser = seed, panel, panel.state, browser
        self.dice = random.Random(seed)
        self.now = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)
        self.session: str | None = None
        self.deaths = 0
        self.is_healing = False
        self.pool = Pool.objects.create(amount_uah=AMOUNT, low_water=1, target=3)

    def clock(self) -> dt.datetime:
        return self.now

    @contextmanager
    def open(self, *, on_step: Any, on_wait: Any, profile: Any, trace: Any) -> Iterator[Any]:
        """The panel through the lent browser."""

        def step(one: Step) -> None:
            on_step(one)
            self.fate.after_step()

        config = PanelConfig(
            url=self.panel.codes_url,
            username=DEMO_USERNAME,
            password=DEMO_PASSWORD,
            totp_secret=DEMO_TOTP_SECRET,
            wait_seconds=60,
            with_pictures=False,
        )
        looks = PanelProfile(waits=HEALING if self.is_healing else HURRIED)
        with open_panel(
            config,
            profile=looks,
            saved_session=leasing.load_session() or None,
            on_step=step,
            on_wait=on_wait,
            browser=self.browser,
        ) as panel:
            yield panel

    def sit(self) -> None:
        """One sitting; a killed one leaves its lease behind, as a killed process would."""
        self.fate = Fate(self.dice)
        try:
            with connection.execute_wrapper(self.fate.around_statement):
                hold_sitting(open_panel=self.open, holder=f"seed {self.seed}", budget_seconds=600, clock=self.clock)
        except Killed:
            self.deaths += 1
        self.now += leasing.LAPSES_AFTER
        self.check()

    def ask(self, kind: str) -> None:
        stock.request_run(pool_id=self.pool.pk, kind=kind, trigger="staff", now=self.now)

    def shop(self) -> None:
        """Two codes go out, one of them comes back to be killed."""
        for _ in range(2):
            try:
                code = issuing.issue_code(amount_uah=AMOUNT, channel="drop_in", now=self.now).code
            except PoolEmpty:
                return
        moving.withdraw_code(code_id=Code.objects.get(code=code).pk, actor="olena", reason="taken off", now=self.now)
        self.check()

    def play(self) -> None:
        """Refill, look, retire under the mutation; then the panel is well again, a person says "go on", and all is as it should be."""
        self.state.add_code("BON1200KEPTBYUS", OTHER, origin="seed")
        mutated = mutate(self.seed)
        slow = {name: min(getattr(mutated, name), most) for name, most in SLOWEST.items()}
        self.state.replace_switches(replace(mutated, hang_seconds=600, **slow))
        for kind in ("refill", "look", "retire"):
            self.ask(kind)
            self.sit()
            if kind == "refill":
                self.shop()
        self.heal()

    def heal(self) -> None:
        self.is_healing = True
        self.state.replace_switches(Switches())
        self.now += dt.timedelta(hours=7)
        for _ in range(12):
            leasing.unblock_panel(actor="olena", now=self.now)
            ReplenishRun.objects.filter(state="needs_person").update(state="requested", attempts=0)
            for kind in ("refill", "retire"):
                self.ask(kind)
            self.sit()
            self.now += dt.timedelta(hours=7)
            if self.is_well():
                break
        assert self.is_well(), f"seed {self.seed}: POOL-08 heals: {self.tale()}"
        self.check_end()

    def is_well(self) -> bool:
        states = list(self.pool.codes.values_list("state", flat=True))
        open_runs = ReplenishRun.objects.filter(state__in=["requested", "leased", "needs_person"]).exists()
        return states.count("available") >= self.pool.target and "withdrawn" not in states and not open_runs

    def check(self) -> None:
        """POOL-01, 02, 03 hold at every moment."""
        issued = set(Issue.objects.values_list("code__code", flat=True))
        available = list(Code.objects.filter(state="available").select_related("pool"))
        assert not issued & {code.code for code in available}, f"seed {self.seed}: POOL-01 once"
        for code in available:
            there = self.state.find(code.code)
            assert there is not None, f"seed {self.seed}: POOL-02 exists: {code.code}"
            assert there.active, f"seed {self.seed}: POOL-02 active: {code.code}"
            assert int(there.amount) == code.pool.amount_uah, f"seed {self.seed}: POOL-03 right-amount: {code.code}"
        for gone in self.state.deleted:
            assert int(gone.amount) == AMOUNT, f"seed {self.seed}: POOL-03: a row of {gone.amount} was deleted"
            assert Code.objects.filter(code=gone.code.strip(), state__in=["withdrawn", "void"]).exists(), (
                f"seed {self.seed}: {gone.code}"
            )

    def check_end(self) -> None:
        """POOL-04: everything in the panel because of us is known here, exactly once, and nothing is forgotten half way."""
        made = [code.code.strip() for code in self.state.codes(origin="form")]
        assert len(made) == len(set(made)), f"seed {self.seed}: POOL-04: typed twice"
        known = dict(Code.objects.filter(code__in=made).values_list("code", "state"))
        assert set(known) == set(made), f"seed {self.seed}: POOL-04: orphans {set(made) - set(known)}"
        assert "planned" not in known.values(), f"seed {self.seed}: POOL-04: left as planned"
        assert self.state.find("BON1200KEPTBYUS") is not None

    def tale(self) -> str:
        runs = [(run.kind, run.state, run.reason, run.detail[:80]) for run in ReplenishRun.objects.order_by("pk")]
        return f"{mutate(self.seed)} deaths={self.deaths} {runs} {list(self.pool.codes.values_list('code', 'state'))}"
