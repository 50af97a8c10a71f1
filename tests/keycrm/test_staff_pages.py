"""What staff see of the CRM's edge, and what they may do there."""

import re

import pytest
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.timezone import localtime

from keycrm.admin.wording import say_figures
from keycrm.models import BuyerLink, CrmCard, CrmOrder, Difference, InboundEvent
from keycrm.models.differences import DifferenceKind
from keycrm.services import reconciling, vanishing
from tests.bonuses import scenes
from tests.factories import NOW, make_staff
from tests.keycrm.far_side import COMPLETED
from tests.keycrm.journeys import hear, hear_and_work, work
from tests.staff import text_of

pytestmark = pytest.mark.django_db
LISTS = ("inboundevent", "crmorder", "crmcard", "buyerlink", "difference")
LOOK = tuple(f"keycrm.view_{name}" for name in LISTS)


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


def test_of_a_part_only_what_is_true_of_a_part_can_be_said(client, far):
    """The order goes on without it: points neither stay nor go back because of what became of one part."""
    root = far.place(source_uuid="90", status=COMPLETED)
    part = far.place(source_uuid="90", parent_id=root.id, status=COMPLETED)
    for one in (part, root):
        hear_and_work(far, one.id)
    CrmOrder.objects.update(stuck_reason="vanished")
    sign_in(client, "keycrm.replay_events")
    page = f"/admin/keycrm/crmorder/{CrmOrder.objects.get(crm_id=part.id).pk}/decide/"
    said = text(client.get(page, headers={"accept-language": "en"}))
    assert "what is left under its number is added up anew" in said
    assert "points go back" not in said
    refused = client.post(page, {"verdict": "cancelled", "reason": "gone"})
    assert (refused.status_code, CrmOrder.objects.filter(set_aside_at=None).count()) == (200, 2)


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


ENGLISH, UKRAINIAN = {"accept-language": "en"}, {"accept-language": "uk"}


def rivals(far, **second):
    """Two orders with one number, the first applied. Their rows."""
    orders = far.place(source_uuid="55", total="1000"), far.place(source_uuid="55", total="700", **second)
    for order in orders:
        hear_and_work(far, order.id)
    return [CrmOrder.objects.get(crm_id=order.id) for order in orders]


@pytest.mark.parametrize(
    "page",
    ["inboundevent/{}/replay/", "crmorder/{}/look/", "crmorder/{}/decide/", "crmcard/{}/look/", "difference/{}/clear/"],
)
@pytest.mark.parametrize("key", ["999999", "9" * 30])
def test_what_is_not_there_is_404(client, page, key):
    sign_in(client, "keycrm.replay_events")
    answer = client.post(f"/admin/keycrm/{page.format(key)}", {"reason": "x", "verdict": "kept"})
    assert answer.status_code == 404


def test_the_line_of_an_order_that_waits_leads_to_the_page_with_the_buttons(client, far):
    sign_in(client, "bonuses.view_order")
    order = far.place(source_uuid="55")
    hear_and_work(far, order.id)
    row = CrmOrder.objects.get()
    CrmOrder.objects.update(stuck_reason="vanished")
    reconciling.reconcile(now=NOW)
    line = Difference.objects.get()
    assert line.order_id is not None
    for page in ("", f"{line.pk}/change/"):
        assert f"/admin/keycrm/crmorder/{row.pk}/change/" in text(client.get(f"/admin/keycrm/difference/{page}"))
    Difference.objects.update(kind="total_differs", detail="1 ≠ 2")
    ledger = f"/admin/bonuses/order/{row.order_id}/change/"
    assert ledger in text(client.get("/admin/keycrm/difference/"))
    assert f"/admin/keycrm/crmorder/{row.pk}/change/" in text(client.get(ledger))


def test_the_ledger_s_page_names_no_order_of_the_crm_to_whoever_may_not_see_it(client, far):
    hear_and_work(far, far.place().id)
    client.force_login(make_staff(["bonuses.view_order"]))
    order = CrmOrder.objects.get().order_id
    assert "/admin/keycrm/crmorder/" not in text(client.get(f"/admin/bonuses/order/{order}/change/"))


def test_an_order_that_was_set_aside_says_so_and_is_found(client, far):
    sign_in(client, "keycrm.replay_events")
    first, second = rivals(far)
    vanishing.set_aside(crm_id=second.crm_id, verdict="kept", reason="двічі", actor="olena", now=NOW)
    shown = text(client.get(f"/admin/keycrm/crmorder/{second.pk}/change/", headers=UKRAINIAN))
    assert "Відкладено" in shown
    assert "відкладено" in shown
    assert "Відкласти" not in shown
    narrowed = text(client.get("/admin/keycrm/crmorder/?aside=yes", headers=UKRAINIAN))
    assert f"/crmorder/{second.pk}/change/" in narrowed
    assert f"/crmorder/{first.pk}/change/" not in narrowed


def test_the_page_that_sets_aside_warns_and_answers_nothing_beforehand(client, far):
    sign_in(client, "keycrm.replay_events")
    order = far.place()
    hear_and_work(far, order.id)
    CrmOrder.objects.update(stuck_reason="vanished")
    row = CrmOrder.objects.get()
    page = f"/admin/keycrm/crmorder/{row.pk}/decide/"
    shown = text(client.get(page, headers=UKRAINIAN))
    assert "Скасувати це неможливо" in shown
    assert "разом із кодом" not in shown
    assert not re.search(r"\schecked[\s=>]", shown)
    assert "This cannot be undone." in text(client.get(page, headers=ENGLISH))
    refused = text(client.post(page, {"reason": "who knows"}, headers=UKRAINIAN))
    assert "Оберіть, що з ним сталося." in refused
    row.refresh_from_db()
    assert row.set_aside_at is None


def test_orders_with_the_same_number_are_told_apart(client, far):
    sign_in(client)
    first, second = rivals(far, phone="+380000000002", status=COMPLETED)
    shown = text_of(client.get(f"/admin/keycrm/crmorder/{second.pk}/change/", headers=ENGLISH))
    assert f"Buyer in the CRM {second.buyer_id}" in shown
    told = shown.split("Other orders with this number")[1]
    placed = date_format(localtime(first.placed_at), "SHORT_DATETIME_FORMAT")
    assert f"{first.crm_id} 55 {first.grand_total} confirmed {first.buyer_id} {placed} applied" in told
    other = text_of(client.get(f"/admin/keycrm/crmorder/{first.pk}/change/", headers=ENGLISH))
    assert "applied" not in other.split("Other orders with this number")[1]


@pytest.mark.parametrize("typed", ["{number}", "#{number}", " № {number} ", "{crm_id}"])
def test_an_order_is_found_by_its_whole_number(client, far, typed):
    sign_in(client)
    hear_and_work(far, far.place().id)
    row = CrmOrder.objects.get()
    answer = client.post("/admin/keycrm/crmorder/find/", {"what": typed.format(number=row.number, crm_id=row.crm_id)})
    assert answer.headers["Location"] == f"/admin/keycrm/crmorder/{row.pk}/change/"


@pytest.mark.parametrize("typed", ["", " ", "5", "555", "5_", "%", "#", "9" * 40, "x" * 300, "٥٥"])
def test_a_part_of_a_number_finds_nothing(client, far, typed):
    sign_in(client)
    hear_and_work(far, far.place(source_uuid="55").id)
    answer = client.post("/admin/keycrm/crmorder/find/", {"what": typed})
    assert answer.headers["Location"] == "/admin/keycrm/crmorder/"


def test_several_orders_with_one_number_are_listed(client, far):
    sign_in(client)
    pages = [f"/admin/keycrm/crmorder/{row.pk}/change/" for row in rivals(far)]
    shown = text(client.post("/admin/keycrm/crmorder/find/", {"what": "55"}))
    assert all(page in shown for page in pages)
    assert client.get("/admin/keycrm/crmorder/find/").status_code == 302


def test_whoever_may_not_see_orders_finds_none(client):
    client.force_login(make_staff(["keycrm.view_difference"]))
    assert client.post("/admin/keycrm/crmorder/find/", {"what": "55"}).status_code == 403


def test_points_have_one_word_in_ukrainian():
    with translation.override("uk"):
        told = [say_figures(Difference(kind=kind, detail=figures)) for kind, figures in FIGURES]
        told += [str(kind.label) for kind in DifferenceKind]
    assert "балів: 100" in told
    assert [words for words in told if "бонус" in words] == []
