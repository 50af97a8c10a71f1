"""The checkout where the portal is slow, away, or has switched us off."""

import pytest
from playwright.sync_api import expect

from tests.storefront.widgets.scenes import COME_BACK, TOO_OLD, arrive, ask_for_digits, see_points
from tests.storefront.widgets.shopper import PHONE
from tests.storefront.widgets.stand_in import DIGITS


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
