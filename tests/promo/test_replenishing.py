"""A refill from the grid it reads to the codes it keeps, against a panel in memory; broken at every step and run again."""

import datetime as dt

import pytest

from promo.errors import LeaseLost, OutcomeUnknown, PanelReason, PanelTemporary
from promo.models import Code, CodeEvent, PanelLease, ReplenishRun
from promo.ports import RowStatus
from promo.services import leasing, replenishing, stock, taking_in
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
    outcome = replenishing.work_on(run=run, token=token, panel=panel, clock=clock, deadline=deadline)
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
        replenishing.work_on(run=run, token=token, panel=panel, clock=clock, deadline=LATER)
    assert states(pool) == ["available", "planned", "planned", "planned"]
    panel.after_create = lambda new: None
    leasing.release_lease(token)
    token = leasing.take_lease(holder="next", now=NOW)
    run = leasing.next_run(token, now=NOW)
    outcome = replenishing.work_on(run=run, token=token, panel=panel, clock=clock, deadline=LATER)
    assert outcome.state == "succeeded"
    assert len(panel.rows) == 4
    assert states(pool) == ["available"] * 4


def test_a_save_whose_answer_never_came_is_read_back_and_kept(panel):
    pool = make_pool(amount_uah=1100, target=4)

    def hangs(new):
        raise OutcomeUnknown(PanelReason.SLOW)

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
    decided = taking_in.take_in(
        run=run,
        pool=pool,
        token=token,
        reading=type(reading)(rows=(*reading.rows, *double.read_codes(amount_uah=None).rows)),
        now=NOW,
    )
    assert decided == []
    assert not Code.objects.filter(code="BON1100TWICE").exists()


def test_past_the_time_budget_the_run_stops_between_two_codes_and_goes_on_later(panel):
    pool = make_pool(amount_uah=1100, target=4)
    time = [NOW]

    def tick(new):
        time[0] += dt.timedelta(seconds=10)

    panel.after_create = tick
    for expected in ([2, "requested", "time_budget"], [4, "succeeded", ""]):
        run, token = start(pool)
        deadline = time[0] + dt.timedelta(seconds=15)
        outcome = replenishing.work_on(run=run, token=token, panel=panel, clock=lambda: time[0], deadline=deadline)
        replenishing.finish_run(run=run, token=token, outcome=outcome, now=NOW)
        leasing.release_lease(token)
        run.refresh_from_db()
        assert [len(panel.created), run.state, run.reason] == expected
    assert run.attempts == 1
    assert states(pool) == ["available"] * 4


def test_codes_that_two_complete_readings_do_not_show_are_not_handed_out(panel):
    pool = make_pool(amount_uah=1100, target=6)
    refill(pool, panel)
    lost = sorted(panel.rows)[:2]
    for code in lost:
        del panel.rows[code]
    run = refill(pool, panel)
    assert run.state == "succeeded"
    assert sorted(Code.objects.filter(state="withdrawn").values_list("code", flat=True)) == lost
    assert pool.codes.filter(state="available").count() == 6


def test_when_most_codes_are_missing_nothing_is_withdrawn_and_a_person_is_asked(panel):
    pool = make_pool(amount_uah=1100, target=6)
    refill(pool, panel)
    panel.rows.clear()
    run = refill(pool, panel)
    assert (run.state, run.reason) == ("needs_person", "missing")
    assert states(pool) == ["available"] * 6
    assert panel.rows == {}


def test_a_code_missing_from_one_reading_only_stays(panel):
    pool = make_pool(amount_uah=1100, target=6)
    refill(pool, panel)
    hidden = panel.rows.pop(min(panel.rows))
    readings = []

    def comes_back():
        readings.append(1)
        if len(readings) == 2:
            panel.rows[hidden.code] = hidden

    panel.before_read = comes_back
    refill(pool, panel)
    assert states(pool) == ["available"] * 6


def test_a_planned_string_that_the_panel_has_for_something_else_is_given_up(panel):
    pool = make_pool(amount_uah=1100, target=4)
    panel.silently_loses = True
    refill(pool, panel)
    panel.silently_loses = False
    taken = panel.created[0]
    panel.put(taken, amount_uah=1200)
    assert refill(pool, panel).state == "failed"
    assert Code.objects.get(code=taken).state == "void"
    assert refill(pool, panel).state == "succeeded"
    assert pool.codes.filter(state="available").count() == 4


def withdrawn(pool, panel, code, **row):
    made = make_code(pool, code=code, state="withdrawn")
    if row is not None:
        panel.put(code, **row)
    return made


def retire(pool, panel):
    run, token = start(pool, kind="retire")
    outcome = replenishing.work_on(run=run, token=token, panel=panel, clock=clock, deadline=LATER)
    replenishing.finish_run(run=run, token=token, outcome=outcome, now=NOW)
    leasing.release_lease(token)
    run.refresh_from_db()
    return run


def test_a_withdrawn_code_is_void_when_it_was_deleted_and_seen_gone(panel):
    pool = make_pool(amount_uah=1100)
    withdrawn(pool, panel, "BON1100OUT")
    run = retire(pool, panel)
    assert (run.state, run.codes_deleted) == ("succeeded", 1)
    assert "BON1100OUT" not in panel.rows
    code = Code.objects.get(code="BON1100OUT")
    assert (code.state, code.reason) == ("void", "retired: deleted in the panel and seen gone")


def test_a_withdrawn_code_that_was_used_before_it_could_be_deleted_stays_and_says_so(panel):
    pool = make_pool(amount_uah=1100)
    withdrawn(pool, panel, "BON1100OUT", status=RowStatus.INACTIVE)
    run = retire(pool, panel)
    assert run.state == "succeeded"
    code = Code.objects.get(code="BON1100OUT")
    assert (code.state, code.inactive_since) == ("withdrawn", NOW)
    assert "BON1100OUT" in panel.rows


def test_a_deletion_that_did_nothing_is_not_believed(panel):
    pool = make_pool(amount_uah=1100)
    withdrawn(pool, panel, "BON1100OUT")
    panel.delete_codes = lambda rows: None
    run = retire(pool, panel)
    assert (run.state, run.reason) == ("failed", "partial")
    assert Code.objects.get(code="BON1100OUT").state == "withdrawn"


def test_a_crash_between_deleting_and_writing_it_down_is_repaired_by_the_rerun(panel):
    pool = make_pool(amount_uah=1100)
    withdrawn(pool, panel, "BON1100OUT")
    delete = panel.delete_codes

    def crashes(rows):
        delete(rows)
        raise KeyboardInterrupt

    panel.delete_codes = crashes
    run, token = start(pool, kind="retire")
    with pytest.raises(KeyboardInterrupt):
        replenishing.work_on(run=run, token=token, panel=panel, clock=clock, deadline=LATER)
    leasing.release_lease(token)
    panel.delete_codes = delete
    retire(pool, panel)
    assert Code.objects.get(code="BON1100OUT").state == "void"


def test_a_withdrawn_code_that_somebody_else_removed_waits_for_a_person(panel):
    pool = make_pool(amount_uah=1100)
    make_code(pool, code="BON1100OUT", state="withdrawn")
    retire(pool, panel)
    assert Code.objects.get(code="BON1100OUT").state == "withdrawn"


def test_inactive_rows_are_deleted_after_seven_days_and_only_ours_of_this_amount(panel):
    pool = make_pool(amount_uah=1100, target=4, delete_inactive=True)
    for code, since in (("BON1100OLD", 8), ("BON1100NEW", 6)):
        make_code(pool, code=code, state="void", inactive_since=NOW - dt.timedelta(days=since))
        panel.put(code, status=RowStatus.INACTIVE)
    panel.put("BON1100STRANGER", status=RowStatus.INACTIVE)
    panel.put("BON1100ODD", status=RowStatus.UNKNOWN)
    run = refill(pool, panel)
    assert run.codes_deleted == 1
    assert {"BON1100NEW", "BON1100STRANGER", "BON1100ODD"} <= set(panel.rows)
    assert "BON1100OLD" not in panel.rows


def test_a_bulk_request_removes_the_newest_codes_beyond_its_target(panel):
    pool = make_pool(amount_uah=1100, target=6)
    refill(pool, panel)
    oldest = list(pool.codes.order_by("place").values_list("code", flat=True))[:4]
    run, token = start(pool)
    run.options = {"target": 4, "remove_excess": True}
    run.save()
    outcome = replenishing.work_on(run=run, token=token, panel=panel, clock=clock, deadline=LATER)
    assert outcome.state == "succeeded"
    assert sorted(panel.rows) == sorted(oldest)
    assert states(pool) == ["available"] * 4 + ["void"] * 2


def test_a_worker_that_lost_its_lease_changes_nothing(panel):
    pool = make_pool(amount_uah=1100, target=4)
    run, token = start(pool)
    stolen = leasing.take_lease(holder="thief", now=NOW + leasing.LAPSES_AFTER)
    assert stolen is not None
    with pytest.raises(LeaseLost):
        replenishing.work_on(run=run, token=token, panel=panel, clock=clock, deadline=LATER)
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
