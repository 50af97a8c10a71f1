"""The manager's way: a card reserves points for an order, once, within the share, whatever crashes."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from bonuses.models import EarningRule, Hold
from keycrm.errors import CrmUnavailable, OutcomeUnknown
from keycrm.models import CrmCard, CrmOrder, InboundEvent, ManualReserve
from keycrm.payloads import CardClient, OrderLine
from keycrm.services import reserving, vanishing
from tests.bonuses import scenes
from tests.keycrm.far_side import CANCELLED, CARD_FIELDS, COMPLETED, raising
from tests.keycrm.journeys import RULES, card_for, has, hear, hear_and_work, hear_card, net, reserve, work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PHONE = "+380000000001"


@pytest.fixture
def customer():
    made = scenes.make_customer(phone=PHONE)
    scenes.give(made, 600)
    return made


def discount(far, order):
    return far.orders_by_id[order.id].discount_amount


@pytest.mark.parametrize("way", ["number", "target", "crm id"])
def test_points_are_held_and_the_discount_is_raised_by_them(far, customer, way):
    order = far.place(total="1000")
    if way == "target":
        card = far.add_card(custom_fields={"LD_2": "200"}, target_type="order", target_id=order.id)
    else:
        card = far.add_card(
            custom_fields={"LD_1": order.number if way == "number" else str(order.id), "LD_2": "200"},
            client=CardClient(order.buyer.id, "", "", ""),
        )
    hear_card(far, card)
    assert [one.outcome for one in reserve(far)] == ["reserved"]
    assert discount(far, order) == 200
    assert has(now=far.now) == (400, 200, 0)
    work(far)
    assert Hold.objects.get().order.number == order.number
    far.pass_time(hours=1)
    far.change(order, status=COMPLETED)
    hear_and_work(far, order.id)
    assert net(order.number) == 80
    assert has(now=far.now) == (480, 0, 0)
    assert InboundEvent.objects.filter(subject="card").get().state == "applied"


def test_at_most_half_of_the_products_counting_the_discount_that_is_there(far, customer):
    order = far.place(total="1000", total_discount=Decimal(150), discount_amount=Decimal(150), grand_total=Decimal(850))
    card = card_for(far, order, 500)
    reserve(far)
    assert discount(far, order) == 500
    assert ManualReserve.objects.get().points == 350
    assert far.cards_by_id[card.id].custom_fields["LD_2"] == "350"  # the manager sees what was reserved


def test_never_more_than_there_is(far, customer):
    order = far.place(total="9000")
    card_for(far, order, 4000)
    reserve(far)
    assert (discount(far, order), has(now=far.now)) == (600, (0, 600, 0))


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_write_whose_answer_is_lost_never_adds_the_discount_twice(far, customer, lost):
    order = far.place(total="1000")
    card_for(far, order, 200)
    if lost == "after":
        far.trouble_after = raising(OutcomeUnknown())
    else:
        far.trouble = raising(None, None, None, None, CrmUnavailable())
    reserve(far)
    assert has(now=far.now) == (400, 200, 0)
    far.pass_time(minutes=5)
    reserve(far)
    assert (discount(far, order), has(now=far.now)) == (200, (400, 200, 0))
    assert ManualReserve.objects.get().written_at is not None


def test_a_worker_that_dies_after_the_plan_leaves_a_plan_that_is_carried_out_once(far, customer):
    order = far.place(total="1000")
    card_for(far, order, 200)

    class Dead(BaseException):
        pass

    far.trouble_after = raising(Dead())
    with pytest.raises(Dead):
        reserving.reserve_next(far, fields=lambda: CARD_FIELDS, rules=RULES, now=far.now)
    far.pass_time(minutes=10)
    reserve(far)
    assert (discount(far, order), has(now=far.now)) == (200, (400, 200, 0))


def test_a_card_heard_of_again_reserves_nothing_more(far, customer):
    order = far.place(total="1000")
    card = card_for(far, order, 200)
    reserve(far)
    far.pass_time(minutes=5)
    hear_card(far, card)
    reserve(far)
    assert (discount(far, order), has(now=far.now)) == (200, (400, 200, 0))


def test_a_discount_that_was_changed_by_hand_waits_for_a_person(far, customer):
    order = far.place(total="1000")
    card_for(far, order, 200)
    far.trouble_after = raising(OutcomeUnknown())
    reserve(far)
    far.change(order, discount_amount=Decimal(77), total_discount=Decimal(77))
    far.pass_time(minutes=5)
    reserve(far)
    row = CrmCard.objects.get()
    assert (row.stuck_reason, row.stuck_detail) == ("discount_changed", "before 0.00, now 77, to be 200.00")
    assert discount(far, order) == 77


def test_a_second_card_for_the_same_order_is_refused(far, customer):
    order = far.place(total="1000")
    card_for(far, order, 100)
    reserve(far)
    second = card_for(far, order, 100)
    reserve(far)
    assert CrmCard.objects.get(crm_id=second.id).stuck_reason == "reserved_before"
    assert discount(far, order) == 100


def test_what_cannot_be_reserved_says_why(far, customer):
    closed, poor = far.place(status=COMPLETED), far.place(phone="+380000000077")
    reasons = {}
    for name, card in (
        ("closed", card_for(far, closed, 10)), ("poor", card_for(far, poor, 10)),
        ("nowhere", far.add_card(custom_fields={"LD_1": "999999", "LD_2": "10"})), ("empty", far.add_card(custom_fields={"LD_2": "10"})),
    ):  # fmt: skip
        hear_card(far, card)
        reserve(far)
        reasons[name] = CrmCard.objects.get(crm_id=card.id).stuck_reason
    assert reasons == {
        "closed": "order_closed",
        "poor": "nothing_left",
        "nowhere": "card_without_order",
        "empty": "card_without_order",
    }
    assert not Hold.objects.exists()


def test_a_card_without_points_or_in_another_status_is_ignored(far, customer):
    order = far.place()
    card_for(far, order, 0)
    reserve(far)
    card = card_for(far, order, 50, status_id=3)
    only = replace(CARD_FIELDS, statuses=(12,))
    reserving.reserve_next(far, fields=lambda: only, rules=RULES, now=far.now)
    assert sorted(InboundEvent.objects.values_list("state", "reason")) == [
        ("ignored", "card_other_status"),
        ("ignored", "card_without_points"),
    ]
    assert CrmCard.objects.get(crm_id=card.id).stuck_reason == ""
    assert not Hold.objects.exists()


def test_points_reserved_by_hand_come_back_when_the_order_is_cancelled(far, customer):
    order = far.place(total="1000")
    card_for(far, order, 200)
    reserve(far)
    work(far)
    far.pass_time(hours=1)
    far.change(order, status=(19, 6))
    hear(far, order.id)
    work(far)
    assert has(now=far.now) == (600, 0, 0)


@pytest.mark.parametrize("part_ends", ["before", "after"])
def test_a_discount_that_went_with_the_cancelled_root_is_not_paid_for_by_the_parts_that_live(far, customer, part_ends):
    root = far.place(total="1000")
    part = far.place(total="500", parent_id=root.id, source_uuid=root.source_uuid)
    for order in (root, part):
        hear_and_work(far, order.id)
    card_for(far, root, 200)
    reserve(far)
    work(far)
    assert has(now=far.now) == (400, 200, 0)
    for ended, status in [(part, COMPLETED), (root, CANCELLED)][:: 1 if part_ends == "before" else -1]:
        far.pass_time(hours=1)
        far.change(ended, status=status)
        hear_and_work(far, ended.id)
        work(far)
    assert has(now=far.now) == (650, 0, 0)
    assert net(root.number) == 50
    far.pass_time(hours=1)
    far.change(root, status=COMPLETED)  # after all
    hear_and_work(far, root.id)
    assert has(now=far.now) == (400 + net(root.number), 0, 0)
    assert net(root.number) == 130
    assert CrmOrder.objects.filter(stuck_reason__gt="").count() == 0


def reason_of(card):
    row = CrmCard.objects.get(crm_id=card.id)
    return row.stuck_reason, row.stuck_detail


def test_nothing_is_reserved_for_an_order_that_will_never_be_applied(far, customer, settings):
    settings.PROGRAM_STARTS_AT = far.now - dt.timedelta(hours=1)
    older = far.place(ordered_at=far.now - dt.timedelta(hours=2))
    first, second = far.place(source_uuid="55"), far.place(source_uuid="55")
    for order in (first, second):
        hear_and_work(far, order.id)
    vanishing.set_aside(crm_id=second.id, verdict="kept", reason="entered twice", actor="anna", now=far.now)
    undated = far.place(ordered_at=None, created_at=None)
    cards = [card_for(far, older, 200)]
    cards += [
        far.add_card(custom_fields={"LD_2": "200"}, target_type="order", target_id=one.id) for one in (second, undated)
    ]
    for card in cards:
        hear_card(far, card)
    reserve(far)
    assert [reason_of(card)[0] for card in cards] == ["history", "set_aside", "no_moment"]
    assert has(now=far.now) == (600, 0, 0)
    assert "update_order" not in [name for _at, name in far.calls]


def test_an_order_placed_before_the_first_rule_says_so(far, customer, settings):
    begins = EarningRule.objects.earliest("valid_from").valid_from
    settings.PROGRAM_STARTS_AT = begins - dt.timedelta(days=9)
    card = card_for(far, far.place(ordered_at=begins - dt.timedelta(days=1)), 200)
    reserve(far)
    assert reason_of(card)[0] == "history"


def test_where_the_account_does_not_show_the_orders_discount_those_of_its_lines_are_none(far, customer):
    """Two pieces at 500, each 50 cheaper: the line's discount is 100, and the total has it as well."""
    lines = (OrderLine(1, "sku", "goods", Decimal(500), Decimal(450), Decimal(2), Decimal(100)),)
    order = far.place(lines=lines, total_discount=Decimal(100), grand_total=Decimal(900), discount_amount=None)
    card_for(far, order, 200)
    reserve(far)
    after = far.orders_by_id[order.id]
    assert (after.grand_total, after.total_discount) == (700, 300)
    assert ManualReserve.objects.get().target_discount == 200
    far.pass_time(minutes=5)
    hear_and_work(far, order.id)
    assert has(now=far.now) == (400, 200, 0)


STRANGER = "+380000000002"


def test_the_crms_own_number_of_a_strangers_order_is_not_the_shops_number(far, customer):
    stranger = scenes.make_customer(phone=STRANGER)
    scenes.give(stranger, 500)
    other = far.place(phone=STRANGER, id=70415)
    for client in (None, CardClient(9, "", "+380000000001", "")):
        card = far.add_card(custom_fields={"LD_1": "70415", "LD_2": "200"}, client=client)
        hear_card(far, card)
        reserve(far)
        assert reason_of(card) == ("order_of_another", "CRM 70415")
    assert (has(STRANGER, now=far.now), discount(far, other)) == ((500, 0, 0), 0)


@pytest.mark.parametrize(
    ("phone", "reason"),
    [("+380000000001", ""), ("", ""), ("+48000000001", ""), (STRANGER, "order_of_another")],
)
def test_an_order_found_by_its_number_is_the_contacts_where_both_have_a_phone(far, customer, phone, reason):
    scenes.make_customer(phone=STRANGER)
    card = card_for(far, far.place(), 200, client=CardClient(9, "", phone, ""))
    reserve(far)
    assert reason_of(card)[0] == reason


@pytest.mark.parametrize(
    ("root_total", "part_total", "asked", "reserved"),
    [("600", "400", 500, 500), ("200", "800", 400, 200), ("600", "400", 600, 500)],
)
@pytest.mark.parametrize("named", ["root", "part"])
def test_of_a_split_order_all_goods_count_and_the_discount_is_its_roots(
    far, customer, root_total, part_total, asked, reserved, named
):
    root = far.place(total=root_total)
    part = far.place(total=part_total, parent_id=root.id, source_uuid=root.source_uuid)
    gone = far.place(total="5000", parent_id=root.id, source_uuid=root.source_uuid, status=CANCELLED)
    for order in (root, part, gone):
        hear_and_work(far, order.id)
    card = far.add_card(
        custom_fields={"LD_2": str(asked)}, target_type="order", target_id={"root": root, "part": part}[named].id
    )
    hear_card(far, card)
    reserve(far)
    work(far)
    assert (discount(far, root), discount(far, part)) == (reserved, 0)
    assert has(now=far.now) == (600 - reserved, reserved, 0)
    assert Hold.objects.get().order.number == root.number


def test_a_used_card_that_asks_for_something_else_says_that_it_was_used(far, customer):
    order, other = far.place(total="1000"), far.place(total="1000")
    card = card_for(far, order, 100)
    reserve(far)
    used = ("card_used", f"CRM {order.id}")
    for fields, expected in (
        ({"LD_2": "300"}, used), ({"LD_2": "100"}, ("", "")), ({"LD_1": other.number}, used), ({"LD_1": "so"}, used),
        ({"LD_1": ""}, ("", "")), ({"LD_1": str(order.id)}, ("", "")), ({"LD_2": ""}, used),
    ):  # fmt: skip
        far.pass_time(minutes=1)
        far.update_card(card.id, custom_fields=fields)
        hear_card(far, card)
        reserve(far)
        assert reason_of(card) == expected, fields
        assert InboundEvent.objects.latest("last_seen_at").state == ("stuck" if expected == used else "applied")
    assert (discount(far, order), discount(far, other), has(now=far.now)) == (100, 0, (500, 100, 0))


def test_a_used_card_that_moved_on_to_a_status_without_reserving_is_quiet(far, customer):
    card = card_for(far, far.place(), 100)
    reserve(far)
    far.update_card(card.id, custom_fields={"LD_2": ""})
    far.cards_by_id[card.id] = replace(far.cards_by_id[card.id], status_id=3)
    far.pass_time(minutes=1)
    hear_card(far, card)
    only = replace(CARD_FIELDS, statuses=(12,))
    reserving.reserve_next(far, fields=lambda: only, rules=RULES, now=far.now)
    assert reason_of(card) == ("", "")
