"""The connection test from the shop's own page: staff click, the tag tries, the page comes back and says how far it got."""

import re

import pytest
from django.test import Client
from playwright.sync_api import expect

from demo.shop.server import serve
from demo.shop.state import Links, ShopState
from storefront.services import dressing
from tests.factories import NOW, make_staff
from tests.storefront.widgets.test_with_the_portal import running_portal

GOOD = {
    "tag": "The tag is on the page and runs",
    "config": "It may read the configuration",
    "script": "It may load scripts of the portal",
    "widget": "The widget's script is what its hash says",
    "api": "A page of this origin may call the API",
}
# How the shop stands in the way, and which step then fails.
TROUBLES = [("none", None), ("blocks_api", "config"), ("blocks_script", "script"), ("none", None)]


@pytest.mark.django_db(transaction=True)
def test_a_page_of_the_shop_says_how_far_it_gets(page, settings, certificates):
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    dressing.switch(is_off=True, actor="olena", reason="not yet", now=NOW)
    client = Client()
    client.force_login(make_staff(is_superuser=True))
    with running_portal() as portal, serve(ShopState(coupons=certificates, links=Links(portal=portal))) as shop:
        settings.STOREFRONT_ORIGINS = settings.CORS_ALLOWED_ORIGINS = [shop.url]
        cookies = {"sessionid": client.cookies["sessionid"].value, "portal_language": "en"}
        page.context.add_cookies([{"name": name, "value": value, "url": portal} for name, value in cookies.items()])
        page.goto(shop.checkout())
        page.goto(f"{portal}/admin/storefront/widgetlook/install/")
        for csp, failing in TROUBLES:
            shop.state.set_switches(csp=csp)
            with page.expect_popup() as opened:
                page.get_by_role("link", name="Test from the shop's page").click()
            page = opened.value
            page.wait_for_url(re.compile("/install/#connection"))
            told = page.locator("#connection")
            steps = list(GOOD)
            for step in steps[: steps.index(failing) if failing else None]:
                expect(told).to_contain_text(f"✓ {GOOD[step]}")
            if failing:
                expect(told).to_contain_text(f"✗ {GOOD[failing]}: no. The shop's Content-Security-Policy")
            else:
                expect(told).not_to_contain_text("✗")
        page.goto(f"{portal}/widgets/trial?of=invented&no=")
        expect(page.locator("body")).to_contain_text("That test was not begun here")
        page.context.close()
