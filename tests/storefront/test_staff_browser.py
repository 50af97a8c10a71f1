"""Staff pages of the door and of what shoppers did there, in a real browser: wide in the light, narrow in the dark, in Ukrainian, with rows and without any."""

import os
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, ViewportSize

from bonuses.models import Hold, OrderReport
from promo.services import issuing
from storefront.models import DoorAction, Proof, WhyNotSent
from storefront.services import doorkeeping, refusing, sighting
from tests.factories import make_codes, make_pool, make_staff
from tests.storefront.street import OTHER_PHONE, PHONE, STRANGER, Browser, make_shopper, signed_in

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = {"wide": (ViewportSize(width=1280, height=900), "light"), "narrow": (ViewportSize(width=360, height=800), "dark")}  # fmt: skip
LISTS = {
    "refusals": "storefront/refusal/",
    "proofs": "storefront/proof/",
    "doors": "storefront/door/",
    "changes": "storefront/doorchange/",
    "reports": "bonuses/orderreport/",
    "redemptions": "bonuses/hold/",
    "demand": "promo/demand/",
}
FORMS = {
    "lift": "storefront/door/lift/",
    "customer": "storefront/door/customer/",
    "switch": "storefront/door/storefront/",
    "install": "storefront/widgetlook/install/",
    "by-hand": "bonuses/orderreport/by-hand/",
}


@pytest.fixture
def rows(settings):
    """Something of every kind."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "1000000/hour")
    settings.STOREFRONT_ORIGINS = ["https://shop.example"]
    now = timezone.now()
    make_codes(make_pool(amount_uah=100), 5)
    shopper, other = make_shopper(now, points=300), make_shopper(now, OTHER_PHONE)
    browser = signed_in(shopper, now)
    made = browser.post("/redemptions", {"points": 100, "order_total": 1000}, key="checkout-1").json()
    browser.post("/redemptions", {"points": 100, "order_total": 1000}, key="checkout-2")
    browser.post("/orders", {"order_id": "10045", "total": "900.00", "redemption": made["id"]})
    browser.delete(f"/redemptions/{made['id']}")
    Hold.objects.order_by("id").filter(key=made["id"]).update(stuck_reason="code_used_without_order")
    signed_in(other, now).post("/redemptions", {"points": 150, "order_total": 1000}, key="checkout-3")
    issuing.count_miss(amount_uah=150, now=now)
    for phone in (PHONE, STRANGER):
        Browser().start(phone)
    for why in WhyNotSent.values:
        row = Proof.objects.order_by("id").last()
        row.pk, row.digest, row.state, row.why = None, f"{why:0>64}", "not_sent", why
        row.save()
    for origin in ("https://www.shop.example", "https://a-mirror-with-a-long-name.of-the-shop.example:8443"):
        sighting.note_stranger(origin=origin, ours=settings.STOREFRONT_ORIGINS, now=now)
    for number, reason in enumerate(
        (
            "code_wrong",
            "malformed",
            "origin_foreign",
            "order_foreign",
            "hold_unknown",
            "rate_limited",
            "session_required",
        )
    ):
        for _ in range(number + 1):
            refusing.note_refusal(reason=reason, address=f"203.0.113.{number}", now=now)
    refusing.note_refusal(reason="malformed", address="2001:db8:1234:5678::1", now=now)
    doorkeeping.switch(customer_id=shopper, is_open=False, actor="olena", reason="довга причина " * 12, now=now)
    doorkeeping.switch(customer_id=shopper, is_open=True, actor="olena", reason="помилка", now=now)
    doorkeeping.sign_out(customer_id=other, actor="olena", reason=DoorAction.SIGNED_OUT.value, now=now)
    doorkeeping.lift_lockout(phone="", address="203.0.113.7", actor="olena", reason="дзвонив покупець", now=now)


def look(page: Page, live_server, addresses, kind, size):
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    client = Client()
    client.force_login(make_staff(is_superuser=True))
    cookies = {"sessionid": client.cookies["sessionid"].value, "portal_language": "uk"}
    page.context.add_cookies(
        [{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()]
    )
    viewport, scheme = SIZES[size]
    page.set_viewport_size(viewport)
    page.emulate_media(color_scheme=scheme)
    for name, address in addresses.items():
        answer = page.goto(f"{live_server.url}/admin/{address}")
        assert answer is not None
        assert answer.status == 200, name
        # What the theme calls a first cell without a link, where a narrow screen shows rows as cards.
        assert "Обрати запис" not in page.content(), name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=Path(folder) / f"{kind}-{size}-{name}.png", full_page=True)
    assert faults == []


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("size", SIZES)
def test_every_page_fits_its_screen(page: Page, live_server, size):
    one = {
        "report": f"bonuses/orderreport/{OrderReport.objects.latest('id').pk}/change/",
        "redemption": f"bonuses/hold/{Hold.objects.latest('id').pk}/change/",
    }
    look(page, live_server, {**LISTS, **FORMS, **one}, "full", size)


def test_every_list_fits_where_it_is_empty(page: Page, live_server):
    look(page, live_server, LISTS, "empty", "narrow")
    assert "Нічого не знайдено" in page.content()
