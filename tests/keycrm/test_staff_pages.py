"""What staff see of the CRM's edge, and what they may do there."""

import pytest
from django.utils import timezone

from keycrm.models import BuyerLink, CrmCard, CrmOrder, Difference, InboundEvent
from keycrm.models.differences import DifferenceKind
from keycrm.services import reconciling
from tests.bonuses import scenes
from tests.factories import NOW, make_staff
from tests.keycrm.far_side import COMPLETED, FarSide
from tests.keycrm.journeys import hear, hear_and_work, work

pytestmark = pytest.mark.django_db
LISTS = ("inboundevent", "crmorder", "crmcard", "buyerlink", "difference")
LOOK = tuple(f"keycrm.view_{name}" for name in LISTS)


@pytest.fixture
def far():
    return FarSide()


def sign_in(client, *more):
    client.force_login(make_staff([*LOOK, *more]))


def text(answer):
    assert answer.status_code == 200, answer
    return answer.content.decode()


@pytest.mark.parametrize("language", ["uk", "en"])
def test_every_list_and_page_shows_its_rows(client, far, language):
    sign_in(client, "keycrm.replay_events")
    order = far.place(phone=None, status=COMPLETED, source_uuid="55")
    twin = far.place(source_uuid="55")
    hear_and_work(far, order.id)
    hear_and_work(far, twin.id)
    customer = scenes.make_customer()
    BuyerLink.objects.create(
        customer_id=customer, buyer_id=9001, stuck_reason="changed_by_hand", stuck_detail="CRM 5, portal 3"
    )
    reconciling.reconcile(now=NOW)
    header = {"accept-language": language}
    for name in LISTS:
        text(client.get(f"/admin/keycrm/{name}/", headers=header))
    for model in (InboundEvent, CrmOrder, BuyerLink, Difference):
        row = model.objects.first()
        text(client.get(f"/admin/keycrm/{model._meta.model_name}/{row.pk}/change/", headers=header))
    shown = text(
        client.get(f"/admin/keycrm/crmorder/{CrmOrder.objects.get(crm_id=twin.id).pk}/change/", headers=header)
    )
    assert str(order.id) in shown
    assert ("однаковий номер" in shown) == (language == "uk")
    text(client.get("/admin/keycrm/inboundevent/connection/", headers=header))


def test_a_stuck_event_is_replayed_by_a_button(client, far):
    sign_in(client, "keycrm.replay_events")
    order = far.place(status=COMPLETED)
    hear(far, order.id)
    InboundEvent.objects.update(state="stuck", reason="crm_not_found")
    CrmOrder.objects.update(asked_at=None, stuck_reason="crm_not_found")
    event = InboundEvent.objects.get()
    page = f"/admin/keycrm/inboundevent/{event.pk}/replay/"
    assert client.get(page).status_code == 405
    assert client.post(page).status_code == 302
    far.now = CrmOrder.objects.get().asked_at
    work(far)
    assert InboundEvent.objects.get().state == "applied"


def test_an_order_is_set_aside_only_with_a_reason(client, far):
    sign_in(client, "keycrm.replay_events")
    first, second = far.place(source_uuid="55"), far.place(source_uuid="55")
    for order in (first, second):
        hear_and_work(far, order.id)
    row = CrmOrder.objects.get(crm_id=second.id)
    page = f"/admin/keycrm/crmorder/{row.pk}/decide/"
    assert client.post(page, {"verdict": "kept", "reason": ""}).status_code == 200
    assert client.post(page, {"verdict": "kept", "reason": "entered twice"}).status_code == 302
    row.refresh_from_db()
    assert (row.set_aside_reason, row.stuck_reason) == ("entered twice", "")


def test_a_difference_is_cleared_on_its_page(client, far):
    sign_in(client, "keycrm.replay_events")
    far.now = timezone.now()
    hear_and_work(far, far.place(phone=None, status=COMPLETED).id)
    assert client.post("/admin/keycrm/difference/now/").status_code == 302
    line = Difference.objects.get()
    assert client.post(f"/admin/keycrm/difference/{line.pk}/clear/", {"reason": "known"}).status_code == 302
    line.refresh_from_db()
    assert (line.reason, line.cleared_at is not None) == ("known", True)


def test_a_card_that_was_changed_by_hand_is_overwritten_by_a_button(client):
    sign_in(client, "keycrm.replay_events")
    link = BuyerLink.objects.create(customer_id=scenes.make_customer(), buyer_id=5, stuck_reason="changed_by_hand")
    assert client.post(f"/admin/keycrm/buyerlink/{link.pk}/overwrite/").status_code == 302
    link.refresh_from_db()
    assert (link.is_overwritten, link.stuck_reason) == (True, "")


def test_a_card_that_is_stuck_is_looked_at_again_by_a_button(client):
    sign_in(client, "keycrm.replay_events")
    card = CrmCard.objects.create(crm_id=3107, stuck_reason="order_closed", asked_at=NOW)
    page = f"/admin/keycrm/crmcard/{card.pk}/"
    assert "Look once more" in text(client.get(f"{page}change/", headers={"accept-language": "en"}))
    assert client.post(f"{page}look/").status_code == 302
    card.refresh_from_db()
    assert (card.stuck_reason, card.asked_at is not None) == ("", True)


FIGURES = {
    ("code_in_two_orders", "1001 (70001) → 1002 (70002)"): "first №1001 (CRM 70001), later №1002 (CRM 70002)",
    ("code_gone", "100"): "100 points",
    ("small_discount", "300.00 < 400"): "discount 300.00 UAH, points 400",
    ("over_share", "400 > 250"): "400 points, allowed are 250",
    ("order_stuck", "hold_of_another_order"): "its points are held for another order",
    ("crm_stuck", "vanished since 2026-03-10 12:00"): "Missing since 10.03.2026 12:00 (UTC).",
    ("crm_stuck", "crm_invalid_request answered 422"): "The CRM refused what was asked. answered 422",
    ("card_stuck", "shared_card №1, №2"): "One card of the CRM has the phones of several customers.",
    ("total_differs", "777.00 ≠ 1000.00"): "in the CRM 777.00 UAH, applied 1000.00 UAH",
    ("points_differ", "120 ≠ 100"): "earned 120, should be 100",
    ("never_confirmed", "100.00"): "100.00 UAH reported",
    ("no_earner", "100"): "100 points",
    ("not_issued", ""): "—",
}


@pytest.mark.parametrize("kind", DifferenceKind.values)
def test_figures_of_every_kind_of_difference_are_said_in_words(client, kind):
    sign_in(client)
    said = {figures: words for (one, figures), words in FIGURES.items() if one == kind} or {"100": "100 points"}
    for number, (figures, words) in enumerate(said.items()):
        Difference.objects.create(kind=kind, key=f"{number}", detail=figures, found_at=NOW, last_found_at=NOW)
        assert words in text(client.get("/admin/keycrm/difference/", headers={"accept-language": "en"}))


def test_who_may_only_look_changes_nothing(client, far):
    sign_in(client)
    hear_and_work(far, far.place(phone=None, status=COMPLETED).id)
    reconciling.reconcile(now=NOW)
    link = BuyerLink.objects.create(customer_id=scenes.make_customer(), buyer_id=5, stuck_reason="changed_by_hand")
    event, row, line = InboundEvent.objects.get(), CrmOrder.objects.get(), Difference.objects.get()
    card = CrmCard.objects.create(crm_id=3107, stuck_reason="order_closed", asked_at=NOW)
    refused = [
        client.post(f"/admin/keycrm/crmcard/{card.pk}/look/"),
        client.post(f"/admin/keycrm/inboundevent/{event.pk}/replay/"),
        client.post(f"/admin/keycrm/crmorder/{row.pk}/look/"),
        client.post(f"/admin/keycrm/crmorder/{row.pk}/decide/", {"verdict": "kept", "reason": "x"}),
        client.post(f"/admin/keycrm/buyerlink/{link.pk}/overwrite/"),
        client.post(f"/admin/keycrm/buyerlink/{link.pk}/again/"),
        client.post(f"/admin/keycrm/difference/{line.pk}/clear/", {"reason": "x"}),
        client.post("/admin/keycrm/difference/now/"),
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    link.refresh_from_db()
    assert link.stuck_reason == "changed_by_hand"


def test_what_was_sent_is_shown_masked(client, far):
    sign_in(client)
    order = far.place()
    hear(far, order.id, buyer_phone="+380670000001", promocode="BON100SECRET9")
    shown = text(client.get(f"/admin/keycrm/inboundevent/{InboundEvent.objects.get().pk}/change/"))
    assert str(order.id) in shown
    assert "+380670000001" not in shown
    assert "BON100SECRET9" not in shown
