"""A refill from the grid it reads to the codes it keeps, against a panel in memory; broken at every step and run again."""

import datetime as dt

import pytest

from promo.errors import LeaseLost, PanelReason, PanelTemporary
from promo.models import Code, CodeEvent, PanelLease, ReplenishRun
from promo.ports import RowStatus
from promo.services import leasing, replenishing, stock
from tests.factories import make_code, make_issue, make_pool
from tests.promo.local_panel import LocalPanel, broken

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture
def panel():
    return LocalPanel()


def clock():
    return NOW


def start(pool, kind="refill", now=NOW):
    stock.request_run(pool_id=pool.pk, kind=kind, trigger="staff", now=now)
    token = leasing.take_lease(holder="test", now=now)
    assert token is not None
    run = leasing.next_run(token, now=now)
    assert run is not None
    return run, token


def refill(pool, panel, *, deadline=LATER):
    run, token = start(pool)
    outcome = replenishing.replenish(run=run, token=token, panel=panel, clock=clock, deadline=deadline)
    replenishing.finish_run(run=run, token=token, outcome=outcome, now=NOW)
    leasing.release_lease(token)
    run.refresh_from_db()
    return run


def states(pool):
    return sorted(pool.codes.values_list("state", flat=True))


def test_an_empty_pool_is_filled_up_to_its_target_with_codes_that_the_panel_has(panel):
    pool = make_pool(amount_uah=1100, target=10)
    run = refill(pool, panel)
    assert (run.state, run.codes_created, run.codes_kept) == ("succeeded", 10, 10)
    assert set(pool.codes.filter(state="available").values_list("code", flat=True)) == set(panel.rows)
    assert all(code.valid_until == dt.date(2027, 3, 14) for code in pool.codes.all())
    assert CodeEvent.objects.filter(to_state="available", reason="read back from the panel").count() == 10


def test_strings_are_committed_before_the_first_is_typed(panel):
    pool = make_pool(amount_uah=1100, target=10)
    seen = []
    panel.before_create = lambda new: seen.append(Code.objects.filter(code=new.code, state="planned").exists())
    refill(pool, panel)
    assert seen == [True] * 10


def test_a_full_pool_types_nothing(panel):
    pool = make_pool(amount_uah=1100, target=10)
    for number in range(10):
        make_code(pool, code=f"BON1100N{number}")
        panel.put(f"BON1100N{number}")
    assert refill(pool, panel).state == "succeeded"
    assert panel.created == []


def test_a_code_that_the_panel_did_not_keep_never_becomes_available(panel):
    pool = make_pool(amount_uah=1100, target=4)
    panel.silently_loses = True
    run = refill(pool, panel)
    assert (run.state, run.reason) == ("failed", "partial")
    assert states(pool) == ["planned"] * 4
    pool.refresh_from_db()
    assert pool.cooldown_until == NOW + dt.timedelta(minutes=15)


def test_a_rerun_retypes_the_same_strings_and_invents_none(panel):
    pool = make_pool(amount_uah=1100, target=4)
    panel.silently_loses = True
    refill(pool, panel)
    first = list(panel.created)
    panel.silently_loses = False
    assert refill(pool, panel).state == "succeeded"
    assert panel.created == first * 2
    assert pool.codes.count() == 4


def test_a_rerun_takes_what_a_broken_save_left_in_the_panel(panel):
    pool = make_pool(amount_uah=1100, target=4)

    def breaks(new):
        if len(panel.created) == 2:
            raise broken(PanelReason.UNREACHABLE)

    panel.after_create = breaks
    run, token = start(pool)
    with pytest.raises(PanelTemporary):
        replenishing.replenish(run=run, token=token, panel=panel, clock=clock, deadline=LATER)
    assert states(pool) == ["available", "planned", "planned", "planned"]
    panel.after_create = lambda new: None
    leasing.release_lease(token)
    token = leasing.take_lease(holder="next", now=NOW)
    run = leasing.next_run(token, now=NOW)
    outcome = replenishing.replenish(run=run, token=token, panel=panel, clock=clock, deadline=LATER)
    assert outcome.state == "succeeded"
    assert len(panel.rows) == 4
    assert states(pool) == ["available"] * 4


def test_a_save_whose_answer_never_came_is_read_back_and_kept(panel):
    pool = make_pool(amount_uah=1100, target=4)

    def hangs(new):
        raise broken(PanelReason.SLOW)

    panel.after_create = hangs
    assert refill(pool, panel).state == "succeeded"
    assert len(panel.rows) == 4


def test_an_active_code_that_we_never_saw_is_taken_in_where_the_pool_trusts_the_panel(panel):
    pool = make_pool(amount_uah=1100, target=4)
    panel.put("BON1100STRANGER")
    run = refill(pool, panel)
    assert (run.codes_adopted, run.codes_created) == (1, 3)
    assert Code.objects.get(code="BON1100STRANGER").state == "available"


def test_where_the_pool_asks_a_foreign_code_waits_for_a_person_and_fills_nothing(panel):
    pool = make_pool(amount_uah=1100, target=4, adopt="ask")
    panel.put("BON1100STRANGER")
    run = refill(pool, panel)
    assert (run.codes_adopted, run.codes_created) == (0, 4)
    assert Code.objects.get(code="BON1100STRANGER").state == "foreign"


def test_a_code_that_was_handed_out_does_not_come_back_because_the_panel_shows_it_active(panel):
    pool = make_pool(amount_uah=1100, target=4)
    code = make_code(pool, code="BON1100OUT", state="issued")
    make_issue(code)
    panel.put("BON1100OUT")
    refill(pool, panel)
    code.refresh_from_db()
    assert code.state == "issued"


@pytest.mark.parametrize(
    ("amount", "status"),
    [(1200, RowStatus.ACTIVE), (None, RowStatus.ACTIVE), (1100, RowStatus.UNKNOWN), (1100, RowStatus.INACTIVE)],
)
def test_a_row_that_is_not_surely_ours_enters_no_pool(panel, amount, status):
    pool = make_pool(amount_uah=1100, target=4)
    panel.put("BON1100STRANGER", amount, status)
    panel.read_codes_filter = None
    refill(pool, panel)
    assert not Code.objects.filter(code="BON1100STRANGER").exists()
    assert pool.codes.filter(state="available").count() == 4


def test_an_available_code_that_the_panel_shows_inactive_is_void(panel):
    pool = make_pool(amount_uah=1100, target=4)
    make_code(pool, code="BON1100GONE")
    panel.put("BON1100GONE", status=RowStatus.INACTIVE)
    run = refill(pool, panel)
    assert (run.codes_voided, run.codes_created) == (1, 4)
    assert Code.objects.get(code="BON1100GONE").state == "void"


def test_a_string_shown_twice_with_different_amounts_is_nobodys_code(panel):
    pool = make_pool(amount_uah=1100, target=4)
    panel.put("BON1100TWICE")
    double = LocalPanel()
    double.put("BON1100TWICE", None)
    reading = panel.read_codes(amount_uah=1100)
    run, token = start(pool)
    decided = replenishing.take_in(
        run=run,
        pool=pool,
        token=token,
        reading=type(reading)(rows=(*reading.rows, *double.read_codes(amount_uah=None).rows)),
        clock=clock,
    )
    assert decided == []
    assert not Code.objects.filter(code="BON1100TWICE").exists()


def test_past_the_time_budget_the_run_stops_between_two_codes_and_goes_on_later(panel):
    pool = make_pool(amount_uah=1100, target=4)
    run = refill(pool, panel, deadline=NOW)
    assert (run.state, run.reason, run.attempts) == ("requested", "time_budget", 0)
    assert panel.created == []
    assert states(pool) == ["planned"] * 4


def test_a_worker_that_lost_its_lease_changes_nothing(panel):
    pool = make_pool(amount_uah=1100, target=4)
    run, token = start(pool)
    stolen = leasing.take_lease(holder="thief", now=NOW + leasing.LAPSES_AFTER)
    assert stolen is not None
    with pytest.raises(LeaseLost):
        replenishing.replenish(run=run, token=token, panel=panel, clock=clock, deadline=LATER)
    assert panel.created == []
    assert not pool.codes.exists()
    with pytest.raises(LeaseLost):
        replenishing.finish_run(run=run, token=token, outcome=replenishing.RunOutcome("succeeded"), now=NOW)
    run.refresh_from_db()
    assert run.state == "requested"


def test_the_lease_is_for_one_and_lapses_after_two_minutes():
    token = leasing.take_lease(holder="a", now=NOW)
    assert leasing.take_lease(holder="b", now=NOW + dt.timedelta(seconds=119)) is None
    leasing.renew_lease(token, now=NOW + dt.timedelta(seconds=100))
    assert leasing.take_lease(holder="b", now=NOW + dt.timedelta(seconds=219)) is None
    assert leasing.take_lease(holder="b", now=NOW + dt.timedelta(seconds=220)) is not None
    with pytest.raises(LeaseLost):
        leasing.renew_lease(token, now=NOW + dt.timedelta(seconds=221))


def test_a_run_left_in_the_middle_goes_on_and_a_poison_stops_after_five_attempts():
    pool = make_pool(amount_uah=1100)
    stock.request_run(pool_id=pool.pk, trigger="staff", now=NOW)
    moment = NOW
    for attempt in range(1, leasing.MAX_ATTEMPTS + 1):
        token = leasing.take_lease(holder="dies", now=moment)
        assert leasing.next_run(token, now=moment).attempts == attempt
        moment += leasing.LAPSES_AFTER
    token = leasing.take_lease(holder="last", now=moment)
    assert leasing.next_run(token, now=moment) is None
    run = ReplenishRun.objects.get()
    assert (run.state, run.reason) == ("failed", "crashed")


def test_a_blocked_panel_is_left_alone_until_a_person_says_so():
    pool = make_pool(amount_uah=1100)
    run, token = start(pool)
    leasing.block_panel(token, reason=PanelReason.WRONG_PASSWORD, detail="", now=NOW)
    replenishing.finish_run(
        run=run, token=token, outcome=replenishing.RunOutcome("needs_person", PanelReason.WRONG_PASSWORD), now=NOW
    )
    leasing.release_lease(token)
    assert leasing.take_lease(holder="next", now=NOW + dt.timedelta(days=3)) is None
    assert leasing.unblock_panel(actor="olena", now=NOW) == 1
    assert leasing.take_lease(holder="next", now=NOW) is not None
    run.refresh_from_db()
    assert run.state == "requested"


def test_maintenance_ends_by_itself():
    token = leasing.take_lease(holder="a", now=NOW)
    leasing.block_panel(token, reason=PanelReason.MAINTENANCE, detail="", now=NOW)
    leasing.release_lease(token)
    assert leasing.take_lease(holder="b", now=NOW + dt.timedelta(minutes=14)) is None
    assert leasing.take_lease(holder="b", now=NOW + dt.timedelta(minutes=15)) is not None


def test_failures_in_a_row_let_the_pool_rest_longer_each_time_and_success_ends_it(panel):
    pool = make_pool(amount_uah=1100, target=4)
    panel.silently_loses = True
    rests = []
    for _ in range(7):
        refill(pool, panel)
        pool.refresh_from_db()
        rests.append((pool.cooldown_until - NOW) / dt.timedelta(minutes=1))
    assert rests == [15, 30, 60, 120, 240, 360, 360]
    panel.silently_loses = False
    refill(pool, panel)
    pool.refresh_from_db()
    assert (pool.cooldown_until, pool.failures_in_row) == (None, 0)


def test_the_saved_session_is_unreadable_in_the_rows():
    token = leasing.take_lease(holder="a", now=NOW)
    leasing.save_session(token, '{"cookies": "demo_sid"}', now=NOW)
    assert b"demo_sid" not in bytes(PanelLease.objects.get().session)
    assert leasing.load_session() == '{"cookies": "demo_sid"}'


def test_what_was_decided_about_each_row_is_told_without_the_full_code(panel):
    pool = make_pool(amount_uah=1100, target=4)
    panel.put("BON1100STRANGER")
    panel.put("BON1100WEIRD", status=RowStatus.UNKNOWN)
    run = refill(pool, panel)
    told = {row.shown_code: (row.decision, row.why) for row in run.rows.all()}
    assert ("ignore", "status word unknown") in told.values()
    assert not any("STRANGER" in code for code in told)
