"""A shopper in a real browser, in front of the simulated shop: what they see of the widgets and what they do."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect
from playwright.sync_api import TimeoutError as BrowserTimeout

from demo.shop.server import RunningShop
from tests.storefront.widgets.stand_in import DIGITS, Portal

PHONE = "+38 (000) 000-00-01"
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"
)
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
MOBILE = {"viewport": {"width": 360, "height": 740}, "user_agent": ANDROID, "has_touch": True}

# A theme whose sums nobody can read: whatever is drawn, a moment later it is dots.
UNREADABLE = (
    "new MutationObserver(() => document.querySelectorAll('.j-total-sum, .j-sum-p, .order-summary-b, .order-details-b, .order-details__total, "
    ".order-details__cost-value').forEach((each) => { if (each.textContent !== '…') each.textContent = '…'; }))"
    ".observe(document, { childList: true, subtree: true })"
)


class Shopper:
    """One tab. `trouble` collects what the page's scripts threw: a shop with us must throw nothing."""

    def __init__(self, context: BrowserContext, shop: RunningShop, portal: Portal) -> None:
        self.context, self.shop, self.portal = context, shop, portal
        self.page: Page = context.new_page()
        self.trouble: list[str] = []
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))

    @property
    def widget(self) -> Locator:
        return self.page.locator("bonus-checkout")

    @property
    def said(self) -> Locator:
        """What is read out."""
        return self.widget.get_by_role("status")

    def go_to_checkout(self, goods: str = "LK-501:1", *, prefix: str = "") -> None:
        """The first key wakes the widget where it would push what is being read."""
        self.page.goto(self.shop.checkout(goods, prefix=prefix))
        self.wake()

    def wake(self) -> None:
        expect(self.page.locator("#checkout-name")).to_be_visible()
        for _ in range(60):  # a click before the tag's script has come wakes nobody, and a person clicks again
            self.page.locator("#checkout-name").click()
            with suppress(BrowserTimeout):
                self.widget.wait_for(state="attached", timeout=500)
                return
        expect(self.widget).to_be_attached()

    def fill_in(self) -> None:
        """The shop's own form, without the coupon."""
        self.page.locator("#checkout-name").fill("Зразок Тестовий")
        self.page.locator("#checkout-phone").fill(PHONE)
        city = self.page.locator("#cities option").first.get_attribute("value")
        self.page.locator("#checkout-city").fill(city)
        with self.page.expect_response(re.compile("_widget/delivery/choose")):
            self.page.locator(".j-delivery-type").select_option("pickup")

    def order(self) -> None:
        self.page.locator(".j-submit").click()
        self.page.wait_for_url(re.compile("/checkout/complete"))

    def open(self) -> None:
        self.widget.locator(".open").click()

    def prove(self, digits: str = DIGITS) -> None:
        """From the closed widget to the points."""
        self.open()
        self.widget.locator("#phone").fill(PHONE)
        self.widget.locator("button.main").click()
        self.widget.locator("#code").fill(digits)

    def choose(self, points: int) -> None:
        self.widget.locator("#number").fill(str(points))

    def pay(self, points: int) -> None:
        """All of it: the widget then says how much is off."""
        self.prove()
        self.choose(points)
        self.widget.locator("button.main").click()
        self.expect_applied(points)

    def expect_applied(self, points: int) -> None:
        expect(self.widget.locator(".off")).to_have_text(f"−{points} грн")
        expect(self.widget.locator("[data-do=remove]")).to_be_visible()

    def expect_said(self, text: str) -> None:
        expect(self.said).to_have_text(re.compile(text))

    def set_quantity(self, quantity: int, line: int = 0) -> None:
        field = self.page.locator(".order-i .j-quantity-p:visible").nth(line)
        with self.page.expect_response(re.compile("ajax_cart/render/order")):
            field.fill(str(quantity))
            field.press("Tab")

    def expect_total(self, text: str) -> None:
        totals = self.page.locator(".j-total-sum:visible, .order-details__total:visible")
        expect(totals.first).to_have_text(text)

    def expect_released(self) -> None:
        """The release is asked for right after it is said."""
        for _ in range(150):
            if self.portal.hold["status"] == "releasing":
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("the points were not given back")

    def data_layer(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate("JSON.parse(JSON.stringify(window.dataLayer))")
        return found

    def storage(self) -> dict[str, str]:
        found: dict[str, str] = self.page.evaluate("({...sessionStorage, ...localStorage})")
        return found
