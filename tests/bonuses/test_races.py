"""Many hands on one account, on a real PostgreSQL. Each race has a control: the careless way of doing it, which the same race breaks."""

import datetime as dt
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.db.utils import OperationalError

from bonuses.errors import CannotMerge, HoldNotOpen, InsufficientPoints
from bonuses.models import Account, Hold, LedgerEntry, Lot, Order
from bonuses.services import auditing, customers, expiring, holding, merging, sealing
from tests.bonuses.scenes import DAY, NOW, entries, give, has, hold, make_customer, say

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
ROUNDS = 12


def together(*calls):
    """Every call at the same moment, each on a connection of its own; returns results, refusals as their classes."""
    gate = Barrier(len(calls))

    def run(call):
        try:
            gate.wait()
            return call()
        except (InsufficientPoints, HoldNotOpen, CannotMerge) as refusal:
            return type(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


def sound():
    assert list(auditing.fold_differences()) == []
    assert not Account.objects.filter(kind__in=["available", "held"], balance__lt=0).exists()


def test_two_holds_for_the_last_points_are_one_hold():
    for _ in range(ROUNDS):
        customer = make_customer()
        give(customer, 100)
        answers = together(*[lambda customer=customer: hold(customer, 100)] * 4)
        assert sorted(map(str, answers)).count(str(InsufficientPoints)) == 3
        assert has(customer) == (0, 100, 0)
    sound()


class Careless:
    """Rows of the same database for the negative controls: a customer's points as one would keep them without locks."""

    def __init__(self):
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS careless")
            cursor.execute("CREATE TABLE careless (id int PRIMARY KEY, points int, held int, granted int, state text)")
        self.number = 0

    def begin(self, *, points=0, held=0, granted=0, state="open"):
        self.number += 1
        with connection.cursor() as cursor:
            values = [self.number, points, held, granted, state]
            cursor.execute("INSERT INTO careless VALUES (%s, %s, %s, %s, %s)", values)

    def row(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT points, held, granted, state FROM careless WHERE id = %s", [self.number])
            return cursor.fetchone()

    def hand(self, decide):
        """Reads, decides, and writes what it decided: nobody holds the row in between. Everybody has read before anybody writes."""
        gate, number = self.gate, self.number

        def act():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT points, held, granted, state FROM careless WHERE id = %s", [number])
                change = decide(*cursor.fetchone())
                gate.wait()
                if change:
                    cursor.execute(f"UPDATE careless SET {change} WHERE id = %s", [number])

        return act

    def race(self, *decisions):
        self.gate = Barrier(len(decisions))
        together(*[self.hand(decide) for decide in decisions])
        return self.row()


@pytest.fixture
def careless(transactional_db):
    yield Careless()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE careless")


def test_control_reading_before_writing_spends_the_last_points_twice(careless):
    careless.begin(points=100)
    take = lambda points, held, granted, state: points >= 100 and "points = points - 100, held = held + 100"  # noqa: E731
    assert careless.race(take, take) == (-100, 200, 0, "open")


def test_control_a_hold_that_is_looked_at_first_is_captured_and_released(careless):
    careless.begin(held=100)
    capture = lambda points, held, granted, state: state == "open" and "held = held - 100, state = 'captured'"  # noqa: E731

    def release(points, held, granted, state):
        return state == "open" and "held = held - 100, points = points + 100, state = 'released'"

    points, held, _granted, _state = careless.race(capture, release)
    assert (points, held) == (100, -100)


def test_control_two_completions_that_look_first_grant_twice(careless):
    careless.begin(state="confirmed")

    def grant(points, held, granted, state):
        return state == "confirmed" and "points = points + 100, granted = granted + 100, state = 'completed'"

    assert careless.race(grant, grant) == (200, 0, 200, "completed")


def test_control_a_refund_beside_a_completion_is_lost(careless):
    """Each writes the figure that its own snapshot says; the older one, written last, stays for good."""
    refund = lambda points, held, granted, state: f"points = {points - granted + 40}, granted = 40"  # noqa: E731
    complete = lambda points, held, granted, state: f"points = {points + 100 - granted}, granted = 100"  # noqa: E731
    ends = set()
    for _ in range(40):
        careless.begin(state="confirmed")
        ends.add(careless.race(refund, complete)[0])
        if 100 in ends:
            break
    assert 100 in ends


def test_control_an_expiry_beside_a_capture_takes_what_is_held(careless):
    """An expiry that reads the lot and writes nothing left takes with it what a purchase held."""
    careless.begin(points=40, held=60)
    expire = lambda points, held, granted, state: f"points = points - {points + held}"  # noqa: E731
    capture = lambda points, held, granted, state: f"held = {held} - 60"  # noqa: E731
    points, held, _granted, _state = careless.race(expire, capture)
    assert points + held < 0


def test_inv_08_idempotent_key_32_repeats_are_one_hold_with_one_answer():
    customer = make_customer()
    give(customer, 100)
    answers = together(*[lambda: hold(customer, 10, key="one key").id] * 32)
    assert len(set(answers)) == 1
    assert has(customer) == (90, 10, 0)
    assert Hold.objects.count() == 1


def test_inv_06_resolve_once_capture_against_release():
    outcomes: Counter[str] = Counter()
    for _ in range(ROUNDS):
        customer = make_customer()
        give(customer, 100)
        held = hold(customer, 100).id
        together(
            lambda held=held: holding.capture_hold(hold_id=held, now=NOW, actor="a").state,
            lambda held=held: holding.release_hold(hold_id=held, now=NOW, actor="b").state,
            lambda held=held: holding.capture_hold(hold_id=held, now=NOW, actor="c").state,
            lambda held=held: holding.release_hold(hold_id=held, now=NOW, actor="d").state,
        )
        state = Hold.objects.get(pk=held).state
        outcomes[state] += 1
        assert has(customer) == ((0, 0, 0) if state == "captured" else (100, 0, 0))
        kinds = Counter(LedgerEntry.objects.filter(hold_id=held).values_list("kind", flat=True))
        assert kinds["capture"] + kinds["release"] == 1
    assert set(outcomes) <= {"captured", "released"}
    sound()


def test_inv_09_natural_key_two_completions_grant_once():
    for number in range(ROUNDS):
        customer = make_customer()
        together(*[lambda number=number, customer=customer: say(f"order {number}", customer=customer)] * 6)
        assert has(customer) == (100, 0, 0)
    assert Counter(kind for kind, _ in entries()) == {"accrue": ROUNDS}
    sound()


def test_refund_against_completion_ends_like_one_of_the_two_orders():
    for number in range(ROUNDS):
        customer = make_customer()
        name = f"order {number}"
        say(name, "confirmed", customer=customer)
        later = NOW + dt.timedelta(seconds=2)
        together(
            lambda name=name, customer=customer: say(name, customer=customer, now=NOW + dt.timedelta(seconds=1)),
            lambda name=name, customer=customer, now=later: say(name, total="400", customer=customer, now=now),
        )
        # The refund is the newer snapshot: whoever came first, its figure stands.
        assert has(customer, now=later) == (40, 0, 0)
    sound()


def test_expiry_against_capture_never_takes_what_is_held():
    end = NOW + 91 * DAY
    for _ in range(ROUNDS):
        customer = make_customer()
        give(customer, 100)
        held = hold(customer, 60, lives=None).id
        together(
            lambda: expiring.sweep(now=end),
            lambda held=held: holding.capture_hold(hold_id=held, now=end, actor="a").state,
            lambda: expiring.sweep(now=end),
        )
        assert has(customer, now=end) == (0, 0, 0)
        lot = Lot.objects.get(customer_id=customer)
        assert (lot.remaining, lot.held, lot.expirations) == (0, 0, 1)
    assert Counter(kind for kind, _ in entries()) == {
        "accrue": ROUNDS,
        "hold": ROUNDS,
        "capture": ROUNDS,
        "expire": ROUNDS,
    }
    sound()


def test_merge_against_everything_else_loses_no_point():
    for number in range(ROUNDS):
        old, new = make_customer(), make_customer()
        give(old, 100)
        together(
            lambda old=old, new=new: merging.merge_customers(from_id=old, into_id=new, now=NOW, actor="olena"),
            lambda old=old: hold(old, 30),
            lambda old=old, number=number: say(f"order {number}", customer=old),
            lambda old=old, new=new: merging.merge_customers(from_id=new, into_id=old, now=NOW, actor="olena"),
        )
        # Either may survive; the points are with the survivor, all of them.
        survivor = old if Account.objects.filter(customer_id=new, is_closed=True).exists() else new
        available, held, owed = has(survivor)
        assert (available + held, owed) == (200, 0)
    sound()


def test_one_phone_at_once_is_one_customer():
    answers = together(*[lambda: customers.find_or_create(phone="067 000 00 07", now=NOW)] * 16)
    assert len(set(answers)) == 1
    assert Account.objects.filter(customer_id=answers[0]).count() == 3


def test_two_sealers_leave_one_chain_without_gaps():
    for _ in range(60):
        give(make_customer(), 5)
    together(*[lambda: sealing.seal_entries(now=NOW)] * 4)
    sealing.seal_entries(now=NOW)
    assert auditing._verify_chain({}, lambda _count: None) == (60, None)


def someone_waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1")
        return cursor.fetchone() is not None


def test_a_hold_that_another_order_takes_again_meanwhile_is_followed_to_its_newest_row():
    """Two orders name a hold whose own order was cancelled. The second looks before the first commits, and must not take the old row again."""
    customer = make_customer()
    give(customer, 300)
    freed = hold(customer, 100)
    say("cancelled", "confirmed", customer=customer, holds=[freed.id])
    say("cancelled", "cancelled", customer=customer, holds=[freed.id], now=NOW + dt.timedelta(seconds=1))

    def earlier():
        try:
            return say(
                "earlier", "confirmed", customer=customer, holds=[freed.id], placed_at=NOW - dt.timedelta(hours=1)
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            say("later", "confirmed", customer=customer, holds=[freed.id])
            waiting = pool.submit(earlier)
            until = time.monotonic() + 30
            while not someone_waits():
                assert time.monotonic() < until, "the second order never came to the customer's accounts"
        applied = waiting.result(timeout=30)
    (newest,) = Hold.objects.filter(again_of=freed.id)
    assert (newest.state, newest.order.number, applied.stuck) == ("open", "earlier", ())
    assert has(customer) == (200, 100, 0)
    sound()


def soak(seconds, clients=16, customers_count=12):
    """Mixed traffic of `clients` threads. Returns what happened, by name; a deadlock or any other error of the database is raised."""
    people = [make_customer() for _ in range(customers_count)]
    for person in people:
        give(person, 300)
    until = time.monotonic() + seconds

    def live(number):
        dice, done = random.Random(number), Counter[str]()
        step = 0
        try:
            while time.monotonic() < until:
                step += 1
                now = NOW + dt.timedelta(seconds=step)
                person = dice.choice(people)
                what = dice.choice(["order", "order", "hold", "hold", "capture", "release", "sweep", "seal", "merge"])
                try:
                    if what == "order":
                        stage = dice.choice(["confirmed", "completed", "completed", "cancelled"])
                        holds = list(
                            Hold.objects.filter(state="open")
                            .order_by("?")
                            .values_list("pk", flat=True)[: dice.randrange(3)]
                        )
                        say(
                            f"order {dice.randrange(40)}",
                            stage,
                            str(dice.randrange(3000)),
                            customer=person,
                            now=now,
                            holds=holds,
                        )
                    elif what == "hold":
                        hold(person, dice.randrange(1, 120), key=f"{number}-{step}", now=now)
                    elif what in {"capture", "release"}:
                        pk = Hold.objects.order_by("?").values_list("pk", flat=True).first()
                        if pk:
                            act = holding.capture_hold if what == "capture" else holding.release_hold
                            act(hold_id=pk, now=now, actor="soak")
                    elif what == "sweep":
                        expiring.sweep(now=now)
                    elif what == "seal":
                        sealing.seal_entries(now=now)
                    elif dice.randrange(40) == 0:
                        merging.merge_customers(from_id=person, into_id=dice.choice(people[-3:]), now=now, actor="soak")
                    done[what] += 1
                except (InsufficientPoints, HoldNotOpen, CannotMerge) as refusal:
                    done[type(refusal).__name__] += 1
        finally:
            connection.close()
        return done

    with ThreadPoolExecutor(clients) as pool:
        return sum((future.result() for future in [pool.submit(live, number) for number in range(clients)]), Counter())


def check_soak(done):
    assert done["order"] > 10
    assert done["hold"] > 10
    sound()
    sealing.seal_entries(now=NOW + DAY, whole=True)
    assert auditing._verify_chain({}, lambda _count: None)[1] is None
    for order in Order.objects.all():
        assert order.granted >= order.clawed_back


@pytest.mark.timeout(120)
def test_inv_02_no_overdraft_and_no_deadlock_in_ten_seconds_of_16_clients():
    check_soak(soak(10))


@pytest.mark.prove
@pytest.mark.timeout(0)
def test_ten_minutes_of_16_clients():
    check_soak(soak(600))


def test_control_locking_in_the_order_of_arrival_deadlocks():
    """The negative control of the lock order: two hands that lock two accounts the other way round."""
    first, second = make_customer(), make_customer()

    def lock(*people):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for person in people:
                    cursor.execute("SELECT id FROM bonuses_account WHERE customer_id = %s FOR UPDATE", [person])
                    cursor.execute("SELECT pg_sleep(0.05)")
        except OperationalError as error:
            return "deadlock" in str(error)
        return False

    assert any(any(together(lambda: lock(first, second), lambda: lock(second, first))) for _ in range(5))
