"""The checkout under odd hands: amounts, digits and phones as people type and paste them, fingers, keys, long words, colours of other shops."""

import pytest
from playwright.sync_api import expect

from tests.storefront.widgets.scenes import MORE, REDRAW, arrive, ask_for_digits, held_back, paste, see_points, wait_for
from tests.storefront.widgets.shopper import MOBILE


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
