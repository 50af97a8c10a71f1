"""The shop's orders on their way to the simulated CRM: what they say there, and that none is lost or doubled."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests

from demo.crm.server import RunningCrm
from demo.crm.server import serve as serve_crm
from demo.crm.state import CrmState
from demo.shop.crm import carry_orders
from demo.shop.server import serve
from demo.shop.state import ShopState
from tests.demo.shopper import Shopper, shopper
from tests.demo.visitor import NOON


@pytest.fixture
def crm() -> Iterator[RunningCrm]:
    with serve_crm(CrmState()) as running:
        yield running


@pytest.fixture
def guest(crm) -> Shopper:
    """Somebody who has just ordered a set of cups with a certificate."""
    guest = shopper()
    guest.state.crm_url, guest.state.crm_key = crm.base_url, crm.state.token
    guest.buy(501)
    guest.coupon("BON100A")
    guest.order()
    return guest


def carry(guest, **later):
    return carry_orders(guest.state, now=NOON + timedelta(**later))


def test_an_order_says_in_the_crm_who_bought_what_with_which_code(crm, guest):
    assert carry(guest) == 1
    order = crm.state.all("orders")[0]
    assert (order["source_uuid"], order["promocode"], order["discount_amount"]) == ("#70415", "BON100A", "100.00")
    assert [(line["sku"], line["quantity"]) for line in order["products"]] == [("LK-501", "1")]
    asked = requests.get(
        f"{crm.base_url}/order/{order['id']}",
        params={"include": "buyer"},
        headers={"Authorization": f"Bearer {crm.state.token}"},
        timeout=5,
    ).json()
    assert (asked["buyer"]["full_name"], asked["buyer"]["phone"]) == ("Олена Вигадана", "+380000000001")
    assert asked["grand_total"] == 1800
    assert guest.state.orders()[0].crm == "sent"
    assert guest.state.orders()[0].crm_id == order["id"]


def test_the_number_goes_without_its_sign_where_the_store_has_none(crm, guest):
    guest.state.set_switches(crm_number_sign=False)
    carry(guest)
    assert crm.state.all("orders")[0]["source_uuid"] == "70415"


def test_an_order_is_carried_once(crm, guest):
    assert [carry(guest), carry(guest)] == [1, 0]
    assert len(crm.state.all("orders")) == 1


def test_a_crm_that_is_down_gets_the_order_later(crm, guest):
    guest.state.crm_url = "http://127.0.0.1:9/v1"
    assert carry(guest) == 0
    guest.state.crm_url = crm.base_url
    assert carry(guest) == 0, "it is not asked again at once"
    assert carry(guest, minutes=1) == 1
    assert guest.state.orders()[0].crm_tries == 2


def test_an_answer_that_was_lost_after_the_write_makes_no_second_order(crm, guest):
    crm.state.set_switches(errors_after_write_first=1)
    assert carry(guest) == 0
    assert carry(guest, minutes=1) == 1
    assert len(crm.state.all("orders")) == 1


def test_a_wrong_key_is_waited_out(crm, guest):
    crm.state.set_switches(key_refused=True)
    assert carry(guest) == 0
    crm.state.set_switches(key_refused=False)
    assert carry(guest, minutes=1) == 1


def test_an_order_waits_as_long_as_the_import_takes(crm):
    guest = shopper(crm_delay_seconds=240.0)
    guest.state.crm_url, guest.state.crm_key = crm.base_url, crm.state.token
    guest.buy(501)
    guest.order()
    assert [carry(guest, seconds=239), carry(guest, seconds=240)] == [0, 1]


def test_nothing_goes_while_sending_is_off(crm, guest):
    guest.state.set_switches(crm_sends=False)
    assert carry(guest, hours=1) == 0
    assert crm.state.all("orders") == []


def test_a_served_shop_carries_its_orders_by_itself(crm):
    state = ShopState(crm_url=crm.base_url, crm_key=crm.state.token)
    guest = shopper(state)
    with serve(state):
        guest.buy(501)
        guest.order()
        arrived = NOON.now() + timedelta(seconds=20)
        while state.orders()[0].crm != "sent":
            assert NOON.now() < arrived, state.orders()[0].crm_fault
            state.order_placed.wait(0.01)
    assert len(crm.state.all("orders")) == 1
