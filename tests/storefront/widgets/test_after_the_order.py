"""The thank-you page, notices, and points beside prices."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.storefront.widgets.scenes import bring_a_session, buy, card, type_coupon, until_drawn
from tests.storefront.widgets.shopper import DESKTOP, MOBILE


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


WAITS = {"id": "hold-9", "promo_code": "BON100TEST009", "points": 100, "status": "open"}


def set_aside(portal):
    """Points that an earlier try held, and whose code may still be in a cart."""
    portal.hold = {**WAITS, "expires_at": (datetime.now(UTC) + timedelta(minutes=50)).isoformat()}


def the_report(shopper, portal):
    """What the portal was told, once the card is there."""
    expect(card(shopper)).to_contain_text("бонус")
    [report] = portal.bodies("POST /orders")
    return report


@pytest.mark.parametrize(("theme", "data_layer"), [("new", "off"), ("old", "universal")])
def test_an_order_that_points_paid_for_names_them(visit, shop, portal, theme, data_layer):
    shop.state.set_switches(thank_you_theme=theme, data_layer=data_layer)
    shopper = visit()
    shopper.go_to_checkout()
    shopper.pay(100)
    shopper.fill_in()
    shopper.order()
    report = the_report(shopper, portal)
    assert (report["redemption"], report["total"]) == (portal.hold["id"], "1800.00")
    expect(card(shopper)).to_contain_text("Використано 100 бонусів")


def test_points_that_were_set_aside_and_not_used_are_not_reported_as_used(shopper, portal):
    set_aside(portal)
    shopper.go_to_checkout()
    shopper.fill_in()
    shopper.prove()
    expect(shopper.widget).to_contain_text("відкладено 100")
    shopper.order()
    assert "redemption" not in the_report(shopper, portal)
    expect(card(shopper)).to_contain_text("+190")
    expect(card(shopper)).not_to_contain_text("Використано")


def test_an_order_placed_while_points_are_being_taken_off_is_not_reported_as_paid_with_them(shopper, portal):
    shopper.go_to_checkout()
    shopper.fill_in()
    shopper.pay(100)
    portal.holding |= {"DELETE /redemptions/…"}
    with shopper.page.expect_request(lambda request: request.method == "DELETE"):
        shopper.widget.locator("[data-do=remove]").click()
    shopper.order()
    assert "redemption" not in the_report(shopper, portal)
    expect(card(shopper)).not_to_contain_text("Використано")


def test_another_code_of_the_same_amount_is_not_taken_for_ours(visit, shop, portal, certificates):
    shop.state.set_switches(data_layer="ga4")
    certificates.codes["SPRING100"] = 100
    set_aside(portal)
    shopper = visit()
    bring_a_session(shopper)
    page = shopper.page
    page.goto(shop.checkout())
    until_drawn(shopper)
    shopper.fill_in()
    with page.expect_response(re.compile("setCouponCode")):
        type_coupon(shopper, "SPRING100")
    shopper.expect_total("1 800 грн")
    shopper.order()
    assert "redemption" not in the_report(shopper, portal)


@pytest.mark.parametrize(
    ("device", "theme", "data_layer"),
    [(DESKTOP, "old", "ga4"), (MOBILE, "new", "off")],
    ids=["desktop-old-ga4", "mobile-new"],
)
def test_delivery_brings_no_points(visit, shop, portal, device, theme, data_layer):
    shop.state.set_switches(thank_you_theme=theme, data_layer=data_layer)
    shopper = visit(**device)
    page = shopper.page
    page.goto(shop.checkout())
    shopper.fill_in()
    with page.expect_response(re.compile("_widget/delivery/choose")):
        page.locator(".j-delivery-type").select_option("courier")
    page.locator("[name='Delivery[courier][address]']").fill("вул. Зразкова, 1")
    shopper.order()
    totals = shop.state.orders()[-1].totals
    assert totals.delivery > 0
    expect(card(shopper)).to_contain_text("+190 бонусів")
    report = the_report(shopper, portal)
    assert (report["total"], report["delivery"]) == (f"{totals.with_delivery:.2f}", f"{totals.delivery:.2f}")


def change_the_thanks(shopper, script):
    """As another theme has the page, from before our tag looks at it."""
    shopper.page.add_init_script(f"addEventListener('DOMContentLoaded', () => {{ {script} }})")


def test_delivery_that_a_carrier_is_paid_for_is_not_taken_off(shopper, portal):
    change_the_thanks(
        shopper,
        "document.querySelector('.checkout-complete .order-details')?.insertAdjacentHTML('afterbegin', '<div class=order-details__cost>"
        "<div class=order-details__cost-name>Доставка перевізником</div><div class=order-details__cost-value>90 грн</div></div>')",
    )
    buy(shopper)
    expect(card(shopper)).to_contain_text("+190")
    assert the_report(shopper, portal)["delivery"] == "0.00"


def test_a_row_that_only_mentions_the_order_is_not_its_number(shopper, shop, portal):
    rows = "".join(
        f"<div class=invoice__item><div class=invoice__name>{name}</div><div class=invoice__value>{value}</div></div>"
        for name, value in (
            ("Дата замовлення", "26.11.2026"),
            ("Order date", "2026-11-26"),
            ("Статус заказа", "new"),
            ("Сума замовлення", "1900"),
            ("Замовлення", "26.11.2026"),
        )
    )
    change_the_thanks(shopper, f"document.querySelector('.invoice')?.insertAdjacentHTML('afterbegin', '{rows}')")
    buy(shopper)
    assert the_report(shopper, portal)["order_id"] == str(shop.state.orders()[-1].number)


@pytest.mark.parametrize(("name", "value"), [("Номер замовлення:", "A-1042"), ("Заказ № A-1042", "принят")])  # fmt: skip
def test_the_number_is_read_from_the_row_that_names_it(shopper, portal, name, value):
    change_the_thanks(
        shopper,
        "const row = document.querySelector('.invoice__item'); if (row) { "
        f"row.children[0].textContent = '{name}'; row.children[1].textContent = '{value}'; }}",
    )
    buy(shopper)
    assert the_report(shopper, portal)["order_id"] == "A-1042"


def test_a_second_tab_tells_the_same_and_is_the_same_report(shopper, visit, portal):
    buy(shopper)
    expect(card(shopper)).to_contain_text("+190")
    second = visit(shopper)
    second.page.goto(shopper.page.url)
    expect(card(second)).to_contain_text("+190")
    first, again = portal.bodies("POST /orders")
    assert first == again
    assert len(set(portal.keys)) == 1, "the same order has the same key in every tab"
    assert second.storage() == {}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('Клуб "Ластівка" & Ко 24/7: +{points} <b>', 'Клуб "Ластівка" & Ко 24/7: +190 бонусів <b>'),
        ("Ваші {points} & ще {nothing}раз {points}", "Ваші 190 бонусів & ще раз 190 бонусів"),
        ("Дякуємо & чекаємо", "Дякуємо & чекаємо"),
    ],
)
def test_the_shops_own_words_are_shown_as_they_were_written(shopper, portal, text, shown):
    portal.change(texts={"uk": {"thankyou.earned": text, "thankyou.when": "Ваші {points} прийдуть {day}згодом"}})
    buy(shopper)
    expect(card(shopper).locator(".title")).to_have_text(shown.replace("190 ", "190\u00a0"))
    expect(card(shopper).get_by_role("status")).to_contain_text(shown)
    expect(card(shopper).locator(".title b")).to_have_text(re.findall(r"\+?190", shown))
    expect(card(shopper).locator(".dim")).to_have_text("Ваші  прийдуть згодом")


def test_long_words_of_the_shop_stay_inside_the_card(visit, portal):
    long = "наддовгеслово" * 9
    portal.change(texts={"uk": {"thankyou.earned": f"{long[:100]} +{{points}}", "thankyou.when": long}})
    shopper = visit(**MOBILE)
    buy(shopper)
    expect(card(shopper)).to_contain_text("190")
    for part in (".words", ".title", ".dim"):
        assert card(shopper).locator(part).evaluate("part => part.scrollWidth <= part.clientWidth + 1"), part


@pytest.mark.parametrize(
    ("prefix", "text"), [("ru", "+190 бонусов за этот заказ"), ("en", "+190 points for this order")]
)
def test_the_card_speaks_the_pages_language(shopper, prefix, text):
    buy(shopper, prefix=prefix)
    expect(card(shopper)).to_contain_text(text)
