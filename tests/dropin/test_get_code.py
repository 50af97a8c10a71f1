"""The drop-in path that hands out codes: shapes, refusals, and what does not happen when it refuses."""

import json

import pytest
from django.test import Client

from bonusportal.models import DailyCount, IdempotencyRecord
from promo.models import CodeState, Demand, Issue, ReplenishRun
from tests.factories import make_code, make_pool

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool():
    pool = make_pool(amount_uah=1100, low_water=3, target=10)
    for number in range(6):
        make_code(pool, code=f"BON1100TEST{number}", place=number)
    return pool


def post(client, document, **headers):
    return client.post("/get-code", json.dumps(document), content_type="application/json", headers=headers)


def error_of(response):
    body = response.json()
    assert body["success"] is False
    assert body["error"] == body["message"]
    assert response["Cache-Control"] == "no-store"
    return response.status_code, body["code"]


def test_a_get_is_answered_with_the_oldest_code_and_the_amount_as_a_number(client: Client, pool):
    response = client.get("/get-code?amount=1100")
    assert response.status_code == 200
    assert response.json() == {"success": True, "promo_code": "BON1100TEST0", "amount": 1100}
    assert response["Cache-Control"] == "no-store"
    assert Issue.objects.get().code.state == CodeState.ISSUED


@pytest.mark.parametrize("amount", [1100, "1100"])
def test_a_post_echoes_the_amount_with_the_type_that_was_sent(client: Client, pool, amount):
    response = post(client, {"amount": amount})
    assert response.json() == {"success": True, "promo_code": "BON1100TEST0", "amount": amount}


@pytest.mark.parametrize("path", ["/get-code", "/get-code/", "/prod/get-code", "/prod/get-code/"])
def test_the_predecessors_prefix_and_a_trailing_slash_are_accepted(client: Client, pool, path):
    assert client.get(f"{path}?amount=1100").json()["promo_code"] == "BON1100TEST0"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "amount_missing"),
        ("amount=", "amount_missing"),
        ("amount=0", "amount_invalid"),
        ("amount=-1", "amount_invalid"),
        ("amount=1100.0", "amount_invalid"),
        ("amount=+1100", "amount_invalid"),
        ("amount=%201100", "amount_invalid"),
        ("amount=1_100", "amount_invalid"),
        ("amount=01100", "amount_invalid"),
        ("amount=%D9%A1%D9%A1%D9%A0%D9%A0", "amount_invalid"),
        ("amount=12345678", "amount_invalid"),
        ("amount=1100&amount=1100", "amount_invalid"),
        ("amount=_metadata", "amount_invalid"),
        ("amount=1100&phone=%00", "text_invalid"),
        ("amount=1100&phone=abc", "phone_invalid"),
    ],
)
def test_a_wrong_query_is_refused_and_nothing_is_handed_out(client: Client, pool, query, code):
    assert error_of(client.get(f"/get-code?{query}")) == (400, code)
    assert not Issue.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "json_invalid"),
        (b"null", 400, "json_not_object"),
        (b"[1100]", 400, "json_not_object"),
        (b"{}", 400, "amount_missing"),
        (b'{"amount": true}', 400, "amount_invalid"),
        (b'{"amount": 1100.0}', 400, "amount_invalid"),
        (b'{"amount": 1e2}', 400, "amount_invalid"),
        (b'{"amount": 1e999}', 400, "json_invalid"),
        (b'{"amount": NaN}', 400, "json_invalid"),
        (b'{"amount": 1100, "amount": 100}', 400, "json_invalid"),
        (b'{"amount": {"a": 1}}', 400, "amount_invalid"),
        (b'{"amount": ' + b"9" * 5000 + b"}", 400, "json_invalid"),
        (b'{"amount": 1100, "phone": "\\u0000"}', 400, "text_invalid"),
        (b'{"amount": 1100, "phone": "\\ud800"}', 400, "text_invalid"),
        (b'{"amount": 1100, "session": ["x"]}', 400, "text_invalid"),
        (b"[" * 30000, 400, "json_too_deep"),
        (b'{"amount": 1100, "x": "' + b"y" * 70_000 + b'"}', 413, "body_too_large"),
        (b"\xff\xfe", 400, "json_invalid"),
    ],
)
def test_a_wrong_body_is_refused_with_its_code_and_nothing_is_handed_out(client: Client, pool, body, status, code):
    assert error_of(client.post("/get-code", body, content_type="application/json")) == (status, code)
    assert not Issue.objects.exists()


def test_head_is_refused_and_issues_nothing(client: Client, pool):
    response = client.head("/get-code?amount=1100")
    assert response.status_code == 405
    assert not Issue.objects.exists()


@pytest.mark.parametrize("header", ["Purpose", "Sec-Purpose"])
def test_a_prefetch_issues_nothing(client: Client, pool, header):
    response = client.get("/get-code?amount=1100", headers={header: "prefetch;prerender"})
    assert error_of(response) == (400, "prefetch_refused")
    assert not Issue.objects.exists()


def test_an_empty_pool_is_a_404_that_names_nearby_amounts_and_asks_for_a_refill(client: Client, pool):
    make_pool(amount_uah=1150)
    response = client.get("/get-code?amount=1150")
    assert error_of(response) == (404, "pool_empty")
    assert response.json()["nearby"] == [1100]
    run = ReplenishRun.objects.get()
    assert (run.pool.amount_uah, run.trigger, run.state) == (1150, "empty", "requested")
    assert Demand.objects.get().misses == 1


def test_an_amount_without_a_pool_is_only_counted(client: Client, pool):
    assert error_of(client.get("/get-code?amount=77")) == (404, "pool_unknown")
    assert Demand.objects.get().amount_uah == 77
    assert not ReplenishRun.objects.exists()


def test_one_key_gets_one_code_however_often_it_is_asked(client: Client, pool):
    key = "visitor-0123456789abcdef"
    first = client.get("/get-code?amount=1100", headers={"Idempotency-Key": key})
    second = client.get("/get-code?amount=1100", headers={"Idempotency-Key": key})
    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert Issue.objects.count() == 1
    assert not IdempotencyRecord.objects.filter(scope__contains=key).exists()


def test_one_key_for_another_amount_is_a_conflict_and_changes_nothing(client: Client, pool):
    headers = {"Idempotency-Key": "visitor-0123456789abcdef"}
    client.get("/get-code?amount=1100", headers=headers)
    assert error_of(client.get("/get-code?amount=100", headers=headers)) == (422, "idempotency_key_reused")
    assert Issue.objects.count() == 1


def test_a_refusal_is_not_remembered_so_the_same_key_may_succeed_later(client: Client, pool):
    later = make_pool(amount_uah=1150)
    headers = {"Idempotency-Key": "visitor-0123456789abcdef"}
    assert error_of(client.get("/get-code?amount=1150", headers=headers)) == (404, "pool_empty")
    make_code(later, code="BON1150LATER")
    assert client.get("/get-code?amount=1150", headers=headers).json()["promo_code"] == "BON1150LATER"


def test_a_short_key_of_a_stranger_is_refused(client: Client, pool):
    assert error_of(client.get("/get-code?amount=1100", headers={"Idempotency-Key": "short"})) == (
        400,
        "idempotency_key_invalid",
    )


def test_session_and_order_are_a_key_of_their_own(client: Client, pool):
    first = client.get("/get-code?amount=1100&session=cart-1&order_id=70415")
    second = post(client, {"amount": 1100, "session": "cart-1", "order_id": 70415})
    assert first.json()["promo_code"] == second.json()["promo_code"]
    assert second["Idempotent-Replayed"] == "true"
    assert error_of(client.get("/get-code?amount=100&session=cart-1&order_id=70415")) == (422, "idempotency_key_reused")
    assert Issue.objects.count() == 1


def test_over_the_address_limit_it_is_429_with_retry_after_and_a_replay_still_answers(client: Client, pool, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "get_code_address": "2/minute"}
    headers = {"Idempotency-Key": "visitor-0123456789abcdef"}
    first = client.get("/get-code?amount=1100", headers=headers)
    client.get("/get-code?amount=1100")
    refused = client.get("/get-code?amount=1100")
    assert error_of(refused) == (429, "rate_limited")
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert client.get("/get-code?amount=1100", headers=headers).json() == first.json()
    assert Issue.objects.count() == 2
    assert DailyCount.objects.get(name="refused.rate.get_code_address").count == 1


def test_a_forged_forwarding_header_does_not_move_the_limit(client: Client, pool, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "get_code_address": "2/minute"}
    statuses = [
        client.get("/get-code?amount=1100", headers={"X-Forwarded-For": f"203.0.113.{number}"}).status_code
        for number in range(4)
    ]
    assert statuses == [200, 200, 429, 429]


def test_a_person_has_a_limit_of_their_own_whatever_way_the_phone_is_typed(client: Client, pool, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "get_code_person": "1/hour"}
    assert client.get("/get-code", {"amount": 1100, "phone": "000 000 00 01"}).status_code == 200
    assert client.get("/get-code", {"amount": 1100, "phone": "+38 (000) 000-00-01"}).status_code == 429
    assert client.get("/get-code", {"amount": 1100, "phone": "+38 (000) 000-00-02"}).status_code == 200


def test_the_daily_cap_of_open_mode_is_exact_and_raises_an_alarm(client: Client, pool, settings):
    settings.OPEN_MODE_DAILY_CAP = 2
    statuses = [client.get("/get-code?amount=1100").status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert Issue.objects.count() == 2
    assert pool.codes.filter(state="available").count() == 4
    assert DailyCount.objects.get(name="alarm.daily_cap").count == 2


def test_guarded_mode_gives_a_stranger_nothing(client: Client, pool, settings):
    settings.GET_CODE_MODE = "guarded"
    assert error_of(client.get("/get-code?amount=1100")) == (401, "session_required")
    assert not Issue.objects.exists()


def test_the_low_mark_is_at_three_left(client: Client, pool):
    client.get("/get-code?amount=1100")
    client.get("/get-code?amount=1100")
    assert not ReplenishRun.objects.exists()
    client.get("/get-code?amount=1100")
    assert pool.codes.filter(state="available").count() == 3
    run = ReplenishRun.objects.get()
    assert (run.trigger, run.state) == ("low", "requested")


def test_errors_are_ukrainian_unless_english_is_asked_for(client: Client, pool):
    ukrainian = client.get("/get-code?amount=x").json()["message"]
    english = client.get("/get-code?amount=x", headers={"Accept-Language": "en"}).json()["message"]
    assert english == "The amount must be a whole number of hryvnias from 1 to 9999999."
    assert ukrainian != english


def test_a_preflight_from_the_shop_is_allowed_and_from_elsewhere_is_not(client: Client, pool, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    ours = client.options("/get-code", headers={"Origin": "https://shop.example", **asked})
    assert ours.status_code in {200, 204}
    assert ours["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "x-amz-security-token" in ours["Access-Control-Allow-Headers"]
    assert ours["Access-Control-Max-Age"] == "86400"
    other = client.options("/get-code", headers={"Origin": "https://evil.example", **asked})
    assert "Access-Control-Allow-Origin" not in other
    answered = client.get("/get-code?amount=1100", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answered
    assert "origin" in answered["Vary"].lower()


def test_every_answer_carries_a_request_id_and_keeps_a_sane_one_that_was_sent(client: Client, pool):
    assert len(client.get("/get-code?amount=1100")["X-Request-ID"]) == 32
    assert (
        client.get("/get-code?amount=1100", headers={"X-Request-ID": "shop-12345678"})["X-Request-ID"]
        == "shop-12345678"
    )
    assert "\n" not in client.get("/healthz", headers={"X-Request-ID": "bad id!"})["X-Request-ID"]
