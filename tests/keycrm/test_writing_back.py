"""The balance reaches the buyer's card: absolute, only when behind, never over what a person wrote there."""

import datetime as dt
from dataclasses import replace

import pytest

from bonuses.models import Customer, ImportBatch
from bonuses.reading.balances import BalanceLine
from bonuses.services import customers, erasing, merging
from bonuses.services.migrating import finish_batch, import_balances
from keycrm import naming
from keycrm.errors import CrmUnavailable, InvalidRequest, OutcomeUnknown
from keycrm.models import BuyerLink, PollCursor
from keycrm.services import resyncing, writing_back
from storefront.models import ConfirmedEmail
from storefront.services import confirming
from tests.bonuses import scenes
from tests.factories import NOW
from tests.keycrm.far_side import FIELDS, FarSide, raising
from tests.keycrm.journeys import push
from tests.keycrm.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PHONE = "+380000000001"
DAY = dt.timedelta(days=1)


@pytest.fixture
def far():
    return FarSide()


@pytest.fixture(autouse=True)
def _on(settings):
    settings.KEYCRM_WRITE_BACK = "on"


def make(points=100, phone=PHONE):
    customer = scenes.make_customer(phone=phone)
    if points:
        scenes.give(customer, points)
    return customer


def writes(far):
    return sum(name == "update_buyer" for _at, name in far.calls)


def test_every_card_with_the_phone_shows_balance_reserve_date_and_history(far):
    cards = [far.add_buyer("380000000001"), far.add_buyer("+38 (000) 000-00-01")]
    stranger = far.add_buyer("+380000000002")
    customer = make(150)
    scenes.hold(customer, 40)
    push(far)
    for card in cards:
        shown = far.shows(card)
        assert (shown["CT_1"], shown["CT_2"], shown["CT_3"]) == ("110", "40", "2026-06-08")
        assert "+150" in shown["CT_4"]
        assert "-40" in shown["CT_4"]
    assert far.shows(stranger) == {}


def test_nothing_is_written_twice_and_entries_in_a_row_become_one_push(far):
    card = far.add_buyer(PHONE)
    customer = make(100)
    push(far)
    push(far)
    assert writes(far) == 1
    for _ in range(5):
        scenes.give(customer, 10, now=far.now)
    assert push(far) == []  # within the rest after a push
    far.pass_time(minutes=2)
    push(far)
    assert (writes(far), far.shows(card)["CT_1"]) == (2, "150")


def test_before_the_migration_is_finished_nothing_is_written(far, settings):
    settings.KEYCRM_WRITE_BACK = "after_migration"
    card = far.add_buyer(PHONE, custom_fields={"CT_1": "300"})
    import_balances([BalanceLine(1, PHONE, active=300)], batch="opening", now=NOW, actor="olena")
    assert push(far) == []
    finish_batch(batch="opening", now=NOW)
    scenes.hold(Customer.objects.get().pk, 100)
    push(far)
    assert far.shows(card)["CT_1"] == "200"  # lowered: the CRM still showed what was brought along from it
    ImportBatch.objects.create(name="second", actor="x", started_at=NOW)
    assert not writing_back.is_on()


def test_a_customer_without_entries_is_never_written(far):
    card = far.add_buyer(PHONE, custom_fields={"CT_1": "77"})
    make(0)
    push(far)
    assert far.shows(card) == {"CT_1": "77"}


def test_a_figure_changed_by_hand_is_not_lowered_and_a_person_sees_both(far):
    card = far.add_buyer(PHONE)
    customer = make(100)
    push(far)
    far.buyers_by_id[card.id] = replace(far.buyers_by_id[card.id], custom_fields={"CT_1": "500"})
    scenes.hold(customer, 30, now=far.now)
    far.pass_time(minutes=2)
    push(far)
    link = BuyerLink.objects.get()
    assert (link.stuck_reason, link.stuck_detail) == ("changed_by_hand", "available: CRM 500, portal 70, pushed 100")
    assert far.shows(card) == {"CT_1": "500"}
    assert writing_back.is_behind(link)
    assert writing_back.overwrite(link_id=link.pk, actor="olena", now=far.now)
    push(far)
    assert far.shows(card)["CT_1"] == "70"
    assert BuyerLink.objects.get().is_overwritten is False


def test_a_figure_that_is_no_number_is_left_to_a_person(far):
    card = far.add_buyer(PHONE, custom_fields={"CT_1": "VIP"})
    make(100)
    push(far)
    assert BuyerLink.objects.get().stuck_reason == "changed_by_hand"
    assert far.shows(card) == {"CT_1": "VIP"}


def test_a_figure_that_only_grows_is_written_whatever_stood_there(far):
    card = far.add_buyer(PHONE, custom_fields={"CT_1": "20.0"})
    make(100)
    push(far)
    assert far.shows(card)["CT_1"] == "100"


def test_a_write_whose_answer_was_lost_counts_as_ours(far):
    card = far.add_buyer(PHONE)
    customer = make(100)
    far.trouble_after = raising(OutcomeUnknown())
    push(far)
    assert BuyerLink.objects.get().pushed_available is None
    scenes.hold(customer, 60)
    far.pass_time(minutes=2)
    push(far)
    assert far.shows(card)["CT_1"] == "40"
    assert BuyerLink.objects.get().stuck_reason == ""


def test_trouble_that_passes_is_tried_again_and_a_refusal_waits_for_a_person(far):
    far.add_buyer(PHONE)
    make(100)
    far.trouble = raising(CrmUnavailable())
    push(far)
    assert BuyerLink.objects.get().retry_at > far.now or BuyerLink.objects.get().retry_at is not None
    far.pass_time(minutes=2)
    far.trouble = raising(None, InvalidRequest("the field is too long", status=422))
    push(far)
    assert BuyerLink.objects.get().stuck_reason == "crm_invalid_request"
    assert push(far) == []
    assert writing_back.try_again(link_id=BuyerLink.objects.get().pk)
    push(far)
    assert not writing_back.is_behind(BuyerLink.objects.get())


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


def test_a_full_sync_that_meets_a_merged_card_first_knows_its_figures(far):
    old = far.add_buyer(PHONE)
    customer = make(100)
    push(far)
    kept = far.add_buyer(PHONE, custom_fields=far.shows(old))
    far.merge_buyers(old, kept)
    scenes.hold(customer, 30, now=far.now)
    far.pass_time(minutes=2)
    told = resyncing.resync(far, fields=FIELDS, clock=lambda: far.now)
    assert (told.written, told.stuck, far.shows(kept)["CT_1"]) == (1, 0, "70")


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


def test_somebody_whom_the_crm_does_not_know_is_looked_up_again_in_a_day(far):
    make(100)
    push(far)
    assert BuyerLink.objects.get().buyer_id is None
    looked = len(far.calls)
    far.pass_time(hours=1)
    push(far)
    assert len(far.calls) == looked
    card = far.add_buyer(PHONE)
    far.pass_time(days=1)
    push(far)
    assert far.shows(card)["CT_1"] == "100"


def test_points_that_expire_and_adjustments_reach_the_card_by_the_same_way(far):
    from bonuses.services import expiring

    card = far.add_buyer(PHONE)
    make(100)
    push(far)
    far.pass_time(days=120)
    expiring.sweep(now=far.now)
    push(far)
    assert "CT_3" not in far.shows(card)
    assert far.shows(card)["CT_1"] == "0"


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


@pytest.mark.parametrize("stands", [{}, {"CT_1": "150"}])
def test_a_card_of_somebody_who_never_had_points_is_left_alone(far, stands):
    card = far.add_buyer(PHONE, custom_fields=stands)
    customer = make(0)
    BuyerLink.objects.create(customer_id=customer, buyer_id=card.id, asked_at=far.now)  # an order under way brought it
    push(far)
    assert (far.shows(card), BuyerLink.objects.get().stuck_reason) == (stands, "")
    scenes.give(customer, 200, now=far.now)
    far.pass_time(minutes=2)
    push(far)
    assert far.shows(card)["CT_1"] == "200"


def test_a_dry_run_reads_all_and_leaves_the_stored_page(far):
    for number in range(120):
        far.add_buyer(f"+38050{number:07d}")
    resyncing.resync(far, fields=FIELDS, clock=lambda: far.now, at_most_pages=1)
    told = resyncing.resync(far, fields=FIELDS, clock=lambda: far.now, is_dry_run=True)
    assert (told.pages, PollCursor.objects.get(name="resync").page) == (3, 2)


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


# --- the whole list


def test_a_full_sync_reads_lists_of_fifty_and_writes_only_what_differs(far):
    for number in range(120):
        phone = f"+38050{number:07d}"
        far.add_buyer(phone, custom_fields={"CT_1": "5"} if number == 7 else {})
        if number < 20:
            customers.find_or_create(phone=phone, now=NOW)
            scenes.give(customers.find_customer(phone), 10)
    told = resyncing.resync(far, fields=FIELDS, clock=lambda: far.now, is_dry_run=True)
    assert (told.pages, told.read, told.ours, told.differ, told.written, told.is_done) == (3, 120, 20, 20, 0, True)
    assert writes(far) == 0
    told = resyncing.resync(far, fields=FIELDS, clock=lambda: far.now)
    assert (told.written, told.stuck) == (20, 0)
    told = resyncing.resync(far, fields=FIELDS, clock=lambda: far.now)
    assert (told.differ, writes(far)) == (0, 20)


def test_a_full_sync_that_was_interrupted_goes_on_from_its_page(far):
    for number in range(120):
        far.add_buyer(f"+38050{number:07d}")
    resyncing.resync(far, fields=FIELDS, clock=lambda: far.now, at_most_pages=1)
    far.trouble = raising(CrmUnavailable())
    with pytest.raises(CrmUnavailable):
        resyncing.resync(far, fields=FIELDS, clock=lambda: far.now)
    assert PollCursor.objects.get(name="resync").page == 2
    told = resyncing.resync(far, fields=FIELDS, clock=lambda: far.now)
    assert (told.pages, told.read, told.is_done) == (2, 70, True)


def test_a_card_that_cannot_be_understood_hides_no_other_and_is_named():
    world = World()
    broken, whole = world.olena()["id"], world.state.create_buyer("Другий", phones=["+380000000002"])["id"]
    world.state._rows["buyers"][broken]["full_name"] = ["not", "a", "name"]
    make(100, phone="+380000000002")
    crm = world.client()
    told = resyncing.resync(crm, fields=naming.buyer_fields(crm, now=world.clock.now()), clock=world.clock.now)
    assert (told.read, told.written, told.unreadable, told.is_done) == (2, 1, [broken], True)
    assert BuyerLink.objects.get().buyer_id == whole


def test_the_estimate_counts_pages_and_at_most_one_write_a_card(far):
    for number in range(120):
        far.add_buyer(f"+38050{number:07d}")
    make(10)
    foreseen = resyncing.estimate(far, calls_per_minute=50)
    assert (foreseen.buyers, foreseen.pages, foreseen.links) == (120, 3, 1)


def confirmed(customer):
    return list(ConfirmedEmail.objects.filter(customer_id=customer).values_list("email", flat=True))


def test_the_only_address_of_the_only_card_is_confirmed_for_codes_by_e_mail(far):
    far.add_buyer(PHONE, emails=("Olena@mail.example ",))
    customer = make(100)
    assert confirmed(customer) == []
    push(far)
    assert confirmed(customer) == ["olena@mail.example"]


@pytest.mark.parametrize(
    "cards",
    [
        [("olena@mail.example", "thief@mail.example")],
        [("olena@mail.example",), ("thief@mail.example",)],
        [(), ("thief@mail.example",)],  # an order with this phone and another name makes a second card
        [("no address",)],
        [()],
    ],
)
def test_where_there_is_doubt_no_address_is_confirmed_and_an_earlier_one_is_taken_back(far, cards):
    customer = make(100)
    confirming.confirm_email(customer_id=customer, email="olena@mail.example", now=NOW)
    for emails in cards:
        far.add_buyer(PHONE, emails=emails)
    push(far)
    assert confirmed(customer) == []
