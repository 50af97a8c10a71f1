"""Cards that are joined, shared or taken over: whose they are, and whose figures stand on them."""

from dataclasses import replace

import pytest

from bonuses.services import erasing, merging
from keycrm.errors import CrmUnavailable, OutcomeUnknown
from keycrm.models import BuyerLink
from keycrm.services import writing_back
from tests.bonuses import scenes
from tests.keycrm.far_side import raising
from tests.keycrm.journeys import push
from tests.keycrm.owners import PHONE, make

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _on(settings):
    settings.KEYCRM_WRITE_BACK = "on"


def test_a_merged_card_is_found_again_by_the_phone(far):
    old, kept = far.add_buyer(PHONE), far.add_buyer(PHONE)
    customer = make(100)
    push(far)
    far.merge_buyers(old, kept)
    scenes.give(customer, 50, now=far.now)
    far.pass_time(minutes=2)
    push(far)
    assert far.shows(kept)["CT_1"] == "150"
    assert list(BuyerLink.objects.values_list("buyer_id", flat=True)) == [kept.id]


def test_figures_that_a_merged_card_inherits_are_ours_and_may_be_lowered(far):
    old = far.add_buyer(PHONE)
    customer = make(100)
    push(far)
    kept = far.add_buyer(PHONE, custom_fields=far.shows(old))  # the operator ticked that the fields live on
    far.merge_buyers(old, kept)
    scenes.hold(customer, 30, now=far.now)
    far.pass_time(minutes=2)
    push(far)
    assert (far.shows(kept)["CT_1"], BuyerLink.objects.get().stuck_reason) == ("70", "")


def test_figures_of_one_of_several_merged_cards_are_ours_whichever_lives_on(far):
    """Three cards become one. On one no figure was written since, on one the newest, and of the write to the third no answer ever came."""
    behind, newest = far.add_buyer(PHONE), far.add_buyer(PHONE)
    customer = make(100)
    push(far)
    scenes.hold(customer, 30, now=far.now)
    far.pass_time(minutes=2)
    unknown = far.add_buyer(PHONE)
    far.trouble = raising(None, CrmUnavailable())  # the first card's write is refused
    far.trouble_after = raising(None, OutcomeUnknown("answered 504", status=504))
    push(far)
    far.trouble = far.trouble_after = lambda call: None
    figures = {card.id: far.shows(card).get("CT_1") for card in (behind, newest, unknown)}
    assert figures == {behind.id: "100", newest.id: "70", unknown.id: "70"}
    kept = far.add_buyer(PHONE, custom_fields=far.shows(behind))
    for card in (behind, newest, unknown):
        far.merge_buyers(card, kept)
    scenes.hold(customer, 20, now=far.now)
    far.pass_time(minutes=5)
    push(far)
    assert (far.shows(kept)["CT_1"], BuyerLink.objects.get().stuck_reason) == ("50", "")


def test_a_card_that_is_merged_away_between_look_up_and_write_is_let_go(far):
    from keycrm.errors import NotFound

    far.add_buyer(PHONE)
    make(100)
    far.trouble = raising(None, NotFound())
    push(far)
    far.trouble = lambda call: None
    far.pass_time(minutes=2)
    push(far)
    assert not writing_back.is_behind(BuyerLink.objects.get())


def test_cards_of_a_customer_who_was_merged_show_the_survivors_balance(far):
    first, second = far.add_buyer(PHONE), far.add_buyer("+380000000002")
    old, new = make(100), make(50, phone="+380000000002")
    push(far)
    merging.merge_customers(from_id=old, into_id=new, now=far.now, actor="olena")
    far.pass_time(minutes=2)
    push(far)
    assert far.shows(second)["CT_1"] == "150"
    assert BuyerLink.objects.filter(customer_id=old).count() == 0
    assert first.id


def test_cards_with_a_former_phone_are_the_survivors_as_well(far):
    cards = far.add_buyer(PHONE), far.add_buyer("+380000000002")
    old, new = make(100), make(50, phone="+380000000002")
    push(far)
    merging.merge_customers(from_id=old, into_id=new, now=far.now, actor="olena")
    far.pass_time(minutes=2)
    push(far)
    assert [far.shows(card)["CT_1"] for card in cards] == ["150", "150"]
    assert set(BuyerLink.objects.values_list("customer_id", flat=True)) == {new}


def join_two_customers_cards(far):
    """An operator joins the cards of two people who both have points: one card, two phones."""
    first, second = far.add_buyer(PHONE), far.add_buyer("+380000000002")
    customers_of_both = make(100), make(50, phone="+380000000002")
    push(far)
    far.merge_buyers(first, second)
    far.buyers_by_id[second.id] = replace(far.buyers_by_id[second.id], phones=("+380000000002", PHONE))
    for customer in customers_of_both:
        scenes.give(customer, 1, now=far.now)
    far.pass_time(minutes=2)
    push(far)
    return second, *customers_of_both


def test_a_shared_card_is_looked_at_once_and_not_for_ever(far):
    _card, one, other = join_two_customers_cards(far)
    assert set(BuyerLink.objects.values_list("customer_id", "stuck_reason")) == {
        (one, "shared_card"),
        (other, "shared_card"),
    }
    asked = len(far.calls)
    for _ in range(10):
        far.pass_time(minutes=5)
        push(far)
    assert len(far.calls) == asked


def test_a_card_that_two_customers_share_shows_neither_balance_and_waits_for_a_person(far):
    card, one, other = join_two_customers_cards(far)
    link = BuyerLink.objects.get(buyer_id=card.id)
    assert (link.stuck_reason, link.stuck_detail) == ("shared_card", f"№{one}, №{other}")
    assert far.shows(card)["CT_1"] == "50"
    scenes.give(one, 1, now=far.now)
    far.pass_time(minutes=2)
    push(far)
    assert far.shows(card)["CT_1"] == "50"
    assert BuyerLink.objects.get(buyer_id=card.id).stuck_reason == "shared_card"


def test_a_shared_card_goes_on_by_itself_when_its_customers_are_merged(far):
    card, one, other = join_two_customers_cards(far)
    merging.merge_customers(from_id=one, into_id=other, now=far.now, actor="olena")
    far.pass_time(minutes=2)
    push(far)
    assert far.shows(card)["CT_1"] == "152"
    assert BuyerLink.objects.get().stuck_reason == ""


def test_a_shared_card_goes_on_when_a_phone_was_taken_off_it(far):
    card, _one, _other = join_two_customers_cards(far)
    far.buyers_by_id[card.id] = replace(far.buyers_by_id[card.id], phones=("+380000000002",))
    writing_back.try_again(link_id=BuyerLink.objects.get(buyer_id=card.id).pk)
    far.pass_time(minutes=2)
    push(far)
    assert far.shows(card)["CT_1"] == "51"


def test_a_second_phone_of_somebody_without_points_shares_nothing(far):
    card = far.add_buyer(PHONE)
    far.buyers_by_id[card.id] = replace(card, phones=(PHONE, "+380000000002"))
    make(100)
    make(0, phone="+380000000002")
    push(far)
    assert far.shows(card)["CT_1"] == "100"


def test_an_erased_person_is_forgotten_here_too(far):
    far.add_buyer(PHONE)
    customer = make(100)
    push(far)
    erasing.erase_customer(customer_id=customer, now=far.now)
    BuyerLink.objects.update(pushed_entry=0, pushed_at=None)
    push(far)
    assert not BuyerLink.objects.exists()
