"""Claiming codes: order, expiry, natural keys, triggers."""

import datetime as dt

import pytest

from promo.errors import PoolEmpty, PoolUnknown
from promo.models import Issue, ReplenishRun
from promo.services import issuing, levels, stock
from tests.factories import make_code, make_pool

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)


def issue(amount_uah=1100, **values):
    return issuing.issue_code(amount_uah=amount_uah, channel="drop_in", now=NOW, **values)


def test_the_oldest_place_goes_first_whatever_the_ids_are():
    pool = make_pool(amount_uah=1100)
    make_code(pool, code="BON1100SECOND", place=2)
    make_code(pool, code="BON1100FIRST", place=1)
    assert [issue().code, issue().code] == ["BON1100FIRST", "BON1100SECOND"]


def test_a_code_with_less_than_three_days_left_is_not_handed_out():
    pool = make_pool(amount_uah=1100)
    make_code(pool, code="BON1100SOON", place=1, valid_until=dt.date(2026, 3, 16))
    make_code(pool, code="BON1100GOOD", place=2, valid_until=dt.date(2026, 3, 17))
    assert issue().code == "BON1100GOOD"
    with pytest.raises(PoolEmpty):
        issue()


@pytest.mark.parametrize("state", ["planned", "issued", "redeemed", "withdrawn", "void", "foreign"])
def test_only_available_codes_are_handed_out(state):
    make_code(make_pool(amount_uah=1100), code="BON1100OTHER", state=state)
    with pytest.raises(PoolEmpty):
        issue()
    assert not Issue.objects.exists()


def test_a_pool_that_is_not_in_use_is_unknown():
    make_code(make_pool(amount_uah=1100, is_active=False))
    with pytest.raises(PoolUnknown):
        issue()


def test_a_natural_key_gets_its_code_again():
    pool = make_pool(amount_uah=1100)
    make_code(pool, code="BON1100A", place=1)
    make_code(pool, code="BON1100B", place=2)
    first = issue(natural_key="k" * 64)
    assert (issue(natural_key="k" * 64).code, issue(natural_key="k" * 64).is_replay) == (first.code, True)
    assert Issue.objects.count() == 1


def test_nearby_amounts_are_the_nearest_that_have_a_code():
    for amount in (1000, 1050, 1080, 1120, 1200, 1300):
        make_code(make_pool(amount_uah=amount), code=f"BON{amount}X")
    make_pool(amount_uah=1100)
    with pytest.raises(PoolEmpty) as refusal:
        issue()
    assert refusal.value.details == {"nearby": [1050, 1080, 1120, 1200]}


def test_twenty_issues_over_all_pools_ask_for_every_pool_under_target_that_issued(settings):
    settings.BATCH_ISSUES = 20
    busy, calm, untouched = (make_pool(amount_uah=amount, low_water=1, target=30) for amount in (1100, 1200, 1300))
    for number in range(25):
        make_code(busy, code=f"BON1100N{number}", place=number)
    for number in range(5):
        make_code(calm, code=f"BON1200N{number}", place=number)
        make_code(untouched, code=f"BON1300N{number}", place=number)
    issue(1200)
    for _ in range(18):
        stock.note_issue(pool_id=issue().pool_id, now=NOW)
    assert not ReplenishRun.objects.exists()
    stock.note_issue(pool_id=issue().pool_id, now=NOW)
    assert sorted(ReplenishRun.objects.values_list("pool__amount_uah", "trigger")) == [(1100, "batch"), (1200, "batch")]


def test_a_second_look_at_a_low_pool_asks_for_nothing_more():
    pool = make_pool(amount_uah=1100)
    assert len(stock.note_issue(pool_id=pool.pk, now=NOW)) == 1
    assert stock.note_issue(pool_id=pool.pk, now=NOW) == []
    assert (
        stock.look_at_stock(now=NOW) == [] or not ReplenishRun.objects.filter(pool=pool).exclude(trigger="low").exists()
    )
    assert ReplenishRun.objects.filter(pool=pool).count() == 1


def test_a_resting_pool_asks_for_nothing_but_a_person_may_insist():
    pool = make_pool(amount_uah=1100, cooldown_until=NOW + dt.timedelta(minutes=15))
    assert stock.request_run(pool_id=pool.pk, trigger="low", now=NOW) is None
    assert stock.request_run(pool_id=pool.pk, trigger="staff", requested_by="olena", now=NOW) is not None


def test_the_board_shows_the_pool_in_need_first_with_its_pace():
    fine, low = make_pool(amount_uah=1100), make_pool(amount_uah=1200)
    for number in range(9):
        make_code(fine, code=f"BON1100N{number}", place=number)
    for _ in range(2):
        issue()
    board = levels.board(now=NOW, pool_ids=[fine.pk, low.pk])
    assert [(row.amount_uah, row.level, row.available, row.issued_today) for row in board] == [
        (1200, "out", 0, 0),
        (1100, "fine", 7, 2),
    ]
    assert board[1].days_left == pytest.approx(24.5)
    assert board[1].issued_by_day == [0] * 13 + [2]
