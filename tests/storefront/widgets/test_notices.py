"""Notices: told once, when the shopper does something, and only as far as they were shown."""

from playwright.sync_api import expect

from tests.storefront.widgets.scenes import CREDIT, bring_a_session, card, toasts
from tests.storefront.widgets.stand_in import SCRIPT


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
    assert portal.bodies("POST /notices/ack") == [{"cursor": "7-8"}]


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


def earned(numbers):
    return [{"kind": "credit", "points": 100 + number, "cursor": f"7-{number}"} for number in numbers]


def test_more_notices_than_fit_are_told_one_after_the_other(shopper, portal):
    portal.notices = earned(range(1, 6))
    shopper.go_to_checkout()
    shopper.prove()
    close = toasts(shopper).get_by_role("button")
    expect(close).to_have_count(3)
    expect(toasts(shopper)).to_contain_text("101")
    for gone, comes in ((101, 104), (102, 105)):
        close.first.click()
        expect(toasts(shopper)).to_contain_text(str(comes))
        expect(toasts(shopper)).not_to_contain_text(str(gone))
        expect(close).to_have_count(3)
    for left in (2, 1, 0):
        close.first.click()
        expect(close).to_have_count(left)
    assert [body["cursor"] for body in portal.bodies("POST /notices/ack")] == ["7-3", "7-4", "7-5"]


def test_notices_that_were_not_shown_are_told_on_the_next_page(shopper, portal):
    portal.notices = earned(range(1, 6))
    shopper.go_to_checkout()
    with shopper.page.expect_response(lambda response: response.url.endswith("/notices/ack")):
        shopper.prove()
    shopper.fill_in()
    shopper.order()
    for number in (104, 105):
        expect(toasts(shopper)).to_contain_text(f"Нараховано {number}")
    expect(toasts(shopper).get_by_role("button")).to_have_count(2)


def test_a_notice_waits_for_whoever_reads_it_with_the_keyboard(shopper, portal):
    portal.notices = earned((1, 2))
    shopper.page.clock.install()
    shopper.go_to_checkout()
    shopper.prove()
    close = toasts(shopper).get_by_role("button")
    expect(close).to_have_count(2)
    close.first.focus()
    shopper.page.clock.run_for(10_000)
    expect(close).to_have_count(1)
    shopper.page.locator("#checkout-name").focus()
    shopper.page.clock.run_for(10_000)
    expect(close).to_have_count(0)


def test_notices_do_not_cover_the_card(visit, portal):
    shopper = visit(viewport={"width": 1100, "height": 740}, reduced_motion="reduce")
    bring_a_session(shopper)
    shopper.go_to_checkout()
    expect(toasts(shopper)).to_be_attached()
    shopper.fill_in()
    portal.notices = earned((1, 2, 3))
    shopper.order()
    expect(toasts(shopper).get_by_role("button")).to_have_count(3)
    cards = [card(shopper).locator("section").bounding_box(), *(one.bounding_box() for one in toasts(shopper).locator(".one").all())]  # fmt: skip
    for one in cards[1:]:
        apart_x = one["x"] + one["width"] <= cards[0]["x"] or cards[0]["x"] + cards[0]["width"] <= one["x"]
        apart_y = one["y"] + one["height"] <= cards[0]["y"] or cards[0]["y"] + cards[0]["height"] <= one["y"]
        assert apart_x or apart_y


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
