"""Orders: every (state, event) pair, snapshots as differences, claims that own nothing."""

import datetime as dt
import itertools
import re
from decimal import Decimal
from pathlib import Path

import pytest

from bonuses.models import Hold, LedgerEntry, Lot, Order, OrderReport, OrderSnapshot
from bonuses.policy import Totals
from bonuses.policy_orders import TRANSITIONS, OrderEvent, OrderState
from bonuses.services import holding, refunding, reporting, ruling
from bonuses.services.orders import Outcome, Stuck
from tests.bonuses.scenes import DAY, NOW, entries, give, has, hold, make_customer, say
from tests.factories import make_code, make_pool

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
TABLE = Path(__file__).parents[2] / "docs" / "orders.md"
STAGES = ["confirmed", "completed", "cancelled"]
LATER = NOW + dt.timedelta(minutes=10)


def test_the_table_in_the_documentation_is_the_table_in_the_code():
    rows = [
        tuple(cell.strip() for cell in line.strip("|\n").split("|"))
        for line in TABLE.read_text().splitlines()
        if re.match(r"\| (reported|confirmed|completed|cancelled) ", line)
    ]
    expected = [
        (state.value, event.value, step.to.value, step.holds.value, step.points.value)
        for (state, event), step in TRANSITIONS.items()
    ]
    assert rows == expected
    assert len(rows) == len(OrderState) * len(OrderEvent)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(STAGES, STAGES)))
def test_every_stage_after_every_stage_ends_where_the_stage_says(first, second):
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50)
    say("1", first, customer=customer, holds=[held.id])
    say("1", second, "1500", customer=customer, holds=[held.id], now=NOW + DAY)
    ends = {"confirmed": (10, 50, 0), "completed": (160, 0, 0), "cancelled": (60, 0, 0)}
    assert has(customer, now=NOW + DAY) == ends[second]
    assert Order.objects.get(number="1").state == second


@pytest.mark.parametrize("stage", STAGES)
def test_a_report_changes_no_order_and_no_point(stage):
    customer, stranger = make_customer(), make_customer()
    say("1", stage, customer=customer)
    before = (has(customer), entries(), list(Order.objects.values()))
    for who in (customer, stranger):
        reporting.claim_order(source="shop", number="1", customer_id=who, total=Decimal(9_999_999), now=NOW)
    assert (has(customer), entries(), list(Order.objects.values())) == before
    assert has(stranger) == (0, 0, 0)


def test_a_report_of_an_unknown_order_is_expected_for_14_days_and_owns_nothing():
    customer, squatter = make_customer(), make_customer()
    for who in (squatter, customer):
        claim = reporting.claim_order(source="shop", number="7", customer_id=who, total=Decimal("1849.90"), now=NOW)
        assert claim.points == 184
    assert reporting.expected_points(customer, now=NOW + 14 * DAY - DAY / 24) == 184
    assert reporting.expected_points(customer, now=NOW + 14 * DAY) == 0
    assert LedgerEntry.objects.count() == 0
    assert Order.objects.count() == 0
    say("7", "confirmed", "1849.90", customer=customer)
    assert reporting.expected_points(squatter, now=NOW) == 0
    assert reporting.pending_points(customer) == 184
    assert OrderReport.objects.count() == 2


def test_a_report_that_names_its_hold_keeps_it_72_hours_and_never_less():
    customer, other = make_customer(), make_customer()
    give(customer, 60)
    held = hold(customer, 50, key="the hold")
    reporting.claim_order(
        source="shop", number="7", customer_id=other, total=Decimal(100), now=NOW, hold_key="the hold"
    )
    assert Hold.objects.get(pk=held.id).expires_at == held.expires_at
    reporting.claim_order(
        source="shop", number="7", customer_id=customer, total=Decimal(100), now=NOW, hold_key="the hold"
    )
    assert Hold.objects.get(pk=held.id).expires_at == NOW + 3 * DAY
    assert has(customer, now=NOW + 3 * DAY - DAY / 24) == (10, 50, 0)
    assert has(customer, now=NOW + 3 * DAY) == (60, 0, 0)


def test_the_same_snapshot_twice_is_one_revision_and_an_older_one_is_dropped():
    customer = make_customer()
    assert say("1", customer=customer).outcome is Outcome.APPLIED
    assert say("1", customer=customer, now=NOW + DAY).outcome is Outcome.UNCHANGED
    assert say("1", "cancelled", customer=customer, now=NOW + 2 * DAY, seen_at=NOW).outcome is Outcome.DROPPED
    assert OrderSnapshot.objects.count() == 1
    assert entries() == [("accrue", 100)]


def test_an_order_placed_before_the_program_is_history(settings):
    settings.PROGRAM_STARTS_AT = NOW
    customer = make_customer()
    applied = say("1", customer=customer, placed_at=NOW - DAY / 24)
    assert applied.outcome is Outcome.HISTORY
    assert (Order.objects.count(), entries()) == (0, [])
    assert say("2", customer=customer, placed_at=NOW).outcome is Outcome.APPLIED


def test_the_base_leaves_out_shipping_wrap_and_taxes_unless_the_rule_says_grand():
    customer = make_customer()
    totals = Totals(
        grand=Decimal("1849.90"), goods=Decimal(1700), shipping=Decimal(70), wrap=Decimal("29.90"), taxes=Decimal(50)
    )
    say("1", customer=customer, totals=totals)
    assert has(customer) == (170, 0, 0)
    ruling.make_rule(actor="olena", reason="as before", now=NOW, base="grand")
    say("2", customer=customer, totals=totals)
    assert has(customer) == (354, 0, 0)


def test_under_the_minimum_order_nothing_is_earned_and_what_was_is_taken_back():
    customer = make_customer()
    ruling.make_rule(actor="olena", reason="spring", now=NOW, minimum_order=Decimal(500))
    say("1", total="499.99", customer=customer)
    assert has(customer) == (0, 0, 0)
    say("2", total="500", customer=customer)
    assert has(customer) == (50, 0, 0)
    say("2", total="499.99", customer=customer, now=NOW + DAY)
    assert has(customer) == (0, 0, 0)


def test_a_hold_in_two_orders_pays_the_first_and_the_second_is_shown_to_a_person():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50)
    say("1", "confirmed", customer=customer, holds=[held.id])
    applied = say("2", customer=customer, holds=[held.id])
    assert applied.stuck == (Stuck.HOLD_OF_ANOTHER_ORDER,)
    assert Order.objects.get(number="2").stuck_reason == "hold_of_another_order"
    assert has(customer) == (110, 50, 0)


def test_the_second_order_of_a_hold_pays_once_the_first_is_cancelled_in_whatever_order_we_hear_of_them():
    """The store gave a cancelled order's code free, it was used again, and we are told of the cancellation last."""
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50)
    say("1", "confirmed", customer=customer, holds=[held.id])
    say("2", customer=customer, holds=[held.id])
    assert say("2", customer=customer, holds=[held.id]).outcome == "unchanged"
    say("1", "cancelled", customer=customer, holds=[held.id], now=NOW + DAY)
    assert has(customer, now=NOW + DAY) == (160, 0, 0)
    applied = say("2", customer=customer, holds=[held.id], now=NOW + 2 * DAY)
    assert (applied.outcome, applied.stuck) == ("applied", ())
    assert Order.objects.get(number="2").stuck_reason == ""
    assert has(customer, now=NOW + 2 * DAY) == (110, 0, 0)
    assert say("2", customer=customer, holds=[held.id], now=NOW + 3 * DAY).outcome == "unchanged"


def test_a_hold_in_two_orders_goes_to_the_one_that_was_placed_first_though_it_is_heard_of_last():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50)
    say("2", "confirmed", customer=customer, holds=[held.id], placed_at=LATER, now=LATER)
    applied = say("1", "confirmed", customer=customer, holds=[held.id], placed_at=NOW, now=LATER)
    assert (applied.stuck, applied.taken_from) == ((), (Order.objects.get(number="2").pk,))
    assert Hold.objects.get().order.number == "1"
    # The same snapshot of the other one means something else now, and is told once.
    again = say("2", "confirmed", customer=customer, holds=[held.id], placed_at=LATER, now=LATER)
    assert (again.outcome, again.stuck) == ("applied", (Stuck.HOLD_OF_ANOTHER_ORDER,))
    once_more = say("2", "confirmed", customer=customer, holds=[held.id], placed_at=LATER, now=LATER)
    assert once_more.outcome == "unchanged"
    say("2", customer=customer, holds=[held.id], placed_at=LATER, now=NOW + 2 * DAY)
    say("1", customer=customer, holds=[held.id], placed_at=NOW, now=NOW + 2 * DAY)
    assert Hold.objects.get().state == "captured"
    assert has(customer, now=NOW + 2 * DAY) == (210, 0, 0)


def test_points_that_the_later_order_has_spent_stay_spent_and_a_person_decides():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50)
    say("2", customer=customer, holds=[held.id], placed_at=LATER, now=LATER)
    before = has(customer, now=LATER)
    applied = say("1", "confirmed", customer=customer, holds=[held.id], placed_at=NOW, now=LATER)
    assert applied.stuck == (Stuck.SPENT_BY_LATER_ORDER,)
    assert Order.objects.get(number="1").stuck_reason == "spent_by_later_order"
    assert Hold.objects.get().order.number == "2"
    assert has(customer, now=LATER) == before
    # The person cancels the later one: the same snapshot of the first takes what is given up.
    say("2", "cancelled", customer=customer, holds=[held.id], placed_at=LATER, now=NOW + 2 * DAY)
    applied = say("1", "confirmed", customer=customer, holds=[held.id], placed_at=NOW, now=NOW + 2 * DAY)
    assert (applied.outcome, applied.stuck) == ("applied", ())
    assert Order.objects.get(number="1").stuck_reason == ""
    assert has(customer, now=NOW + 2 * DAY) == (10, 50, 0)


def test_a_cancelled_order_that_was_placed_first_takes_nothing_and_needs_nobody():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50)
    say("2", "confirmed", customer=customer, holds=[held.id], placed_at=LATER, now=LATER)
    applied = say("1", "cancelled", customer=customer, holds=[held.id], placed_at=NOW, now=LATER)
    assert (applied.stuck, applied.taken_from) == ((), ())
    assert Hold.objects.get().order.number == "2"


def test_the_owner_of_the_hold_pays_and_the_phone_of_the_order_earns():
    payer, earner = make_customer(), make_customer()
    give(payer, 60)
    held = hold(payer, 50)
    say("1", customer=earner, holds=[held.id])
    assert (has(payer), has(earner)) == ((10, 0, 0), (100, 0, 0))


def test_the_earner_may_change_until_something_was_granted():
    first, second = make_customer(), make_customer()
    say("1", "confirmed", customer=first)
    say("1", customer=second)
    assert (has(first), has(second)) == ((0, 0, 0), (100, 0, 0))
    applied = say("1", total="2000", customer=first, now=NOW + DAY)
    assert applied.stuck == (Stuck.EARNER_CHANGED,)
    assert (has(first), has(second, now=NOW + DAY)) == ((0, 0, 0), (200, 0, 0))


def test_with_a_code_out_there_a_cancellation_waits_for_the_evidence():
    customer = make_customer()
    give(customer, 60)
    code = make_code(make_pool(50), "issued")
    held = hold(customer, 50, code_id=code.pk)
    say("1", customer=customer, holds=[held.id])
    applied = say("1", "cancelled", customer=customer, now=NOW + DAY)
    assert applied.releasing == (held.id,)
    assert has(customer, now=NOW + DAY) == (10, 0, 0)
    assert refunding.prove_code_dead(hold_id=held.id, now=NOW + 2 * DAY, actor="panel")
    assert not refunding.prove_code_dead(hold_id=held.id, now=NOW + 2 * DAY, actor="panel")
    assert has(customer, now=NOW + 2 * DAY) == (60, 0, 0)


def test_an_open_hold_with_a_code_waits_for_the_evidence_when_its_order_is_cancelled():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50, code_id=make_code(make_pool(50), "issued").pk)
    say("1", "confirmed", customer=customer, holds=[held.id])
    assert say("1", "cancelled", customer=customer, now=NOW + DAY).releasing == (held.id,)
    assert Hold.objects.get().state == "releasing"
    assert has(customer, now=NOW + 30 * DAY) == (10, 50, 0)
    holding.release_hold(hold_id=held.id, now=NOW + 30 * DAY, actor="panel", is_proven=True)
    assert has(customer, now=NOW + 30 * DAY) == (60, 0, 0)


def test_a_second_capture_takes_the_same_lots_as_far_as_they_go_and_the_rest_is_owed():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50)
    say("1", total="0", customer=customer, holds=[held.id])
    say("1", "cancelled", "0", customer=customer, now=NOW + DAY)
    hold(customer, 40, now=NOW + DAY, lives=None)  # meanwhile most of it is wanted elsewhere
    say("1", total="0", customer=customer, now=NOW + 2 * DAY)
    assert has(customer, now=NOW + 2 * DAY) == (0, 40, 30)
    assert entries()[-3:] == [("hold", 20), ("capture", 20), ("incur_debt", 30)]


def test_what_was_owed_and_repaid_goes_back_to_the_lots_that_repaid_it():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50)
    say("1", total="0", customer=customer, holds=[held.id])
    say("1", "cancelled", "0", customer=customer, now=NOW + DAY)
    hold(customer, 40, now=NOW + DAY, lives=None)
    say("1", total="0", customer=customer, now=NOW + 2 * DAY)
    give(customer, 25, now=NOW + 3 * DAY)
    assert has(customer, now=NOW + 3 * DAY) == (0, 40, 5)
    say("1", "cancelled", "0", customer=customer, now=NOW + 4 * DAY)
    assert has(customer, now=NOW + 4 * DAY) == (45, 40, 0)
    assert list(Lot.objects.order_by("pk").values_list("remaining", "held")) == [(20, 40), (25, 0)]


def test_debt_that_was_repaid_goes_back_to_the_lot_that_was_drawn_last():
    """Found by a random life: two lots repaid one debt, the younger of them ended first, and only a part of it comes back."""
    customer = make_customer()
    say("old", total="600", customer=customer)
    ruling.make_rule(actor="olena", reason="shorter", now=NOW, lifetime_days=30)
    say("young", total="600", customer=customer, placed_at=NOW + DAY, now=NOW + DAY)
    old, young = Lot.objects.order_by("pk")
    held = hold(customer, 100, now=NOW + DAY, lives=None)  # 60 of the younger, which ends first, and 40 of the older
    say("bought", total="1", customer=customer, holds=[held.id], now=NOW + DAY)
    say("bought", "cancelled", total="1", customer=customer, now=NOW + 2 * DAY)
    in_the_way = hold(customer, 120, now=NOW + 2 * DAY, lives=None)
    say("bought", total="1", customer=customer, now=NOW + 3 * DAY)
    assert has(customer, now=NOW + 3 * DAY) == (0, 120, 100)
    holding.release_hold(hold_id=in_the_way.id, now=NOW + 4 * DAY, actor="shop")
    assert LedgerEntry.objects.get(kind="repay").points == 100
    say("old", total="0", customer=customer, now=NOW + 5 * DAY)
    assert has(customer, now=NOW + 5 * DAY) == (0, 0, 40)
    say("bought", "cancelled", total="1", customer=customer, now=NOW + 6 * DAY)
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.remaining, young.remaining) == (40, 20)
