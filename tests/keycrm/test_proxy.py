"""The read-only way into the CRM: who may, what comes back, and every trick that must end as nothing."""

import time
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.test import Client

from bonusportal import signing
from bonusportal.models import DailyCount
from demo.crm.server import serve
from demo.crm.state import CrmState
from demo.crm.switches import Switches
from tests.keycrm.world import NOW, OLENA

SECRET = "partner-secret-0123456789"


@pytest.fixture(scope="module")
def crm():
    with serve(CrmState()) as running:
        yield running


@pytest.fixture(autouse=True)
def _surroundings(settings, crm):
    settings.API_KEYS = [f"partner:{SECRET}"]
    settings.KEYCRM_BASE_URL, settings.KEYCRM_API_TOKEN = crm.base_url, crm.state.token
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "crm_proxy": "1000/minute"}
    settings.KEYCRM_CALLS_PER_MINUTE = 59
    settings.REDIS_URL = ""
    cache.clear()
    crm.state.clear()
    crm.state.replace_switches(Switches(limit_per_minute=0))


pytestmark = pytest.mark.django_db


def ask(path, *, method="GET", secret=SECRET, at=None, signed_path=None, client=None, **headers):
    timestamp = int(at if at is not None else time.time())
    signature = signing.sign(secret, timestamp=timestamp, method=method, path=signed_path or path, body=b"")
    return (client or Client()).generic(
        method,
        path,
        headers={
            "X-Bonus-Key": "partner",
            "X-Bonus-Timestamp": str(timestamp),
            "X-Bonus-Signature": signature,
            **headers,
        },
    )


def refusals():
    return sum(DailyCount.objects.filter(name="refused.crm_proxy").values_list("count", flat=True))


def place(crm, **more):
    body = {
        "source_id": 1,
        "source_uuid": "#70415",
        "buyer": {"full_name": "Олена Приклад", "phone": OLENA, "email": "olena@customer.example"},
        "products": [{"sku": "TEA-100", "name": "Чай", "price": 249, "quantity": 2}],
        "manager_comment": "подзвонити пізніше",
        "promocode": "BON100X5UN",
    }
    return crm.state.create_order(body | more)


# --- what comes back ----------------------------------------------------------------------------------------------


def test_a_buyer_s_points_by_phone(crm):
    buyer = crm.state.create_buyer(
        "Олена Приклад", phones=[OLENA], note="секрет", custom_fields={"CT_1023": 70, "CT_1024": "2026-05-01"}
    )
    answer = ask("/keycrm/buyer?phone=%2B380000000001")
    assert answer.status_code == 200
    (shown,) = answer.json()["data"]
    assert {name: shown[name] for name in ("id", "balance", "reserved", "expires_on")} == {
        "id": buyer["id"],
        "balance": "70",
        "reserved": None,
        "expires_on": "2026-05-01",
    }
    assert answer["Cache-Control"] == "no-store"


def test_an_order_by_its_number_and_by_the_crm_s(crm):
    order = place(crm)
    by_number = ask("/keycrm/order?number=70415").json()["data"][0]
    by_id = ask(f"/keycrm/order/{order['id']}").json()
    assert by_number == by_id
    assert (by_id["number"], by_id["grand_total"], by_id["status_group_id"]) == ("70415", "498", 1)


def test_nothing_personal_and_no_code_is_shown(crm):
    order = place(crm)
    told = "".join(
        ask(path).content.decode()
        for path in (f"/keycrm/order/{order['id']}", "/keycrm/order?number=70415", "/keycrm/buyer?phone=0000000001")
    )
    for private in ("Олена", "380000000001", "olena@", "подзвонити", "BON100X5UN", "Чай"):
        assert private not in told


def test_the_lists_of_statuses_and_sources():
    assert {"id": 12, "name": "Виконано", "group_id": 5} in ask("/keycrm/order/status").json()["data"]
    assert ask("/keycrm/order/source").json()["data"][0]["name"] == "Інтернет-магазин"


def test_an_order_that_is_gone_is_not_found(crm):
    order = place(crm)
    crm.state.delete_order(order["id"])
    answer = ask(f"/keycrm/order/{order['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "crm_not_found")


# --- cache, throttle, faults ----------------------------------------------------------------------------------------


def test_the_same_question_reaches_the_crm_once_a_minute(crm):
    order = place(crm)
    for _ in range(3):
        ask(f"/keycrm/order/{order['id']}")
    assert crm.state.counters["calls"] == 1


def test_a_key_has_a_limit_of_its_own(settings, crm):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "crm_proxy": "2/minute"}
    order = place(crm)
    statuses = [ask(f"/keycrm/order/{order['id']}").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_a_crm_that_is_away_is_said_to_be_away_and_nothing_else(crm):
    crm.state.set_switches(key_refused=True)
    answer = ask("/keycrm/order/2001")
    assert (answer.status_code, answer.json()["code"]) == (503, "crm_unavailable")
    assert answer["Retry-After"]
    assert "key" not in answer.json()["message"].casefold()


def test_without_a_key_for_the_crm_it_is_away(settings):
    settings.KEYCRM_API_TOKEN = ""
    assert ask("/keycrm/order/2001").status_code == 503


# --- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trick",
    [
        {"secret": "another-secret-0123456789"},
        {"at": NOW.timestamp()},
        {"signed_path": "/keycrm/order/2002"},
        {"signed_path": "/keycrm/order/2001?"},
        {"X-Bonus-Key": "somebody"},
        {"X-Bonus-Signature": ""},
        {"X-Bonus-Timestamp": "now"},
    ],
)
def test_a_forged_replayed_or_altered_call_is_refused_and_counted(crm, trick):
    place(crm)
    answer = ask("/keycrm/order/2001", **trick)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert refusals() == 1
    assert crm.state.counters["calls"] == 0


def test_nobody_without_a_signature_reads_even_what_is_cached(crm):
    place(crm)
    ask("/keycrm/order/2001")
    assert Client().get("/keycrm/order/2001").status_code == 401


# --- tricks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/keycrm/",
        "/keycrm/products",
        "/keycrm/users",
        "/keycrm/buyer/import",
        "/keycrm/order/2001/payment",
        "/keycrm/order/2001/",
        "/keycrm//order/2001",
        "/keycrm/order//2001",
        "/keycrm/order/0",
        "/keycrm/order/-1",
        "/keycrm/order/2001%00",
        "/keycrm/order/2001%0A",
        "/keycrm/order/2001%2Fpayment",
        "/keycrm/order/..%2Fusers",
        "/keycrm/order/%2e%2e/users",
        "/keycrm/../keycrm/users",
        "/keycrm/order%2F..%2Fusers",
        "/keycrm/order/%D9%A7",
        "/keycrm/order/2001;a=b",
        "/keycrm/order/9999999999999999999999",
        "/keycrm/%40evil.example/order",
        "/keycrm/http:%2F%2Fevil.example%2Forder",
        "/keycrm/custom-fields",
        "/KEYCRM/order/2001",
        "/keycrm/ORDER/2001",
        "/keycrm/order/2001?include=buyer",
        "/keycrm/buyer?phone=0000000001&phone=0000000002",
        "/keycrm/buyer?phone=0000000001&include=company",
        "/keycrm/buyer?filter[buyer_phone]=0000000001",
        "/keycrm/buyer",
        "/keycrm/order",
    ],
)
def test_anything_else_is_nothing_and_reaches_nobody(crm, path):
    place(crm)
    answer = ask(path)
    assert answer.status_code == 404
    assert crm.state.counters["calls"] == 0
    assert "Олена" not in answer.content.decode()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"])
def test_nothing_can_be_done_but_reading(crm, method):
    place(crm)
    answer = ask("/keycrm/order/2001", method=method)
    assert answer.status_code == 404
    assert crm.state.counters["calls"] == 0


@pytest.mark.parametrize("phone", ["", "380", "0000000001,0000000002", "+380000000001&x", "٠٠٠٠٠٠٠٠٠١"])
def test_what_is_no_phone_is_told_and_asks_nobody(crm, phone):
    answer = ask(f"/keycrm/buyer?phone={quote(phone)}")
    assert (answer.status_code, answer.json()["code"]) == (400, "phone_invalid")
    assert crm.state.counters["calls"] == 0


def test_headers_of_the_caller_reach_nobody_and_change_nothing(crm):
    place(crm)
    tricks = {
        "Authorization": "Bearer stolen",
        "X-HTTP-Method-Override": "DELETE",
        "X-Original-URL": "/v1/users",
        "X-Rewrite-URL": "/v1/users",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=evil.example",
        "X-Correlation-ID": "evil",
        "Cookie": "a=b",
    }
    answer = ask("/keycrm/order/2001", **tricks)
    assert answer.json()["id"] == 2001
    reached = crm.state.last_headers
    assert reached["Authorization"] == f"Bearer {crm.state.token}"
    assert not {value for value in tricks.values() if value in reached.values()}
