"""The CRM's staff pages in a real browser, in Ukrainian: on a phone in the dark and on a desk in the light, under their content policy, without anything
sticking out.
"""

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Page, ViewportSize

from bonuses.models import Customer
from keycrm.errors import InvalidRequest
from keycrm.models import BuyerLink, CrmCard, CrmOrder, Difference, InboundEvent
from keycrm.services import giving_back, receiving, reconciling, vanishing
from tests.bonuses import scenes
from tests.factories import NOW, make_staff
from tests.keycrm.far_side import COMPLETED, FarSide
from tests.keycrm.journeys import card_for, hear_and_work, held_code, reserve

pytestmark = pytest.mark.django_db(transaction=True)
SCREENS = {
    "phone": (ViewportSize(width=360, height=780), "dark"),
    "desk": (ViewportSize(width=1280, height=900), "light"),
}


def unwritten_cards(far):
    """A card that holds points for a discount the CRM refused, and one whose points a person gave back."""
    scenes.give(Customer.objects.get(phone="+380000000001").pk, 900)

    def refuse(call):
        if call == "update_order":
            raise InvalidRequest("answered 422", status=422)

    far.trouble = refuse
    cards = [card_for(far, far.place(), 50) for _ in range(2)]
    reserve(far)
    far.trouble = lambda call: None
    held, back = (CrmCard.objects.get(crm_id=card.id).pk for card in cards)
    giving_back.give_back_of_card(card_id=back, reason="Домовилися про іншу знижку", actor="olena", now=far.now)
    return held, back


@pytest.fixture
def addresses():
    """Rows of every kind, and the pages that show them."""
    far = FarSide()
    for order in (far.place(source_uuid="55", status=COMPLETED), far.place(source_uuid="55")):
        hear_and_work(far, order.id)
    payer = scenes.make_customer()
    scenes.give(payer, 900)
    code, _hold = held_code(payer, 400, now=NOW)
    for _ in range(2):  # one code in two orders, a share that is too large, a discount that is too small
        order = far.place(total="500", promocode=code.code, grand_total=Decimal(200), total_discount=Decimal(300))
        hear_and_work(far, order.id)
    hear_and_work(far, far.place(phone=None, status=COMPLETED).id)
    part_of = far.place(source_uuid="77", status=COMPLETED)
    hear_and_work(far, part_of.id)
    hear_and_work(far, far.place(source_uuid="77", parent_id=part_of.id, status=COMPLETED).id)
    for number, points in ((part_of.number, "50"), ("", "50")):
        card = far.add_card(custom_fields={"LD_1": number, "LD_2": points})
        body = {"event": "lead.change_lead_status", "context": {"id": card.id}}
        receiving.receive(channel="webhook", body=json.dumps(body).encode(), now=far.now)
    reserve(far)
    held, back = unwritten_cards(far)
    receiving.receive(channel="webhook", body=b"{", now=far.now)
    link = BuyerLink.objects.create(
        customer_id=scenes.make_customer(), buyer_id=9001, stuck_reason="changed_by_hand",
        stuck_detail="available: CRM 500, portal 70, pushed 100",
    )  # fmt: skip
    for phone in ("+380000000001", "+380000000002"):
        hear_and_work(far, far.place(source_uuid="66", phone=phone).id)
    aside, twin = CrmOrder.objects.filter(number="66")
    vanishing.set_aside(crm_id=aside.crm_id, verdict="kept", reason="записали двічі", actor="olena", now=NOW)
    reconciling.reconcile(now=NOW)
    event, row, line = InboundEvent.objects.last(), CrmOrder.objects.last(), Difference.objects.first()
    card_row, root = CrmCard.objects.first(), CrmOrder.objects.get(crm_id=part_of.id)
    return {
        "events": "inboundevent/", "event": f"inboundevent/{event.pk}/change/", "orders": "crmorder/", "order": f"crmorder/{row.pk}/change/",
        "decide": f"crmorder/{row.pk}/decide/", "links": "buyerlink/", "link": f"buyerlink/{link.pk}/change/", "differences": "difference/",
        "difference": f"difference/{line.pk}/change/",
        "connection": "inboundevent/connection/", "clear": f"difference/{line.pk}/clear/", "cards": "crmcard/",
        "card": f"crmcard/{card_row.pk}/change/",
        "held": f"crmcard/{held}/change/", "give back": f"crmcard/{held}/give-back/", "given back": f"crmcard/{back}/change/",
        "split": f"crmorder/{root.pk}/change/", "aside": f"crmorder/{aside.pk}/change/", "rivals": f"crmorder/{twin.pk}/change/",
        "all-aside": "crmorder/?aside=yes", "ledger": f"../bonuses/order/{root.order_id}/change/",
    }  # fmt: skip


@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_fits_its_screen(page: Page, live_server, addresses, screen):
    size, colours = SCREENS[screen]
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    client = Client()
    client.force_login(make_staff(is_superuser=True))
    cookies = {"sessionid": client.cookies["sessionid"].value, "portal_language": "uk"}
    page.context.add_cookies(
        [{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()]
    )
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=colours)
    for name, address in [*addresses.items(), ("found", "crmorder/")]:
        page.goto(f"{live_server.url}/admin/keycrm/{address}")
        if name == "found":
            page.fill(".pb-find input[name=what]", "66")
            page.click(".pb-find button")
            page.wait_for_url("**/crmorder/find/")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=Path(folder) / f"{screen}-{name}.png", full_page=True)
    assert faults == []
