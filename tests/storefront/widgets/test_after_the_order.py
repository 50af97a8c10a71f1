"""The thank-you page, notices, and points beside prices."""

import json

import pytest
from playwright.sync_api import expect

from tests.storefront.widgets.shopper import DESKTOP, MOBILE
from tests.storefront.widgets.stand_in import SCRIPT


def buy(shopper, goods="LK-501:1", *, prefix=""):
    shopper.page.goto(shopper.shop.checkout(goods, prefix=prefix))
    shopper.fill_in()
    shopper.order()


def card(shopper):
    return shopper.page.locator("bonus-thankyou")


@pytest.mark.parametrize(
    ("device", "theme", "data_layer"),
    [
        (DESKTOP, "new", "off"),
        (DESKTOP, "old", "off"),
        (MOBILE, "new", "off"),
        (MOBILE, "old", "ga4"),
        (DESKTOP, "new", "universal"),
        (DESKTOP, "old", "gtag"),
    ],
    ids=["desktop-new", "desktop-old", "mobile-new", "mobile-old-ga4", "desktop-new-universal", "desktop-old-gtag"],
)
def test_the_order_is_reported_and_the_points_to_come_are_told(visit, shop, portal, device, theme, data_layer):
    shop.state.set_switches(thank_you_theme=theme, data_layer=data_layer)
    shopper = visit(**device)
    buy(shopper, "LK-502:1")
    expect(card(shopper)).to_contain_text("+125 бонусів за це замовлення")
    expect(card(shopper)).to_contain_text("Нарахуємо, коли замовлення буде виконано")
    [report] = portal.bodies("POST /orders")
    assert report["order_id"] == str(shop.state.orders()[-1].number)
    assert report["total"] == "1250.50"
    assert "0000001" in report["phone"].replace("-", "").replace(" ", "")


def test_a_reload_reports_nothing_again_and_shows_the_same(shopper, portal):
    buy(shopper)
    expect(card(shopper)).to_contain_text("+190")
    shopper.page.reload()
    expect(card(shopper)).to_contain_text("+190")
    assert portal.counted()["POST /orders"] == 1
    assert shopper.storage() == {}


def test_analytics_hears_what_was_earned(shopper):
    buy(shopper)
    expect(card(shopper)).to_contain_text("+190")
    earned = [event for event in shopper.data_layer() if event.get("event") == "earn_virtual_currency"]
    assert earned == [{"event": "earn_virtual_currency", "virtual_currency_name": "BONUS", "value": 190}]
    assert "000000" not in json.dumps(earned)


def test_who_wants_less_motion_gets_the_number_at_once(visit):
    shopper = visit(reduced_motion="reduce")
    buy(shopper)
    expect(card(shopper)).to_contain_text("+190")
    assert card(shopper).locator("section").evaluate("section => getComputedStyle(section).animationName") == "none"
    assert card(shopper).locator("b").count() == 1


def test_the_card_can_be_put_away_with_the_keyboard(shopper):
    buy(shopper)
    shopper.page.get_by_role("button", name="Закрити").press("Enter")
    expect(card(shopper)).to_have_count(0)


@pytest.mark.parametrize(
    "failure", [None, (500, "<h1>no</h1>"), (200, "{}"), (200, {"points_expected": "<b>many</b>"})]
)
def test_a_report_that_fails_leaves_the_page_alone(shopper, portal, failure):
    portal.failing["POST /orders"] = failure
    with shopper.page.expect_event(
        "requestfinished" if failure else "requestfailed", lambda request: request.url.endswith("/orders")
    ):
        buy(shopper)
    expect(card(shopper)).to_have_count(0)


def test_a_session_that_ended_reports_by_the_phone_on_the_page(shopper, portal):
    shopper.go_to_checkout()
    shopper.prove()
    expect(shopper.widget).to_contain_text("У вас 300 бонусів")
    portal.refused_tokens = True
    shopper.fill_in()
    shopper.order()
    expect(card(shopper)).to_contain_text("+190")
    assert "phone" in portal.bodies("POST /orders")[-1]


CREDIT = {"kind": "credit", "points": 184, "cursor": "7-7"}


def toasts(shopper):
    return shopper.page.locator("bonus-toasts")


def bring_a_session(shopper):
    """As a page has it that is loaded after the phone was proved."""
    shopper.context.add_init_script(
        "sessionStorage.setItem('bonus_token', JSON.stringify({token: 'an-invented-token', until: Date.now() + 60000}))"
    )


def test_notices_come_as_toasts_at_the_checkout_and_are_not_told_again(shopper, portal):
    portal.notices = [CREDIT, {"kind": "expiring", "points": 40, "last_day": "2026-12-24", "cursor": "7-8"}]
    shopper.go_to_checkout()
    shopper.prove()
    expect(toasts(shopper).get_by_role("status")).to_contain_text("Нараховано 184 бонуси")
    expect(toasts(shopper)).to_contain_text("Використайте 40 бонусів до 24 грудня включно")
    toasts(shopper).get_by_role("button", name="Закрити").first.click()
    expect(toasts(shopper).get_by_role("button")).to_have_count(1)
    shopper.fill_in()
    with shopper.page.expect_response(lambda response: response.url.endswith("/notices")):
        shopper.order()
    expect(card(shopper)).to_contain_text("+190")
    expect(toasts(shopper).get_by_role("button")).to_have_count(0)
    assert portal.bodies("POST /notices/ack") == [{"cursor": "7-7"}]


def test_what_happened_meanwhile_is_told_on_the_thank_you_page(shopper, portal):
    shopper.go_to_checkout()
    with shopper.page.expect_response(lambda response: response.url.endswith("/notices")):
        shopper.prove()
    portal.notices = [CREDIT]
    shopper.fill_in()
    shopper.order()
    expect(toasts(shopper)).to_contain_text("Нараховано 184 бонуси")


def test_notices_wait_until_the_shopper_does_something(shopper, shop, portal):
    portal.notices = [CREDIT]
    bring_a_session(shopper)
    shopper.page.goto(shop.checkout())
    shopper.page.wait_for_function("!!customElements.get('bonus-checkout')")
    assert [name for name, _body in portal.calls] == ["GET /widgets/config.json", SCRIPT]
    shopper.page.keyboard.press("Shift")
    expect(toasts(shopper)).to_contain_text("Нараховано 184 бонуси")
    assert portal.counted()["GET /notices"] == 1


def test_two_tabs_never_tell_the_same_twice(shopper, visit, portal):
    portal.notices = [CREDIT]
    portal.holding |= {"GET /notices"}
    shopper.go_to_checkout()
    with shopper.page.expect_request(lambda request: request.url.endswith("/notices")):
        shopper.prove()
    second = visit(shopper)
    second.go_to_checkout()
    second.prove()
    expect(toasts(second)).to_be_attached()
    assert portal.counted()["GET /notices"] == 1, "the second tab asks before the first has told"
    with second.page.expect_response(lambda response: response.url.endswith("/notices")):
        portal.let_go()
    expect(toasts(shopper)).to_contain_text("Нараховано 184 бонуси")
    expect(toasts(second).get_by_role("button")).to_have_count(0)
    assert portal.counted()["POST /notices/ack"] == 1


@pytest.mark.parametrize(
    ("prefix", "text"), [("ru", "+190 бонусов за этот заказ"), ("en", "+190 points for this order")]
)
def test_the_card_speaks_the_pages_language(shopper, prefix, text):
    buy(shopper, prefix=prefix)
    expect(card(shopper)).to_contain_text(text)


@pytest.fixture
def hinting_shop(shop):
    """The third tag is pasted as well, on every page: the container's checkout tag stands in for it."""
    from tools.widgets import BUILT

    shop.state.set_switches(gtm_hint=True)
    shop.state.tags["checkout"] = (BUILT / "bonus_hint_script.html").read_text()
    yield shop
    shop.state.tags.clear()


@pytest.mark.parametrize("device", [DESKTOP, MOBILE], ids=["desktop", "mobile"])
def test_product_and_cart_say_what_they_bring(visit, hinting_shop, portal, device):
    portal.change(shows_hint=True)
    shopper = visit(**device)
    shopper.page.goto(hinting_shop.page("/product/cups-kosiv/"))
    hints = shopper.page.locator("bonus-hint:visible")
    expect(hints.first).to_contain_text("+190 бонусів за цю покупку")
    shopper.page.locator(".product .j-buy").click()
    expect(hints.last).to_contain_text("+190 бонусів за це замовлення")


def test_notices_come_beside_prices_too(shopper, hinting_shop, portal):
    portal.change(shows_hint=True)
    portal.notices = [CREDIT]
    bring_a_session(shopper)
    shopper.page.goto(hinting_shop.page("/product/cups-kosiv/"))
    expect(shopper.page.locator("bonus-hint:visible")).to_be_visible()
    shopper.page.keyboard.press("Shift")
    expect(toasts(shopper)).to_contain_text("Нараховано 184 бонуси")


def test_a_shop_that_wants_no_hints_gets_none(shopper, hinting_shop, portal):
    with shopper.page.expect_response(lambda response: response.url.endswith("hint.js")):
        shopper.page.goto(hinting_shop.page("/product/cups-kosiv/"))
    expect(shopper.page.locator("bonus-hint")).to_have_count(0)
