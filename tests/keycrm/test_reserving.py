"""The manager's way: a card reserves points for an order, once, within the share, whatever crashes."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bonuses.models import Hold
from keycrm.errors import CrmUnavailable, OutcomeUnknown
from keycrm.models import CrmCard, InboundEvent, ManualReserve
from keycrm.services import receiving, reserving
from tests.bonuses import scenes
from tests.keycrm.far_side import CARD_FIELDS, COMPLETED, FarSide, raising
from tests.keycrm.journeys import RULES, has, hear, hear_and_work, net, reserve, webhook_body, work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PHONE = "+380000000001"


@pytest.fixture
def far():
    return FarSide()


@pytest.fixture
def customer():
    made = scenes.make_customer(phone=PHONE)
    scenes.give(made, 600)
    return made


def hear_card(far, card):
    receiving.receive(
        channel="webhook", body=webhook_body(card.id, event="lead.change_lead_status", at=far.now), now=far.now
    )


def card_for(far, order, points, **values):
    card = far.add_card(custom_fields={"LD_1": order.number, "LD_2": str(points)}, **values)
    hear_card(far, card)
    return card


def discount(far, order):
    return far.orders_by_id[order.id].discount_amount


@pytest.mark.parametrize("way", ["number", "target", "crm id"])
def test_points_are_held_and_the_discount_is_raised_by_them(far, customer, way):
    order = far.place(total="1000")
    if way == "target":
        card = far.add_card(custom_fields={"LD_2": "200"}, target_type="order", target_id=order.id)
    else:
        card = far.add_card(custom_fields={"LD_1": order.number if way == "number" else str(order.id), "LD_2": "200"})
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
