"""The drop-in path of orders: claims of pages, a customer's own session, signed calls that post."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from bonuses.models import Customer, Hold, LedgerEntry, Order, OrderReport
from bonuses.policy import Totals
from bonuses.policy_orders import SHOP, Stage
from bonuses.services import customers, expiring, orders, redeeming, redemptions, reporting
from bonuses.services.order_rows import Snapshot
from tests.bonuses.scenes import give
from tests.dropin.calling import KEYS, ORDER, PHONE, counted, customer_of, points_of, post, signed, token
from tests.factories import make_codes, make_pool

pytestmark = pytest.mark.django_db
PATH = "/bonus-accrual"


@pytest.fixture(autouse=True)
def _guarded_with_keys(settings):
    settings.GET_CODE_MODE = "guarded"
    settings.API_KEYS = KEYS


@pytest.fixture
def rich():
    customer = customers.find_or_create(phone=PHONE, now=timezone.now())
    give(customer, 300, now=timezone.now())
    return customer


def crm_says(number, stage, total, customer, *, holds=()):
    now = timezone.now()
    return orders.apply_snapshot(
        snapshot=Snapshot(
            source=SHOP, number=number, stage=Stage(stage), totals=Totals(grand=Decimal(total), goods=Decimal(total)), placed_at=now,
            seen_at=now, customer_id=customer, hold_ids=tuple(holds),
        ),
        now=now, actor="crm",
    )  # fmt: skip


# --- a page's claim


def test_a_page_is_believed_nothing_and_told_nothing(client: Client, rich):
    answer = post(client, PATH, {**ORDER, "usedBonusAmount": 60})
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "message": answer.json()["message"],
        "orderId": "70415",
        "bonusAmount": 184,
        "deductedAmount": 60,
        "status": "expected",
        "operations": [
            {"type": "deduction", "amount": 60, "balance_before": 0, "balance_after": 0},
            {"type": "accrual", "amount": 184, "balance_before": 0, "balance_after": 0},
        ],
        "keycrm_updated": False,
        "keycrm_details": {},
    }
    assert points_of() == (300, 0, 0)
    assert reporting.expected_points(rich, now=timezone.now()) == 184
    assert counted("accrual.spend_not_believed") == 1


def test_the_same_claim_again_is_a_duplicate_and_is_one_claim(client: Client):
    post(client, PATH, ORDER)
    again = post(client, PATH, ORDER).json()
    assert (again["success"], again["duplicate"], again["orderId"]) == (True, True, "70415")
    assert again["duplicate_details"]["is_duplicate"] is True
    assert OrderReport.objects.count() == 1


def test_the_order_number_is_echoed_as_it_was_sent(client: Client):
    assert post(client, PATH, {**ORDER, "orderId": 70415}).json()["orderId"] == 70415


def test_a_page_teaches_us_neither_name_nor_e_mail(client: Client):
    post(client, PATH, {**ORDER, "customer": {"phone": PHONE, "email": "thief@mail.example", "name": "Thief"}})
    assert (Customer.objects.get().email, Customer.objects.get().name) == ("", "")


def test_with_an_e_mail_alone_known_and_unknown_are_answered_alike_however_often(client: Client):
    customers.find_or_create(phone=PHONE, now=timezone.now(), email="known@mail.example")
    answers = [
        post(client, PATH, {**ORDER, "customer": {"email": email}}).json()
        for email in ("known@mail.example", "nobody@mail.example")
        for _ in range(2)
    ]
    assert answers[0]["status"] == "expected"
    assert answers == [answers[0]] * 4
    assert not OrderReport.objects.exists()


def test_in_open_mode_the_balance_is_told_as_the_old_scripts_expect(client: Client, rich, settings):
    settings.GET_CODE_MODE = "open"
    answer = post(client, PATH, ORDER).json()
    assert answer["keycrm_details"] == {"success": True, "previous_bonus": 300, "added_bonus": 184, "new_bonus": 300}
    assert points_of() == (300, 0, 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"orderId": None}, "field_missing"),
        ({"orderId": ""}, "field_missing"),
        ({"orderId": True}, "field_invalid"),
        ({"orderId": "x" * 65}, "field_invalid"),
        ({"orderId": "7\n8"}, "field_invalid"),
        ({"orderTotal": None}, "field_missing"),
        ({"orderTotal": 0}, "field_invalid"),
        ({"orderTotal": -5}, "money_invalid"),
        ({"orderTotal": 1840.001}, "money_invalid"),
        ({"orderTotal": "1e3"}, "money_invalid"),
        ({"orderTotal": 99_999_999}, "money_invalid"),
        ({"customer": None}, "field_missing"),
        ({"customer": "+380000000001"}, "field_invalid"),
        ({"customer": {"name": "only"}}, "customer_missing"),
        ({"customer": {"phone": "abc"}}, "phone_invalid"),
        ({"customer": {"phone": ["+380000000001"]}}, "field_invalid"),
        ({"customer": {"email": "no address"}}, "field_invalid"),
        ({"bonusAmount": 0}, "amounts_missing"),
        ({"bonusAmount": "many"}, "money_invalid"),
        ({"bonusAmount": True}, "money_invalid"),
        ({"bonusAmount": 182}, "bonus_mismatch"),
        ({"bonusAmount": 186}, "bonus_mismatch"),
        ({"usedBonusAmount": 10.5}, "field_invalid"),
        ({"usedBonusAmount": -1}, "money_invalid"),
    ],
)
def test_what_is_missing_or_wrong_is_named_and_changes_nothing(client: Client, change, code):
    answer = post(client, PATH, {**ORDER, **change})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["error"] == answer.json()["message"]
    assert not OrderReport.objects.exists()
    assert not Customer.objects.exists()


@pytest.mark.parametrize("bonus", [183, 184, 185, "184", 184.0])
def test_a_figure_within_one_point_is_taken_and_ours_is_answered(client: Client, bonus):
    assert post(client, PATH, {**ORDER, "bonusAmount": bonus}).json()["bonusAmount"] == 184


def test_other_methods_are_refused_and_a_preflight_is_answered(client: Client):
    assert client.get(PATH).status_code == 405
    assert client.options(PATH).status_code == 200
    assert post(client, "/prod/bonus-accrual/", ORDER).status_code == 200


# --- a customer's own session


def test_a_session_is_told_its_own_balance_and_still_posts_nothing(client: Client, rich):
    answer = post(client, PATH, {**ORDER, "usedBonusAmount": 60, "session": token(rich)}).json()
    assert answer["status"] == "expected"
    assert answer["keycrm_details"]["initial_bonus"] == 300
    assert OrderReport.objects.get().trust == "session"
    assert points_of() == (300, 0, 0)


def test_a_session_is_told_nothing_of_another_phone(client: Client, rich):
    stranger = customers.find_or_create(phone="+380000000002", now=timezone.now())
    answer = post(client, PATH, ORDER, Authorization=f"Bearer {token(stranger)}").json()
    assert answer["keycrm_details"] == {}
    assert OrderReport.objects.get().trust == "page"


# --- signed calls


def test_a_signed_call_posts_both_at_once_and_the_crms_word_later_changes_only_what_differs(client: Client, rich):
    answer = signed(client, {**ORDER, "usedBonusAmount": 60}).json()
    assert answer["status"] == "posted"
    assert answer["operations"] == [
        {"type": "deduction", "amount": 60, "balance_before": 300, "balance_after": 240},
        {"type": "accrual", "amount": 184, "balance_before": 240, "balance_after": 424},
    ]
    assert answer["keycrm_details"] == {
        "success": True, "initial_bonus": 300, "used_bonus": 60, "added_bonus": 184, "final_bonus": 424,
    }  # fmt: skip
    assert points_of() == (424, 0, 0)
    before = LedgerEntry.objects.count()
    crm_says("70415", "completed", "1840", rich)
    assert (points_of(), LedgerEntry.objects.count()) == ((424, 0, 0), before)
    crm_says("70415", "completed", "1000", rich)
    assert points_of() == (340, 0, 0)
    crm_says("70415", "cancelled", "1000", rich)
    assert points_of() == (300, 0, 0)


def test_a_signed_deduction_alone_spends_and_earns_nothing_yet(client: Client, rich):
    document = {name: value for name, value in ORDER.items() if name != "bonusAmount"} | {"usedBonusAmount": 60}
    answer = signed(client, document).json()
    assert (answer["deductedAmount"], "bonusAmount" in answer, answer["status"]) == (60, False, "posted")
    assert points_of() == (240, 0, 0)
    crm_says("70415", "completed", "1840", rich)
    assert points_of() == (424, 0, 0)


def test_a_signed_call_after_a_pages_report_is_no_duplicate_but_the_next_one_is(client: Client, rich):
    post(client, PATH, ORDER)
    assert signed(client, ORDER).json()["status"] == "posted"
    assert signed(client, ORDER).json()["duplicate"] is True
    assert post(client, PATH, ORDER).json()["duplicate"] is True
    assert points_of() == (484, 0, 0)
    assert counted("accrual.duplicate") == 2


def test_a_signed_deduction_captures_the_orders_open_hold(client: Client, rich):
    make_codes(make_pool(100), 2)
    made = redeeming.redeem(
        customer_id=rich, points=100, order_total=Decimal(1940), key="k" * 16, now=timezone.now(), actor="shop", order_number="70415"
    )  # fmt: skip
    answer = signed(client, {**ORDER, "usedBonusAmount": 100}).json()
    assert answer["deductedAmount"] == 100
    assert Hold.objects.get().state == "captured"
    assert points_of() == (384, 0, 0)
    before = LedgerEntry.objects.count()
    crm_says("70415", "completed", "1840", rich, holds=redemptions.holds_of_code(made.promo_code))
    assert (points_of(), LedgerEntry.objects.count()) == ((384, 0, 0), before)


def test_more_than_there_is_is_refused_and_nothing_is_posted(client: Client, rich):
    answer = signed(client, {**ORDER, "usedBonusAmount": 301})
    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_points")
    assert points_of() == (300, 0, 0)
    assert not Order.objects.filter(number="70415").exists()
    assert not OrderReport.objects.exists()
    assert counted("refused.insufficient_points") == 1


def test_points_whose_time_is_over_are_told_apart_from_points_that_never_were(client: Client):
    customer = customers.find_or_create(phone=PHONE, now=timezone.now())
    give(customer, 300, now=timezone.now() - dt.timedelta(days=120))
    expiring.sweep(now=timezone.now())
    answer = signed(client, {**ORDER, "usedBonusAmount": 60})
    assert (answer.status_code, answer.json()["code"]) == (409, "points_expired")


def test_a_cancelled_order_takes_and_earns_nothing(client: Client, rich):
    crm_says("70415", "cancelled", "1840", rich)
    answer = signed(client, ORDER)
    assert (answer.status_code, answer.json()["code"]) == (409, "order_not_payable")
    assert points_of() == (300, 0, 0)


def test_what_the_crm_said_of_the_total_stands(client: Client, rich):
    crm_says("70415", "confirmed", "1000", rich)
    assert signed(client, ORDER).json()["bonusAmount"] == 100
    assert points_of() == (400, 0, 0)


def test_a_server_may_name_a_customer_by_a_known_e_mail(client: Client):
    customers.find_or_create(phone=PHONE, now=timezone.now(), email="known@mail.example")
    assert signed(client, {**ORDER, "customer": {"email": "Known@mail.example"}}).json()["status"] == "posted"
    answer = signed(client, {**ORDER, "orderId": 2, "customer": {"email": "nobody@mail.example"}})
    assert (answer.status_code, answer.json()["code"]) == (404, "customer_unknown")


def test_both_keys_of_a_name_are_good_while_they_rotate(client: Client):
    for number, key in enumerate(KEYS):
        assert signed(client, {**ORDER, "orderId": number + 1}, key=key).status_code == 200
    assert signed(client, {**ORDER, "orderId": 9}, key="shop:a third invented secret").status_code == 401


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_is_good_for_five_minutes(client: Client, seconds):
    now = int(time.time())
    assert signed(client, ORDER, at=now + (seconds * 98) // 100).status_code == 200
    answer = signed(client, {**ORDER, "orderId": 2}, at=now + seconds + (seconds > 0) * 2)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert counted("refused.signature_invalid") == 1


def test_a_key_replays_the_answer_and_refuses_another_body(client: Client):
    headers = {"Idempotency-Key": "short"}
    first = signed(client, ORDER, **headers)
    again = signed(client, ORDER, **headers)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    other = signed(client, {**ORDER, "orderId": 2}, **headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    # A page has a scope of its own, and must not use short keys.
    assert post(client, PATH, ORDER, **headers).status_code == 400
    assert points_of() == (184, 0, 0)
    assert customer_of()
