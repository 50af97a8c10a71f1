"""Points become a code and come back: one behaviour each."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from bonuses.errors import HoldNotOpen, HoldUnknown, InsufficientPoints, KeyReused, OverShare
from bonuses.models import Hold
from bonuses.services import merging, reckoning, redeeming, redemptions, releasing, reporting
from promo.errors import PoolEmpty, PoolUnknown
from promo.models import Code, CodeState, Demand, Issue, Pool, ReplenishRun
from promo.services import moving, stock
from tests.bonuses.scenes import DAY, NOW, give, make_customer, say
from tests.factories import make_codes, make_pool

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def pool():
    found = make_pool(100)
    make_codes(found, 5)
    return found


@pytest.fixture
def shopper():
    customer = make_customer()
    give(customer, 300)
    return customer


def redeem(customer, points=100, *, key="a key of sixteen", total="1000", now=NOW, **fields):
    return redeeming.redeem(
        customer_id=customer, points=points, order_total=Decimal(total), key=key, now=now, actor="shop", **fields
    )


def balance(customer, now=NOW):
    found = reckoning.balance(customer, now=now)
    return found.available, found.held


def the_code(redemption):
    return Code.objects.get(code=redemption.promo_code)


def release(customer, redemption, now=NOW):
    return redeeming.ask_release(public_id=redemption.id, customer_id=customer, now=now, actor="shop")


def kill(redemption, now=NOW):
    """The panel's evidence: deleted, and seen gone."""
    assert moving.move_code(
        code_id=the_code(redemption).pk, to=CodeState.VOID, actor="portal", reason="retired", now=now
    )


# --- redeeming


def test_a_code_is_handed_out_for_points_that_are_held(pool, shopper):
    made = redeem(shopper)
    assert (made.points, made.state, made.expires_at) == (100, "open", NOW + HOUR)
    assert the_code(made).state == CodeState.ISSUED
    assert balance(shopper) == (200, 100)
    assert Hold.objects.get().code_id == Issue.objects.get().code_id
    assert len(made.id) == 32


def test_the_same_key_is_the_same_redemption_and_costs_nothing_more(pool, shopper):
    first = redeem(shopper)
    again = redeem(shopper, now=NOW + HOUR)
    assert (again.promo_code, again.id, again.is_replay) == (first.promo_code, first.id, True)
    assert balance(shopper) == (200, 100)
    assert Issue.objects.count() == 1


def test_a_key_of_other_points_is_refused(pool, shopper):
    redeem(shopper)
    with pytest.raises(KeyReused):
        redeem(shopper, 50)


def test_more_than_there_is_is_refused_with_what_there_is(pool, shopper):
    redeem(shopper, key="first key first key")
    redeem(shopper, key="second key second key")
    redeem(shopper, key="third key third key")
    with pytest.raises(InsufficientPoints) as refused:
        redeem(shopper, key="fourth key fourth key")
    assert refused.value.available == 0
    assert Issue.objects.count() == 3


@pytest.mark.parametrize(("total", "most"), [("199.99", 99), ("0", 0), ("10", 5)])
def test_more_than_half_of_the_order_is_refused(pool, shopper, total, most):
    with pytest.raises(OverShare) as refused:
        redeem(shopper, total=total)
    assert refused.value.max_payable == most
    assert (Hold.objects.count(), Issue.objects.count()) == (0, 0)


def test_half_of_the_order_exactly_is_paid(pool, shopper):
    assert redeem(shopper, total="200").points == 100


def test_without_a_code_nothing_is_held_but_the_demand_and_a_run_are_left(shopper):
    make_pool(100)
    make_codes(make_pool(150), 1)
    make_codes(make_pool(50), 1)
    with pytest.raises(PoolEmpty) as refused:
        redeem(shopper)
    assert refused.value.details["nearby"] == [50, 150]
    assert balance(shopper) == (300, 0)
    assert Hold.objects.count() == 0
    assert Demand.objects.get().misses == 1
    assert (ReplenishRun.objects.get().kind, ReplenishRun.objects.get().trigger) == ("refill", "empty")
    # Nothing was remembered of the refusal: the same key may succeed later.
    make_codes(make_pool(100), 1)
    assert redeem(shopper).points == 100


def test_an_amount_without_a_pool_is_only_counted_unless_pools_are_made_on_demand(shopper, settings):
    with pytest.raises(PoolUnknown):
        redeem(shopper, 77)
    assert not Pool.objects.filter(amount_uah=77).exists()
    settings.ON_DEMAND_POOLS = 1
    with pytest.raises(PoolUnknown):
        redeem(shopper, 77)
    assert (Pool.objects.get(amount_uah=77).target, ReplenishRun.objects.get().pool.amount_uah) == (1, 77)
    with pytest.raises(PoolUnknown):
        redeem(shopper, 78)
    assert not Pool.objects.filter(amount_uah=78).exists()


def test_a_redemption_is_found_by_its_owner_only(pool, shopper):
    made = redeem(shopper)
    assert redemptions.find_redemption(public_id=made.id, customer_id=shopper).promo_code == made.promo_code
    for public_id, customer in ((made.id, make_customer()), ("0" * 32, shopper)):
        with pytest.raises(HoldUnknown):
            redemptions.find_redemption(public_id=public_id, customer_id=customer)


@pytest.mark.both_databases
@pytest.mark.parametrize("asker", ["merged", "survivor"])
def test_a_key_that_was_used_before_a_merge_makes_no_second_code_after_it(pool, shopper, asker):
    """The answer was lost, the customers were merged, and the page asks again: as whom it asks is not its affair."""
    first = redeem(shopper)
    survivor = make_customer()
    give(survivor, 300)
    merging.merge_customers(from_id=shopper, into_id=survivor, now=NOW, actor="olena")
    who = shopper if asker == "merged" else survivor
    assert redemptions.find_replay(customer_id=who, key="a key of sixteen").promo_code == first.promo_code
    again = redeem(who)
    assert (again.promo_code, again.id, again.is_replay) == (first.promo_code, first.id, True)
    with pytest.raises(KeyReused):
        redeem(who, 50)
    assert (Issue.objects.count(), balance(survivor)) == (1, (500, 100))
    assert redeem(who, key="another key").promo_code != first.promo_code


@pytest.mark.both_databases
def test_a_key_that_the_survivor_used_before_a_merge_makes_no_second_code_for_the_merged(pool, shopper):
    survivor = make_customer()
    give(survivor, 300)
    first = redeem(survivor)
    merging.merge_customers(from_id=shopper, into_id=survivor, now=NOW, actor="olena")
    assert redeem(shopper).promo_code == first.promo_code
    assert Issue.objects.count() == 1


@pytest.mark.both_databases
def test_a_key_is_found_over_merges_in_a_row(pool, shopper):
    first = redeem(shopper)
    second, third = make_customer(), make_customer()
    merging.merge_customers(from_id=shopper, into_id=second, now=NOW, actor="olena")
    merging.merge_customers(from_id=second, into_id=third, now=NOW, actor="olena")
    assert {redeem(who).promo_code for who in (shopper, second, third)} == {first.promo_code}
    assert Issue.objects.count() == 1


def test_after_a_merge_the_redemption_is_the_survivors(pool, shopper):
    made = redeem(shopper)
    survivor = make_customer()
    merging.merge_customers(from_id=shopper, into_id=survivor, now=NOW, actor="olena")
    assert redemptions.find_redemption(public_id=made.id, customer_id=survivor).id == made.id
    assert redeem(shopper).promo_code == made.promo_code


def test_payable_amounts_are_those_in_stock_up_to_a_sum(pool):
    make_pool(50)
    make_codes(make_pool(20), 1)
    make_codes(make_pool(70), 1, valid_until=NOW.date())
    make_codes(make_pool(300), 1)
    assert stock.payable_amounts(up_to=200, now=NOW) == [20, 100]
    assert stock.payable_amounts(up_to=0, now=NOW) == []


# --- releasing


def test_taking_the_code_off_holds_the_points_until_the_code_is_proven_dead(pool, shopper):
    made = redeem(shopper)
    found = release(shopper, made)
    assert (found.state, found.runs_asked) == ("releasing", True)
    assert the_code(made).state == CodeState.WITHDRAWN
    assert ReplenishRun.objects.get(kind="retire").pool == pool
    releasing.sweep(now=NOW + DAY)
    assert balance(shopper) == (200, 100)
    kill(made)
    assert releasing.sweep(now=NOW + DAY).released == 1
    assert balance(shopper) == (300, 0)
    assert releasing.sweep(now=NOW + DAY).released == 0


def test_releasing_twice_changes_nothing(pool, shopper):
    made = redeem(shopper)
    release(shopper, made)
    assert release(shopper, made, now=NOW + HOUR).runs_asked is False
    assert Hold.objects.get().releasing_at == NOW


def test_whoever_asks_for_the_same_amount_meanwhile_gets_the_same_code(pool, shopper):
    first = redeem(shopper)
    release(shopper, first)
    again = redeem(shopper, key="another key entirely", now=NOW + HOUR)
    assert (again.promo_code, again.id) == (first.promo_code, first.id)
    assert the_code(first).state == CodeState.ISSUED
    assert (Hold.objects.get().state, Hold.objects.get().expires_at) == ("open", NOW + 2 * HOUR)
    assert balance(shopper) == (200, 100)
    # A lost answer is answered again, and the key is bound to what it got.
    assert redeem(shopper, key="another key entirely", now=NOW + HOUR).promo_code == first.promo_code
    with pytest.raises(KeyReused):
        redeem(shopper, 50, key="another key entirely")


def test_a_code_that_is_being_deleted_or_was_used_is_not_given_back(pool, shopper):
    first = redeem(shopper)
    release(shopper, first)
    Code.objects.filter(code=first.promo_code).update(retire_tried_at=NOW)
    second = redeem(shopper, key="another key entirely")
    assert second.promo_code != first.promo_code
    assert balance(shopper) == (100, 200)
    release(shopper, second)
    Code.objects.filter(code=second.promo_code).update(inactive_since=NOW)
    assert redeem(shopper, key="and another key here").promo_code not in {first.promo_code, second.promo_code}


def test_the_end_of_the_holds_time_begins_the_release_and_frees_nothing(pool, shopper):
    made = redeem(shopper)
    assert releasing.sweep(now=NOW + HOUR - dt.timedelta(microseconds=1)).begun == 0
    assert releasing.sweep(now=NOW + HOUR).begun == 1
    assert the_code(made).state == CodeState.WITHDRAWN
    assert balance(shopper, NOW + HOUR) == (200, 100)


def test_a_report_that_names_the_redemption_keeps_it_for_three_days(pool, shopper):
    made = redeem(shopper)
    reporting.claim_order(source="shop", number="7", customer_id=shopper, total=Decimal(900), now=NOW, hold_key=made.id)
    assert releasing.sweep(now=NOW + 71 * HOUR).begun == 0
    assert releasing.sweep(now=NOW + 72 * HOUR).begun == 1


def test_a_confirmed_order_keeps_it_and_a_completed_one_spends_it(pool, shopper):
    made = redeem(shopper)
    (hold_id,) = redemptions.holds_of_code(made.promo_code)
    say("7", "confirmed", customer=shopper, holds=[hold_id])
    assert releasing.sweep(now=NOW + 9 * DAY).begun == 0
    assert the_code(made).state == CodeState.REDEEMED
    with pytest.raises(HoldNotOpen):
        release(shopper, made)
    say("7", "completed", customer=shopper, holds=[hold_id], now=NOW + DAY)
    assert balance(shopper, NOW + DAY) == (300, 0)  # 300 - 100 + 100 earned


def test_an_order_that_arrives_while_the_code_is_taken_back_is_paid(pool, shopper):
    made = redeem(shopper)
    (hold_id,) = redemptions.holds_of_code(made.promo_code)
    release(shopper, made)
    Code.objects.filter(code=made.promo_code).update(inactive_since=NOW)
    say("7", "completed", "900", customer=shopper, holds=[hold_id], now=NOW + HOUR)
    assert the_code(made).state == CodeState.REDEEMED
    assert Hold.objects.get().state == "captured"
    releasing.sweep(now=NOW + 3 * DAY)
    assert balance(shopper, NOW + HOUR) == (290, 0)


def test_a_code_that_was_used_at_the_moment_of_its_deletion_is_paid_by_its_owner_all_the_same(pool, shopper):
    """The panel's row was gone, so the points were freed; then the order arrives with the code in it."""
    made = redeem(shopper)
    release(shopper, made)
    kill(made)
    releasing.sweep(now=NOW)
    redeem(shopper, key="another key entirely")
    redeem(shopper, key="and another key here")
    assert balance(shopper) == (100, 200)
    say(
        "7",
        "completed",
        "900",
        customer=make_customer(),
        holds=redemptions.holds_of_code(made.promo_code),
        now=NOW + HOUR,
    )
    assert balance(shopper, NOW + HOUR) == (0, 200)


@pytest.mark.parametrize("stage", ["confirmed", "completed"])
def test_a_cancelled_order_gives_the_points_back_once_its_code_is_deleted(pool, shopper, stage):
    made = redeem(shopper)
    (hold_id,) = redemptions.holds_of_code(made.promo_code)
    say("7", stage, customer=shopper, holds=[hold_id])
    say("7", "cancelled", customer=shopper, holds=[hold_id], now=NOW + HOUR)
    found = the_code(made)
    assert (found.state, found.is_use_settled) == (CodeState.WITHDRAWN, True)
    assert ReplenishRun.objects.filter(kind="retire").exists()
    releasing.sweep(now=NOW + HOUR)
    assert sum(balance(shopper, NOW + HOUR)) == (300 if stage == "confirmed" else 200)
    kill(made)
    releasing.sweep(now=NOW + HOUR)
    assert balance(shopper, NOW + HOUR) == (300, 0)


def test_without_evidence_a_person_is_called_after_two_days(pool, shopper):
    used, unproven = redeem(shopper), redeem(shopper, key="another key entirely")
    release(shopper, used)
    release(shopper, unproven)
    Code.objects.filter(code=used.promo_code).update(inactive_since=NOW)
    assert releasing.sweep(now=NOW + 2 * DAY - dt.timedelta(seconds=1)).stuck == 0
    assert releasing.sweep(now=NOW + 2 * DAY).stuck == 2
    assert list(Hold.objects.order_by("pk").values_list("stuck_reason", flat=True)) == [
        "code_used_without_order",
        "code_not_proven_dead",
    ]


def test_a_run_that_did_not_see_the_code_is_followed_by_another(pool, shopper):
    made = redeem(shopper)
    release(shopper, made)
    ReplenishRun.objects.filter(kind="retire").update(state="succeeded")
    assert releasing.sweep(now=NOW + HOUR).runs == 1
    assert releasing.sweep(now=NOW + HOUR).runs == 0
