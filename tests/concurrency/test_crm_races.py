"""Workers that meet at one order of the CRM. Each race has a negative control: without the claim in one statement it is lost."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction

from bonuses.models import Order
from keycrm.models import CrmOrder, Difference
from keycrm.models.differences import DifferenceKind
from keycrm.services import applying, leasing, reconciling
from tests.factories import NOW
from tests.keycrm.far_side import COMPLETED, FarSide
from tests.keycrm.journeys import RULES, hear

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
