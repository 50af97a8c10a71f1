"""The line that all processes share: turns of a minute, in Redis and in the table, and the breaker. Many real processes, and what would happen without."""

import multiprocessing
import time

import pytest
import redis
from django.db import connection, connections, transaction

from bonusportal import limits
from keycrm.errors import CrmUnavailable, RateLimited
from keycrm.line import SharedLine, breaker, pacing
from keycrm.line.pacing import Pace, cap_of, take_in_table
from keycrm.models import CallWindow, Connection
from keycrm.models.connection import ONLY
from tests.keycrm.world import World

AT = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _redis_is_well():
    limits.redis_pause.stop()
    yield
    limits.redis_pause.stop()


@pytest.fixture(params=["redis", "table"])
def pace(request):
    url = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    return Pace(account="one", calls_per_minute=50, redis_url=url)


def granted(pace, times, *, now, urgent=True):
    return sum(not pace.take(urgent=urgent, now=now) for _ in range(times))


# --- turns ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_no_minute_has_more_calls_than_the_rate(pace):
    assert granted(pace, 80, now=AT) == 50
    assert granted(pace, 80, now=AT + pacing.WINDOW_SECONDS - 0.1) == 0
    assert granted(pace, 80, now=AT + pacing.WINDOW_SECONDS + 0.1) == 50


@pytest.mark.django_db
def test_the_window_slides_and_does_not_start_anew(pace):
    assert granted(pace, 30, now=AT) == 30
    assert granted(pace, 30, now=AT + 40) == 20
    assert granted(pace, 80, now=AT + pacing.WINDOW_SECONDS + 0.1) == 30


@pytest.mark.django_db
def test_background_work_leaves_a_fifth_to_calls_that_a_person_waits_for(pace):
    assert granted(pace, 80, now=AT, urgent=False) == 40
    assert granted(pace, 80, now=AT + 1, urgent=True) == 10
    # The background's turns end first, and yet the first that are free are not the background's.
    later = AT + pacing.WINDOW_SECONDS + 0.5
    assert granted(pace, 45, now=later, urgent=True) == 40
    assert granted(pace, 45, now=later, urgent=False) == 0


@pytest.mark.django_db
def test_the_wait_names_the_moment_at_which_there_is_a_turn(pace):
    granted(pace, 50, now=AT)
    wait = pace.take(urgent=True, now=AT + 10)
    assert wait == pytest.approx(pacing.WINDOW_SECONDS - 10, abs=0.01)
    assert pace.take(urgent=True, now=AT + 10 + wait + 0.001) == 0


@pytest.mark.django_db
def test_a_clock_that_is_set_back_does_not_open_the_gate(pace):
    granted(pace, 50, now=AT)
    assert granted(pace, 80, now=AT - 5) == 0


@pytest.mark.django_db
def test_two_accounts_in_one_redis_do_not_disturb_each_other(redis_url):
    one, other = (Pace(account=name, calls_per_minute=5, redis_url=redis_url) for name in ("one", "other"))
    assert (granted(one, 9, now=AT), granted(other, 9, now=AT)) == (5, 5)


@pytest.mark.django_db
def test_without_redis_only_the_margin_is_spent():
    """Others may still reach it and spend the rate there: together it must not be more than the CRM allows."""
    pace = Pace(account="one", calls_per_minute=50, redis_url="redis://127.0.0.1:1/0")
    assert granted(pace, 30, now=AT) == pacing.CRM_LIMIT - 50
    assert limits.redis_pause.is_on


@pytest.mark.django_db
def test_the_script_goes_by_redis_s_clock_and_the_table_by_the_database_s(pace, monkeypatch):
    if connection.vendor == "postgresql" or pace.redis_url:
        monkeypatch.setattr(time, "time", lambda: 1.0)
    assert granted(pace, 50, now=None) == 50
    assert 0 < pace.take(urgent=True) <= pacing.WINDOW_SECONDS


# --- many processes -----------------------------------------------------------------------------------------------


def _speak_alone():
    """In a child: forget the parent's connection without a word on it. (Where a browser was driven before, the parent may have one that it cannot close.)"""
    for inherited in connections.all(initialized_only=True):
        inherited.connection = None


def _take_many(pace, gate, found):
    _speak_alone()
    gate.wait(30)
    found.put(granted(pace, 40, now=AT))


def _take_many_without_lock(_pace, gate, found):
    """What reading and saving would do: the negative control."""
    _speak_alone()
    gate.wait(30)
    got = 0
    for _ in range(40):
        turns = CallWindow.objects.get(pk=ONLY).turns
        if len(turns) < 50:
            CallWindow.objects.filter(pk=ONLY).update(turns=[*turns, AT])
            got += 1
    found.put(got)


def in_processes(work, pace, processes=4):
    fork = multiprocessing.get_context("fork")
    gate, found = fork.Barrier(processes), fork.Queue()
    connections.close_all()  # a child must not speak on our connection
    if pace.redis_url:
        pacing._redis.cache_clear()
    children = [fork.Process(target=work, args=(pace, gate, found)) for _ in range(processes)]
    for child in children:
        child.start()
    counts = [found.get(timeout=60) for _ in children]
    for child in children:
        child.join(30)
    return counts


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_four_processes_together_get_the_rate_and_not_one_more(pace):
    take_in_table(50, now=0.0)  # the row is there
    counts = in_processes(_take_many, pace)
    assert sum(counts) == 50


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_they_would_get_more():
    take_in_table(50, now=0.0)
    CallWindow.objects.update(turns=[])
    counts = in_processes(_take_many_without_lock, Pace(account="one", calls_per_minute=50))
    assert sum(counts) > 50


# --- the breaker --------------------------------------------------------------------------------------------------


def fail(times, *, now=AT):
    for _ in range(times):
        breaker.note_failure("503", now=now)


@pytest.mark.django_db
def test_five_failures_in_a_row_open_it_for_half_a_minute():
    fail(4)
    assert breaker.ask(now=AT) == breaker.Wait()
    fail(1)
    assert breaker.ask(now=AT + 1) == breaker.Wait(29.0, is_open=True)


@pytest.mark.django_db
def test_an_answer_in_between_starts_the_count_anew():
    fail(4)
    breaker.note_answer(now=AT)
    fail(4)
    assert breaker.ask(now=AT) == breaker.Wait()


@pytest.mark.django_db
def test_after_its_time_one_call_probes_and_the_others_wait_for_it():
    fail(5)
    assert breaker.ask(now=AT + 31) == breaker.Wait()
    assert breaker.ask(now=AT + 31).is_open
    breaker.note_answer(now=AT + 32)
    assert breaker.ask(now=AT + 32) == breaker.Wait()


@pytest.mark.django_db
def test_a_probe_that_crashed_does_not_block_for_ever():
    fail(5)
    breaker.ask(now=AT + 31)
    assert breaker.ask(now=AT + 31 + breaker.PROBE_SECONDS + 1) == breaker.Wait()


@pytest.mark.django_db
def test_each_failed_probe_doubles_the_time_up_to_ten_minutes():
    fail(5)
    now, waits = AT + 31, []
    for _ in range(7):
        assert breaker.ask(now=now) == breaker.Wait()
        fail(1, now=now)
        waits.append(breaker.ask(now=now).seconds)
        now += waits[-1] + 1
    assert waits == pytest.approx([60, 120, 240, 480, 600, 600, 600])


@pytest.mark.django_db
def test_failures_of_calls_that_were_on_their_way_do_not_lengthen_it():
    fail(12)
    assert breaker.ask(now=AT).seconds == 30


@pytest.mark.django_db
def test_what_the_crm_asks_to_wait_holds_for_everybody():
    breaker.note_limit(20, now=AT)
    breaker.note_limit(5, now=AT + 1)
    assert breaker.ask(now=AT + 2) == breaker.Wait(18.0)
    assert breaker.ask(now=AT + 21) == breaker.Wait()


@pytest.mark.django_db
def test_staff_see_when_it_failed_and_when_it_answered():
    breaker.note_answer(now=AT)
    breaker.note_failure("ReadTimeout", now=AT + 5)
    row = Connection.objects.get()
    assert (row.last_failure, row.failures) == ("ReadTimeout", 1)
    assert (row.last_failure_at - row.last_answer_at).total_seconds() == 5


@pytest.mark.django_db
def test_answers_are_not_written_down_one_by_one(django_assert_num_queries):
    breaker.note_answer(now=AT)
    with django_assert_num_queries(3):  # a savepoint, one question, and its end
        breaker.note_answer(now=AT + 1)


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_nobody_takes_a_turn():
    line = SharedLine(account="one", calls_per_minute=50)
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        line.take_turn(urgent=True, within_seconds=1)


# --- together -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_open_breaker_ends_a_call_at_once():
    fail(5, now=time.time())
    line = SharedLine(account="one", calls_per_minute=50, sleep=pytest.fail)
    with pytest.raises(CrmUnavailable) as refusal:
        line.take_turn(urgent=True, within_seconds=100)
    assert 0 < refusal.value.retry_after_seconds <= 30


@pytest.mark.django_db
def test_a_turn_that_would_come_too_late_is_not_waited_for():
    line = SharedLine(account="one", calls_per_minute=5, sleep=pytest.fail)
    for _ in range(5):
        line.take_turn(urgent=True, within_seconds=6)
    with pytest.raises(RateLimited) as refusal:
        line.take_turn(urgent=True, within_seconds=6)
    assert 6 < refusal.value.retry_after_seconds <= pacing.WINDOW_SECONDS


@pytest.mark.django_db
def test_a_turn_that_comes_in_time_is_waited_for():
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        CallWindow.objects.update(turns=[])  # the minute is over

    line = SharedLine(account="one", calls_per_minute=5, sleep=sleep, clock=lambda: 0.0)
    for _ in range(6):
        line.take_turn(urgent=True, within_seconds=90)
    assert len(slept) == 1


def test_the_cap_of_background_work_is_a_fifth_below():
    assert [cap_of(rate, urgent=False) for rate in (50, 10, 5, 1, 0)] == [40, 8, 4, 0, -1]


def test_redis_is_real_here(redis_url):
    assert redis.Redis.from_url(redis_url).ping()


# --- the client on the line, at a CRM that counts --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["redis", "table"])
@pytest.mark.django_db
def test_two_minutes_of_calls_are_made_and_none_is_over_the_limit(kind, request):
    """Two tasks and a page share the line, each as fast as it may."""
    world = World()
    url = request.getfixturevalue("redis_url") if kind == "redis" else ""
    tasks = [world.client(line=world.line(redis_url=url)) for _ in range(2)]
    page = world.client(line=world.line(redis_url=url), urgent=True)
    for number in range(60):
        for crm in tasks:
            crm.custom_fields("client")
        if number % 10 == 9:
            page.custom_fields("client")
    assert world.state.counters["calls"] == 126
    assert world.state.counters["over_limit"] == 0


@pytest.mark.django_db
def test_a_page_s_calls_do_not_wait_behind_those_of_tasks():
    world = World()
    task, page = world.client(line=world.line()), world.client(line=world.line(), urgent=True)
    for _ in range(40):
        task.custom_fields("client")
    before = list(world.clock.slept)
    for _ in range(10):
        page.custom_fields("client")
    assert world.clock.slept == before
    task.custom_fields("client")
    assert world.clock.slept[-1] > 50


@pytest.mark.django_db
def test_without_the_line_calls_would_be_over_the_limit():
    """The negative control."""
    world = World()
    for _ in range(3):
        crm = world.client()
        for _ in range(40):
            crm.custom_fields("client")
    assert world.state.counters["over_limit"] > 0


@pytest.mark.django_db
def test_a_crm_that_is_away_is_left_alone_by_all():
    world = World(errors_first=10_000)
    for _ in range(5):
        with pytest.raises(CrmUnavailable):
            world.client(line=world.line()).statuses()
    assert (
        len(world.seen) == 5
    )  # four attempts of the first and one of the second opened it; the others did not even ask
    assert world.clock.seconds < 10
    world.state.set_switches(errors_first=0)
    world.clock.sleep(31)
    assert world.client(line=world.line()).statuses()
    assert world.client(line=world.line()).sources()


@pytest.mark.django_db
def test_after_a_429_nobody_calls_until_its_time():
    world = World(limit_per_minute=3)
    one, other = world.client(line=world.line()), world.client(line=world.line(), urgent=True)
    for _ in range(3):
        one.statuses()
    with pytest.raises(RateLimited):
        other.statuses()
    with pytest.raises(RateLimited) as refusal:
        other.statuses()
    assert world.state.counters["over_limit"] == 1
    assert refusal.value.retry_after_seconds == pytest.approx(60, abs=1)
    one.statuses()
    assert world.state.counters["over_limit"] == 1
