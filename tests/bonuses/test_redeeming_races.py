"""Many hands on one redemption, on a real PostgreSQL; with the careless way as the control."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connection, transaction

from bonuses.errors import InsufficientPoints
from bonuses.models import AskedAgain, Hold
from bonuses.services import auditing, posting, redeeming, releasing
from bonusportal import idempotency
from bonusportal.models import IdempotencyRecord
from promo.errors import PoolEmpty
from promo.models import Code, Issue
from promo.services import issuing, moving
from tests.bonuses.scenes import NOW, give, has, make_customer
from tests.factories import make_codes, make_pool

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def together(*calls):
    """Every call at the same moment, each on a connection of its own; returns results, refusals as their classes."""
    gate = Barrier(len(calls))

    def run(call):
        try:
            gate.wait()
            return call()
        except (InsufficientPoints, PoolEmpty) as refusal:
            return type(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


def redeem(customer, key, *, record=None, points=100):
    return redeeming.redeem(
        customer_id=customer, points=points, order_total=Decimal(1000), key=key, now=NOW, actor="shop", record=record
    ).promo_code  # fmt: skip


def endowed(points=100):
    customer = make_customer()
    give(customer, points)
    return customer


@pytest.mark.parametrize("recorded", [True, False])
def test_32_parallel_repeats_are_one_hold_and_one_code(recorded):
    make_codes(make_pool(100), 40)
    customer = endowed(3200)
    record = (
        idempotency.ask(method="POST", path="/x", caller=f"customer:{customer}", key="one", body={})
        if recorded
        else None
    )
    answers = together(*[lambda: redeem(customer, "one", record=record)] * 32)
    assert len(set(answers)) == 1
    assert (Hold.objects.count(), Issue.objects.count(), IdempotencyRecord.objects.count()) == (1, 1, int(recorded))
    assert has(customer) == (3100, 100, 0)


def test_the_last_points_are_one_code_and_the_last_code_is_one_customers():
    make_codes(make_pool(100), 9)
    customer = endowed(100)
    answers = together(*[lambda key=key: redeem(customer, key) for key in "abcdefgh"])
    assert sum(isinstance(answer, str) for answer in answers) == 1
    assert Issue.objects.count() == 1
    people = [endowed() for _ in range(12)]
    answers = together(*[lambda person=person: redeem(person, "k") for person in people])
    codes = [answer for answer in answers if isinstance(answer, str)]
    assert (len(codes), len(set(codes)), answers.count(PoolEmpty)) == (8, 8, 4)
    assert [has(person)[1] for person in people].count(100) == 8
    assert list(auditing.fold_differences()) == []


def test_control_a_code_taken_beside_the_ledger_is_taken_twice_for_the_same_points():
    """The negative control: the balance is read, and then a code is taken, as the predecessor did."""
    make_codes(make_pool(100), 40)
    customer = endowed(100)

    def careless():
        with transaction.atomic():
            if has(customer)[0] < 100:
                return None
            return issuing.issue_code(amount_uah=100, channel="drop_in", now=NOW).code

    assert len([code for code in together(*[careless] * 8) if code]) > 1


def test_taking_off_and_asking_again_at_once_never_leaves_two_live_codes_for_the_same_points():
    make_codes(make_pool(100), 30)
    for number in range(8):
        customer = endowed(100)
        first = redeeming.redeem(
            customer_id=customer, points=100, order_total=Decimal(1000), key="first", now=NOW, actor="shop"
        )  # fmt: skip
        together(
            lambda first=first, customer=customer: redeeming.ask_release(
                public_id=first.id, customer_id=customer, now=NOW, actor="shop"
            ),
            *[lambda customer=customer, key=f"{number}{key}": redeem(customer, key) for key in "abc"],
        )
        assert Issue.objects.filter(code__holds__customer=customer).count() == 1
        assert has(customer) == (0, 100, 0)


def test_a_code_is_either_given_back_or_deleted():
    """The run marks what it is about to delete; whoever asks for the code at that moment gets it, or does not, but never both."""
    make_codes(make_pool(100), 30)
    for number in range(10):
        customer = endowed(100)
        first = redeeming.redeem(
            customer_id=customer, points=100, order_total=Decimal(1000), key="first", now=NOW, actor="shop"
        )  # fmt: skip
        redeeming.ask_release(public_id=first.id, customer_id=customer, now=NOW, actor="shop")

        def mark(code=first.promo_code):
            return Code.objects.filter(code=code, state="withdrawn").update(retire_tried_at=NOW)

        marked, answer = together(mark, lambda customer=customer, number=number: redeem(customer, f"again{number}"))
        assert (marked == 1) == (answer is InsufficientPoints)
        assert AskedAgain.objects.filter(hold__customer=customer).exists() == (answer == first.promo_code)


def test_parallel_sweeps_release_a_proven_hold_once():
    make_codes(make_pool(100), 3)
    customer = endowed(100)
    first = redeeming.redeem(
        customer_id=customer, points=100, order_total=Decimal(1000), key="first", now=NOW, actor="shop"
    )
    redeeming.ask_release(public_id=first.id, customer_id=customer, now=NOW, actor="shop")
    moving.move_code(
        code_id=Code.objects.get(code=first.promo_code).pk, to="void", actor="portal", reason="retired", now=NOW
    )
    together(*[lambda: releasing.sweep(now=NOW)] * 6)
    assert has(customer) == (100, 0, 0)
    assert list(auditing.fold_differences()) == []


def test_parallel_signed_calls_post_once():
    customer = endowed(100)
    posted = together(
        *[
            lambda: posting.post_order(
                number="70415", customer_id=customer, total=Decimal(1000), spends=60, earns=True, now=NOW, actor="signed:shop"
            )
        ]
        * 8
    )  # fmt: skip
    assert sorted(one.is_duplicate for one in posted) == [False] + [True] * 7
    assert has(customer) == (140, 0, 0)
