"""What a customer is told of: every credit, spend, end, clawback and debt; ends beforehand; and reading changes nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from bonuses.models import Notice, NoticeMark
from bonuses.services import expiring, merging, notifying
from bonusportal.errors import BadInput
from tests.bonuses.scenes import DAY, NOW, give, hold, make_customer, say

pytestmark = pytest.mark.django_db
LAST_DAY = dt.date(2026, 6, 8)  # ninety days from NOW


def told(customer, **fields):
    return [(one.kind, one.points) for one in notifying.notices_after(customer_id=customer, **fields).notices]


def test_every_movement_of_points_is_told_in_its_order():
    customer = make_customer()
    say("1", customer=customer)
    placed = hold(customer, 60)
    say("2", "completed", "0", customer=customer, holds=[placed.id])
    say("1", "cancelled", customer=customer, now=NOW + DAY)
    give(customer, 100, now=NOW + DAY)
    expiring.sweep(now=NOW + 200 * DAY)
    assert told(customer) == [
        ("credit", 100), ("spend", -60), ("clawback", -40), ("debt", -60), ("credit", 100), ("repaid", -60), ("expired", -40),
    ]  # fmt: skip
    assert notifying.notices_after(customer_id=customer).notices[1].order_number == "2"
    assert told(make_customer()) == []


def test_reading_changes_nothing_and_acknowledging_is_what_moves_the_mark():
    customer = make_customer()
    give(customer, 100)
    give(customer, 200)
    first = notifying.notices_after(customer_id=customer, limit=1)
    assert (len(first.notices), first.has_more) == (1, True)
    assert told(customer) == [("credit", 100), ("credit", 200)]
    notifying.acknowledge(customer_id=customer, cursor=first.cursor, now=NOW)
    assert told(customer) == [("credit", 200)]
    assert told(customer, after="0-0") == [("credit", 100), ("credit", 200)]
    notifying.acknowledge(customer_id=customer, cursor="0-0", now=NOW)
    assert told(customer) == [("credit", 200)]


def test_nobody_acknowledges_what_is_not_there_yet():
    customer = make_customer()
    notifying.acknowledge(customer_id=customer, cursor="999999999999999999-999999999999999999", now=NOW)
    give(customer, 100)
    assert told(customer) == [("credit", 100)]


@pytest.mark.parametrize("cursor", ["x", "1", "1-", "-1-2", "1-2-3", "١-٢", "1" * 19 + "-0"])
def test_what_is_no_cursor_is_refused(cursor):
    with pytest.raises(BadInput):
        notifying.notices_after(customer_id=make_customer(), after=cursor)


def test_ends_are_told_thirty_seven_and_one_day_before_and_once_each():
    customer = make_customer()
    give(customer, 100)
    made = {}
    for day in range(1, 91):
        for _ in range(2):
            notifying.warn_of_ends(now=NOW + day * DAY)
        made[day] = Notice.objects.count()
    assert (made[59], made[60], made[82], made[83], made[88], made[89], made[90]) == (0, 1, 1, 2, 2, 3, 3)
    found = [one for one in notifying.notices_after(customer_id=customer).notices if one.kind == "expiring"]
    assert [(one.days, one.points, one.last_day) for one in found] == [
        (30, 100, LAST_DAY),
        (7, 100, LAST_DAY),
        (1, 100, LAST_DAY),
    ]


def test_after_a_pause_of_the_sweep_only_the_nearest_warning_is_made():
    customer = make_customer()
    give(customer, 100)
    assert notifying.warn_of_ends(now=NOW + 85 * DAY) == 1
    assert Notice.objects.get().days == 7
    assert notifying.warn_of_ends(now=NOW + 86 * DAY) == 0


def test_what_is_spent_is_not_warned_of():
    customer = make_customer()
    give(customer, 100)
    hold(customer, 100, now=NOW + 85 * DAY)
    assert notifying.warn_of_ends(now=NOW + 85 * DAY) == 0


def test_after_a_merge_the_survivor_is_told():
    old, new = make_customer(), make_customer()
    give(old, 100)
    merging.merge_customers(from_id=old, into_id=new, now=NOW, actor="olena")
    give(new, 50)
    notifying.warn_of_ends(now=NOW + 85 * DAY)
    assert told(old) == told(new) == [("credit", 50), ("expiring", 100), ("expiring", 50)]
    notifying.acknowledge(customer_id=old, cursor=notifying.notices_after(customer_id=old).cursor, now=NOW)
    assert NoticeMark.objects.get().customer_id == new
