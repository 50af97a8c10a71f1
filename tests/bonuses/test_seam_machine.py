"""INV-31 and POOL-01 under random shoppers, panels and orders. Hypothesis shrinks what it finds."""

from __future__ import annotations

import os

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.bonuses.shop import Shop

people, some = st.integers(0, 2), st.integers(0, 40)
STEPS = 50


class Seam(RuleBasedStateMachine):
    """Each example runs in a savepoint of its own."""

    shop: Shop

    @initialize()
    def begin(self) -> None:
        self._savepoint = transaction.atomic()
        self._savepoint.__enter__()
        self.shop = Shop()

    def teardown(self) -> None:
        if not hasattr(self, "shop"):
            return
        try:
            self.shop.finish()
        finally:
            transaction.set_rollback(True)
            self._savepoint.__exit__(None, None, None)

    @rule(person=people, amount=people, tabs=st.integers(1, 2))
    def redeem(self, person, amount, tabs):
        self.shop.redeem(person, amount, tabs)

    @rule(which=some)
    def retry(self, which):
        self.shop.retry(which)

    @rule(which=some, dice=st.integers(0, 9))
    def take_off(self, which, dice):
        self.shop.take_off(which, stranger=dice == 0)

    @rule(which=some, dice=st.integers(0, 4))
    def buy(self, which, dice):
        self.shop.buy(which, with_code=dice > 0)

    @rule(which=some, stage=st.integers(0, 1), reactivates=st.booleans())
    def turn(self, which, stage, reactivates):
        self.shop.turn(which, stage, reactivates)

    @rule(which=some)
    def tell(self, which):
        self.shop.tell(which)

    @rule(
        failure=st.integers(0, 5),
        person=people,
        amount=people,
        meanwhile=st.integers(0, 3),
        late=st.booleans(),
        which=some,
    )
    def work(self, failure, person, amount, meanwhile, late, which):
        action = [
            None,
            lambda: self.shop.redeem(person, amount),
            lambda: self.shop.take_off(which, stranger=False),
            lambda: self.shop.buy(which, with_code=True),
        ][meanwhile]
        self.shop.work(failure, None if late else action, action if late else None)

    @rule()
    def sweep(self):
        self.shop.sweep()

    @rule(minutes=st.sampled_from([1, 20, 61, 60 * 24, 60 * 72]))
    def advance(self, minutes):
        self.shop.advance(minutes)

    @invariant()
    def nothing_is_out_that_is_not_held(self):
        if hasattr(self, "shop"):
            self.shop.check()


@pytest.fixture(autouse=True)
def _evidence_in_memory(settings):
    """Every reading of the panel leaves a file; here nobody looks at them."""
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}


def run(examples: int) -> None:
    run_state_machine_as_test(
        Seam,
        settings=settings(
            max_examples=examples, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
        ),
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.timeout(600)
def test_inv_31_and_pool_01_hold_in_2000_random_steps():
    run(40)


@pytest.mark.prove
@pytest.mark.django_db
def test_inv_31_and_pool_01_hold_in_100_000_random_steps():
    run(int(os.environ.get("PROVE", "100000")) // STEPS)
