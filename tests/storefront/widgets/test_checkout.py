"""The checkout in a real browser: from the phone to a lower sum, and back."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.storefront.widgets.scenes import arrive, type_coupon
from tests.storefront.widgets.shopper import DESKTOP, MOBILE, PHONE, UNREADABLE
from tests.storefront.widgets.stand_in import DIGITS


@pytest.mark.parametrize("device", [DESKTOP, MOBILE], ids=["desktop", "mobile"])
def test_a_shopper_pays_partly_with_points_and_orders(visit, portal, shop, device):
    shopper = visit(**device)
    shopper.go_to_checkout()
    shopper.fill_in()
    shopper.prove()
    expect(shopper.widget).to_contain_text("У вас 300 бонусів")
    expect(shopper.widget).to_contain_text("Можна використати до 300")
    slider = shopper.widget.locator("#slide")
    slider.press("ArrowLeft")
    expect(shopper.widget.locator("#number")).to_have_value("250")
    shopper.widget.get_by_role("button", name="Сплатити 250 бонусів").click()
    shopper.expect_applied(250)
    shopper.expect_total("1 650 грн")
    shopper.order()
    assert shop.state.orders()[-1].totals.coupon_discount == 250
    expect(shopper.page.locator("bonus-thankyou")).to_contain_text("+165 бонусів за це замовлення")
    expect(shopper.page.locator("bonus-thankyou")).to_contain_text("Використано 250 бонусів")
    assert portal.bodies("POST /redemptions") == [{"points": 250, "order_total": "1900.00", "discount": "0.00"}]
    [report] = portal.bodies("POST /orders")
    assert report["total"] == "1650.00"
    assert report["redemption"] == "hold-1"


def test_the_widget_stays_with_its_state_when_the_shop_draws_the_block_anew(shopper):
    shopper.go_to_checkout()
    shopper.prove()
    shopper.choose(150)
    shopper.set_quantity(2)
    expect(shopper.widget).to_have_count(1)
    expect(shopper.widget.locator("#number")).to_have_value("150")
    shopper.set_quantity(1)
    expect(shopper.widget).to_have_count(1)
    expect(shopper.widget.get_by_role("button", name="Сплатити 150 бонусів")).to_be_visible()


REDRAW = "AjaxCart.getInstance().reloadHtml()"


@pytest.mark.parametrize("device", [DESKTOP, MOBILE], ids=["desktop", "mobile"])
def test_a_shopper_goes_on_typing_while_the_shop_draws_the_block_anew(visit, device):
    """The widget is thrown out and comes back between two keys: the next one goes where the last one went."""
    shopper = visit(**device)
    shopper.go_to_checkout()
    page, keys = shopper.page, shopper.page.keyboard
    page.wait_for_function("!!window.AjaxCart")
    shopper.open()
    field = shopper.widget.locator("#phone")
    field.fill("")
    field.focus()
    keys.type("05012367")
    page.evaluate(REDRAW)
    expect(field).to_be_focused()
    keys.press("ArrowLeft")
    keys.press("ArrowLeft")
    page.evaluate(REDRAW)
    keys.type("45")
    expect(field).to_have_value("0501234567")


@pytest.mark.parametrize("elsewhere", ["#checkout-name", "h1"])
def test_a_shopper_who_left_the_widget_is_not_called_back(shopper, elsewhere):
    shopper.go_to_checkout()
    page = shopper.page
    page.wait_for_function("!!window.AjaxCart")
    shopper.open()
    shopper.widget.locator("#phone").fill("050")
    page.locator(elsewhere).first.click()
    before = page.evaluate("document.activeElement.tagName")
    page.evaluate(REDRAW)
    expect(shopper.widget).to_be_attached()
    assert page.evaluate("document.activeElement.tagName") == before


def test_amounts_follow_the_cart(shopper):
    shopper.go_to_checkout("LK-504:1")
    shopper.prove()
    expect(shopper.widget).to_contain_text("Можна використати до 100")
    shopper.set_quantity(2)
    expect(shopper.widget).to_contain_text("Можна використати до 200")


def test_new_amounts_leave_the_shopper_in_the_field(shopper):
    """Another tab, or an answer that was late, changes the cart while an amount is being typed."""
    shopper.go_to_checkout("LK-504:1")
    page, number = shopper.page, shopper.widget.locator("#number")
    page.wait_for_function("!!window.AjaxCart")
    shopper.prove()
    number.focus()
    page.evaluate(
        "(cart => cart.setProductQuantityByHash(Object.keys(cart.Cart.products)[0], 2))(AjaxCart.getInstance())"
    )
    expect(shopper.widget).to_contain_text("Можна використати до 200")
    expect(number).to_be_focused()
    number.press("Control+A")
    page.keyboard.type("150")
    expect(shopper.widget.get_by_role("button", name="Сплатити 150 бонусів")).to_be_visible()


@pytest.mark.parametrize("device", [DESKTOP, MOBILE], ids=["desktop", "mobile"])
def test_another_discount_counts_against_the_share(visit, shop, portal, device):
    shop.state.set_switches(customer_discount_percent=10)
    shopper = visit(**device)
    shopper.go_to_checkout("LK-504:2")
    shopper.prove()
    expect(shopper.widget).to_contain_text(
        "Можна використати до 150"
    )  # the half of 490 without the 49 that are off already
    shopper.widget.locator("button.main").click()
    shopper.expect_applied(150)
    assert portal.bodies("POST /redemptions") == [{"points": 150, "order_total": "441.00", "discount": "49.00"}]
    shopper.set_quantity(1)
    shopper.expect_said("Кошик зменшився. Тепер можна до 98")
    shopper.expect_released()


def test_a_number_snaps_to_an_amount_that_is_in_stock_and_says_so(shopper):
    shopper.go_to_checkout()
    shopper.prove()
    shopper.choose(179)
    shopper.widget.locator("#number").press("Tab")
    expect(shopper.widget.locator("#number")).to_have_value("150")
    shopper.expect_said("Найближча можлива сума: 150")


def test_a_coupon_removed_in_the_shop_gives_the_points_back(shopper, portal):
    shopper.go_to_checkout()
    shopper.pay(100)
    shopper.page.locator(".j-coupon-remove").click()
    shopper.expect_said("Прибрано")
    shopper.expect_released()
    shopper.expect_total("1 900 грн")


def test_points_taken_off_in_the_widget_leave_the_shops_form_first(shopper, portal):
    shopper.go_to_checkout()
    shopper.pay(100)
    shopper.widget.get_by_role("button", name="Прибрати").click()
    shopper.expect_said("Прибрано")
    shopper.expect_total("1 900 грн")
    shopper.expect_released()
    shopper.open()
    expect(shopper.widget).to_contain_text("Повертаємо 100 бонусів")
    shopper.widget.get_by_role("button", name="Використати знову").click()
    shopper.expect_applied(100)
    assert [body["points"] for body in portal.bodies("POST /redemptions")] == [100, 100]


def test_a_smaller_cart_takes_off_what_exceeds_the_share(shopper, portal):
    shopper.go_to_checkout("LK-504:2")
    shopper.pay(200)
    shopper.set_quantity(1)
    shopper.expect_said("Кошик зменшився. Тепер можна до 122")
    shopper.expect_released()
    shopper.expect_total("245 грн")


def test_a_cart_below_the_hold_keeps_no_code(shopper, portal):
    shopper.go_to_checkout("LK-501:1,LK-507:1")
    shopper.pay(300)
    with shopper.page.expect_response(re.compile("ajax_cart/render/order")):
        shopper.page.locator(".order-i .j-remove-p:visible").first.click()
    shopper.expect_said("Кошик зменшився. Тепер можна до 80")
    shopper.expect_released()


def test_another_coupon_is_left_alone(shopper, portal, certificates):
    certificates.codes["SPRING5"] = 5
    arrive(shopper)
    type_coupon(shopper, "SPRING5")
    expect(shopper.widget).to_contain_text("Уже діє промокод")
    shopper.expect_total("1 895 грн")
    shopper.page.locator(".j-coupon-remove").click()
    expect(shopper.widget.get_by_role("button", name="Оплатити бонусами")).to_be_visible()
    assert portal.counted()["DELETE /redemptions/…"] == 0


def test_a_second_tab_goes_on_with_the_same_code(shopper, visit, portal):
    shopper.go_to_checkout()
    shopper.pay(100)
    second = visit(shopper)
    second.page.goto(shopper.page.url)
    expect(second.page.locator("#checkout-name")).to_be_visible()
    second.page.locator(".j-coupon-remove").click()
    second.wake()
    expect(second.page.locator(".j-coupon-add:visible")).to_be_visible()
    second.prove()
    expect(second.widget).to_contain_text("На це замовлення відкладено 100 бонусів")
    second.widget.get_by_role("button", name="Використати знову").click()
    second.expect_applied(100)
    assert portal.counted()["POST /redemptions"] == 1


def test_a_reload_finds_the_code_again(shopper, portal):
    shopper.go_to_checkout()
    shopper.pay(100)
    shopper.page.reload()
    shopper.wake()
    shopper.expect_applied(100)
    assert portal.counted()["POST /redemptions"] == 1


def test_the_way_back_finds_the_code_again(shopper, portal):
    shopper.go_to_checkout()
    shopper.pay(100)
    shopper.page.goto(shopper.shop.page("/"))
    shopper.page.go_back()
    shopper.wake()
    shopper.expect_applied(100)
    shopper.widget.get_by_role("button", name="Прибрати").click()
    shopper.expect_said("Прибрано")


def test_a_hold_whose_time_is_over_takes_its_code_out_of_the_cart(shopper, portal):
    shopper.page.clock.install()
    shopper.go_to_checkout()
    shopper.pay(100)
    portal.hold["status"] = "releasing"  # as the portal does at the end of a hold's time
    shopper.page.clock.fast_forward("01:00:01")
    shopper.expect_said("Час вийшов: бонуси прибрано")
    shopper.expect_total("1 900 грн")


def test_a_code_that_ended_meanwhile_is_taken_out_when_the_shopper_comes_back(shopper, portal):
    shopper.go_to_checkout()
    shopper.pay(100)
    portal.hold["status"] = "releasing"
    shopper.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    shopper.expect_said("Час вийшов: бонуси прибрано")
    shopper.expect_total("1 900 грн")


@pytest.mark.parametrize("device", [DESKTOP, MOBILE], ids=["desktop", "mobile"])
def test_the_delivery_that_was_chosen_survives(visit, shop, device):
    shop.state.set_switches(coupon_resets_delivery=True)
    shopper = visit(**device)
    shopper.go_to_checkout()
    page = shopper.page
    page.locator("#checkout-city").fill("Київ")
    page.locator(".j-delivery-type").select_option("nova")
    page.wait_for_function("document.querySelector('.j-warehouse').options.length > 1")
    chosen = page.locator(".j-warehouse").evaluate("select => select.options[1].value")
    page.locator(".j-warehouse").select_option(chosen)
    shopper.pay(100)
    expect(page.locator(".j-delivery-type")).to_have_value("nova")
    expect(page.locator(".j-warehouse")).to_have_value(chosen)


def test_only_the_widget_calls_the_code_bonuses(shopper):
    shopper.go_to_checkout()
    shopper.pay(100)
    expect(shopper.widget.locator(".title")).to_have_text("Бонуси")
    expect(shopper.page.locator(".coupon__name")).to_have_text("Подарунковий сертифікат")


@pytest.mark.parametrize("ajax_cart", ["missing", "late"])
@pytest.mark.parametrize("device", [DESKTOP, MOBILE], ids=["desktop", "mobile"])
def test_without_the_carts_object_the_page_says_enough(visit, shop, portal, ajax_cart, device):
    shop.state.set_switches(ajax_cart=ajax_cart)
    shopper = visit(**device)
    shopper.go_to_checkout()
    with shopper.page.expect_response(re.compile("ajax_cart/render")):
        shopper.page.locator(".j-delivery-type").select_option("courier")
    shopper.pay(100)
    assert portal.bodies("POST /redemptions") == [{"points": 100, "order_total": "1900.00", "discount": "0.00"}]
    shopper.widget.get_by_role("button", name="Прибрати").click()
    shopper.expect_said("Прибрано")


def test_with_the_carts_object_the_page_need_not_be_read_and_its_listeners_hear_of_the_code(shopper, portal):
    shopper.context.add_init_script(UNREADABLE)
    shopper.context.add_init_script(
        "window.__heard = []; document.addEventListener('AjaxCartInstanced', () => AjaxCart.getInstance()"
        ".attachEventHandlers({ onCouponChange: (cart) => window.__heard.push(cart.coupon_data.code) }))"
    )
    shopper.go_to_checkout()
    shopper.pay(100)
    assert portal.bodies("POST /redemptions") == [{"points": 100, "order_total": "1900.00", "discount": "0.00"}]
    shopper.widget.get_by_role("button", name="Прибрати").click()
    shopper.expect_said("Прибрано")
    assert shopper.page.evaluate("window.__heard") == ["BON100TEST001", ""]


@pytest.mark.parametrize("money_format", ["narrow", "dot", "apostrophe"])
def test_sums_are_read_as_they_are_written(shopper, shop, portal, money_format):
    shop.state.set_switches(money_format=money_format, ajax_cart="missing")
    shopper.go_to_checkout("LK-506:1,LK-502:1")
    shopper.pay(50)
    assert portal.bodies("POST /redemptions") == [{"points": 50, "order_total": "13590.50", "discount": "0.00"}]


def test_the_shop_refuses_the_code_and_the_points_stay(shopper, shop, portal):
    shop.state.set_switches(coupon_refused=True)
    shopper.go_to_checkout()
    shopper.prove()
    shopper.widget.locator("button.main").click()
    shopper.expect_said("Магазин не прийняв код")
    shopper.expect_released()
    expect(shopper.page.locator(".j-coupon-input")).to_have_value("")


def test_an_amount_that_ran_out_is_chosen_anew(shopper, portal):
    shopper.go_to_checkout()
    shopper.prove()
    shopper.choose(200)
    portal.failing["POST /redemptions"] = (
        404,
        {"success": False, "code": "pool_empty", "nearby": [150], "error": "…", "message": "…"},
    )
    portal.stock = (50, 100, 150)
    shopper.widget.locator("button.main").click()
    shopper.expect_said("Такої суми зараз немає")
    del portal.failing["POST /redemptions"]
    shopper.open()
    expect(shopper.widget).to_contain_text("до 150")


def test_wrong_digits_are_said_and_right_ones_still_count(shopper):
    shopper.go_to_checkout()
    shopper.prove("000000")
    shopper.expect_said("Код не підійшов")
    shopper.widget.locator("#code").fill(DIGITS)
    expect(shopper.widget).to_contain_text("У вас 300 бонусів")


def test_too_many_tries_say_for_how_long(shopper, portal):
    refusal = {"success": False, "code": "rate_limited", "error": "…", "message": "…"}
    portal.failing["POST /sessions"] = (429, refusal, {"Retry-After": "540"})
    shopper.go_to_checkout()
    shopper.open()
    shopper.widget.locator("#phone").fill(PHONE)
    shopper.widget.locator("button.main").click()
    shopper.expect_said("Спробуйте за 9 хв")


def test_a_session_that_ended_asks_for_the_phone_again(shopper, portal):
    shopper.go_to_checkout()
    shopper.prove()
    expect(shopper.widget).to_contain_text("У вас 300 бонусів")
    portal.failing["POST /redemptions"] = (
        401,
        {"success": False, "code": "session_required", "error": "…", "message": "…"},
    )
    shopper.widget.locator("button.main").click()
    shopper.expect_said("Підтвердьте номер ще раз")
    assert "bonus_token" not in shopper.storage()
    shopper.open()
    expect(shopper.widget.locator("#phone")).to_be_visible()


def test_storage_holds_a_token_that_ends_and_nothing_else(shopper):
    shopper.go_to_checkout()
    shopper.pay(100)
    kept = shopper.storage()
    assert set(kept) == {"bonus_token"}
    token = json.loads(kept["bonus_token"])
    assert set(token) == {"token", "until"}
    left = token["until"] - shopper.page.evaluate("Date.now()")
    assert 0 < left <= 30 * 60 * 1000
    shopper.page.evaluate("sessionStorage.setItem('bonus_token', JSON.stringify({token: 'x', until: 1}))")
    shopper.page.reload()
    shopper.wake()
    assert shopper.storage() == {}


def test_analytics_hears_amounts_and_nothing_personal(shopper):
    shopper.go_to_checkout()
    shopper.fill_in()
    shopper.pay(100)
    shopper.widget.get_by_role("button", name="Прибрати").click()
    shopper.expect_said("Прибрано")
    events = shopper.data_layer()
    ours = [
        event
        for event in events
        if "virtual_currency_name" in event or "promotion_id" in (event.get("ecommerce") or {})
    ]
    assert [event["event"] for event in ours] == [
        "view_promotion",
        "select_promotion",
        "spend_virtual_currency",
        "bonus_apply",
        "bonus_remove",
    ]
    assert ours[2] == {
        "event": "spend_virtual_currency",
        "virtual_currency_name": "BONUS",
        "value": 100,
        "item_name": "order_discount",
    }
    told = json.dumps(ours)
    assert "000000" not in told
    assert "TEST001" not in told


@pytest.mark.parametrize(
    ("prefix", "title"), [("", "Оплатити бонусами"), ("ru", "Оплатить бонусами"), ("en", "Pay with bonus points")]
)
def test_the_widget_speaks_the_pages_language(shopper, prefix, title):
    shopper.go_to_checkout(prefix=prefix)
    expect(shopper.widget.get_by_role("button", name=title)).to_be_visible()


def test_the_shops_phone_is_neither_locked_nor_changed(shopper, shop):
    shopper.go_to_checkout()
    shopper.fill_in()
    shopper.open()
    expect(shopper.widget.locator("#phone")).to_have_value(PHONE)
    shopper.widget.locator("#phone").fill("+38 (000) 000-00-02")
    expect(shopper.page.locator("#checkout-phone")).to_have_value(PHONE)
    expect(shopper.page.locator("#checkout-phone")).to_be_editable()
    shopper.order()
    assert shop.state.orders()[-1].buyer.phone.endswith("0000000001")
