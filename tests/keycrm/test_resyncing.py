"""Every card of the CRM once: what is read, written, left out, and where it goes on."""

import pytest

from bonuses.services import customers
from keycrm import naming
from keycrm.errors import CrmUnavailable
from keycrm.models import BuyerLink, PollCursor
from keycrm.services import resyncing
from tests.bonuses import scenes
from tests.factories import NOW
from tests.keycrm.far_side import FIELDS, raising
from tests.keycrm.journeys import push
from tests.keycrm.owners import PHONE, make, writes
from tests.keycrm.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _on(settings):
    settings.KEYCRM_WRITE_BACK = "on"


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


def test_a_dry_run_reads_all_and_leaves_the_stored_page(far):
    for number in range(120):
        far.add_buyer(f"+38050{number:07d}")
    resyncing.resync(far, fields=FIELDS, clock=lambda: far.now, at_most_pages=1)
    told = resyncing.resync(far, fields=FIELDS, clock=lambda: far.now, is_dry_run=True)
    assert (told.pages, PollCursor.objects.get(name="resync").page) == (3, 2)


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
