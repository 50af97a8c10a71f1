"""The checkout where the shop is unlucky: an earlier code, a slow answer, odd sums, time over, a second tab."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.storefront.widgets.scenes import (
    COME_BACK,
    END_SESSION,
    arrive,
    held_back,
    hold_of,
    see_points,
    type_coupon,
    wait_for,
)
from tests.storefront.widgets.shopper import MOBILE, PHONE
from tests.storefront.widgets.stand_in import DIGITS


def test_an_error_about_an_earlier_code_is_no_answer_for_ours(shopper, portal):
    arrive(shopper)
    type_coupon(shopper, "NOSUCHCODE")
    expect(shopper.page.locator(".j-coupon-error")).to_be_visible()
    shopper.pay(100)
    shopper.expect_total("1 800 грн")
    assert portal.hold["status"] == "open"


@pytest.mark.parametrize("seconds", [8, 30])
def test_what_a_slow_shop_does_in_the_end_is_what_counts(shopper, portal, seconds):
    """After eight seconds we still wait. After thirty the points are given back, and a code that lands then is taken out again."""
    page = shopper.page
    page.clock.install()
    see_points(shopper)
    held = held_back(page, "setCouponCode")
    shopper.choose(100)
    shopper.widget.locator("button.main").click()
    call = wait_for(page, held)
    page.clock.fast_forward(seconds * 1000)
    if seconds == 30:
        shopper.expect_said("Магазин не прийняв код")
    call.continue_()
    page.unroute_all()
    shopper.expect_total("1 800 грн")
    if seconds == 30:
        shopper.expect_total("1 900 грн")
        assert portal.hold["status"] == "releasing"
    else:
        shopper.expect_applied(100)
        assert portal.hold["status"] == "open"


def test_a_smaller_cart_is_tried_again_where_the_shop_did_not_take_the_code_off(shopper, portal):
    page = shopper.page
    page.clock.install()
    arrive(shopper, "LK-504:2")
    shopper.pay(200)
    refused = []

    def refuse(route):
        refused.append(route)
        route.abort()

    page.route("**/_widget/ajax_cart/setCouponCode/**", refuse)
    shopper.set_quantity(1)
    wait_for(page, refused)
    page.clock.fast_forward(7000)
    shopper.expect_said("Магазин не відповів")
    page.unroute_all()
    page.clock.fast_forward(11000)
    shopper.expect_said("Кошик зменшився")
    shopper.expect_released()


def test_somebody_elses_coupon_of_the_same_amount_is_left_alone(shopper, shop, portal, certificates):
    shop.state.set_switches(ajax_cart="missing")
    certificates.codes["SPRING100"] = 100
    portal.hold = hold_of(100)
    shopper.go_to_checkout("LK-504:2")
    shopper.prove()
    expect(shopper.widget).to_contain_text("відкладено 100")
    type_coupon(shopper, "SPRING100")
    shopper.expect_total("390 грн")
    expect(shopper.widget).to_contain_text("Уже діє промокод")
    portal.hold["status"] = "releasing"
    shopper.page.evaluate(COME_BACK)
    shopper.page.wait_for_timeout(1500)
    shopper.expect_total("390 грн")


def test_a_form_that_is_drawn_late_gets_its_widget(shopper, shop):
    page = shopper.page
    page.add_init_script(
        "document.addEventListener('DOMContentLoaded', () => { const part = document.querySelector('.j-order-part'), html = part.innerHTML;"
        "part.innerHTML = '…'; window.__draw = () => { part.innerHTML = html; }; })"
    )
    page.goto(shop.checkout())
    page.wait_for_function("!!customElements.get('bonus-checkout')")
    page.evaluate("window.__draw()")
    shopper.wake()


def test_a_sum_of_three_decimals_is_no_thousandfold(shopper, portal):
    """245 less 5 %, as JavaScript has it."""
    portal.available, portal.stock = 5000, (50, 100, 5000)
    arrive(shopper, "LK-504:1")
    shopper.page.evaluate("AjaxCart.getInstance().Cart.total.sum = 232.755")
    shopper.prove()
    expect(shopper.widget).to_contain_text("Можна використати до 100")


def test_goods_in_an_open_cart_count_once(visit, shop, portal):
    shop.state.set_switches(ajax_cart="missing")
    portal.available, portal.stock = 5000, (900, 950, 1000, 1900)
    shopper = visit(**MOBILE)
    shopper.go_to_checkout()
    shopper.page.locator(".j-cart-open").first.evaluate("button => button.click()")
    expect(shopper.page.locator("#cart .j-sum-p, #cart-drawer .j-sum-p").first).to_be_visible()
    shopper.page.locator(".j-sum-p").first.wait_for()
    shopper.widget.locator(".open").evaluate("button => button.click()")
    shopper.widget.locator("#phone").fill(PHONE)
    shopper.widget.locator("#phone").press("Enter")
    shopper.widget.locator("#code").fill(DIGITS)
    expect(shopper.widget).to_contain_text(re.compile(r"Можна використати до 950"))


def test_no_sum_below_zero_is_offered(shopper, shop, portal):
    arrive(shopper, "LK-504:2")
    shopper.pay(100)
    shop.state.set_switches(customer_discount_percent=60)
    shopper.set_quantity(1)
    shopper.expect_said("Тепер можна до 0")


def test_amounts_follow_a_cart_that_changes_while_they_are_asked_for(shopper, portal):
    see_points(shopper, "LK-504:1")
    shopper.open()
    portal.holding |= {"GET /balance"}
    shopper.open()
    shopper.set_quantity(2)
    expect(shopper.page.locator(".is-loading")).to_have_count(0)
    shopper.page.wait_for_timeout(600)  # what wants to ask once more is turned away
    portal.let_go()
    expect(shopper.widget).to_contain_text("Можна використати до 200")


def test_time_is_over_also_for_a_shopper_whose_session_ended_before(shopper):
    shopper.page.clock.install()
    arrive(shopper)
    shopper.pay(100)
    shopper.page.evaluate(END_SESSION)
    shopper.page.clock.fast_forward("59:00")
    shopper.expect_applied(100)
    shopper.page.clock.fast_forward("02:00")
    shopper.expect_said("Час вийшов: бонуси прибрано")
    shopper.expect_total("1 900 грн")


def test_time_is_over_also_where_the_portal_was_away_for_a_moment(shopper, portal):
    portal.lives = timedelta(minutes=20)
    shopper.page.clock.install()
    arrive(shopper)
    shopper.pay(100)
    portal.hold["status"] = "releasing"
    portal.failing["GET /redemptions/…"] = None
    shopper.page.clock.fast_forward("20:30")
    shopper.expect_said("Бонуси зараз недоступні")
    portal.failing.clear()
    shopper.page.clock.fast_forward("01:10")
    shopper.expect_said("Час вийшов: бонуси прибрано")
    shopper.expect_total("1 900 грн")


def test_points_given_back_in_a_stale_tab_leave_the_cart_of_the_other_one(shopper, visit, shop, portal):
    arrive(shopper)
    second = visit(shopper)
    arrive(second)
    shopper.pay(100)
    second.prove()
    shop.state.set_switches(ajax_seconds=0.3)  # the cart's object knows a coupon before its button is drawn
    second.widget.locator("[data-do=giveBack]").click()
    second.expect_said("Прибрано")
    assert portal.hold["promo_code"] not in second.page.reload().text()
    assert portal.hold["status"] == "releasing"


def test_a_code_on_its_way_back_is_taken_out_of_the_cart_after_a_reload(shopper, portal):
    """Of a code that is being taken back the portal tells the amount only."""
    arrive(shopper)
    shopper.pay(100)
    portal.hold = hold_of(100, promo_code=None, status="releasing", expires_at=None)
    shopper.page.reload()
    shopper.expect_total("1 900 грн")


def test_a_portal_that_went_away_is_not_asked_without_end_about_such_a_code(shopper, portal):
    page = shopper.page
    page.clock.install()
    arrive(shopper)
    shopper.pay(100)
    portal.hold["status"] = "releasing"
    with page.expect_response("**/balance*"):
        page.reload()
    portal.failing["GET /balance"] = None
    shopper.wake()
    shopper.expect_said("Бонуси зараз недоступні")
    asked = portal.counted()["GET /balance"]
    page.wait_for_timeout(500)
    assert portal.counted()["GET /balance"] == asked
    shopper.expect_total("1 800 грн")
    portal.failing.clear()
    page.clock.fast_forward(11_000)
    shopper.expect_total("1 900 грн")


def test_points_that_exceed_the_share_are_not_used_again(shopper, portal):
    portal.hold = hold_of(200)
    see_points(shopper, "LK-504:1")
    shopper.widget.locator("[data-do=reuse]").click()
    shopper.expect_said("Тепер можна до 122")
    shopper.expect_total("245 грн")


def test_a_code_of_ours_without_a_session_asks_for_the_phone(shopper, portal):
    arrive(shopper)
    shopper.pay(100)
    shopper.page.evaluate(END_SESSION)
    shopper.page.reload()
    shopper.wake()
    expect(shopper.widget).to_contain_text("Підтвердьте номер ще раз")
    expect(shopper.widget).not_to_contain_text("промокод")
    shopper.prove()
    shopper.expect_applied(100)
