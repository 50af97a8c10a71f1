"""A code in guarded mode: for a customer who proved the phone and has the points, with a hold behind it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from bonuses.models import Hold
from bonuses.services import customers
from bonusportal.models import IdempotencyRecord
from promo.models import Demand, Issue
from tests.bonuses.scenes import give
from tests.dropin.calling import PHONE, counted, points_of, post, token
from tests.factories import make_codes, make_pool

pytestmark = pytest.mark.django_db
KEY = {"Idempotency-Key": "an invented key 01".replace(" ", "-")}


@pytest.fixture(autouse=True)
def _guarded(settings):
    settings.GET_CODE_MODE = "guarded"


@pytest.fixture
def rich():
    customer = customers.find_or_create(phone=PHONE, now=timezone.now())
    give(customer, 300, now=timezone.now())
    return customer


@pytest.fixture
def stock():
    return make_codes(make_pool(100), 5)


def ask(client, session, headers=None, **fields):
    document = {"amount": 100, "order_total": 1000, "session": session, **fields}
    return post(
        client, "/get-code", {name: value for name, value in document.items() if value is not None}, **headers or {}
    )


def error_of(answer):
    return answer.status_code, answer.json()["code"]


def test_a_session_with_points_gets_a_code_and_a_hold(client: Client, rich, stock):
    answer = ask(client, token(rich))
    assert answer.json() == {"success": True, "promo_code": stock[0].code, "amount": 100}
    assert points_of() == (200, 100, 0)
    assert Issue.objects.get().channel == "redemption"


def test_a_get_with_a_bearer_is_the_same(client: Client, rich, stock):
    answer = client.get("/get-code?amount=100&order_total=1000", headers={"Authorization": f"Bearer {token(rich)}"})
    assert answer.json()["promo_code"] == stock[0].code


@pytest.mark.parametrize("session", [None, "", "forged.token", "x" * 299])
def test_without_a_good_session_nothing_is_handed_out(client: Client, rich, stock, session):
    assert error_of(ask(client, session)) == (401, "session_required")
    assert not Hold.objects.exists()
    assert counted("refused.session_required") == 1


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"amount": 400}, 409, "insufficient_points"),
        ({"order_total": 199}, 409, "over_share"),
        ({"order_total": 200, "discount": 1}, 409, "over_share"),
        ({"discount": "much"}, 400, "money_invalid"),
        ({"order_total": None}, 400, "order_total_missing"),
        ({"order_total": "many"}, 400, "money_invalid"),
        ({"amount": 77}, 404, "pool_unknown"),
    ],
)
def test_a_refusal_has_its_word_and_holds_nothing(client: Client, rich, stock, fields, status, code):
    make_codes(make_pool(400), 1)
    assert error_of(ask(client, token(rich), **fields)) == (status, code)
    assert not Hold.objects.exists()
    assert not Issue.objects.exists()


def test_an_empty_pool_answers_nearby_and_leaves_the_demand(client: Client, rich):
    make_pool(100)
    make_codes(make_pool(150), 1)
    answer = ask(client, token(rich), KEY)
    assert error_of(answer) == (404, "pool_empty")
    assert answer.json()["nearby"] == [150]
    assert Demand.objects.get().misses == 1
    assert not IdempotencyRecord.objects.exists()
    make_codes(make_pool(100), 1)
    assert ask(client, token(rich), KEY).status_code == 200


def test_a_lost_answer_is_answered_again_also_when_the_limit_is_used_up(client: Client, rich, stock, settings):
    first = ask(client, token(rich), KEY)
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "get_code_person": "1/hour", "get_code_address": "1/minute"}
    ask(client, token(rich), order_id="1")  # uses the limit up
    assert ask(client, token(rich), order_id="2").status_code == 429
    again = ask(client, token(rich), KEY)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again["Idempotent-Replayed"] == "true"


def test_without_a_key_the_order_makes_it_once(client: Client, rich, stock):
    first = ask(client, token(rich), order_id="70415")
    again = ask(client, token(rich), order_id="70415")
    assert again.json()["promo_code"] == first.json()["promo_code"]
    assert error_of(ask(client, token(rich), order_id="70415", amount=50)) == (422, "idempotency_key_reused")
    assert Hold.objects.count() == 1


def test_a_key_belongs_to_its_customer(client: Client, rich, stock):
    other = customers.find_or_create(phone="+380000000002", now=timezone.now())
    give(other, 300, now=timezone.now())
    mine, theirs = ask(client, token(rich), KEY), ask(client, token(other), KEY)
    assert mine.json()["promo_code"] != theirs.json()["promo_code"]
    assert error_of(ask(client, token(rich), KEY, order_total=2000)) == (422, "idempotency_key_reused")
    assert Hold.objects.count() == 2
