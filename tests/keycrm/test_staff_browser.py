"""The CRM's staff pages in a real browser: on a phone, in the dark, in Ukrainian, under their content policy, without anything sticking out."""

import os
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Page, ViewportSize

from keycrm.models import BuyerLink, CrmOrder, Difference, InboundEvent
from keycrm.services import reconciling
from tests.bonuses import scenes
from tests.factories import NOW, make_staff
from tests.keycrm.far_side import COMPLETED, FarSide
from tests.keycrm.journeys import hear_and_work

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = ViewportSize(width=390, height=844)


@pytest.fixture
def addresses():
    """Rows of every kind, and the pages that show them."""
    far = FarSide()
    for order in (far.place(source_uuid="55", status=COMPLETED), far.place(source_uuid="55")):
        hear_and_work(far, order.id)
    link = BuyerLink.objects.create(
        customer_id=scenes.make_customer(), buyer_id=9001, stuck_reason="changed_by_hand",
        stuck_detail="available: CRM 500, portal 70, pushed 100",
    )  # fmt: skip
    reconciling.reconcile(now=NOW)
    event, row, line = InboundEvent.objects.first(), CrmOrder.objects.first(), Difference.objects.first()
    return {
        "events": "inboundevent/", "event": f"inboundevent/{event.pk}/change/", "orders": "crmorder/", "order": f"crmorder/{row.pk}/change/",
        "decide": f"crmorder/{row.pk}/decide/", "links": "buyerlink/", "link": f"buyerlink/{link.pk}/change/", "differences": "difference/",
        "difference": f"difference/{line.pk}/change/", "connection": "inboundevent/connection/",
    }  # fmt: skip


def test_every_page_fits_a_phone_in_the_dark(page: Page, live_server, addresses):
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    client = Client()
    client.force_login(make_staff(is_superuser=True))
    cookies = {"sessionid": client.cookies["sessionid"].value, "portal_language": "uk"}
    page.context.add_cookies(
        [{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()]
    )
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    for name, address in addresses.items():
        page.goto(f"{live_server.url}/admin/keycrm/{address}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    assert faults == []
