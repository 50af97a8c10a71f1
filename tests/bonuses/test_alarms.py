"""What runs by itself for the ledger, and what staff see when its proof fails."""

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.urls import reverse
from django.utils.translation import override

from bonuses import append_only, tasks
from bonuses.admin.alarms import find_banners
from bonuses.errors import AnchorUnavailable
from bonuses.models import Anchor, LedgerEntry, Seal, Verification
from bonuses.services import auditing
from bonusportal import schedules
from bonusportal.models import DailyCount
from tests.bonuses.scenes import DAY, NOW, give, make_customer
from tests.staff import read, sign_in

pytestmark = pytest.mark.django_db
NIGHT = dt.datetime(2026, 3, 11, 0, 0, tzinfo=dt.UTC)  # 02:00 in Kyiv


@pytest.fixture(autouse=True)
def _in_english():
    with override("en"):
        yield


class Unreachable:
    def create(self, name, content):
        raise AnchorUnavailable("EndpointConnectionError")

    def names(self):
        raise AnchorUnavailable("EndpointConnectionError")


@pytest.fixture
def ledger(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    give(make_customer(), 100)
    give(make_customer(), 50)


def tick(task, moment):
    with time_machine.travel(moment, tick=False):
        task()


def texts(now):
    return [(str(banner.colour), str(banner.text)) for banner in find_banners(now)]


def give_entry_points(sequence, points):
    """Past the portal, with the triggers away."""
    append_only.remove(connection)
    LedgerEntry.objects.filter(seal__sequence=sequence).update(points=points)
    append_only.install(connection)


def test_the_four_sweeps_run_by_themselves():
    periods = {entry.task: entry.seconds for entry in schedules.SCHEDULES}
    assert periods["bonuses.tasks.seal_entries"] == 10
    assert periods["bonuses.tasks.anchor_head"] == 600
    assert periods["bonuses.tasks.settle_due"] == 60
    assert periods["bonuses.tasks.verify_nightly"] == 3600


def test_sealing_and_anchoring(ledger):
    tick(tasks.seal_entries, NOW)
    assert (Seal.objects.count(), Anchor.objects.count()) == (2, 0)
    tick(tasks.anchor_head, NOW)
    assert Anchor.objects.get().sequence == 2


def test_the_hourly_look_verifies_once_a_night_and_catches_up_in_the_morning(ledger):
    tick(tasks.verify_nightly, NIGHT - dt.timedelta(hours=1))  # the first ever
    tick(tasks.verify_nightly, NIGHT - dt.timedelta(minutes=1))
    assert Verification.objects.count() == 1
    for hours in range(6):
        tick(tasks.verify_nightly, NIGHT + dt.timedelta(hours=hours))
    assert Verification.objects.count() == 2
    tick(tasks.verify_nightly, NIGHT + DAY + dt.timedelta(hours=9))
    tick(tasks.anchor_head, NIGHT + DAY + dt.timedelta(hours=9))
    assert Verification.objects.count() == 3
    assert texts(NIGHT + DAY + dt.timedelta(hours=9)) == []


def test_a_broken_ledger_is_an_alarm_on_the_board_until_it_verifies_again(ledger, client):
    tick(tasks.anchor_head, NOW)
    give_entry_points(2, 77)
    tick(tasks.verify_nightly, NIGHT)
    assert Verification.objects.get().first_bad == 2
    assert DailyCount.objects.get(name="alarm.ledger").count == 1
    sign_in(client, "promo.view_pool", "bonuses.view_verification")
    with time_machine.travel(NIGHT, tick=False):
        page = read(client)
        assert "The ledger is not as it was sealed: the first bad entry is number 2." in page
        assert "The ledger is not as it was sealed" in read(client, reverse("admin:bonuses_verification_changelist"))
    give_entry_points(2, 50)
    tick(tasks.verify_ledger, NIGHT)
    assert texts(NIGHT) == []


def test_anchors_that_cannot_be_read_are_a_finding_and_no_silence(ledger):
    run = auditing.verify_and_record(Unreachable(), actor="portal", now=NOW)
    assert (run.first_bad, run.finding) == (None, "the anchors could not be read: EndpointConnectionError")
    tick(tasks.seal_entries, NOW)
    assert texts(NOW) == [("danger", "The ledger could not be verified: its anchors cannot be read.")]


def test_a_proof_that_is_not_kept_up_is_a_warning(ledger):
    tick(tasks.seal_entries, NOW)
    assert texts(NOW + dt.timedelta(minutes=59)) == []
    assert texts(NOW + dt.timedelta(hours=2)) == [("warning", "The ledger's head was not anchored for an hour.")]
    tick(tasks.anchor_head, NOW + dt.timedelta(hours=2))
    assert texts(NOW + dt.timedelta(hours=2)) == []
    assert texts(NOW + 3 * DAY) == [("warning", "The ledger was not verified for two nights.")]


def test_an_empty_ledger_warns_of_nothing():
    assert texts(NOW) == []
