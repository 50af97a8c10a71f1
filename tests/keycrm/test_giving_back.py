"""Points that a manager's card holds and no order will spend go back: by the order's end, by setting it aside, by a person."""

import datetime as dt
from decimal import Decimal

import pytest

from bonuses.models import Hold, Order
from bonusportal.errors import BadInput, Conflict
from keycrm.errors import CrmUnavailable
from keycrm.models import CrmCard, CrmOrder, Difference, InboundEvent, ManualReserve
from keycrm.services import giving_back, reconciling, vanishing
from tests.bonuses import scenes
from tests.factories import make_staff
from tests.keycrm.far_side import CANCELLED, COMPLETED, UNDER_WAY
from tests.keycrm.journeys import card_for, has, hear, hear_and_work, hear_card, reserve, stuck, work
from tests.staff import read

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
VERDICTS = pytest.mark.parametrize("verdict", ["kept", "cancelled"])


@pytest.fixture(autouse=True)
def customer():
    made = scenes.make_customer(phone="+380000000001")
    scenes.give(made, 600)
    return made


def discount(far, order):
    return far.orders_by_id[order.id].discount_amount


def edit_discount(far, order, amount):
    far.change(
        order, discount_amount=Decimal(amount), total_discount=Decimal(amount), grand_total=Decimal(1000 - amount)
    )


@pytest.fixture
def unwritten(far):
    """An order for which points are held, and whose discount could not be written."""
    order = far.place(total="1000")
    card = card_for(far, order, 200)

    def out_of_order(call):
        if call == "update_order":
            raise CrmUnavailable("answered 502", status=502)

    far.trouble = out_of_order
    reserve(far)
    far.trouble = lambda call: None
    assert (has(now=far.now), discount(far, order)) == ((400, 200, 0), 0)
    far.pass_time(minutes=5)
    return order, card


@pytest.mark.parametrize("end", [COMPLETED, CANCELLED])
def test_a_discount_is_not_written_on_an_order_that_ended_meanwhile(far, unwritten, end):
    order, card = unwritten
    far.change(order, status=end)
    hear_and_work(far, order.id)
    reserve(far)
    work(far)
    assert (discount(far, order), Hold.objects.get().state) == (0, "released")
    assert has(now=far.now)[1:] == (0, 0)
    row = ManualReserve.objects.get()
    assert (row.given_back_by, row.given_back_reason, row.written_at) == ("crm", "order_closed", None)
    assert (CrmCard.objects.get().stuck_reason, CrmCard.objects.get().asked_at) == ("", None)
    event = InboundEvent.objects.get(subject="card")
    assert (event.state, event.reason) == ("ignored", "order_closed")
    far.pass_time(minutes=5)
    hear_card(far, card)
    assert [one.outcome for one in reserve(far)] == ["given_back"]


@pytest.mark.parametrize(("end", "amount"), [(COMPLETED, 50), (CANCELLED, 50), (CANCELLED, 250)])
def test_points_are_not_spent_for_a_discount_that_was_never_given(far, unwritten, end, amount):
    order, _card = unwritten
    edit_discount(far, order, amount)
    reserve(far)
    assert CrmCard.objects.get().stuck_reason == "discount_changed"
    far.change(order, status=end)
    hear_and_work(far, order.id)
    reserve(far)
    assert (discount(far, order), Hold.objects.get().state, CrmCard.objects.get().stuck_reason) == (
        amount, "released", "",
    )  # fmt: skip


def test_where_the_discount_may_hold_them_a_person_decides(far, unwritten):
    order, _card = unwritten
    edit_discount(far, order, 250)
    far.change(order, status=COMPLETED)
    hear_and_work(far, order.id)
    reserve(far)
    assert (Hold.objects.get().state, CrmCard.objects.get().stuck_reason) == ("open", "discount_changed")


@pytest.mark.parametrize(("end", "state"), [(COMPLETED, "captured"), (CANCELLED, "released")])
def test_a_discount_that_was_written_although_no_answer_came_is_paid_for(far, unwritten, end, state):
    order, _card = unwritten
    far.update_order(order.id, discount_amount=Decimal(200))
    far.change(order, status=end)
    hear_and_work(far, order.id)
    assert Hold.objects.get().state == "open"
    reserve(far)
    work(far)
    assert (Hold.objects.get().state, discount(far, order)) == (state, 200)
    assert ManualReserve.objects.get().written_at is not None


def test_a_person_gives_back_what_a_stuck_card_holds(far, unwritten):
    order, _card = unwritten
    edit_discount(far, order, 50)
    reserve(far)
    row = CrmCard.objects.get()
    decide = lambda reason: giving_back.give_back_of_card(  # noqa: E731
        card_id=row.pk, reason=reason, actor="anna", now=far.now
    )
    with pytest.raises(BadInput):
        decide("  ")
    decide("another discount was agreed on")
    made = ManualReserve.objects.get()
    assert (made.given_back_by, made.given_back_reason, made.given_back_at) == (
        "anna", "another discount was agreed on", far.now,
    )  # fmt: skip
    row.refresh_from_db()
    assert (has(now=far.now), row.stuck_reason, row.asked_at) == ((600, 0, 0), "", None)
    assert InboundEvent.objects.get(subject="card").reason == "given_back"
    with pytest.raises(Conflict):
        decide("twice")
    # The order is free for another card.
    far.pass_time(minutes=5)
    card_for(far, order, 100)
    reserve(far)
    assert (discount(far, order), has(now=far.now)) == (150, (500, 100, 0))


def test_points_behind_a_written_discount_stay_with_the_order(far):
    order = far.place(total="1000")
    card = card_for(far, order, 200)
    reserve(far)
    far.update_card(card.id, custom_fields={"LD_2": "300"})
    far.pass_time(minutes=1)
    hear_card(far, card)
    reserve(far)
    row = CrmCard.objects.get()
    assert row.stuck_reason == "card_used"
    with pytest.raises(Conflict):
        giving_back.give_back_of_card(card_id=row.pk, reason="so", actor="anna", now=far.now)
    assert has(now=far.now) == (400, 200, 0)


@VERDICTS
def test_an_order_deleted_before_it_was_applied_gives_its_points_back_when_it_is_set_aside(far, verdict):
    order = far.place(total="1000")
    card_for(far, order, 200)
    reserve(far)
    far.delete(order)
    for _ in range(8):
        work(far)
        far.pass_time(minutes=10)
    assert stuck(order.id) == "crm_not_found"
    vanishing.set_aside(crm_id=order.id, verdict=verdict, reason="deleted", actor="anna", now=far.now)
    assert has(now=far.now) == (600, 0, 0)
    assert ManualReserve.objects.get().given_back_reason == "deleted"


@VERDICTS
@pytest.mark.parametrize("is_completed", [False, True])
def test_a_vanished_order_that_is_set_aside_locks_nothing_for_ever(far, verdict, is_completed):
    order = far.place(total="1000")
    card_for(far, order, 200)
    reserve(far)
    work(far)
    far.pass_time(hours=1)
    if is_completed:
        far.change(order, status=COMPLETED)
        hear_and_work(far, order.id)
    far.delete(order)
    hear(far, order.id)
    for _ in range(4):
        work(far)
        far.pass_time(hours=13)
    assert stuck(order.id) == "vanished"
    vanishing.set_aside(crm_id=order.id, verdict=verdict, reason="gone", actor="anna", now=far.now)
    is_spent = is_completed and verdict == "kept"
    assert has(now=far.now) == ((480, 0, 0) if is_spent else (600, 0, 0))
    assert found(far.now + dt.timedelta(days=100)) == set()


@VERDICTS
@pytest.mark.parametrize("detour", [[], [COMPLETED, UNDER_WAY], [COMPLETED, UNDER_WAY, COMPLETED, UNDER_WAY]])
def test_of_two_orders_with_one_number_the_other_does_not_take_the_points_again(far, verdict, detour):
    order = far.place(total="1000")
    hear_and_work(far, order.id)
    card = far.add_card(custom_fields={"LD_2": "200"}, target_type="order", target_id=order.id)
    hear_card(far, card)
    reserve(far)
    work(far)
    for status in detour:
        far.pass_time(hours=1)
        far.change(order, status=status)
        hear_and_work(far, order.id)
    assert Hold.objects.get(state="open").order.number == order.number
    twin = far.place(total="1000", source_uuid=order.source_uuid)
    hear_and_work(far, twin.id)
    vanishing.set_aside(crm_id=order.id, verdict=verdict, reason="entered twice", actor="anna", now=far.now)
    work(far)
    assert has(now=far.now) == (600, 0, 0)
    assert ManualReserve.objects.get().given_back_by == "anna"
    far.pass_time(hours=1)
    far.change(twin, status=COMPLETED)
    hear_and_work(far, twin.id)
    assert has(now=far.now) == (700, 0, 0)
    assert Order.objects.get(number=order.number).stuck_reason == ""


def test_a_card_that_waited_for_a_person_is_done_once_its_order_is_set_aside(far, unwritten):
    order, _card = unwritten
    far.delete(order)
    reserve(far)
    assert CrmCard.objects.get().stuck_reason == "crm_not_found"
    hear(far, order.id)
    for _ in range(8):
        work(far)
        far.pass_time(minutes=10)
    vanishing.set_aside(crm_id=order.id, verdict="kept", reason="gone", actor="anna", now=far.now)
    reserve(far)
    assert (CrmCard.objects.get().stuck_reason, has(now=far.now)) == ("", (600, 0, 0))


def test_an_order_set_aside_while_its_discount_is_being_written_is_told(far):
    order = far.place(total="1000")
    hear_and_work(far, order.id)
    card = far.add_card(custom_fields={"LD_2": "200"}, target_type="order", target_id=order.id)
    hear_card(far, card)
    twin = far.place(total="1000", source_uuid=order.source_uuid)
    hear_and_work(far, twin.id)
    far.trouble_after = lambda call: vanishing.set_aside(
        crm_id=order.id, verdict="kept", reason="entered twice", actor="anna", now=far.now
    )
    reserve(far)
    assert CrmCard.objects.get().stuck_reason == "discount_unpaid"
    assert has(now=far.now) == (600, 0, 0)


def found(now):
    reconciling.reconcile(now=now)
    return {(line.kind, line.detail) for line in Difference.objects.open()}


def test_points_held_for_an_order_that_does_not_come_are_listed_and_may_be_given_back(far, settings):
    order = far.place(total="1000")
    card_for(far, order, 200)
    reserve(far)
    settings.PROGRAM_STARTS_AT = far.now + dt.timedelta(days=1)
    hear_and_work(far, order.id)
    row = CrmCard.objects.get()
    assert (found(far.now), giving_back.may_give_back(row, now=far.now)) == (set(), False)
    far.pass_time(days=3)
    assert found(far.now) == {("reserve_left", "200")}
    assert Difference.objects.get().key == f"card:{row.pk}"
    giving_back.give_back_of_card(card_id=row.pk, reason="the program begins later", actor="anna", now=far.now)
    assert (found(far.now), has(now=far.now)) == (set(), (600, 0, 0))


def test_the_button_stands_on_the_cards_page_and_asks_for_a_reason(far, unwritten, client):
    order, _card = unwritten
    edit_discount(far, order, 50)
    reserve(far)
    row = CrmCard.objects.get()
    page, ask = f"/admin/keycrm/crmcard/{row.pk}/change/", f"/admin/keycrm/crmcard/{row.pk}/give-back/"
    client.cookies["portal_language"] = "en"
    client.force_login(make_staff(["keycrm.view_crmcard"]))
    assert "Give the points back" not in read(client, page)
    assert client.post(ask, {"reason": "x"}).status_code == 403
    client.force_login(make_staff(["keycrm.view_crmcard", "keycrm.replay_events"], username="anna"))
    assert "Give the points back" in read(client, page)
    assert client.post(ask, {"reason": ""}).status_code == 200
    assert Hold.objects.get().state == "open"
    assert client.post(ask, {"reason": "it was agreed on otherwise"}).status_code == 302
    assert Hold.objects.get().state == "released"
    after = read(client, page)
    assert "it was agreed on otherwise" in after
    assert "· anna" in after
    assert "Give the points back" not in after


def test_what_the_portal_gave_back_says_why_on_the_page(far, unwritten, client):
    order, _card = unwritten
    far.change(order, status=CANCELLED)
    hear_and_work(far, order.id)
    reserve(far)
    client.cookies["portal_language"] = "en"
    client.force_login(make_staff(is_superuser=True))
    after = read(client, f"/admin/keycrm/crmcard/{CrmCard.objects.get().pk}/change/")
    assert "The order is completed or cancelled" in after
    assert "by itself" in after
    assert CrmOrder.objects.get().stuck_reason == ""
