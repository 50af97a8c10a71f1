"""The checkout where something is unlucky: an earlier code, a slow shop or portal, time over, a second tab, odd input, staff who switch us off."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.storefront.widgets.shopper import MOBILE, PHONE
from tests.storefront.widgets.stand_in import DIGITS

REDRAW = "AjaxCart.getInstance().reloadHtml()"
MORE = "(cart => cart.setProductQuantityByHash(Object.keys(cart.Cart.products)[0], {}))(AjaxCart.getInstance())"
COME_BACK = "document.dispatchEvent(new Event('visibilitychange'))"
END_SESSION = "sessionStorage.clear()"
TOO_OLD = "BonusWidgets.readAt -= 60000"


def arrive(shopper, goods="LK-501:1"):
    """At the checkout, once the shop draws nothing anew by itself."""
    shopper.go_to_checkout(goods)
    shopper.page.wait_for_function("window.AjaxCart && AjaxCart.getInstance().Cart.total.sum > 0")


def see_points(shopper, goods="LK-501:1"):
    arrive(shopper, goods)
    shopper.prove()
    shopper.widget.locator("#number, .back").first.wait_for()


def ask_for_digits(shopper):
    shopper.open()
    shopper.widget.locator("#phone").fill(PHONE)
    shopper.widget.locator("button.main").click()


def paste(shopper, field, text):
    shopper.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shopper.widget.locator(field).fill("")
    shopper.page.evaluate("text => navigator.clipboard.writeText(text)", text)
    shopper.page.keyboard.press("Control+V")


def type_coupon(shopper, code):
    if shopper.page.locator(".j-coupon-add").is_visible():
        shopper.page.locator(".j-coupon-add").click()
    shopper.page.locator(".j-coupon-input").fill(code)
    shopper.page.locator(".j-coupon-submit").click()


def hold_of(points, **changes):
    return {
        "id": "hold-9", "promo_code": f"BON{points}TEST009", "points": points, "status": "open",
        "expires_at": (datetime.now(UTC) + timedelta(minutes=50)).isoformat(), **changes,
    }  # fmt: skip


# -- what the shop's form says, and when ---------------------------------------------------------------------------------


def test_an_error_about_an_earlier_code_is_no_answer_for_ours(shopper, portal):
    arrive(shopper)
    type_coupon(shopper, "NOSUCHCODE")
    expect(shopper.page.locator(".j-coupon-error")).to_be_visible()
    shopper.pay(100)
    shopper.expect_total("1 800 грн")
    assert portal.hold["status"] == "open"


def held_back(page, path):
    """Calls of the shop that are not answered yet."""
    held = []

    def keep(route):  # a built-in `append` is nothing that the browser's driver can call
        held.append(route)

    page.route(f"**/_widget/ajax_cart/{path}/**", keep)
    return held


def wait_for(page, held):
    for _ in range(100):
        if held:
            return held[0]
        page.wait_for_timeout(50)
    raise AssertionError("the shop was not called")


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


# -- sums --------------------------------------------------------------------------------------------------------------


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


# -- holds -------------------------------------------------------------------------------------------------------------


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


# -- what is typed -------------------------------------------------------------------------------------------------------


def test_another_message_asks_for_new_digits(shopper, portal):
    arrive(shopper)
    shopper.prove("000000")
    shopper.expect_said("Код не підійшов")
    shopper.widget.locator("[data-do=again]").click()
    expect(shopper.widget.locator("#code")).to_have_value("")
    expect(shopper.widget.locator("section")).to_have_attribute("aria-busy", "false")
    assert portal.counted()["POST /sessions"] == 2
    assert portal.counted()["POST /sessions/verify"] == 1


@pytest.mark.parametrize("text", ["Код: 246-810", "246 810 "])
def test_digits_are_pasted_as_the_message_has_them(shopper, text):
    arrive(shopper)
    ask_for_digits(shopper)
    paste(shopper, "#code", text)
    expect(shopper.widget).to_contain_text("У вас 300 бонусів")


def test_a_phone_is_pasted_as_address_books_have_it(shopper, portal):
    arrive(shopper)
    shopper.open()
    paste(shopper, "#phone", "\u202aТелефон: +38 (050) 123 - 45 - 67\u202c")
    shopper.widget.locator("button.main").click()
    shopper.widget.locator("#code").wait_for()
    assert portal.bodies("POST /sessions")[0]["phone"] == "+380501234567"


def test_an_emptied_phone_is_not_the_shops(shopper, portal):
    arrive(shopper)
    shopper.fill_in()
    shopper.open()
    shopper.widget.locator("#phone").fill("")
    said = shopper.widget.evaluate(
        """widget => { const said = [], region = widget.shadowRoot.querySelector('[role=status]');
        new MutationObserver(() => region.textContent && said.push(region.textContent)).observe(region, { childList: true }); window.__said = said; }"""
    )
    for times in (1, 2):  # what is said twice is read out twice
        shopper.widget.locator("button.main").click()
        shopper.page.wait_for_function("times => window.__said.length === times", arg=times)
    said = shopper.page.evaluate("window.__said")
    assert said == ["Введіть номер повністю"] * 2
    assert portal.bodies("POST /sessions") == []


@pytest.mark.parametrize(("typed", "paid"), [("99,50", 50), ("150.00", 150), ("", 0), ("0", 0), ("10", 0)])
def test_never_more_is_paid_than_was_typed(shopper, portal, typed, paid):
    see_points(shopper)
    number = shopper.widget.locator("#number")
    number.fill(typed)
    number.press("Enter")
    if paid != 150:  # another amount is only said first
        shopper.expect_said("Найближча можлива сума: 50")
        assert portal.bodies("POST /redemptions") == []
        number.press("Enter")
    if paid:
        shopper.expect_applied(paid)
    else:
        expect(shopper.widget.locator("section")).to_have_attribute("aria-busy", "false")
    assert [body["points"] for body in portal.bodies("POST /redemptions")] == [paid] * bool(paid)


def test_an_amount_that_is_being_typed_outlives_a_redraw_and_new_amounts(shopper):
    see_points(shopper, "LK-504:2")
    number, keys = shopper.widget.locator("#number"), shopper.page.keyboard
    number.fill("")
    keys.type("1")
    shopper.page.evaluate(REDRAW)
    expect(number).to_be_focused()
    keys.type("5")
    expect(number).to_have_value("15")
    shopper.page.evaluate(MORE.format(3))
    expect(shopper.widget).to_contain_text("до 300")
    keys.type("0")
    expect(number).to_have_value("150")
    expect(shopper.widget.get_by_role("button", name="Сплатити 150 бонусів")).to_be_visible()


# -- a slow or missing portal --------------------------------------------------------------------------------------------


def test_points_are_taken_off_and_the_widget_closes_while_the_portal_is_slow(shopper, portal):
    see_points(shopper)
    shopper.open()
    portal.holding |= {"GET /balance", "GET /redemptions/…"}
    shopper.open()
    shopper.open()
    expect(shopper.widget.locator(".panel")).to_be_empty()
    portal.let_go()
    shopper.open()
    shopper.choose(100)
    shopper.widget.locator("button.main").click()
    shopper.expect_applied(100)
    portal.holding |= {"GET /redemptions/…"}
    with shopper.page.expect_request("**/redemptions/*"):
        shopper.page.evaluate(COME_BACK)
    shopper.widget.locator("[data-do=remove]").click()
    shopper.expect_said("Прибрано")
    shopper.expect_total("1 900 грн")


def test_a_button_that_has_to_wait_says_so_and_another_number_waits_for_nobody(shopper, portal):
    arrive(shopper)
    portal.holding |= {"POST /sessions"}
    ask_for_digits(shopper)
    shopper.widget.locator("button.main").click()
    shopper.expect_said("Зачекайте")
    shopper.widget.locator("[data-do=back]").click()
    expect(shopper.widget.locator("#phone")).to_be_focused()
    portal.let_go()


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (None, "Бонуси зараз недоступні"),
        ((429, {"code": "tries_exhausted"}, {"Retry-After": "72000"}), "Забагато спроб. Спробуйте завтра"),
    ],
    ids=["down", "limit"],
)
def test_no_code_is_on_its_way_where_none_was_sent(shopper, portal, failure, said):
    arrive(shopper)
    portal.failing["POST /sessions"] = failure
    ask_for_digits(shopper)
    shopper.expect_said(said)
    expect(shopper.widget).not_to_contain_text("код уже в дорозі")
    expect(shopper.widget.locator("#phone")).to_be_visible()


def test_digits_of_an_earlier_message_count_where_no_other_can_be_sent(shopper, portal):
    arrive(shopper)
    ask_for_digits(shopper)
    shopper.widget.locator("#code").wait_for()
    expect(shopper.widget.locator("section")).to_have_attribute("aria-busy", "false")
    portal.failing["POST /sessions"] = (429, {"code": "rate_limited"}, {"Retry-After": "60"})
    shopper.widget.locator("[data-do=again]").click()
    shopper.expect_said("Спробуйте за 1 хв")
    shopper.widget.locator("#code").fill(DIGITS)
    expect(shopper.widget).to_contain_text("У вас 300 бонусів")


def test_a_configuration_that_never_comes_does_not_hold_the_shopper_up(shopper, portal):
    arrive(shopper)
    shopper.open()
    portal.holding |= {"GET /widgets/config.json"}
    shopper.page.evaluate(TOO_OLD)
    shopper.widget.locator("#phone").fill(PHONE)
    shopper.widget.locator("button.main").click()
    shopper.widget.locator("#code").fill(DIGITS)
    expect(shopper.widget).to_contain_text("У вас 300 бонусів")


# -- switched off ------------------------------------------------------------------------------------------------------------


def open_and_close(shopper):
    shopper.open()


def send_again(shopper):
    shopper.widget.locator("[data-do=again]").click()


def type_digits(shopper):
    shopper.widget.locator("#code").fill(DIGITS)


def come_back(shopper):
    shopper.page.evaluate(COME_BACK)


@pytest.mark.parametrize("act", [open_and_close, send_again, type_digits, come_back])
def test_whatever_the_shopper_does_finds_out_that_we_were_switched_off(shopper, portal, act):
    arrive(shopper)
    if act is not open_and_close:
        ask_for_digits(shopper)
        expect(shopper.widget.locator("section")).to_have_attribute("aria-busy", "false")
    portal.change(is_off=True)
    before = len(portal.calls)
    shopper.page.evaluate(TOO_OLD)
    act(shopper)
    expect(shopper.widget).to_have_count(0)
    assert [name for name, _body in portal.calls[before:]] == ["GET /widgets/config.json"]


def test_an_idle_page_finds_out_within_a_minute_and_asks_no_more_often(shopper, portal):
    clock = shopper.page.clock
    clock.install()
    arrive(shopper)
    for _ in range(4):
        clock.fast_forward(10_000)
    assert portal.counted()["GET /widgets/config.json"] == 1
    portal.change(is_off=True)
    clock.fast_forward(20_000)
    expect(shopper.widget).to_have_count(0)
    clock.fast_forward(70_000)
    assert portal.counted()["GET /widgets/config.json"] == 2


# -- looks, fingers and keys ---------------------------------------------------------------------------------------------------


def test_the_first_tap_goes_where_the_finger_was(visit, shop):
    shopper = visit(has_touch=True)
    page = shopper.page
    page.goto(shop.checkout())
    page.wait_for_function("!!customElements.get('bonus-checkout') && !!window.AjaxCart")
    page.evaluate(
        "document.addEventListener('click', event => { event.preventDefault(); window.__tapped = event.target.className; }, true)"
    )
    expect(shopper.widget).to_have_count(0)
    page.locator(".j-submit").tap()
    expect(shopper.widget).to_be_visible()
    assert "j-submit" in page.evaluate("window.__tapped")


def test_a_light_page_in_new_colours_is_light(shopper):
    shopper.context.add_init_script(
        "document.addEventListener('DOMContentLoaded', () => { document.body.style.background = 'oklch(0.99 0.005 90)';"
        "document.querySelector('.checkout-order').style.background = 'oklch(0.99 0.005 90)'; })"
    )
    arrive(shopper)
    assert not shopper.widget.evaluate("widget => widget.hasAttribute('dark')")


def test_a_long_word_stays_within_a_narrow_screen(visit, portal):
    portal.change(
        texts={"uk": dict.fromkeys(("checkout.title", "checkout.hint", "checkout.phoneWhy"), "наддовгеслово" * 8)}
    )
    shopper = visit(**MOBILE)
    shopper.go_to_checkout()
    shopper.open()
    assert not shopper.widget.evaluate(
        "widget => [...widget.shadowRoot.querySelectorAll('section, .words, .title, .panel, #why')].some(part => part.scrollWidth > part.clientWidth + 1)"
    )


def test_the_keyboard_of_somebody_who_left_meanwhile_stays_where_it_is(shopper):
    see_points(shopper)
    page = shopper.page
    held = held_back(page, "setCouponCode")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    call = wait_for(page, held)
    page.locator("#checkout-name").focus()
    call.continue_()
    page.unroute_all()
    shopper.expect_applied(300)
    page.locator("#checkout-name").blur()
    page.evaluate(REDRAW)
    expect(page.locator(".is-loading")).to_have_count(0)
    assert page.evaluate("document.activeElement.tagName") == "BODY"
