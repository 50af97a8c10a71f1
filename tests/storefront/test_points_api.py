"""Points by `/api/v1`: what there is, the code that pays, reports and notices. What belongs to others stays theirs."""

import datetime as dt
import time

import pytest
import time_machine

from bonuses.models import Customer, Hold, OrderReport
from bonuses.services import merging, ruling
from bonusportal.models import DailyCount
from promo.models import CodeState, Demand, Issue, ReplenishRun
from storefront.models import Door, Refusal
from tests.factories import NOW, make_codes, make_pool
from tests.storefront.street import (
    OTHER_PHONE,
    PHONE,
    STRANGER,
    Browser,
    error_of,
    make_shopper,
    sign,
    signed_in,
)  # fmt: skip

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
KEY = "checkout-1"


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def pools():
    for amount in (100, 200):
        make_codes(make_pool(amount_uah=amount), 4)
    make_pool(amount_uah=150)


@pytest.fixture
def shopper(pools):
    return make_shopper(NOW, points=300)


@pytest.fixture
def browser(shopper):
    return signed_in(shopper, NOW)


def pay(browser, points=100, key=KEY, total="1000.00", **more):
    return browser.post("/redemptions", {"points": points, "order_total": total, **more}, key=key)


def test_the_balance_and_what_may_pay_for_this_order(browser):
    answer = browser.get("/balance?order_total=450.50")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["available"], body["held"], body["debt"], body["expected"], body["pending"]) == (300, 0, 0, 0, 0)
    assert [one["points"] for one in body["expiring"]] == [300]
    assert (body["max_payable"], body["payable"]) == (225, [100, 200])  # half of it, and 150 has no code
    assert browser.get("/balance?order_total=300").json()["payable"] == [100]
    assert browser.get("/balance").json()["max_payable"] is None


@pytest.mark.parametrize(("total", "discount", "most"), [
    ("400", "0", 200), ("400", "100", 150), ("400", "100.50", 149), ("300", "299.98", 0), ("100", "10000000", 0),
])  # fmt: skip
def test_another_discount_counts_against_the_share(browser, total, discount, most):
    """400 are left of 500 after a discount of 100: together they pay at most 250, so points pay 150."""
    assert browser.get(f"/balance?order_total={total}&discount={discount}").json()["max_payable"] == most
    if 0 < most < 200:
        refused = pay(browser, points=200, total=total, discount=discount)
        assert error_of(refused) == (409, "over_share")
        assert refused.json()["max_payable"] == most
    assert not Hold.objects.exists()


@pytest.mark.parametrize("discount", ["-1", "1e2", "0.001", "10000000.01", "", True, [], None, {"uah": 1}])
def test_a_discount_that_is_no_amount_is_refused(browser, discount):
    assert error_of(pay(browser, discount=discount)) == (400, "money_invalid")
    if isinstance(discount, str):
        assert error_of(browser.get(f"/balance?order_total=400&discount={discount}")) == (400, "money_invalid")
    assert not Hold.objects.exists()


def test_a_discount_may_be_a_whole_number_and_belongs_to_what_a_key_was_used_for(browser):
    first = pay(browser, total="400", discount=100)
    assert pay(browser, total="400.00", discount="100.00").json() == first.json()
    assert error_of(pay(browser, total="400")) == (422, "idempotency_key_reused")
    assert Issue.objects.count() == 1


def test_points_become_a_code_and_are_held(browser, shopper):
    answer = pay(browser, order_id="10045")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"id", "promo_code", "points", "expires_at"}
    assert Hold.objects.get(key=body["id"]).code.code == body["promo_code"]
    assert Issue.objects.get().order_number == "10045"
    balance = browser.get("/balance").json()
    assert (balance["available"], balance["held"]) == (200, 100)
    shown = browser.get(f"/redemptions/{body['id']}").json()
    assert (shown["status"], shown["promo_code"]) == ("open", body["promo_code"])


def test_the_same_key_is_answered_the_same_and_costs_no_quota(browser, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "get_code_person": "1/hour"}
    first = pay(browser)
    again = [pay(browser) for _ in range(3)]
    assert all(one.json() == first.json() and one["Idempotent-Replayed"] == "true" for one in again)
    assert "Idempotent-Replayed" not in first
    assert Issue.objects.count() == 1
    assert error_of(pay(browser, key="checkout-2")) == (429, "rate_limited")
    assert DailyCount.objects.get(name="refused.rate.get_code_person").count == 1


@pytest.mark.parametrize("other", [{"points": 200}, {"total": "999.00"}, {"order_id": "7"}])
def test_the_same_key_for_something_else_is_refused(browser, other):
    pay(browser)
    assert error_of(pay(browser, **other)) == (422, "idempotency_key_reused")
    assert Issue.objects.count() == 1


def test_the_same_key_is_answered_the_same_after_the_customer_was_merged(browser, shopper):
    first = pay(browser)
    survivor = make_shopper(NOW, OTHER_PHONE, points=300)
    merging.merge_customers(from_id=shopper, into_id=survivor, now=NOW, actor="olena")
    for again in (pay(browser), pay(signed_in(survivor, NOW))):
        assert again.json() == first.json()
        assert again["Idempotent-Replayed"] == "true"
    assert Issue.objects.count() == 1


def test_without_a_key_nothing_is_handed_out(browser):
    answer = browser.post("/redemptions", {"points": 100, "order_total": 1000})
    assert error_of(answer) == (400, "idempotency_key_missing")
    assert not Hold.objects.exists()


def test_more_than_there_is_and_more_than_half_are_refused(browser):
    make_codes(make_pool(amount_uah=400), 1)
    answer = pay(browser, points=400)
    assert error_of(answer) == (409, "insufficient_points")
    assert answer.json()["available"] == 300
    answer = pay(browser, points=200, total="399.99")
    assert error_of(answer) == (409, "over_share")
    assert not Hold.objects.exists()
    assert {row.reason for row in Refusal.objects.all()} == {"insufficient_points", "over_share"}


def test_an_amount_without_a_code_holds_nothing_and_names_what_there_is(browser):
    answer = pay(browser, points=150)
    assert error_of(answer) == (404, "pool_empty")
    assert answer.json()["nearby"] == [100, 200]
    assert not Hold.objects.exists()
    assert Demand.objects.get().amount_uah == 150
    assert ReplenishRun.objects.get().pool.amount_uah == 150
    make_codes(make_pool(amount_uah=150), 1)
    assert pay(browser, points=150).status_code == 200  # the same key may succeed later


def test_a_code_that_is_taken_off_is_withdrawn_and_comes_back_while_it_waits(browser):
    body = pay(browser).json()
    released = browser.delete(f"/redemptions/{body['id']}")
    assert (released.status_code, released.json()) == (202, {"id": body["id"], "status": "releasing"})
    assert Issue.objects.get().code.state == CodeState.WITHDRAWN
    shown = browser.get(f"/redemptions/{body['id']}").json()
    assert (shown["status"], shown["promo_code"]) == ("releasing", None)
    assert browser.delete(f"/redemptions/{body['id']}").status_code == 202
    assert pay(browser, key="checkout-2").json()["promo_code"] == body["promo_code"]
    assert Issue.objects.count() == 1


def test_somebody_elses_redemption_looks_like_none(browser, shopper):
    mine = pay(browser).json()
    other = signed_in(make_shopper(NOW, OTHER_PHONE), NOW)
    nothing = other.get(f"/redemptions/{'0' * 32}")
    for answer in (other.get(f"/redemptions/{mine['id']}"), other.delete(f"/redemptions/{mine['id']}")):
        assert error_of(answer) == (404, "hold_unknown")
        assert answer.json() == nothing.json()
    assert Hold.objects.get(customer_id=shopper).state == "open"
    assert Refusal.objects.get(reason="hold_unknown").count == 3


def test_a_key_of_another_customer_is_another_key(browser, pools):
    other = signed_in(make_shopper(NOW, OTHER_PHONE, points=300), NOW)
    assert pay(browser).json()["promo_code"] != pay(other).json()["promo_code"]


@pytest.mark.parametrize("method", ["balance", "redemptions", "notices"])
def test_without_a_session_there_is_nothing_to_see(shopper, method):
    for browser in (Browser(), Browser("nonsense"), signed_in(shopper, NOW - dt.timedelta(minutes=31))):
        answer = pay(browser) if method == "redemptions" else browser.get(f"/{method}")
        assert error_of(answer) == (401, "session_required")
    assert Refusal.objects.get().count == 3
    assert not Hold.objects.exists()


def test_a_customer_who_is_switched_off_has_no_session_any_more(browser, shopper):
    Door.objects.create(customer_id=shopper, is_open=False, revoked_at=NOW)
    assert error_of(browser.get("/balance")) == (401, "session_required")


def test_a_report_by_session_says_what_to_expect_and_moves_nothing(browser, shopper):
    answer = browser.post("/orders", {"order_id": 10045, "total": "1000.00"})
    assert (answer.status_code, answer.json()) == (200, {"points_expected": 100})
    again = browser.post("/orders", {"order_id": "10045", "total": 1000})
    assert again.json() == answer.json()
    report = OrderReport.objects.get()
    assert (report.customer_id, report.order_number, report.trust) == (shopper, "10045", "session")
    assert browser.get("/balance").json()["expected"] == 100
    assert browser.get("/balance").json()["available"] == 300


def test_a_report_with_a_phone_is_a_claim_and_answers_a_stranger_alike(shopper):
    answers = [
        Browser().post("/orders", {"order_id": "7", "total": "500", "phone": phone}) for phone in (PHONE, STRANGER)
    ]
    assert [one.json() for one in answers] == [{"points_expected": 50}] * 2
    assert {report.trust for report in OrderReport.objects.all()} == {"page"}
    assert error_of(Browser().post("/orders", {"order_id": "7", "total": "500"})) == (400, "phone_missing")


def test_a_stranger_who_claims_an_order_of_the_shoppers_learns_nothing_of_it(browser, shopper):
    browser.post("/orders", {"order_id": "7", "total": "1000"})
    told = Browser().post("/orders", {"order_id": "7", "total": "500", "phone": PHONE})
    assert told.json() == {"points_expected": 50}
    assert OrderReport.objects.values_list("customer_id", "total", "points_expected").get() == (shopper, 1000, 100)


def test_a_claim_cannot_keep_somebody_elses_hold_alive(browser, shopper):
    mine = pay(browser).json()
    before = Hold.objects.get().expires_at
    Browser().post("/orders", {"order_id": "7", "total": "500", "phone": OTHER_PHONE, "redemption": mine["id"]})
    signed_in(make_shopper(NOW, STRANGER), NOW).post(
        "/orders", {"order_id": "7", "total": "500", "redemption": mine["id"]}
    )
    assert Hold.objects.get().expires_at == before
    browser.post("/orders", {"order_id": "7", "total": "500", "redemption": mine["id"]})
    assert Hold.objects.get().expires_at > before


def test_points_that_the_order_was_not_paid_with_stay_within_the_shoppers_reach(browser):
    """The page says what was taken off: less than the points, and a hold that is named all the same is not kept for three days."""
    mine, before = pay(browser).json(), Hold.objects.get().expires_at
    report = {"order_id": "7", "total": "1000", "redemption": mine["id"]}
    assert browser.post("/orders", {**report, "discount": "99.99"}).json() == {"points_expected": 100}
    assert Hold.objects.get().expires_at == before
    assert OrderReport.objects.get().hold is None
    assert browser.get("/balance").json()["redemption"]["id"] == mine["id"], "it can be used or given back"
    assert Refusal.objects.get(reason="hold_unused").count == 1
    browser.post("/orders", {**report, "discount": "160.00"})
    assert Hold.objects.get().expires_at > before
    assert OrderReport.objects.get().hold.key == mine["id"]


def test_delivery_brings_points_only_where_the_rule_says_so(browser):
    for number, delivery, points in (("7", "90.00", 100), ("8", 0, 109), ("9", "1090", 0), ("10", "2000", 0)):
        answer = browser.post("/orders", {"order_id": number, "total": "1090", "delivery": delivery})
        assert answer.json() == {"points_expected": points}
    ruling.make_rule(actor="olena", reason="delivery as well", now=NOW, base="grand")
    told = browser.post("/orders", {"order_id": "11", "total": "1090", "delivery": "90.00"})
    assert told.json() == {"points_expected": 109}
    for name in ("delivery", "discount"):
        assert error_of(browser.post("/orders", {"order_id": "12", "total": "1090", name: "-1"})) == (400, "money_invalid")  # fmt: skip
    assert not OrderReport.objects.filter(order_number="12").exists()


def test_telling_of_an_order_again_takes_nothing_back(browser, shopper):
    """Another tab of the thank-you page: without the session, or when the code is no longer in a cart."""
    mine = pay(browser).json()
    report = {"order_id": "7", "total": "1000", "delivery": "0.00"}
    first = browser.post("/orders", {**report, "redemption": mine["id"], "discount": "100.00"})
    until = Hold.objects.get().expires_at
    for again in (browser, Browser(), browser):
        assert again.post("/orders", {**report, "phone": PHONE}).json() == first.json()
    row = OrderReport.objects.get()
    assert (row.trust, row.hold.key, Hold.objects.get().expires_at) == ("session", mine["id"], until)


def test_a_false_token_is_no_claim(shopper):
    answer = Browser("nonsense").post("/orders", {"order_id": "7", "total": "500", "phone": PHONE})
    assert error_of(answer) == (401, "session_required")
    assert not OrderReport.objects.exists()


def test_notices_are_told_until_they_are_acknowledged(browser):
    page = browser.get("/notices").json()
    assert [(one["kind"], one["points"]) for one in page["notices"]] == [("credit", 300)]
    assert browser.get("/notices").json() == page  # reading changes nothing
    assert browser.post("/notices/ack", {"cursor": page["cursor"]}).json() == {"success": True}
    assert browser.get("/notices").json()["notices"] == []
    assert len(browser.get("/notices?after=0-0").json()["notices"]) == 1


def test_pools_are_told_to_a_server_that_signs(pools, settings):
    settings.API_KEYS = ["shop:an invented secret"]
    path = "/api/v1/pools"
    headers = sign("GET", path, at=int(time.time()))
    answer = Browser().get("/pools", **headers)
    assert answer.status_code == 200
    told = {row["amount"]: (row["available"], row["is_low"]) for row in answer.json()["pools"]}
    assert (told[100], told[150]) == ((4, False), (0, True))
    for changed in ({"X-Bonus-Signature": "0" * 64}, {"X-Bonus-Timestamp": str(int(time.time()) - 301)}):
        assert error_of(Browser().get("/pools", **{**headers, **changed})) == (401, "signature_invalid")
    assert error_of(Browser().get("/pools")) == (401, "signature_invalid")


def test_what_a_browser_may_send_is_answered_before_it_calls(settings):
    origin = settings.CORS_ALLOWED_ORIGINS = ["https://store.example"]
    answer = Browser().client.options(
        "/api/v1/redemptions",
        headers={
            "Origin": origin[0],
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
        },
    )
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == origin[0]
    assert {"authorization", "idempotency-key", "accept-language"} <= set(
        answer["Access-Control-Allow-Headers"].split(", ")
    )
    assert "Access-Control-Allow-Credentials" not in answer


def test_another_origin_is_told_nothing_that_lets_its_page_read(browser, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://store.example"]
    for origin in ("https://store.example.evil.example", "https://evil.example", "null", "http://store.example"):
        answer = browser.get("/balance", Origin=origin)
        assert "Access-Control-Allow-Origin" not in answer
        assert "origin" in answer["Vary"].lower()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "field_missing"),
        (b"null", 400, "json_not_object"),
        (b"[1]", 400, "json_not_object"),
        (b"{", 400, "json_invalid"),
        (b'{"points": 1, "points": 2, "order_total": 10}', 400, "json_invalid"),
        (b'{"points": NaN, "order_total": 10}', 400, "json_invalid"),
        (b'{"points": 1e999, "order_total": 10}', 400, "json_invalid"),
        (b'{"points": true, "order_total": 10}', 400, "points_invalid"),
        (b'{"points": 100.0, "order_total": 10}', 400, "points_invalid"),
        (b'{"points": "100", "order_total": 10}', 400, "points_invalid"),
        (b'{"points": -1, "order_total": 10}', 400, "points_invalid"),
        (b'{"order_total": 10}', 400, "points_missing"),
        (b'{"points": 100}', 400, "field_missing"),
        (b'{"points": 100, "order_total": "10.001"}', 400, "money_invalid"),
        (b'{"points": 100, "order_total": 1e400}', 400, "json_invalid"),
        (b'{"points": 100, "order_total": 10, "order_id": "a\\u0000"}', 400, "text_invalid"),
        (b'{"points": 100, "order_total": 10, "order_id": "a\\u0007"}', 400, "order_id_invalid"),
        (b'{"points": 100, "order_total": 10, "order_id": "a\\u202e"}', 400, "order_id_invalid"),
        (b'{"points": 100, "order_total": 10, "order_id": ["a"]}', 400, "order_id_invalid"),
        (b"[" * 30000, 400, "json_too_deep"),
        (b'{"points": 100, "x": "' + b"y" * 70_000 + b'"}', 413, "body_too_large"),
        (b"\xff\xfe", 400, "json_invalid"),
    ],
)
def test_a_wrong_body_is_refused_with_its_code_and_nothing_is_held(browser, body, status, code):
    assert error_of(browser.post("/redemptions", body, key=KEY)) == (status, code)
    assert not Hold.objects.exists()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/balance?order_total=1&order_total=2", "parameter_repeated"),
        ("/balance?order_total=%00", "text_invalid"),
        ("/balance?order_total=-1", "money_invalid"),
        ("/balance?order_total=", "money_invalid"),
        ("/notices?after=x", "cursor_invalid"),
        ("/redemptions/..%2f", "redemption_invalid"),
    ],
)
def test_a_wrong_address_is_refused_with_its_code(browser, path, code):
    answer = browser.get(path)
    assert answer.status_code in {400, 404}
    assert answer.json()["code"] in {code, "not_found"}


def test_what_is_not_there_and_what_is_not_supported_have_the_same_shape(browser):
    assert error_of(browser.get("/nothing")) == (404, "not_found")
    assert error_of(browser.client.put("/api/v1/balance")) == (405, "method_not_allowed")


def test_refusals_are_said_in_the_readers_language(shopper):
    assert Browser(language="uk").get("/balance").json()["error"] == "Спершу підтвердьте, будь ласка, номер телефону."
    assert Browser(language="en").get("/balance").json()["error"] == "Please confirm your phone number first."


def test_a_customer_is_not_made_by_looking(pools):
    Browser().start(STRANGER)
    assert not Customer.objects.exists()
