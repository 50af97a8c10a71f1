"""Workers that meet at one order of the CRM. Each race has a negative control: without the claim in one statement it is lost."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction

from bonuses.models import Hold, Order
from bonuses.services import expiring
from keycrm.models import CrmOrder, Difference, ManualReserve
from keycrm.models.differences import DifferenceKind
from keycrm.services import applying, giving_back, leasing, reconciling, vanishing
from tests.bonuses import scenes
from tests.factories import NOW
from tests.keycrm.far_side import COMPLETED, FarSide
from tests.keycrm.journeys import RULES, card_for, has, hear, hear_and_work, reserve

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
WORKERS = 8


def in_parallel(call):
    """Everybody begins at the same moment."""
    start = threading.Barrier(WORKERS)

    def run(number):
        try:
            start.wait()
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(run, range(WORKERS)))


def test_one_order_is_leased_by_one_of_many_workers():
    leasing.ask(CrmOrder, 1, now=NOW)
    assert sum(lease is not None for lease in in_parallel(lambda _n: leasing.take(CrmOrder, now=NOW))) == 1


def test_reading_first_and_leasing_afterwards_gives_it_to_several():
    leasing.ask(CrmOrder, 1, now=NOW)
    seen = threading.Barrier(WORKERS)

    def take(_number):
        row = CrmOrder.objects.get()
        seen.wait()
        if row.lease_token is not None:
            return None
        row.lease_token = uuid.uuid4()
        row.save()
        return row

    assert sum(row is not None for row in in_parallel(take)) > 1


def test_many_workers_at_many_orders_apply_each_once():
    far = FarSide()
    orders = [far.place(phone=f"+38050000000{number % 3}", status=COMPLETED) for number in range(24)]
    for order in orders:
        hear(far, order.id)

    def work(_number):
        done = 0
        while applying.apply_next(far, rules=RULES, now=NOW):
            done += 1
        return done

    assert sum(in_parallel(work)) == len(orders)
    assert list(Order.objects.order_by().values_list("revision", "granted").distinct()) == [(1, 100)]


def test_of_two_orders_with_one_number_that_arrive_together_at_most_one_is_applied():
    far = FarSide()
    for _ in range(WORKERS):
        hear(far, far.place(source_uuid="55", status=COMPLETED).id)
    in_parallel(lambda _n: applying.apply_next(far, rules=RULES, now=NOW))
    assert Order.objects.count() <= 1
    assert CrmOrder.objects.filter(owns_number=True).count() <= 1
    while applying.apply_next(far, rules=RULES, now=NOW):
        pass
    assert set(CrmOrder.objects.values_list("stuck_reason", flat=True)) == {"same_number"}


def test_comparing_several_times_at_once_writes_every_line_once():
    CrmOrder.objects.bulk_create(CrmOrder(crm_id=n, stuck_reason="vanished", asked_at=NOW) for n in range(1, 41))
    outcomes = in_parallel(lambda _n: reconciling.reconcile(now=NOW))
    assert sorted(one.new for one in outcomes) == [0] * (WORKERS - 1) + [40]
    assert Difference.objects.open().count() == 40


def test_comparing_without_waiting_for_each_other_fails():
    """What the wait is for: everybody finds the same news, and the second to write it breaks off."""
    kinds = {"kind": DifferenceKind.CRM_STUCK, "key": "crm:1"}
    seen = threading.Barrier(WORKERS)

    def compare(_number):
        try:
            with transaction.atomic():
                is_known = Difference.objects.open().filter(**kinds).exists()
                seen.wait()
                if not is_known:
                    Difference.objects.create(**kinds, found_at=NOW, last_found_at=NOW)
        except IntegrityError:
            return "failed"
        return "written"

    assert sorted(in_parallel(compare)) == ["failed"] * (WORKERS - 1) + ["written"]


def waiting_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # which a transaction keeps otherwise
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0]


def until(is_so):
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, "it never came to that"


def closing(call):
    try:
        return call()
    finally:
        connection.close()


@pytest.fixture
def vanished():
    """An order that waits for a person, and a card that is about to reserve 200 of its customer's 600 points for it."""
    customer = scenes.make_customer(phone="+380000000001")
    scenes.give(customer, 600)
    far = FarSide()
    order = far.place(total="1000")
    hear_and_work(far, order.id)
    CrmOrder.objects.filter(crm_id=order.id).update(stuck_reason="vanished")
    card_for(far, order, 200)
    return far, order, customer


def set_aside(order):
    vanishing.set_aside(crm_id=order.id, verdict="kept", reason="gone", actor="olena", now=NOW)


def test_an_order_that_is_set_aside_while_a_card_reserves_for_it_holds_nothing(vanished):
    far, order, customer = vanished
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            expiring.open_settled([customer], now=NOW)
            planning = pool.submit(closing, lambda: reserve(far))
            until(lambda: waiting_for_a_lock() == 1)  # the card has looked at the order, and comes to the points
            deciding = pool.submit(closing, lambda: set_aside(order))
            until(lambda: deciding.done() or waiting_for_a_lock() == 2)
        planning.result(timeout=30)
        deciding.result(timeout=30)
    assert ManualReserve.objects.get().given_back_by == "olena"
    assert not Hold.objects.filter(state="open").exists()
    assert has(now=NOW) == (600, 0, 0)


def test_control_looking_for_reserves_before_taking_the_order_leaves_the_points_held(vanished):
    far, order, _customer = vanished
    found = list(ManualReserve.objects.filter(crm_order_id=order.id).values_list("pk", flat=True))
    reserve(far)
    CrmOrder.objects.filter(crm_id=order.id).update(set_aside_at=NOW)
    for reserve_id in found:
        giving_back.give_back(reserve_id, reason="gone", actor="olena", now=NOW, is_order_out=True)
    assert has(now=NOW) == (400, 200, 0)
