"""The balance reaches the buyer's card: absolute, only when behind, never over what a person wrote there."""

import datetime as dt
from dataclasses import replace

import pytest

from bonuses.models import Customer, ImportBatch
from bonuses.reading.balances import BalanceLine
from bonuses.services.migrating import finish_batch, import_balances
from keycrm.errors import CrmUnavailable, InvalidRequest, OutcomeUnknown
from keycrm.models import BuyerLink
from keycrm.services import writing_back
from storefront.models import ConfirmedEmail
from storefront.services import confirming
from tests.bonuses import scenes
from tests.factories import NOW
from tests.keycrm.far_side import raising
from tests.keycrm.journeys import push
from tests.keycrm.owners import PHONE, make, writes

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _on(settings):
    settings.KEYCRM_WRITE_BACK = "on"


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
