"""Who is behind: found from new entries, whatever the number of customers who are up to date, and nobody is lost whose entry appears late."""

import datetime as dt

import pytest
from django.db import connection

from bonuses.models import LedgerEntry
from keycrm.models import BuyerLink, PollCursor
from keycrm.services import noticing, writing_back
from tests.bonuses import scenes
from tests.factories import NOW

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


def asked():
    return set(BuyerLink.objects.filter(asked_at__isnull=False).values_list("customer_id", flat=True))


def make(number):
    customer = scenes.make_customer(phone=f"+38050{number:07d}")
    scenes.give(customer, 100)
    return customer


def settle():
    """As if everything had been pushed."""
    BuyerLink.objects.update(asked_at=None, pushed_entry=LedgerEntry.objects.order_by("-id").first().pk)


@pytest.mark.both_databases
def test_whoever_has_a_new_entry_waits_and_nobody_else():
    first, second = make(1), make(2)
    noticing.notice_entries(now=NOW)
    assert asked() == {first, second}
    settle()
    assert noticing.notice_entries(now=NOW) == 0
    scenes.give(second, 10)
    noticing.notice_entries(now=NOW)
    assert asked() == {second}


@pytest.mark.both_databases
def test_what_is_old_enough_is_read_once_and_what_is_young_again():
    make(1)
    noticing.notice_entries(now=NOW + HOUR / 2)
    assert PollCursor.objects.get(name=noticing.NAME).entry < LedgerEntry.objects.first().pk
    noticing.notice_entries(now=NOW + 2 * HOUR)
    newest = LedgerEntry.objects.order_by("-id").first().pk
    assert PollCursor.objects.get(name=noticing.NAME).entry == newest
    other = make(2)  # of the same moment, so it is old already
    settle()
    BuyerLink.objects.filter(customer_id=other).delete()
    noticing.notice_entries(now=NOW + 2 * HOUR)
    assert asked() == {other}


@pytest.mark.both_databases
def test_many_entries_are_read_in_pieces_and_none_is_left_out():
    people = {make(number) for number in range(12)}
    noticing.notice_entries(now=NOW + 2 * HOUR, at_once=5)
    assert asked() == people


def test_an_entry_that_appears_behind_the_mark_within_the_hour_is_not_lost():
    """Ids are given when a transaction writes and seen when it ends."""
    late, early = make(1), make(2)
    noticing.notice_entries(now=NOW)
    settle()
    BuyerLink.objects.filter(customer_id=late).update(
        pushed_entry=0
    )  # its entry has the smaller id, and appears only now
    noticing.notice_entries(now=NOW + HOUR / 2)
    assert asked() == {late}
    assert early


@pytest.mark.postgresql
def test_with_a_hundred_thousand_up_to_date_fifty_are_found_by_walking_along_an_index():
    """Compared by rows that PostgreSQL touches, not by time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bonuses_customer (phone, email, name, created_at) SELECT '+38063' || lpad(n::text, 7, '0'), '', '', %s "
            "FROM generate_series(1, 100000) n", [NOW],
        )  # fmt: skip
        cursor.execute(
            "INSERT INTO keycrm_buyerlink (customer_id, buyer_id, pushed_entry, is_overwritten, asks, attempts, failures, stuck_reason, stuck_detail) "
            "SELECT id, id, 1000000000, false, 0, 0, 0, '', '' FROM bonuses_customer"
        )
        cursor.execute(
            "UPDATE keycrm_buyerlink SET asked_at = %s, pushed_entry = 0 WHERE id IN (SELECT id FROM keycrm_buyerlink ORDER BY id LIMIT 50)",
            [NOW],
        )
        cursor.execute("ANALYZE keycrm_buyerlink")
        cursor.execute("ANALYZE bonuses_customer")
    assert len(writing_back.find_behind(now=NOW, at_most=200)) == 50
    assert touched(writing_back._BEHIND, [NOW, NOW, NOW, 200]) <= 200
    make(1)
    newest = LedgerEntry.objects.order_by("-id").first().pk
    span = [newest - 10, newest, newest - 10, newest]
    assert touched(noticing._TOUCHED, span) <= 500
    assert touched(noticing._ASK, [NOW, *span]) <= 500
    assert touched(noticing._LINK, [False, NOW, *span]) <= 500


def touched(statement, values):
    """Rows that were read, also those that were thrown away."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
        (found,) = cursor.fetchone()
    return sum(rows_of(found[0]["Plan"]))


def rows_of(plan):
    thrown = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Join Filter", 0)
    yield (plan["Actual Rows"] + thrown) * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from rows_of(part)
