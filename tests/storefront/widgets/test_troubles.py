"""Whatever is wrong with us, with the page or with others on it: the shop works as if we were not there."""

import re

import pytest
from playwright.sync_api import expect

from tests.storefront.widgets.shopper import PHONE, UNREADABLE
from tests.storefront.widgets.stand_in import SCRIPT

NONSENSE = {
    "error page": (500, "<h1>Internal Server Error</h1>"),
    "html instead of JSON": (200, "<!doctype html><title>Hello</title>"),
    "an empty answer": (200, ""),
    "null": (200, "null"),
    "points that are no number": (200, {"available": "many", "payable": [100]}),
    "amounts below zero": (200, {"available": 300, "payable": [-100]}),
}


def order_without_us(shopper, shop):
    before = len(shop.state.orders())
    shopper.fill_in()
    shopper.order()
    assert len(shop.state.orders()) == before + 1


@pytest.mark.parametrize("what", ["GET /widgets/config.json", SCRIPT])
@pytest.mark.parametrize("how", [None, (503, "<h1>no</h1>"), (200, "{}")], ids=["unreachable", "broken", "nonsense"])
def test_without_configuration_or_script_nothing_comes(shopper, shop, portal, what, how):
    portal.failing[what] = how
    shopper.page.goto(shop.checkout())
    shopper.page.locator("#checkout-name").click()
    order_without_us(shopper, shop)
    expect(shopper.widget).to_have_count(0)


def test_a_script_that_is_not_what_its_hash_says_does_not_run(shopper, shop, portal):
    portal.failing[SCRIPT] = (200, "window.__stranger = 1")
    shopper.page.goto(shop.checkout())
    shopper.page.locator("#checkout-name").click()
    order_without_us(shopper, shop)
    assert shopper.page.evaluate("window.__stranger") is None


def test_while_the_portal_is_silent_the_shop_takes_the_order(shopper, shop, portal):
    portal.holding |= {"GET /widgets/config.json"}
    shopper.page.goto(shop.checkout())
    order_without_us(shopper, shop)


def test_while_an_answer_takes_its_time_the_shop_goes_on(shopper, shop, portal):
    shopper.go_to_checkout()
    portal.holding |= {"POST /sessions"}
    shopper.open()
    shopper.widget.locator("#phone").fill(PHONE)
    shopper.widget.locator("button.main").click()
    shopper.set_quantity(2)
    shopper.expect_total("3 800 грн")
    portal.let_go()
    shopper.widget.locator("#code").fill("246810")
    expect(shopper.widget).to_contain_text("У вас 300 бонусів")


def test_a_portal_that_went_down_is_said_and_ordering_goes_on(shopper, shop, portal):
    shopper.go_to_checkout()
    portal.is_down = True
    shopper.open()
    shopper.widget.locator("#phone").fill(PHONE)
    shopper.widget.locator("button.main").click()
    shopper.expect_said("Бонуси зараз недоступні")
    order_without_us(shopper, shop)


def test_nonsense_is_never_shown_as_money(shopper, portal):
    shopper.go_to_checkout()
    portal.failing["GET /balance"] = NONSENSE["null"]
    shopper.prove()
    shopper.expect_said("Бонуси зараз недоступні")
    for what, nonsense in NONSENSE.items():
        portal.failing["GET /balance"] = nonsense
        shopper.open()  # closes what was open
        shopper.expect_said("^$")
        shopper.open()
        shopper.expect_said("Бонуси зараз недоступні")
        expect(shopper.widget.locator("#slide"), what).to_have_count(0)
    assert portal.counted()["GET /balance"] == 1 + len(NONSENSE)


def test_a_redemption_whose_answer_was_lost_is_asked_once_more_under_its_key(shopper, portal):
    shopper.go_to_checkout()
    shopper.prove()
    portal.failing["POST /redemptions"] = None
    shopper.widget.locator("button.main").click()
    shopper.expect_said("Бонуси зараз недоступні")
    assert portal.counted()["POST /redemptions"] == 2
    assert len(set(portal.keys)) == 1


@pytest.mark.parametrize("csp", ["blocks_script", "blocks_api"])
def test_a_policy_that_blocks_us_leaves_the_shop_as_it_is(shopper, shop, csp):
    shop.state.set_switches(csp=csp)
    shopper.page.goto(shop.checkout())
    shopper.page.locator("#checkout-name").click()
    order_without_us(shopper, shop)


def test_a_policy_against_foreign_styles_does_not_undress_the_widget(shopper, shop):
    shop.state.set_switches(csp="blocks_style")
    shopper.go_to_checkout()
    assert shopper.widget.locator("section").evaluate("section => getComputedStyle(section).borderRadius") == "14px"
    order_without_us(shopper, shop)


def test_a_tag_that_fires_twice_brings_one_widget(shopper, shop, portal):
    shop.state.set_switches(gtm="twice")
    shopper.go_to_checkout()
    shopper.page.wait_for_function("window.__gtm.fired.length === 2")
    expect(shopper.widget).to_have_count(1)
    assert portal.counted()["GET /widgets/config.json"] == 1


@pytest.mark.parametrize("rival", ["wipes", "pushes_in", "rewrites", "retexts"])
def test_another_script_in_the_same_block_does_not_stop_us(shopper, shop, rival):
    shop.state.set_switches(rival=rival)
    shopper.go_to_checkout()
    shopper.pay(100)
    expect(shopper.widget).to_have_count(1)


def test_a_script_that_keeps_throwing_us_out_does_not_get_the_pages_time(shopper):
    shopper.go_to_checkout()
    shopper.page.evaluate(
        """() => { window.__thrown = 0; new MutationObserver(() => {
            const ours = document.querySelector('bonus-checkout');
            if (ours) { window.__thrown += 1; ours.remove(); }
        }).observe(document.body, { childList: true, subtree: true }); document.body.append(document.createElement('i')); }"""
    )
    shopper.fill_in()
    assert shopper.page.evaluate("window.__thrown") <= 60
    shopper.order()


def test_without_a_coupon_form_we_do_not_come(shopper, shop, portal):
    shop.state.set_switches(coupon_form=False)
    shopper.page.goto(shop.checkout())
    shopper.page.locator("#checkout-name").click()
    shopper.page.wait_for_function("!!customElements.get('bonus-checkout')")
    expect(shopper.widget).to_have_count(0)


def test_switched_off_nothing_but_the_configuration_is_fetched(shopper, shop, portal):
    portal.change(is_off=True)
    shopper.page.goto(shop.checkout())
    order_without_us(shopper, shop)
    assert set(portal.counted()) == {"GET /widgets/config.json"}


def test_an_open_page_notices_within_a_minute_that_we_were_switched_off(shopper, portal):
    shopper.go_to_checkout()
    shopper.open()
    shopper.widget.locator("#phone").fill(PHONE)
    portal.change(is_off=True)
    shopper.page.evaluate("BonusWidgets.readAt -= 60000")
    shopper.widget.locator("button.main").click()
    expect(shopper.widget).to_have_count(0)
    assert portal.counted()["POST /sessions"] == 0


def test_sums_that_nobody_can_read_bring_no_widget(shopper, shop):
    shop.state.set_switches(ajax_cart="missing")
    shopper.page.add_init_script(UNREADABLE)
    shopper.page.goto(shop.checkout())
    shopper.page.locator("#checkout-name").click()
    shopper.page.wait_for_function("!!customElements.get('bonus-checkout')")
    expect(shopper.widget).to_have_count(0)


AMOUNTS = {
    "1 900 грн": 190000, "1\u00a0250,50 грн": 125050, "1\u202f250.50 ₴": 125050, "1.250,50": 125050, "1’250": 125000, "12 345 678,9": 1234567890,
    "грн. 245": 24500, "– 60 грн": -6000, "−1 000,05": -100005, "1.250": 125000, "1,250": 125000, "99,9": 9990, "0,50 грн": 50, "1250,50": 125050,
    "": None, "безкоштовно": None, "1,2,50": None, "12 34": None, "99 999 999 999": None,
}  # fmt: skip


def test_amounts_are_read_as_ukrainians_write_them(browser):
    from tools.widgets import SOURCES

    source = re.sub(r"^export ", "", (SOURCES / "core" / "money.js").read_text(), flags=re.MULTILINE)
    page = browser.new_page()
    run = "([source, texts]) => texts.map(new Function(source + ';return parseMoney')())"
    read = page.evaluate(run, [source, list(AMOUNTS)])
    page.close()
    expected = {**AMOUNTS, "12 345 678,9": None}  # above ten million: no order of a shop
    assert dict(zip(AMOUNTS, read, strict=True)) == expected
