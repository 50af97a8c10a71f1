"""Every call of our client and every answer of the simulated CRM is as the CRM's API is described: in our excerpt, and in the official document where it is."""

import datetime as dt
from decimal import Decimal

import pytest
import requests

from keycrm.errors import CrmError
from tests.keycrm.description import EXCERPT, Description, official_document
from tests.keycrm.world import NOW, OLENA, World

OFFICIAL = official_document()
DOCUMENTS = {"excerpt": EXCERPT} | ({"official": OFFICIAL} if OFFICIAL else {})
SPAN = (NOW, NOW + dt.timedelta(days=1))


@pytest.fixture(scope="module", params=list(DOCUMENTS.values()), ids=list(DOCUMENTS))
def description(request):
    return Description(request.param)


def every_call(world):
    """All that the client can ask, once with something to find and once without."""
    crm, state = world.client(), world.state
    olena = crm.create_buyer(full_name="Олена Приклад", phones=[OLENA], emails=["olena@customer.example"])
    crm.update_buyer(olena.id, full_name="Олена Приклад", note="оптовий", custom_fields={"CT_1023": "70"})
    state.create_buyer("Без нічого")
    first = world.order("#70415", discount_amount=Decimal("99.9"), promocode="BON100X5UN", payments=[{"amount": 100.5}])
    second = world.order("70416", custom_fields=[{"uuid": "OR_1037", "value": ["Білий"]}])
    state.tag_order(second["id"], 1, on=True)
    state.complete(first["id"])
    state.refund(first["id"], "50.05")
    crm.update_order(
        second["id"],
        discount_amount=Decimal("10.50"),
        status_id=2,
        manager_comment="перевірено",
        custom_fields={"OR_1037": "Зелений"},
    )
    crm.buyers(updated=SPAN, created=SPAN, ids=[olena.id])
    crm.buyers_by_phone(OLENA)
    crm.buyers_by_phone("+380000000009")
    crm.buyers_by_email("olena@customer.example")
    crm.buyer(olena.id)
    crm.orders(source_ids=[1], status_ids=[12], created=SPAN, updated=SPAN, phone=OLENA, sort="-id")
    crm.orders_by_number("70415", source_id=1)
    crm.order(first["id"])
    crm.order(second["id"])
    crm.statuses(), crm.sources(), crm.tags(), crm.custom_fields("client", "lead")
    card = state.create_card(client_id=olena.id, order_id=first["id"], title="Резерв")
    crm.update_card(card["id"], custom_fields={"LD_1035": "50"})
    crm.card(card["id"])
    crm.cards(pipeline_id=1, updated=SPAN)
    crm.pipelines_are_on()


def test_every_call_and_every_answer_is_as_described(description):
    seen = []

    def check(request, response):
        description.check(request, response)
        seen.append((request.method, response.status_code))

    world = World(on_call=check, limit_per_minute=0)
    every_call(world)
    assert {method for method, _status in seen} == {"GET", "POST", "PUT"}
    assert {status for _method, status in seen} == {200, 201, 202}


@pytest.mark.parametrize(
    "switches", [{"dates": "iso"}, {"phone_stored": "digits"}, {"card_as_page": True}, {"pipelines_off": False}]
)
def test_the_forms_that_accounts_differ_in_are_described_too(description, switches):
    every_call(World(on_call=description.check, limit_per_minute=0, **switches))


@pytest.mark.parametrize(
    "switches",
    [{"key_refused": True}, {"pipelines_off": True}, {"errors_first": 100}, {"limit_per_minute": 1}],
)
def test_what_goes_wrong_goes_wrong_as_described(description, switches):
    world = World(on_call=description.check, **switches)
    crm = world.client(urgent=True)
    for ask in (lambda: crm.order(9), lambda: crm.buyer(9), crm.cards, lambda: crm.update_order(9, status_id=1)):
        with pytest.raises(CrmError):
            [ask() for _ in range(2)]


def test_orders_of_a_shop_are_described(description):
    """What another system posts, as the simulated shop does."""
    world = World(on_call=description.check)
    body = {
        "source_id": 1,
        "source_uuid": "70415",
        "promocode": "BON100X5UN",
        "discount_amount": 100,
        "buyer": {"full_name": "Олена Приклад", "phone": OLENA, "email": "olena@customer.example"},
        "products": [{"sku": "TEA-100", "name": "Чай", "price": 249.5, "quantity": 2}],
    }
    answer = world.session.post(
        "http://crm.example/v1/order", json=body, headers={"Authorization": f"Bearer {world.state.token}"}
    )
    assert answer.status_code == 201


# --- the judge itself: it must see what is wrong --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/order?filter[utm_campaign]=a", None),
        ("GET", "/order?include=secrets", None),
        ("GET", "/order?limit=51", None),
        ("GET", "/order?offset=1", None),
        ("GET", "/nothing", None),
        ("DELETE", "/order/1", None),
        ("POST", "/buyer", {"phone": [OLENA]}),
        ("POST", "/buyer", {"full_name": "X", "phone": OLENA}),
        ("POST", "/buyer", {"full_name": "X", "points": 1}),
        ("PUT", "/order/1", {"promocode": "A"}),
        ("PUT", "/order/1", {"discount_amount": "5"}),
    ],
)
def test_a_call_that_is_not_described_is_seen(description, method, path, body):
    request = requests.Request(method, f"http://crm.example/v1{path}", json=body).prepare()
    response = requests.Response()
    response.status_code = 429
    with pytest.raises(AssertionError):
        description.check(request, response)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/order/1", 200, b'{"id": "x", "source_id": 1}'),
        ("/order/1", 200, b'{"id": 1, "source_id": 1, "payment_status": "half"}'),
        ("/order/1", 200, b'{"id": 1, "source_id": 1, "closed_at": null}'),
        ("/order/1", 206, b"{}"),
        ("/buyer/1", 200, b'{"id": 1, "full_name": "X", "phone": "+380000000001"}'),
        ("/custom-fields", 200, b'{"data": []}'),
    ],
)
def test_an_answer_that_is_not_as_described_is_seen(description, path, status, body):
    response = requests.Response()
    response.status_code, response._content = status, body
    with pytest.raises(AssertionError):
        description.check(requests.Request("GET", f"http://crm.example/v1{path}").prepare(), response)
