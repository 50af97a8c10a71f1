"""Staff pages of redemptions and reports: the whole story, what a person may decide, and who may not."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from bonuses.models import Hold, Order, OrderSnapshot
from bonuses.policy_orders import SHOP
from bonuses.services import redeeming, redemptions, releasing, reporting
from promo.models import Code, ReplenishRun
from tests.bonuses.scenes import DAY, NOW, give, has, make_customer, say
from tests.factories import make_codes, make_pool
from tests.staff import messages_of, read, sign_in

pytestmark = pytest.mark.django_db
LOOK = ("bonuses.view_hold", "bonuses.view_orderreport", "bonuses.view_order")
DECIDE = ("bonuses.resolve_hold", "bonuses.decide_order")


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def shopper():
    customer = make_customer(phone="+380670000001")
    give(customer, 300)
    make_codes(make_pool(100), 3)
    return customer


@pytest.fixture
def made(shopper):
    return redeeming.redeem(
        customer_id=shopper, points=100, order_total=Decimal(1000), key="k", now=NOW, actor="shop", order_number="70415"
    )


@pytest.fixture
def stuck(shopper, made):
    redeeming.ask_release(public_id=made.id, customer_id=shopper, now=NOW, actor="shop")
    Code.objects.filter(code=made.promo_code).update(inactive_since=NOW)
    releasing.sweep(now=NOW + 2 * DAY)
    return Hold.objects.get()


def page(name, *arguments):
    return reverse(f"admin:bonuses_{name}", args=arguments)


@pytest.mark.parametrize("name", ["hold_changelist", "orderreport_changelist", "order_by_hand"])
def test_pages_open_to_those_who_may_and_to_nobody_else(client, made, name):
    assert sign_in(client).get(page(name)).status_code == 403
    assert sign_in(client, *LOOK, *DECIDE).get(page(name)).status_code == 200


def test_a_redemption_tells_its_whole_story_and_never_the_full_code(client, shopper, made, stuck):
    say("70415", "confirmed", customer=shopper)
    reporting.claim_order(
        source=SHOP, number="70415", customer_id=shopper, total=Decimal(900), now=NOW, hold_key=made.id
    )
    visitor = sign_in(client, *LOOK, *DECIDE)
    told = read(visitor, page("hold_change", stuck.pk))
    for part in (
        "BON100••••",
        "being released",
        "for the order 70415",
        "the customer took the code off",
        "retire",
        "reported",
        "the code was used before",
    ):
        assert part in told
    assert made.promo_code not in visitor.get(page("hold_change", stuck.pk)).content.decode()
    assert made.promo_code not in visitor.get(page("hold_changelist") + "?stuck=yes").content.decode()


def test_in_ukrainian_no_english_is_left(client, stuck):
    visitor = sign_in(client, *LOOK, *DECIDE, language="uk")
    told = read(visitor, page("hold_change", stuck.pk)) + read(visitor, page("order_by_hand"))
    for part in ("Код мертвий", "Запуски в панелі", "вже дві доби", "Замовлення вручну", "Сплачено за товари"):
        assert part in told
    for word in ("The code", "Runs at", "Resolved", "Give the", "Record"):
        assert word not in told


def test_a_dead_code_gives_the_points_back_with_a_reason(client, shopper, stuck):
    visitor = sign_in(client, *LOOK, *DECIDE)
    assert visitor.post(page("hold_give_back", stuck.pk), {"reason": ""}).status_code == 200
    assert has(shopper)[:2] == (200, 100)
    answer = visitor.post(page("hold_give_back", stuck.pk), {"reason": "not in the panel, in no order"})
    assert answer.status_code == 302
    assert has(shopper)[:2] == (300, 0)
    code = Code.objects.get(pk=stuck.code_id)
    assert (code.state, code.reason) == ("void", "not in the panel, in no order")


def test_a_used_code_spends_the_points(client, shopper, stuck):
    sign_in(client, *LOOK, *DECIDE).post(page("hold_spend", stuck.pk), {"reason": "order 70416 in the shop"})
    assert has(shopper)[:2] == (200, 0)
    assert Code.objects.get(pk=stuck.code_id).state == "redeemed"


def test_another_look_at_the_panel_can_be_asked_for(client, shopper, made):
    redeeming.ask_release(public_id=made.id, customer_id=shopper, now=NOW, actor="shop")
    ReplenishRun.objects.update(state="failed")
    hold = Hold.objects.get()
    answer = sign_in(client, *LOOK, *DECIDE).post(page("hold_look_again", hold.pk))
    assert "A run was requested." in messages_of(answer)
    assert ReplenishRun.objects.filter(kind="retire", state="requested", trigger="staff").count() == 1


@pytest.mark.parametrize("deed", ["give_back", "spend", "look_again"])
def test_deeds_need_their_permission(client, shopper, stuck, deed):
    assert sign_in(client, *LOOK).post(page(f"hold_{deed}", stuck.pk), {"reason": "x"}).status_code == 403
    assert has(shopper)[:2] == (200, 100)


def test_points_of_a_cancelled_order_are_given_back_by_hand_when_no_run_proves_anything(client, shopper, made):
    holds = redemptions.holds_of_code(made.promo_code)
    say("7", "completed", "0", customer=shopper, holds=holds)
    say("7", "cancelled", "0", customer=shopper, holds=holds, now=NOW + dt.timedelta(seconds=1))
    releasing.sweep(now=NOW + 3 * DAY)
    assert Hold.objects.get().stuck_reason == "code_not_proven_dead"
    sign_in(client, *LOOK, *DECIDE).post(page("hold_give_back", holds[0]), {"reason": "deleted by hand"})
    assert has(shopper)[:2] == (300, 0)


def test_the_inbox_shows_claims_and_hides_the_phone(client, shopper):
    reporting.claim_order(source=SHOP, number="70415", customer_id=shopper, total=Decimal(900), now=NOW)
    told = read(sign_in(client, *LOOK, *DECIDE), page("orderreport_changelist") + "?confirmed=no")
    assert "70415" in told
    assert "+38067•••••01" in told
    assert "+380670000001" not in told


def test_an_order_is_confirmed_by_hand_with_a_reason_and_pays_with_its_code(client, shopper, made):
    visitor = sign_in(client, *LOOK, *DECIDE)
    stated = {
        "number": "70415",
        "phone": "067 000 00 01",
        "total": "900.50",
        "stage": "completed",
        "promo_code": made.promo_code.lower(),
    }
    assert visitor.post(page("order_by_hand"), stated).status_code == 200
    assert not Order.objects.filter(number="70415").exists()
    assert visitor.post(page("order_by_hand"), {**stated, "reason": "paid in the shop"}).status_code == 302
    assert has(shopper)[:2] == (290, 0)  # 300 - 100 + 90
    assert OrderSnapshot.objects.get(order__number="70415").reason == "paid in the shop"
    assert Hold.objects.get().state == "captured"


def test_a_code_that_nobody_holds_points_for_is_refused(client, shopper):
    stated = {
        "number": "1",
        "phone": "0670000001",
        "total": "900",
        "stage": "completed",
        "promo_code": "BON100NOTOURS",
        "reason": "x",
    }
    answer = sign_in(client, *LOOK, *DECIDE).post(page("order_by_hand"), stated)
    assert "No points are held for this promo code." in messages_of(answer)
    assert not Order.objects.filter(number="1").exists()


def test_an_order_is_cancelled_by_hand(client, shopper):
    say("7", "completed", "1000", customer=shopper)
    order = Order.objects.get(number="7")
    visitor = sign_in(client, *LOOK, *DECIDE)
    assert visitor.get(page("order_move", order.pk, "nonsense")).status_code == 404
    visitor.post(page("order_move", order.pk, "cancelled"), {"reason": "the customer sent it back"})
    assert has(shopper)[:2] == (300, 0)
    assert sign_in(client, *LOOK).post(page("order_move", order.pk, "completed"), {"reason": "x"}).status_code == 403
