"""What only a real browser can tell of the simulated shop: its scripts, what re-rendering wipes, how tags are fired."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from demo.panel.state import PanelState
from demo.shop.coupons import PanelCoupons
from demo.shop.server import RunningShop, serve
from demo.shop.state import Links, ShopState

PHONE = {"user_agent": "Mozilla/5.0 (Linux; Android 14) Mobile", "viewport": {"width": 390, "height": 844}}


@pytest.fixture
def shop() -> Iterator[RunningShop]:
    panel = PanelState()
    panel.add_code("BON100A", 100)
    state = ShopState(coupons=PanelCoupons(panel), links=Links(portal="http://portal.example"))
    with serve(state) as running:
        yield running


def apply_coupon(page: Page, code: str = "BON100A") -> None:
    expect(page.locator(".j-coupon-input")).to_be_hidden()
    page.locator(".j-coupon-add").click()
    page.locator(".j-coupon-input").fill(code)
    page.locator(".j-coupon-submit").click()


def applied(page: Page) -> None:
    expect(page.locator(".j-coupon-remove")).to_be_visible()
    expect(page.locator(".is-loading")).to_have_count(0)


def choose_delivery(page: Page) -> None:
    page.locator("#checkout-city").fill("Львів")
    page.locator(".j-delivery-type").select_option("nova")
    page.locator(".j-warehouse").select_option("10202")
    expect(page.locator(".is-loading")).to_have_count(0)


@pytest.mark.parametrize("device", ["desktop", "mobile"])
def test_a_shopper_buys_with_a_certificate(browser, shop, device):
    page = browser.new_context(**(PHONE if device == "mobile" else {})).new_page()
    page.goto(shop.page("/product/cups-kosiv/"))
    page.locator(".product .j-buy").click()
    page.locator("#cart-drawer .cart__order" if device == "mobile" else "#cart .cart-btnOrder .btn").click()
    page.locator("#checkout-name").fill("Олена Вигадана")
    page.locator("#checkout-phone").press_sequentially("0000")
    expect(page.locator("#checkout-phone")).to_have_value("+38 (000) 0__-__-__")
    page.locator("#checkout-phone").press_sequentially("000001")
    expect(page.locator("#checkout-phone")).to_have_value("+38 (000) 000-00-01")
    apply_coupon(page, "NOPE")
    expect(page.locator(".j-coupon-error")).to_have_text("Промокод не знайдено")
    page.locator(".j-coupon-input").fill("BON100A")
    page.locator(".j-coupon-input").press("Enter")
    applied(page)
    choose_delivery(page)
    total = page.locator(".order-details__total" if device == "mobile" else ".j-order-part .j-total-sum")
    expect(total).to_have_text("1 800 грн")
    page.locator(".j-submit").click()
    expect(page.locator(".h2")).to_have_text("Замовлення № 70415")
    assert shop.state.orders()[0].place == "Львів, Відділення №2, вул. Вигадана, 14"
    assert shop.state.orders()[0].promocode == "BON100A"
    page.context.close()


def test_rerendering_wipes_what_a_stranger_put_in_and_keeps_the_delivery(page, shop):
    page.goto(shop.checkout())
    choose_delivery(page)
    page.evaluate(
        "document.querySelector('.order-details-i').append(Object.assign(document.createElement('i'), {id: 'ours'}))"
    )
    page.locator(".j-order-part .j-increase-p").click()
    expect(page.locator(".j-order-part .j-total-sum")).to_have_text("3 800 грн")
    expect(page.locator("#ours")).to_have_count(0)
    expect(page.locator(".j-warehouse")).to_have_value("10202")


@pytest.mark.parametrize(
    ("switches", "left"),
    [
        ({"coupon_resets_delivery": True}, ("", "Олена")),
        ({"whole_rerender": True}, ("nova", "Олена")),
    ],
)
def test_a_coupon_may_write_the_form_anew(page, shop, switches, left):
    shop.state.set_switches(**switches)
    page.goto(shop.checkout())
    page.locator("#checkout-name").fill("Олена")
    choose_delivery(page)
    page.evaluate("document.querySelector('#checkout-name').dataset.old = '1'")
    apply_coupon(page)
    applied(page)
    expect(page.locator("#checkout-name[data-old]")).to_have_count(0)
    assert (page.locator(".j-delivery-type").input_value(), page.locator("#checkout-name").input_value()) == left


def test_ajax_cart_tells_its_listeners_and_knows_the_totals(page, shop):
    page.add_init_script(
        """window.heard = [];
        document.addEventListener("AjaxCartInstanced", function () {
          var cart = window.AjaxCart.getInstance();
          ["onChange", "onCouponChange", "onReloadHtml", "onQuantityChange"].forEach(function (name) {
            var one = {}; one[name] = function () { window.heard.push(name); }; cart.attachEventHandlers(one);
          });
          cart.attachEventHandlers({ onBeforeProductRemove: function () { return false; } });
        });"""
    )
    page.goto(shop.checkout("LK-502:2"))
    apply_coupon(page)
    applied(page)
    assert page.evaluate("window.heard") == ["onCouponChange", "onChange", "onReloadHtml"]
    cart = page.evaluate("AjaxCart.getInstance().Cart")
    assert cart["total"] == {"default": 2501, "sum": 2401, "quantity": 2, "complete_price": 2401}
    assert cart["coupon_data"]["code"] == "BON100A"
    page.locator(".j-order-part .j-remove-p").click()
    assert page.evaluate("AjaxCart.getInstance().removeProductByHash('h1f6')") is None
    assert page.evaluate("CheckoutModule.getInstance().getComponentByName('Recipient').name") == "Recipient"
    assert len(page.evaluate("Object.keys(AjaxCart.getInstance().Cart.products)")) == 1


def test_ajax_cart_may_be_missing_and_tokens_may_change_with_every_call(page, shop):
    shop.state.set_switches(ajax_cart="missing", csrf_every_call=True)
    page.goto(shop.checkout())
    apply_coupon(page)
    applied(page)
    page.locator(".j-coupon-remove").click()
    expect(page.locator(".j-coupon-add")).to_be_visible()
    assert page.evaluate("typeof window.AjaxCart") == "undefined"
    assert shop.state.counters["bad_csrf"] == 0


TAG = """<div id="pasted">x</div><script data-lost="1" id="also-lost">
window.fired = (window.fired || 0) + 1; window.kept = document.currentScript.dataset.lost || "nothing";</script>"""


@pytest.mark.parametrize(("gtm", "times"), [("once", 1), ("twice", 2), ("late", 1)])
def test_tag_manager_makes_scripts_anew_without_their_attributes(page, shop, gtm, times):
    shop.state.set_switches(gtm=gtm)
    shop.state.tags["checkout"] = TAG
    page.goto(shop.checkout())
    page.wait_for_function("times => window.fired === times", arg=times)
    assert page.evaluate("window.kept") == "nothing"
    assert page.locator("body > #pasted").count() == times
    page.goto(shop.page("/"))
    page.wait_for_function("window.__gtm && window.dataLayer.some(one => one.event === 'gtm.dom')")
    assert page.evaluate("window.__gtm.fired") == []


def test_a_policy_keeps_the_portal_out(page, shop):
    shop.state.set_switches(csp="blocks_api")
    shop.state.tags[
        "checkout"
    ] = """<script>fetch("http://portal.example/x").catch(function () { window.blocked = 1; });
    document.addEventListener("securitypolicyviolation", function (e) { window.broken = e.effectiveDirective; });</script>"""
    page.goto(shop.checkout())
    page.wait_for_function("window.blocked && window.broken === 'connect-src'")


@pytest.mark.parametrize("rival", ["wipes", "pushes_in", "rewrites", "retexts"])
def test_a_rival_fights_for_the_coupon_block_and_the_shop_still_works(page, shop, rival):
    shop.state.set_switches(rival=rival)
    page.goto(shop.checkout())
    page.evaluate(
        """() => { var ours = document.createElement('button'); ours.id = 'ours'; ours.textContent = 'Промокод';
        ours.onclick = function () { window.clicked = 1; };
        document.querySelector('.order-details-coupon').prepend(ours); }"""
    )
    page.wait_for_function("window.__rival.acts > 0")
    if rival == "wipes":
        expect(page.locator("#ours")).to_have_count(0)
    elif rival == "pushes_in":
        expect(page.locator(".order-details-coupon > :first-child")).to_have_class("rival-banner")
    elif rival == "rewrites":
        page.wait_for_function("document.querySelector('#ours').onclick === null")
    else:
        expect(page.locator("#ours")).to_have_text("Бонуси")
    apply_coupon(page)
    applied(page)


@pytest.mark.parametrize("shape", ["off", "ga4", "universal", "gtag"])
def test_the_purchase_is_told_in_the_shape_that_was_chosen(page, shop, shape):
    shop.state.set_switches(data_layer=shape, data_layer_seconds=0.1, gtm="off")
    page.goto(shop.checkout())
    for field, value in (("#checkout-name", "Олена"), ("#checkout-phone", "0000000001"), ("#checkout-city", "Київ")):
        page.locator(field).fill(value)
    page.locator(".j-delivery-type").select_option("pickup")
    page.locator(".j-submit").click()
    expect(page.locator(".checkout-complete")).to_be_visible()
    if shape == "off":
        assert page.evaluate("window.dataLayer") == []
        return
    found = {
        "ga4": "one => one.event === 'purchase' && one.ecommerce.transaction_id",
        "universal": "one => one.ecommerce && one.ecommerce.purchase && one.ecommerce.purchase.actionField.id",
        "gtag": "one => one[0] === 'event' && one[1] === 'purchase' && one[2].transaction_id",
    }[shape]
    page.wait_for_function(f"window.dataLayer.map({found}).indexOf('70415') >= 0")
    assert "380000000001" not in json.dumps(page.evaluate("JSON.stringify(window.dataLayer)"))


def test_the_anti_bot_page_lets_a_browser_through(page, shop):
    shop.state.set_switches(challenge=True)
    page.goto(shop.page("/ru/"))
    expect(page.locator(".logo")).to_contain_text("Ласточка")


def test_the_switchboard_turns_a_switch(page, shop):
    page.goto(shop.page("/_demo/"))
    page.locator("#rival").select_option("wipes")
    expect(page.locator(".row.is-turned")).to_have_count(1)
    assert shop.state.switches.changed() == {"rival": "wipes"}
