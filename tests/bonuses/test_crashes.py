"""INV-22 crash-safe: the connection dies before or after any statement of any service; the retry with the same key ends as if nothing had happened."""

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, transaction

from bonuses.models import EarningRule, Hold, ImportBatch, ImportLine, OrderReport, OrderSnapshot, Seal, StaffPhone
from bonuses.reading.balances import read_balances
from bonuses.services import (
    adjusting,
    customers,
    erasing,
    expiring,
    holding,
    merging,
    migrating,
    refunding,
    reporting,
    ruling,
    sealing,
)
from tests.bonuses.scenes import DAY, NOW, give, has, hold, make_customer, rows, say
from tests.factories import make_code, make_pool

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
SOON = NOW + dt.timedelta(minutes=5)
FRAMES = ("SAVEPOINT", "RELEASE", "ROLLBACK")  # what stands for BEGIN and COMMIT inside a test


class Crash(OperationalError):
    """The server closed the connection unexpectedly."""


class Crasher:
    """Counts statements, and dies at one of them if told so."""

    def __init__(self, at=None, after=False):
        self.at, self.after, self.count = at, after, 0

    def __call__(self, execute, sql, params, many, context):
        if sql.lstrip().startswith(FRAMES):
            return execute(sql, params, many, context)
        number, self.count = self.count, self.count + 1
        if number == self.at and not self.after:
            raise Crash
        answer = execute(sql, params, many, context)
        if number == self.at:
            raise Crash
        return answer


class Undo(Exception):
    pass


def everything():
    seals = list(Seal.objects.order_by("sequence").values_list("sequence", flat=True))
    claims = list(OrderReport.objects.order_by("pk").values_list("order_number", "points_expected"))
    snapshots = list(OrderSnapshot.objects.order_by("pk").values_list("revision", "stage", "earns"))
    rules = list(EarningRule.objects.order_by("version").values_list("version", "rate_percent", "valid_from"))
    batches = list(ImportBatch.objects.order_by("pk").values_list("name", "finished_at"))
    lines = list(ImportLine.objects.order_by("pk").values_list("line", "active", "reserved", "remark"))
    return rows(), seals, claims, snapshots, rules, batches, lines


def undone(act):
    """Run it in a savepoint that is rolled back; returns what it returned."""
    found = None
    try:
        with transaction.atomic():
            found = act()
            raise Undo
    except Undo:
        return found


def staff_id():
    user = get_user_model().objects.create(username="olena", is_superuser=True)
    StaffPhone.objects.create(user=user, phone="+380009999999")
    return user.pk


def scene_find_or_create():
    return lambda: customers.find_or_create(
        phone="067 000 00 01", now=NOW, email="sample@customer.example", name="Зразок"
    )


def scene_hints():
    make_customer(phone="+380670000001")
    return lambda: customers.find_or_create(phone="067 000 00 01", now=NOW, email="sample@customer.example")


def scene_hold():
    customer = make_customer()
    give(customer, 60)
    give(customer, 60)
    return lambda: hold(customer, 100, key="key", now=SOON)


def scene_capture():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50)
    return lambda: holding.capture_hold(hold_id=held.id, now=SOON, actor="shop")


def scene_release_into_debt():
    customer = make_customer()
    say("1", customer=customer)
    held = hold(customer, 80)
    say("1", "cancelled", customer=customer, now=SOON)
    return lambda: holding.release_hold(hold_id=held.id, now=SOON, actor="shop")


def scene_release_after_the_end():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50, lives=None)
    return lambda: holding.release_hold(hold_id=held.id, now=NOW + 200 * DAY, actor="shop")


def scene_first_completion():
    customer = make_customer()
    return lambda: say("1", customer=customer)


def scene_completion_with_a_hold_of_somebody_else():
    earner, payer = make_customer(), make_customer()
    give(payer, 60)
    held = hold(payer, 50)
    return lambda: say("1", customer=earner, holds=[held.id], now=SOON)


def scene_refund_into_debt():
    customer = make_customer()
    say("1", customer=customer)
    holding.capture_hold(hold_id=hold(customer, 80).id, now=NOW, actor="shop")
    return lambda: say("1", total="300", customer=customer, now=SOON)


def scene_edit_upwards():
    customer = make_customer()
    say("1", customer=customer)
    return lambda: say("1", total="1300", customer=customer, now=SOON)


def spent():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50)
    say("1", customer=customer, holds=[held.id], now=SOON)
    return customer, held


def scene_cancellation_gives_back():
    customer, _held = spent()
    return lambda: say("1", "cancelled", customer=customer, now=SOON + DAY)


def scene_reopening():
    customer, _held = spent()
    return lambda: say("1", "confirmed", customer=customer, now=SOON + DAY)


def scene_second_completion_with_debt():
    customer, _held = spent()
    say("1", "cancelled", customer=customer, now=SOON + DAY)
    hold(customer, 30, now=SOON + DAY, lives=None)
    return lambda: say("1", customer=customer, now=SOON + 2 * DAY)


def scene_cancellation_of_what_was_owed_and_repaid():
    customer, _held = spent()
    say("1", "cancelled", customer=customer, now=SOON + DAY)
    hold(customer, 30, now=SOON + DAY, lives=None)
    say("1", customer=customer, now=SOON + 2 * DAY)
    give(customer, 500, now=SOON + 3 * DAY)
    return lambda: say("1", "cancelled", customer=customer, now=SOON + 4 * DAY)


def scene_evidence_after_a_cancellation():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50, code_id=make_code(make_pool(50), "issued").pk)
    say("1", customer=customer, holds=[held.id], now=SOON)
    say("1", "cancelled", customer=customer, now=SOON + DAY)
    assert has(customer, now=SOON + DAY) == (10, 0, 0)
    return lambda: refunding.prove_code_dead(hold_id=held.id, now=SOON + 2 * DAY, actor="panel")


def scene_sweep():
    customer = make_customer()
    give(customer, 60)
    hold(customer, 50)
    give(customer, 60, now=SOON)
    return lambda: expiring.sweep(now=NOW + 200 * DAY)


def scene_adjust_up():
    customer, user = make_customer(), staff_id()
    return lambda: adjusting.adjust_points(
        customer_id=customer, points=70, reason="goodwill", key="key", user_id=user, now=SOON, note="an invented note"
    )


def scene_adjust_down():
    customer, user = make_customer(), staff_id()
    give(customer, 60)
    return lambda: adjusting.adjust_points(
        customer_id=customer, points=-20, reason="abuse", key="key", user_id=user, now=SOON
    )


def scene_merge():
    old, new = make_customer(), make_customer()
    give(old, 60)
    hold(old, 20, lives=None)
    say("1", customer=new)
    holding.capture_hold(hold_id=hold(new, 80).id, now=NOW, actor="shop")
    say("1", "cancelled", customer=new, now=SOON)
    return lambda: merging.merge_customers(from_id=old, into_id=new, now=SOON, actor="olena")


def scene_erase():
    customer = make_customer(email="sample@customer.example")
    give(customer, 60)
    reporting.claim_order(source="shop", number="9", customer_id=customer, total=Decimal(100), now=NOW)
    return lambda: erasing.erase_customer(customer_id=customer, now=SOON)


def scene_report():
    customer = make_customer()
    give(customer, 60)
    hold(customer, 50, key="key")
    return lambda: reporting.claim_order(
        source="shop", number="9", customer_id=customer, total=Decimal(100), now=SOON, hold_key="key"
    )


def scene_rule():
    # Asked again after an answer that was lost it would make the same version again: the edge's key guards that.
    def act():
        if EarningRule.objects.count() == 1:
            ruling.make_rule(actor="olena", reason="spring", now=NOW, rate_percent=Decimal(12))

    return act


def scene_import_of_balances():
    """A line in flight, a reserve that is stuck, and debt that it repays: every line is a transaction of its own."""
    customer = make_customer(phone="+380670000001")
    say("1", customer=customer)
    holding.capture_hold(hold_id=hold(customer, 80).id, now=NOW, actor="shop")
    say("1", "cancelled", customer=customer, now=SOON)
    lines = read_balances(b"phone,points,reserved,order\n0670000001,184,60,70415\n0670000002,5,10,\n")
    return lambda: migrating.import_balances(lines, batch="opening", now=SOON, actor="olena")


def scene_seal():
    give(make_customer(), 60)
    return lambda: sealing.seal_entries(now=SOON)


LINE_BY_LINE = {"import_of_balances"}
SCENES = {name.removeprefix("scene_"): make for name, make in globals().items() if name.startswith("scene_")}


@pytest.mark.parametrize("name", SCENES)
def test_inv_22_crash_safe(name):
    act = SCENES[name]()
    before = everything()
    counting = Crasher()

    def whole():
        with connection.execute_wrapper(counting):
            act()
        return everything()

    expected = undone(whole)
    assert expected != before
    assert everything() == before

    def crashed(number, after):
        with connection.execute_wrapper(Crasher(number, after)), pytest.raises(Crash), transaction.atomic():
            act()
        # The effect is there as a whole or not at all; of a file, line by line.
        if name not in LINE_BY_LINE:
            assert everything() in (before, expected)
        act()
        return everything()

    for number in range(counting.count):
        for after in (False, True):
            assert undone(lambda number=number, after=after: crashed(number, after)) == expected, (number, after)

    def answer_lost():
        act()
        act()
        return everything()

    assert undone(answer_lost) == expected
    assert counting.count >= 2


def test_the_crasher_finds_a_service_that_writes_in_two_transactions():
    """The negative control: points moved by two statements that are not one transaction are lost by a crash in between."""
    customer = make_customer()
    give(customer, 60)

    def careless():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE bonuses_account SET balance = balance - 10 WHERE customer_id = %s AND kind = 'available'",
                [customer],
            )
            cursor.execute(
                "UPDATE bonuses_account SET balance = balance + 10 WHERE customer_id = %s AND kind = 'held'", [customer]
            )

    def crashed():
        with connection.execute_wrapper(Crasher(1)), pytest.raises(Crash):
            careless()
        careless()
        return everything()

    assert undone(crashed) != undone(lambda: (careless(), everything())[1])
    assert not Hold.objects.exists()
