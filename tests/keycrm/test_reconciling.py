"""The daily list: what ledger, CRM and codes do not agree on. Each line clearable, gone by itself when it is true no longer."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import translation

from bonuses.models import Hold, LedgerEntry, Order
from bonuses.services import charging, reporting
from bonusportal.errors import BadInput
from keycrm.admin.alarms import find_banners
from keycrm.models import BuyerLink, CrmCard, CrmOrder, Difference
from keycrm.services import reconciling, vanishing
from tests.bonuses import scenes
from tests.factories import NOW, make_code, make_pool, make_staff
from tests.keycrm.far_side import CANCELLED, COMPLETED
from tests.keycrm.journeys import hear_and_work, held_code, issued_code, work
from tests.staff import read

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PHONE = "+380000000001"


@pytest.fixture
def customer():
    made = scenes.make_customer(phone=PHONE)
    scenes.give(made, 600)
    return made


def found(now=NOW):
    reconciling.reconcile(now=now)
    return {(line.kind, line.detail) for line in Difference.objects.open()}


def test_when_everything_agrees_the_list_is_empty(far, customer):
    code, _hold = held_code(customer, 100, now=NOW)
    order = far.place(
        promocode=code.code, status=COMPLETED, total="1000", grand_total=Decimal(900), total_discount=Decimal(100)
    )
    hear_and_work(far, order.id)
    hear_and_work(far, far.place().id)
    assert found() == set()


def test_one_code_in_two_orders_belongs_to_the_first_and_the_second_is_listed(far, customer):
    code, _hold = held_code(customer, 100, now=NOW)
    orders = []
    for _ in range(2):
        orders.append(far.place(promocode=code.code, grand_total=Decimal(900), total_discount=Decimal(100)))
        far.pass_time(minutes=1)
        hear_and_work(far, orders[-1].id)
    first, second = orders
    assert found() == {("code_in_two_orders", f"{first.number} ({first.id}) → {second.number} ({second.id})")}


def test_the_second_order_is_asked_for_again_once_the_first_is_cancelled(far, customer):
    """Its own news is old by then: nothing but us would look at it again."""
    code, hold = held_code(customer, 100, now=NOW)
    first = far.place(promocode=code.code, grand_total=Decimal(900), total_discount=Decimal(100))
    hear_and_work(far, first.id)
    far.pass_time(minutes=1)
    second = far.place(promocode=code.code, status=COMPLETED, grand_total=Decimal(900), total_discount=Decimal(100))
    hear_and_work(far, second.id)
    far.pass_time(minutes=1)
    far.change(first, status=CANCELLED)
    hear_and_work(far, first.id)
    work(far)
    assert Order.objects.exclude(stuck_reason="").count() == 0
    assert Hold.objects.get(pk=hold.pk).order.number == str(second.number)
    assert Hold.objects.get(pk=hold.pk).state == "captured"


def test_a_discount_smaller_than_the_code_and_a_share_that_is_too_large_are_listed(far, customer):
    code, _hold = held_code(customer, 400, now=NOW)
    order = far.place(total="500", promocode=code.code, grand_total=Decimal(200), total_discount=Decimal(300))
    hear_and_work(far, order.id)
    assert found() == {("over_share", "400 > 250"), ("small_discount", "300.00 < 400")}


def test_a_code_that_was_taken_off_its_order_is_listed(far, customer):
    code, _hold = held_code(customer, 100, now=NOW)
    order = far.place(promocode=code.code, grand_total=Decimal(900), total_discount=Decimal(100))
    hear_and_work(far, order.id)
    far.pass_time(minutes=1)
    far.change(order, promocode="", grand_total=Decimal(900), total_discount=Decimal(100))
    hear_and_work(far, order.id)
    assert found() == {("code_gone", "100")}


def test_a_code_that_was_never_handed_out_is_listed(far):
    hear_and_work(far, far.place(promocode=make_code(make_pool(100)).code).id)
    assert found() == {("not_issued", "")}


def test_an_order_that_waits_for_a_person_is_listed_with_its_reason(far):
    first, second = far.place(source_uuid="55"), far.place(source_uuid="55")
    for order in (first, second):
        hear_and_work(far, order.id)
    assert {kind for kind, _detail in found()} == {"crm_stuck"}


def test_a_completed_order_without_a_phone_is_listed(far):
    hear_and_work(far, far.place(phone=None, status=COMPLETED).id)
    assert found() == {("no_earner", "100")}


def test_a_total_that_was_seen_but_not_applied_is_listed(far):
    order = far.place()
    hear_and_work(far, order.id)
    CrmOrder.objects.update(grand_total=Decimal(777))
    assert found() == {("total_differs", "777.00 ≠ 1000.00")}


def test_points_that_are_not_what_the_newest_figures_say_are_listed(far):
    hear_and_work(far, far.place(status=COMPLETED).id)
    Order.objects.update(granted=120)
    assert found() == {("points_differ", "120 ≠ 100")}


def test_a_report_that_the_crm_never_confirmed_is_listed_after_three_days(customer):
    reporting.claim_order(source="horoshop", number="9", customer_id=customer, total=Decimal(100), now=NOW)
    assert found(NOW + dt.timedelta(days=2)) == set()
    assert found(NOW + dt.timedelta(days=4)) == {("never_confirmed", "100.00")}
    assert found(NOW + dt.timedelta(days=15)) == set()


def test_a_line_is_cleared_with_a_reason_and_comes_back_only_with_other_figures(far):
    order = far.place(phone=None, status=COMPLETED)
    hear_and_work(far, order.id)
    before = LedgerEntry.objects.count()
    found()
    line = Difference.objects.get()
    with pytest.raises(BadInput):
        reconciling.clear(difference_id=line.pk, reason="", actor="olena", now=NOW)
    assert reconciling.clear(difference_id=line.pk, reason="a colleague bought it", actor="olena", now=NOW)
    assert not reconciling.clear(difference_id=line.pk, reason="again", actor="olena", now=NOW)
    assert found() == set()
    far.pass_time(minutes=1)
    far.change(order, grand_total=Decimal(2000))
    hear_and_work(far, order.id)
    assert found() == {("no_earner", "200")}
    assert LedgerEntry.objects.count() == before


def test_a_line_that_is_true_no_longer_goes_away_by_itself(far):
    order = far.place(phone=None, status=COMPLETED)
    hear_and_work(far, order.id)
    found()
    far.pass_time(minutes=1)
    far.change(order, buyer=far.place(phone=PHONE).buyer)
    hear_and_work(far, order.id)
    assert found() == set()
    assert Difference.objects.get().cleared_by == "portal"


def test_cards_that_wait_for_a_person_are_listed_and_stand_on_the_stock_board(client):
    link = BuyerLink.objects.create(
        customer_id=scenes.make_customer(), buyer_id=7, asked_at=NOW, stuck_reason="shared_card", stuck_detail="№1, №2"
    )
    assert find_banners(NOW)[0].address == "/admin/keycrm/buyerlink/?stuck=yes"
    reconciling.reconcile(now=NOW)
    line = Difference.objects.get()
    assert (line.kind, line.key, line.detail) == ("card_stuck", f"link:{link.pk}", "shared_card №1, №2")
    client.force_login(make_staff(is_superuser=True))
    client.cookies["portal_language"] = "en"
    board = read(client)
    assert "The CRM waits for a person: buyers’ cards: 1, differences: 1." in board
    page = read(client, f"/admin/keycrm/difference/{line.pk}/change/")
    assert "phones of several customers" in page
    assert f"buyer №{link.pk}" in page
    assert read(client, "/admin/keycrm/buyerlink/?stuck=yes")
    BuyerLink.objects.all().delete()
    reconciling.reconcile(now=NOW)
    assert find_banners(NOW) == []


def test_orders_and_managers_cards_stand_there_as_well(far):
    for model in (CrmOrder, CrmCard):
        model.objects.create(crm_id=4711, stuck_reason="unexpected")
    with translation.override("en"):
        (banner,) = find_banners(NOW)
    assert banner.text == "The CRM waits for a person: orders: 1, managers’ cards: 1."
    assert banner.address == "/admin/keycrm/crmorder/?stuck=yes"


def test_points_that_are_held_for_an_order_that_was_set_aside_are_listed(far, customer):
    code, _hold = held_code(customer, 100, now=far.now)
    order = far.place(promocode=code.code, total_discount=Decimal(100), grand_total=Decimal(900))
    hear_and_work(far, order.id)
    far.delete(order)
    hear_and_work(far, order.id)
    far.pass_time(hours=25)
    work(far)
    assert "held_for_nothing" not in {kind for kind, _detail in found(far.now)}
    vanishing.set_aside(crm_id=order.id, verdict="kept", reason="who knows", actor="olena", now=far.now)
    assert found(far.now) == {("held_for_nothing", "100")}


def test_points_charged_for_a_code_that_no_order_shows_any_more_are_listed(far, customer):
    """The worker died after it had charged, and the code was edited away meanwhile."""
    code = issued_code(100)
    charging.charge_code(
        customer_id=customer, points=100, code_id=code.pk, key=charging.key_of(code.pk), now=far.now, actor="crm"
    )
    assert found(far.now) == set()
    assert found(far.pass_time(days=3)) == {("held_for_nothing", "100")}
