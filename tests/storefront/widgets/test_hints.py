"""Beside prices: how many points a product and a cart bring."""

import pytest
from playwright.sync_api import expect

from tests.storefront.widgets.scenes import CREDIT, bring_a_session, toasts
from tests.storefront.widgets.shopper import DESKTOP, MOBILE


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
    total, row = (
        shopper.page.locator(".cart-cost__sum:visible").bounding_box(),
        shopper.page.locator(".cart-cost:visible").bounding_box(),
    )
    assert abs(total["x"] + total["width"] - row["x"] - row["width"]) <= 1, "the shop's own total has been moved"


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


# Somebody else's script that wants nothing beside its prices.
THROWS_OUT = """() => {
  window.thrown = 0;
  new MutationObserver(() => document.querySelectorAll('bonus-hint').forEach((hint) => { window.thrown++; hint.remove(); }))
    .observe(document.body, { childList: true, subtree: true });
  document.body.append(document.createElement('i'));
}"""


def test_a_hint_does_not_fight_with_a_script_that_throws_it_out(shopper, hinting_shop, portal):
    portal.change(shows_hint=True)
    page = shopper.page
    page.goto(hinting_shop.page("/product/cups-kosiv/"))
    expect(page.locator("bonus-hint:visible")).to_be_visible()
    page.evaluate(THROWS_OUT)
    frames = "count => new Promise(done => { const step = left => left ? requestAnimationFrame(() => step(left - 1)) : done(window.thrown); step(count); })"
    fights = page.evaluate(frames, 50)
    began = page.evaluate("performance.now()")
    fights = page.evaluate(frames, 50) - fights
    seconds = (page.evaluate("performance.now()") - began) / 1000
    assert fights <= 8 * (1 + seconds)
    assert page.evaluate("window.thrown") > 1, "once is no fight"


def test_a_hint_goes_with_its_price_and_comes_back_with_the_next(shopper, hinting_shop, portal):
    portal.change(shows_hint=True)
    page = shopper.page
    page.goto(hinting_shop.page("/product/cups-kosiv/"))
    hint = page.locator("bonus-hint:visible")
    expect(hint).to_contain_text("+190")
    price = page.locator(".product .product-price__item")
    price.evaluate("price => { price.hidden = true; price.after('Немає в наявності'); }")
    expect(hint).to_have_count(0)
    price.evaluate(
        "price => { price.hidden = false; price.setAttribute('content', '2500.00'); price.nextSibling.remove(); }"
    )
    expect(hint).to_contain_text("+250 бонусів")


def test_long_words_of_the_shop_do_not_widen_a_phones_page(visit, hinting_shop, portal):
    portal.change(
        shows_hint=True,
        texts={"uk": {"hint.product": "Ця покупка принесе вам цілих {points}, " + "і ще трохи радості " * 4}},
    )
    shopper = visit(**MOBILE)
    page = shopper.page
    page.goto(hinting_shop.page("/product/cups-kosiv/"))
    page.keyboard.press("Shift")
    expect(page.locator("bonus-hint:visible").first).to_contain_text("радості")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
