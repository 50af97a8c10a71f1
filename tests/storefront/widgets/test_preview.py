"""Install on the store: every widget in the preview, in the colours and words that are being chosen."""

import pytest
from django.test import Client
from playwright.sync_api import expect

from storefront.configuration import newest_version, readable_on, versions
from tests.factories import make_staff

DESK = {"width": 1280, "height": 1000}
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def install_page(page, live_server, settings):
    """The page as staff see it, in English. What its scripts, or those in the frame, complain about fails the test."""
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    client = Client()
    client.force_login(make_staff(is_superuser=True))
    cookies = {"sessionid": client.cookies["sessionid"].value, "portal_language": "en"}
    page.context.add_cookies(
        [{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()]
    )
    page.set_viewport_size(DESK)
    page.goto(f"{live_server.url}/admin/storefront/widgetlook/install/")
    yield page
    page.set_viewport_size(PHONE)
    for frame in (page, page.frames[-1]):
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it sticks out on a phone"
    assert faults == []


@pytest.mark.django_db(transaction=True)
def test_a_colour_and_a_text_are_seen_in_every_widget_before_they_are_saved(install_page):
    frame = install_page.frame_locator("#preview")
    checkout, card = frame.locator("bonus-checkout"), frame.locator("bonus-thankyou")
    toasts, hint = frame.locator("bonus-toasts"), frame.locator("bonus-hint")
    expect(checkout).to_contain_text("Оплатити бонусами")
    expect(card).to_contain_text("+184 бонуси за це замовлення")
    expect(toasts).to_contain_text("Нараховано 184 бонуси")
    expect(hint).to_have_count(0)

    install_page.get_by_label("Points beside prices").check()
    expect(hint).to_contain_text("+190 бонусів за цю покупку")

    install_page.get_by_label("Accent").fill("#7c2d12")
    expect(checkout.locator(".coin")).to_have_css("background-color", "rgb(124, 45, 18)")
    expect(card.locator(".coin")).to_have_css("background-color", "rgb(124, 45, 18)")
    expect(toasts.locator(".one").first).to_have_css("border-left-color", "rgb(124, 45, 18)")
    expect(hint.locator("i")).to_have_css("background-color", "rgb(124, 45, 18)")

    install_page.get_by_label("Accent").fill("#777777")
    expect(card.locator(".coin")).to_have_css("background-color", "rgb(119, 119, 119)")
    expect(card.locator(".coin")).to_have_css("color", "rgb(255, 255, 255)")
    assert readable_on("#777777") == "#ffffff", "what stands on it is as it will be in the shop"

    install_page.get_by_text("An empty one stays ours").click()
    install_page.locator("[data-text='uk:checkout.title']").fill("Оплатити ластівками")
    expect(checkout).to_contain_text("Оплатити ластівками")

    for language, title, earned in (
        ("RU", "Оплатить бонусами", "+184 бонуса за этот заказ"),
        ("EN", "Pay with bonus points", "+184 points for this order"),
    ):
        install_page.get_by_role("button", name=language, exact=True).click()
        expect(checkout).to_contain_text(title)
        expect(card).to_contain_text(earned)

    install_page.get_by_role("button", name="Dark", exact=True).click()
    for widget in (checkout, card, toasts, hint):
        expect(widget).to_have_attribute("dark", "")
    install_page.get_by_label("Light or dark").select_option("light")
    expect(checkout).not_to_have_attribute("dark", "")


@pytest.mark.django_db(transaction=True)
def test_the_preview_can_be_walked_to_the_end_and_shows_an_older_version(install_page):
    checkout = install_page.frame_locator("#preview").locator("bonus-checkout")
    checkout.locator(".open").click()
    checkout.locator("#phone").fill("+380000000001")
    checkout.locator("button.main").click()
    checkout.locator("#code").fill("000000")
    expect(checkout).to_contain_text("У вас 300 бонусів")
    checkout.locator("button.main").click()
    expect(checkout.locator(".off")).to_have_text("−300 грн")
    assert install_page.evaluate("Object.keys(sessionStorage)") == []
    before = list(versions())[-2]
    install_page.get_by_label("Scripts").select_option(before)
    script = install_page.frame_locator("#preview").locator("script[src*='/checkout.js']")
    expect(script).to_have_attribute("integrity", versions()[before]["checkout"])
    assert before != newest_version()
