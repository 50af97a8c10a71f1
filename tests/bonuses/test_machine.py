"""Random lives of five customers, done to the product and to the plain reference, compared after every step. Hypothesis shrinks what it finds."""

import os
import random

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.bonuses.world import ORDERS, PEOPLE, World, random_step

people = st.integers(0, PEOPLE - 1)
some_hold = st.integers(0, 200)


class Lives(RuleBasedStateMachine):
    """Each example runs in a savepoint of its own, so that it begins with empty books."""

    world: World

    @initialize()
    def begin(self) -> None:
        self._savepoint = transaction.atomic()
        self._savepoint.__enter__()
        self.world = World()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.world.finish()
        finally:
            transaction.set_rollback(True)
            self._savepoint.__exit__(None, None, None)

    @rule(
        number=st.integers(0, ORDERS - 1),
        stage=st.integers(0, 2),
        kopecks=st.integers(0, 400_000),
        person=people,
        hold=st.one_of(st.just(0), some_hold),
        late=st.booleans(),
    )
    def snapshot(self, number, stage, kopecks, person, hold, late):
        self.world.snapshot(number, stage, kopecks, person, hold, late and number % 3 == 0)

    @rule(person=people, points=st.integers(1, 300), kind=st.integers(0, 2))
    def place(self, person, points, kind):
        self.world.place(person, points, kind)

    @rule(hold=some_hold)
    def capture(self, hold):
        self.world.capture(hold)

    @rule(hold=some_hold, proven=st.booleans())
    def release(self, hold, proven):
        self.world.release(hold, proven)

    @rule(hold=some_hold)
    def prove_dead(self, hold):
        self.world.prove_dead(hold)

    @rule(person=people, points=st.integers(-200, 200))
    def adjust(self, person, points):
        self.world.adjust(person, points)

    @rule(old=people, new=people, dice=st.integers(0, 5))
    def merge(self, old, new, dice):
        if dice == 0:
            self.world.merge(old, new)

    @rule(percent=st.integers(0, 20), minimum=st.integers(0, 50_000), days=st.integers(1, 120))
    def new_rule(self, percent, minimum, days):
        self.world.new_rule(percent, minimum, days)

    @rule()
    def sweep(self):
        self.world.sweep()

    @rule()
    def seal(self):
        self.world.seal()

    @rule(seconds=st.integers(0, 40 * 86_400))
    def advance(self, seconds):
        self.world.advance(seconds)

    @rule(microseconds=st.integers(-1, 1))
    def advance_to_end(self, microseconds):
        self.world.advance_to_end(microseconds)

    @invariant()
    def same_balances(self):
        if hasattr(self, "world"):
            self.world.compare()


@pytest.fixture(autouse=True)
def _no_day_limit(settings):
    settings.ADJUST_DAY_POINTS = 10**9


@pytest.mark.django_db
@pytest.mark.both_databases
@pytest.mark.timeout(600)
def test_2000_random_steps_leave_the_product_and_the_reference_equal():
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=40, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
        ),
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.both_databases
@pytest.mark.parametrize("seed", [int(os.environ["LEDGER_SEED"])] if "LEDGER_SEED" in os.environ else [20260310])
def test_inv_21_a_seeded_life_leaves_the_rows_and_the_reference_equal(seed):
    dice, world = random.Random(seed), World()
    for _ in range(150):
        random_step(world, dice)
        world.compare()
        world.check_rows()
    world.finish()
