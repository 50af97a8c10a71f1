"""The whole world with every process real: a shopper in a browser pays with points in the shop, the CRM completes and partly refunds the order.

Portal, workers, scheduler, shop, the store's panel, the CRM and the phone that gets text messages meet as `make run` makes them meet.
"""

import re

import pytest
import requests
from celery import Celery
from playwright.sync_api import expect

from demo.crm.server import sent_webhooks
from demo.crm.server import serve as serve_crm
from demo.crm.state import CrmState
from demo.shop.coupons import PanelDoor
from demo.shop.server import serve as serve_shop
from demo.shop.state import Links, ShopState
from demo.sms.server import serve as serve_phones
from demo.sms.state import SmsState
from tests.flows.world import around_database, running_world, wait_for
from tests.storefront.widgets.shopper import DESKTOP, Shopper

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(300)]
SECRET = "an-invented-secret-of-the-webhook"
PHONE = "+380000000001"  # of the demonstration's customer, who brings 500 points along


@pytest.fixture(scope="module")
def crm():
    with serve_crm(CrmState()) as running:
        yield running


@pytest.fixture(scope="module")
def phones():
    with serve_phones(SmsState()) as running:
        yield running


@pytest.fixture(scope="module")
def shop(crm):
    with serve_shop(ShopState(crm_url=crm.base_url, crm_key=crm.state.token)) as running:
        yield running


@pytest.fixture(scope="module")
def world(tmp_path_factory, chromium_path, crm, phones, shop):
    more = {
        "PORTAL_STAGE": "local",  # which serves the widgets from where they lie, as `make run` does
        "STOREFRONT_ORIGINS": shop.url, "SMS_GATEWAY_URL": phones.messages_url, "SMS_GATEWAY_KEY": phones.state.key, "SMS_SENDER": "Lastivka",
        "KEYCRM_BASE_URL": crm.base_url, "KEYCRM_API_TOKEN": crm.state.token, "KEYCRM_WEBHOOK_SECRETS": SECRET,
    }  # fmt: skip
    with (
        running_world(
            around=around_database(), folder=tmp_path_factory.mktemp("whole"), chromium=chromium_path, name="flow_whole", more=more
        ) as world,
        sent_webhooks(crm.state, f"{world.url}/webhooks/keycrm/{SECRET}"),
    ):  # fmt: skip
        shop.state.coupons, shop.state.links = PanelDoor(world.panel.url), Links(portal=world.url)
        world.manage("seed_demo", "--panel-url", world.panel.url)
        yield world


@pytest.fixture(scope="module")
def context(browser):
    context = browser.new_context(**DESKTOP)
    yield context
    context.close()


@pytest.fixture(scope="module")
def shopper(context, shop):
    return Shopper(context, shop, None)


@pytest.fixture(scope="module")
def answers(shopper):
    """What the portal told the widgets, by the end of the address, and with which key they asked: the newest of each."""
    found = {}

    def note(response):
        if "/api/v1/" in response.url and response.request.method != "OPTIONS":
            found[response.url.split("/api/v1/")[1].split("?")[0]] = response

    shopper.page.on("response", note)
    return found


def digits_on(phones):
    """The newest six digits that the shopper's phone shows."""
    texts = [message.text for message in phones.state.messages(to=PHONE)]
    return texts and re.search(r"\b[0-9]{6}\b", texts[-1])[0]


def shown_on_the_card(crm):
    """What a manager reads on the buyer's card: the field's name and its value."""
    (buyer,) = (row for row in crm.state.all("buyers") if PHONE in row["phones"])
    names = {one["uuid"]: one["name"] for one in crm.state.fields}
    return {names[uuid]: value for uuid, value in buyer["custom_fields"].items()}


def entries(world):
    rows = world.rows("SELECT kind, points FROM bonuses_ledgerentry WHERE kind <> 'migrate' ORDER BY id")
    return [(str(kind), points) for kind, points in rows if kind != "migrate"]


def bring_to_the_card(world):
    """The scheduler's next tick, now: it pushes a customer's figures twice a minute at most."""
    world.execute("UPDATE keycrm_buyerlink SET pushed_at = pushed_at - interval '1 minute', retry_at = NULL")
    with Celery(broker=world.redis.url) as sender:
        sender.send_task("keycrm.tasks.write_back", queue="crm")


def notices(world, answers):
    """The shopper's page asks again, with the token that it got."""
    token = answers["balance"].request.headers["authorization"]
    told = requests.get(f"{world.url}/api/v1/notices", headers={"Authorization": token}, timeout=30).json()
    return [(notice["kind"], notice["points"]) for notice in told["notices"]]


def test_points_pay_for_an_order_in_the_shop(world, shopper, phones, answers, crm, shop):
    shopper.go_to_checkout("LK-501:1")
    shopper.open()
    shopper.widget.locator("#phone").fill(PHONE)
    shopper.widget.locator("button.main").click()
    shopper.widget.locator("#code").fill(wait_for(lambda: digits_on(phones), what="the text message"))
    expect(shopper.widget).to_contain_text("У вас 500 бонусів")
    shopper.choose(200)
    shopper.widget.locator("button.main").click()
    shopper.expect_applied(200)
    shopper.fill_in()
    shopper.order()
    expect(shopper.page.locator("bonus-thankyou")).to_contain_text("+170 бонусів за це замовлення")

    (order,) = shop.state.orders()
    assert (order.totals.products, order.totals.coupon_discount) == (1900, 200)
    row = world.panel.state.find(order.promocode)
    assert row is not None
    assert not row.active, "the store has used the code up"
    wait_for(
        lambda: world.rows(f"SELECT 1 FROM bonuses_order WHERE number = '{order.number}' AND state = 'confirmed'"),
        what="the order from the CRM",
    )
    assert entries(world) == [("hold", 200)]
    assert notices(world, answers) == []  # the points that they had were brought along: nobody is told of them
    assert shopper.trouble == []


def test_a_completed_order_captures_and_accrues(world, crm, answers):
    (order,) = crm.state.all("orders")
    crm.state.complete(order["id"])
    wait_for(lambda: ("accrue", 170) in entries(world), what="the points")
    assert entries(world) == [("hold", 200), ("capture", 200), ("accrue", 170)]
    bring_to_the_card(world)
    card = wait_for(
        lambda: (found := shown_on_the_card(crm)).get("Бонуси") == "470" and found, what="the figures on the card"
    )
    assert card["Бонуси в резерві"] == "0"
    assert order["source_uuid"] in card["Історія бонусів"]
    assert notices(world, answers) == [("spend", -200), ("credit", 170)]


def test_a_partial_refund_takes_its_part_back(world, crm, answers):
    (order,) = crm.state.all("orders")
    crm.state.refund(order["id"], 850)
    wait_for(lambda: ("clawback", 85) in entries(world), what="the points that were taken back")
    bring_to_the_card(world)
    wait_for(lambda: shown_on_the_card(crm).get("Бонуси") == "385", what="the figures on the card")
    assert notices(world, answers)[-1] == ("clawback", -85)
    world.manage("verify_ledger")


def test_no_process_complained_and_no_log_knows_who_it_was(world):
    for part in ("web", "worker", "browser", "beat"):
        told = world.told(part)
        assert "Traceback" not in told, part
        for private in (SECRET, PHONE, PHONE.removeprefix("+"), "Зразок Тестовий"):
            assert private not in told, part
