"""What really happened to an order reaches the ledger: stages, codes, edits, splits, disorder."""

import datetime as dt
from decimal import Decimal

import pytest

from bonuses.models import Customer, Hold, LedgerEntry, Order
from bonuses.policy_orders import Stage
from keycrm.errors import CrmUnavailable, RateLimited
from keycrm.models import BuyerLink, CrmOrder, InboundEvent
from keycrm.policy import fold_code
from keycrm.services import applying, leasing
from keycrm.services.applying import Rules
from promo.models import CodeState
from tests.bonuses import scenes
from tests.factories import NOW, make_code, make_pool
from tests.keycrm.far_side import CANCELLED, COMPLETED, NEW, UNDER_WAY, raising
from tests.keycrm.journeys import RULES, has, hear, hear_and_work, held_code, issued_code, net, stuck, work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PHONE = "+380000000001"


def test_a_completed_order_earns_and_a_cancelled_one_gives_it_back(far):
    order = far.place(total="1849.90")
    assert hear_and_work(far, order.id).outcome == "applied"
    assert has(now=far.now) == (0, 0, 0)
    far.pass_time(hours=1)
    far.change(order, status=COMPLETED)
    hear_and_work(far, order.id)
    assert has(now=far.now) == (184, 0, 0)
    far.pass_time(hours=1)
    far.change(order, status=CANCELLED)
    hear_and_work(far, order.id)
    assert has(now=far.now) == (0, 0, 0)
    assert list(InboundEvent.objects.values_list("state", flat=True)) == ["applied"] * 3


def test_an_override_of_a_status_beats_its_group(far):
    rules = Rules(stages={40: Stage.CONFIRMED, 31: Stage.COMPLETED}, shop_sources=())
    parked = far.place(status=(40, 6))
    done = far.place(status=(31, 4), phone="+380000000002")
    for order in (parked, done):
        hear_and_work(far, order.id, rules=rules)
    assert Order.objects.get(number=parked.number).state == "confirmed"
    assert net(done.number) == 100


def test_an_order_placed_before_the_program_is_history_and_makes_no_customer(far, settings):
    settings.PROGRAM_STARTS_AT = NOW + dt.timedelta(days=1)
    order = far.place(status=COMPLETED, promocode=issued_code().code)
    assert hear_and_work(far, order.id).outcome == "history"
    assert not Customer.objects.exists()
    assert not Hold.objects.exists()
    assert list(InboundEvent.objects.values_list("state", "reason")) == [("ignored", "history")]


def test_points_held_for_a_code_are_spent_by_the_order_in_which_it_stands(far):
    payer = scenes.make_customer()
    scenes.give(payer, 300)
    code, hold = held_code(payer, 100, now=NOW)
    order = far.place(total="900", promocode=f" {code.code.lower()} ", total_discount=Decimal(100))
    hear_and_work(far, order.id)
    hold.refresh_from_db()
    assert (hold.state, hold.expires_at, hold.order.number) == ("open", None, order.number)
    far.change(order, status=COMPLETED)
    hear_and_work(far, order.id)
    hold.refresh_from_db()
    code.refresh_from_db()
    assert (hold.state, code.state) == ("captured", CodeState.REDEEMED)
    assert scenes.has(payer, now=far.now) == (200, 0, 0)
    assert has(now=far.now) == (90, 0, 0)  # the phone of the order earns, whoever paid


def test_a_code_handed_out_without_a_hold_is_paid_by_the_orders_customer_as_far_as_points_go(far):
    customer = scenes.make_customer(phone=PHONE)
    scenes.give(customer, 60)
    code = issued_code(100)
    order = far.place(promocode=code.code)
    hear_and_work(far, order.id)
    assert has(now=far.now) == (0, 60, 0)
    far.change(order, status=COMPLETED, total_discount=Decimal(100), grand_total=Decimal(900))
    hear_and_work(far, order.id)
    assert has(now=far.now) == (50, 0, 0)  # 90 earned, 40 of them repaid what was owed


# --- one code in two orders: it pays for the one that was placed first


def two_orders_with(code, far, **second):
    first = far.place(promocode=code.code, total_discount=Decimal(100), grand_total=Decimal(900))
    far.pass_time(minutes=5)
    later = far.place(promocode=code.code, total_discount=Decimal(100), grand_total=Decimal(900), **second)
    far.pass_time(minutes=5)
    return first, later


@pytest.mark.parametrize("is_first_heard_first", [True, False])
def test_a_code_in_two_orders_pays_for_the_first_whichever_is_heard_of_first(far, is_first_heard_first):
    payer = scenes.make_customer(phone="+380000000077")
    scenes.give(payer, 300)
    code, hold = held_code(payer, 100, now=NOW)
    first, later = two_orders_with(code, far)
    for order in (first, later) if is_first_heard_first else (later, first):
        hear(far, order.id)
        work(far)
    hold.refresh_from_db()
    assert (hold.state, hold.order.number) == ("open", first.number)
    assert [Order.objects.get(number=one.number).stuck_reason for one in (first, later)] == [
        "",
        "hold_of_another_order",
    ]
    for order in (later, first):
        far.change(order, status=COMPLETED)
        hear_and_work(far, order.id)
    hold.refresh_from_db()
    assert (hold.state, hold.order.number) == ("captured", first.number)
    assert scenes.has(payer, now=far.now) == (200, 0, 0)


def test_a_code_that_the_later_order_has_spent_already_leaves_the_first_to_a_person(far):
    payer = scenes.make_customer()
    scenes.give(payer, 300)
    code, hold = held_code(payer, 100, now=NOW)
    first, later = two_orders_with(code, far, status=COMPLETED)
    for order in (later, first):
        hear_and_work(far, order.id)
    hold.refresh_from_db()
    assert (hold.state, hold.order.number) == ("captured", later.number)
    assert Order.objects.get(number=first.number).stuck_reason == "spent_by_later_order"
    assert scenes.has(payer, now=far.now) == (200, 0, 0)


def test_when_the_first_order_is_cancelled_its_code_pays_for_the_second_without_being_asked(far):
    payer = scenes.make_customer()
    scenes.give(payer, 300)
    code, hold = held_code(payer, 100, now=NOW)
    first, later = two_orders_with(code, far)
    for order in (first, later):
        hear_and_work(far, order.id)
    far.change(first, status=CANCELLED)
    hear_and_work(far, first.id)
    hold.refresh_from_db()
    assert (hold.state, hold.order.number) == ("open", later.number)
    assert Order.objects.get(number=later.number).stuck_reason == ""


@pytest.mark.parametrize("is_same_customer", [True, False])
def test_a_code_that_was_charged_to_the_later_order_moves_only_within_one_customer(far, is_same_customer):
    code = issued_code(100)
    first = far.place(promocode=code.code, phone=PHONE)
    far.pass_time(minutes=5)
    later = far.place(promocode=code.code, phone=PHONE if is_same_customer else "+380000000002")
    for order in (later, first):
        hear(far, order.id)
        work(far)
    hold = Hold.objects.get()
    told = [Order.objects.get(number=one.number).stuck_reason for one in (first, later)]
    if is_same_customer:
        assert (hold.order.number, told) == (first.number, ["", "hold_of_another_order"])
    else:
        assert (hold.order.number, told) == (later.number, ["spent_by_later_order", ""])


@pytest.mark.parametrize("written", ["ВОN100ТЕSТ7", " bon100test7 ", "BON100TЕST7"])
def test_look_alikes_blanks_and_case_do_not_hide_a_code(written):
    assert fold_code(written) == "BON100TEST7"


@pytest.mark.parametrize("written", ["SUMMER10", "BON100NEVER", "", "BON100TEST"])
def test_an_ordinary_discount_spends_nothing(far, written):
    customer = scenes.make_customer(phone=PHONE)
    scenes.give(customer, 300)
    issued_code(100, code="BON100TEST77")
    before = LedgerEntry.objects.count()
    order = far.place(promocode=written, total_discount=Decimal(100))
    hear_and_work(far, order.id)
    assert LedgerEntry.objects.count() == before
    assert not Hold.objects.exists()


def test_a_code_of_ours_that_was_never_handed_out_spends_nothing(far):
    code = make_code(make_pool(100))
    order = far.place(promocode=code.code)
    hear_and_work(far, order.id)
    code.refresh_from_db()
    assert code.state == CodeState.AVAILABLE
    assert not Hold.objects.exists()
    assert CrmOrder.objects.get().code == code  # the list of differences shows it


def test_a_code_without_a_hold_in_an_order_without_a_phone_waits_for_a_person(far):
    order = far.place(phone=None, promocode=issued_code().code)
    hear_and_work(far, order.id)
    assert stuck(order.id) == "no_payer"
    assert not Order.objects.exists()


def test_an_edited_and_partly_refunded_order_ends_where_its_last_figures_say(far):
    order = far.place(total="1000", status=COMPLETED)
    for total in ("1500", "300", "777.70", "400"):
        far.pass_time(minutes=1)
        far.change(order, grand_total=Decimal(total))
        hear_and_work(far, order.id)
    assert net(order.number) == 40
    assert has(now=far.now) == (40, 0, 0)


def test_shipping_wrap_and_taxes_earn_nothing(far):
    order = far.place(
        total="1000",
        status=COMPLETED,
        grand_total=Decimal(1130),
        shipping_price=Decimal(80),
        wrap_price=Decimal(30),
        taxes=Decimal(20),
    )
    hear_and_work(far, order.id)
    assert net(order.number) == 100


# --- identity


def test_our_number_is_the_digits_at_the_source_and_the_crms_id_is_another(far):
    order = far.place(source_uuid="#70415")
    hear_and_work(far, order.id)
    assert list(Order.objects.values_list("source", "number")) == [("horoshop", "70415")]


def test_an_order_without_a_number_at_its_source_is_named_after_the_crm(far):
    order = far.place(source_uuid="")
    hear_and_work(far, order.id)
    assert Order.objects.get().number == f"crm:{order.id}"


def test_the_same_number_at_another_source_is_another_order(far):
    rules = Rules(stages={}, shop_sources=(3,))
    ours, theirs = far.place(source_uuid="55"), far.place(source_uuid="55", source_id=8)
    for order in (ours, theirs):
        hear_and_work(far, order.id, rules=rules)
    assert sorted(Order.objects.values_list("source", "number")) == [("horoshop", "55"), ("keycrm-8", "55")]


def test_two_orders_with_one_number_are_stuck_until_a_person_sets_one_aside(far):
    from keycrm.services import vanishing

    first, second = (
        far.place(source_uuid="55", status=COMPLETED),
        far.place(source_uuid="#55", status=COMPLETED, total="9000"),
    )
    hear_and_work(far, first.id)
    hear_and_work(far, second.id)
    assert (stuck(first.id), stuck(second.id)) == ("same_number", "same_number")
    assert has(now=far.now) == (100, 0, 0)
    far.change(first, grand_total=Decimal(5000))
    hear_and_work(far, first.id)
    assert (stuck(first.id), net("55")) == ("same_number", 100)
    vanishing.set_aside(crm_id=second.id, verdict="kept", reason="entered twice", actor="olena", now=far.now)
    work(far)
    assert (stuck(first.id), net("55")) == ("", 500)
    hear_and_work(far, second.id)
    assert net("55") == 500


def test_parts_of_a_split_order_add_up_under_the_root_and_complete_when_all_are(far):
    root = far.place(source_uuid="80", total="600", status=UNDER_WAY)
    part = far.place(source_uuid="80", total="400", parent_id=root.id, status=UNDER_WAY)
    hear(far, root.id)
    hear(far, part.id)
    work(far)
    assert Order.objects.get().grand_total == 1000
    far.change(root, status=COMPLETED)
    hear_and_work(far, root.id)
    assert Order.objects.get().state == "confirmed"
    far.change(part, status=COMPLETED)
    hear_and_work(far, part.id)
    assert (Order.objects.get().state, net("80")) == ("completed", 100)
    far.pass_time(hours=1)
    far.change(part, status=CANCELLED)
    hear_and_work(far, part.id)
    assert (Order.objects.get().state, net("80")) == ("completed", 60)
    far.change(root, status=CANCELLED)
    hear_and_work(far, root.id)
    assert (Order.objects.get().state, net("80")) == ("cancelled", 0)


def test_a_part_that_is_heard_of_first_brings_its_root(far):
    root = far.place(source_uuid="81", total="600", status=COMPLETED)
    part = far.place(source_uuid="", total="400", parent_id=root.id, status=COMPLETED)
    hear_and_work(far, part.id)
    assert list(Order.objects.values_list("number", flat=True)) == ["81"]
    assert net("81") == 100


# --- order of things


def test_a_hint_that_comes_while_an_order_is_worked_on_is_not_lost(far):
    order = far.place()
    hear(far, order.id)
    lease = leasing.take(CrmOrder, now=far.now)
    hear(far, order.id)  # the same moment, the same body
    assert not leasing.finish(lease)
    assert len(work(far)) == 1


def test_two_workers_never_have_one_order_and_a_dead_one_loses_it(far):
    order = far.place()
    hear(far, order.id)
    lease = leasing.take(CrmOrder, now=far.now)
    assert leasing.take(CrmOrder, now=far.now) is None
    later = far.now + leasing.LEASE_LIVES
    again = leasing.take(CrmOrder, now=later)
    assert again is not None
    with pytest.raises(leasing.LeaseLost), leasing.fenced(lease):
        raise AssertionError("the first worker wrote")
    assert not leasing.finish(lease)
    with leasing.fenced(again) as row:
        assert row.crm_id == order.id


def test_a_snapshot_that_is_older_than_the_one_applied_is_dropped(far):
    order = far.place(status=COMPLETED)
    far.pass_time(hours=2)
    far.change(order, grand_total=Decimal(2000))
    hear_and_work(far, order.id)
    stale = far.place(id=order.id, source_uuid=order.source_uuid, status=CANCELLED, updated_at=NOW)
    assert hear_and_work(far, stale.id).outcome == "dropped"
    assert net(order.number) == 200
    assert InboundEvent.objects.order_by("-pk")[0].reason == "dropped"


def test_trouble_that_passes_puts_an_order_off_and_loses_nothing(far):
    order = far.place(status=COMPLETED)
    far.trouble = raising(RateLimited(retry_after_seconds=40.0), CrmUnavailable())
    hear_and_work(far, order.id)
    assert not Order.objects.exists()
    assert InboundEvent.objects.get().state == "received"
    far.pass_time(seconds=39)
    assert work(far) == []
    far.pass_time(seconds=2)
    work(far)
    far.pass_time(minutes=2)
    work(far)
    assert net(order.number) == 100
    assert InboundEvent.objects.get().state == "applied"


def test_a_worker_that_dies_between_the_fetch_and_the_end_leaves_an_order_that_is_found_again(far):
    order = far.place(status=COMPLETED)
    hear(far, order.id)

    class Dead(BaseException):
        pass

    far.trouble = raising(Dead())
    with pytest.raises(Dead):
        applying.apply_next(far, rules=RULES, now=far.now)
    assert work(far) == []
    far.pass_time(minutes=10)
    work(far)
    assert net(order.number) == 100


def test_buyers_of_an_order_are_cards_of_its_customer(far):
    order = far.place(phone="067 000 00 11")
    hear_and_work(far, order.id)
    assert list(BuyerLink.objects.values_list("buyer_id", "customer__phone")) == [(order.buyer.id, "+380670000011")]


def test_an_order_completed_with_a_bad_phone_earns_nobody_anything(far):
    order = far.place(phone="n/a", status=COMPLETED)
    hear_and_work(far, order.id)
    assert not LedgerEntry.objects.exists()
    far.pass_time(minutes=5)
    far.change(order, buyer=far.place(phone=PHONE).buyer)
    hear_and_work(far, order.id)
    assert net(order.number) == 100


def test_an_order_under_way_again_holds_again(far):
    payer = scenes.make_customer()
    scenes.give(payer, 100)
    code, _hold = held_code(payer, 100, now=NOW)
    order = far.place(promocode=code.code, status=NEW)
    for status in (COMPLETED, UNDER_WAY):
        far.pass_time(minutes=1)
        far.change(order, status=status)
        hear_and_work(far, order.id)
    assert scenes.has(payer, now=far.now) == (0, 100, 0)
