"""The net below the webhooks, and orders that are gone."""

import datetime as dt
from decimal import Decimal

import pytest

from bonuses.models import Order as LedgerOrder
from bonusportal.errors import BadInput, Conflict
from keycrm.errors import CrmUnavailable, NotConfigured
from keycrm.models import CrmOrder, Difference, InboundEvent, PollCursor
from keycrm.payloads import Order, Page
from keycrm.services import applying, polling, reconciling, vanishing
from keycrm.services.polling import CREATED, UPDATED
from tests.factories import NOW, make_staff
from tests.keycrm.far_side import CANCELLED, COMPLETED, UNDER_WAY, raising
from tests.keycrm.journeys import RULES, has, hear_and_work, net, poll, stuck, work
from tests.keycrm.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
HOUR = dt.timedelta(hours=1)


def asked():
    return set(CrmOrder.objects.filter(asked_at__isnull=False).values_list("crm_id", flat=True))


def test_a_week_without_webhooks_loses_nothing(far):
    poll(far, CREATED)
    poll(far, UPDATED)
    orders = []
    for _day in range(7):
        for _order in range(8):
            orders.append(far.place(total="100"))
            far.pass_time(minutes=30)
        far.pass_time(hours=20)
    for order in orders[::2]:
        far.change(order, status=COMPLETED)
        far.pass_time(seconds=30)
    poll(far, CREATED)
    poll(far, UPDATED)
    work(far)
    assert LedgerOrder.objects.count() == 56
    assert sum(net(order.number) for order in orders) == 28 * 10
    assert not InboundEvent.objects.exists()


def test_a_new_order_that_the_list_of_changes_hides_is_found_by_the_other_list(far):
    far.is_hiding_new_orders = True
    for name in (CREATED, UPDATED):
        poll(far, name)
    far.pass_time(hours=1)
    order = far.place()
    far.pass_time(minutes=5)
    poll(far, UPDATED)
    assert asked() == set()
    poll(far, CREATED)
    assert asked() == {order.id}


def test_an_order_that_arrives_hours_after_it_was_placed_is_found(far):
    poll(far, CREATED)
    far.pass_time(hours=10)
    poll(far, CREATED)
    late = far.place(ordered_at=far.now - 9 * HOUR)
    far.pass_time(minutes=15)
    poll(far, CREATED)
    assert asked() == {late.id}


def test_what_did_not_change_is_not_fetched_again(far):
    order = far.place()
    far.pass_time(seconds=6)
    hear_and_work(far, order.id)
    far.pass_time(minutes=5)
    for name in (CREATED, UPDATED):
        poll(far, name)
    assert asked() == set()


def test_a_change_within_the_second_of_the_fetch_is_not_missed(far):
    order = far.place()
    hear_and_work(far, order.id)
    far.change(order, status=COMPLETED)  # the same moment in the CRM, and its webhook is lost
    far.pass_time(minutes=5)
    poll(far, UPDATED)
    work(far)
    assert net(order.number) == 100


def test_orders_from_before_the_program_are_left_alone(far, settings):
    settings.PROGRAM_STARTS_AT = NOW
    far.place(ordered_at=NOW - HOUR)
    fresh = far.place()
    far.pass_time(minutes=5)
    poll(far, UPDATED)
    assert asked() == {fresh.id}


def test_a_poll_that_broke_off_goes_on_in_the_same_window_at_the_same_page(far):
    for _ in range(120):
        far.place()
    far.pass_time(minutes=10)
    while not asked():
        polling.poll(far, name=UPDATED, rules=RULES, now=far.now, at_most_pages=1)
    cursor = PollCursor.objects.get(name=UPDATED)
    window = cursor.window_to
    assert (cursor.page, len(asked())) == (2, 50)
    far.trouble = raising(CrmUnavailable())
    with pytest.raises(CrmUnavailable):
        polling.poll(far, name=UPDATED, rules=RULES, now=far.now)
    assert PollCursor.objects.get(name=UPDATED).window_to == window
    poll(far, UPDATED)
    assert len(asked()) == 120


def test_two_pollers_never_share_a_window_and_a_dead_one_loses_it(far):
    token = polling._take(UPDATED, now=far.now)
    assert token is not None
    assert polling.poll(far, name=UPDATED, rules=RULES, now=far.now) is None
    assert polling.poll(far, name=UPDATED, rules=RULES, now=far.now + polling.LEASE_LIVES) is not None


def test_orders_that_leave_the_window_while_it_is_read_hide_no_other(far):
    orders = [far.place() for _ in range(60)]
    far.pass_time(minutes=10)
    ask = far.orders
    pages = []

    def orders_changing_between_pages(*, page=1, **spans):
        found: Page[Order] = ask(page=page, **spans)
        pages.append(page)
        if page == 1 and pages.count(1) == 1 and found.items:
            far.pass_time(seconds=30)
            for order in orders[:20]:  # they move out of the window: the rows behind them move up a page
                far.change(order, status=UNDER_WAY)
        return found

    far.orders = orders_changing_between_pages
    poll(far, UPDATED)
    assert asked() == {order.id for order in orders}


def test_one_order_that_cannot_be_understood_hides_no_other_and_is_shown_to_a_person():
    world = World()
    crm = world.client()
    broken, whole = world.order("1")["id"], world.order("2")["id"]
    world.state._rows["orders"][broken]["source_id"] = "none"
    poll_all = lambda: polling.poll(crm, name=UPDATED, rules=RULES, now=world.clock.now())  # noqa: E731
    world.clock.seconds += 300
    while not poll_all().is_done:
        pass
    assert asked() == {broken, whole}
    while applying.apply_next(crm, rules=RULES, now=world.clock.now()):
        pass
    assert (stuck(broken), stuck(whole)) == ("crm_payload_invalid", "")
    world.clock.seconds += 300
    poll_all()
    assert stuck(broken) == "crm_payload_invalid"


# --- vanished


def test_a_deleted_order_changes_nothing_until_it_was_missing_for_a_day_and_a_person_decides(far):
    order = far.place(status=COMPLETED)
    hear_and_work(far, order.id)
    far.delete(order)
    hear_and_work(far, order.id)
    far.pass_time(hours=23)
    work(far)
    assert (stuck(order.id), net(order.number)) == ("", 100)
    far.pass_time(hours=2)
    work(far)
    assert (stuck(order.id), net(order.number)) == ("vanished", 100)
    vanishing.set_aside(
        crm_id=order.id, verdict="cancelled", reason="deleted by mistake of the shop", actor="olena", now=far.now
    )
    assert (stuck(order.id), net(order.number)) == ("", 0)
    assert LedgerOrder.objects.get().snapshots.order_by("-revision")[0].actor == "olena"


def test_a_person_may_decide_that_a_vanished_order_keeps_what_it_earned(far):
    order = far.place(status=COMPLETED)
    hear_and_work(far, order.id)
    far.delete(order)
    hear_and_work(far, order.id)
    far.pass_time(hours=25)
    work(far)
    with pytest.raises(BadInput):
        vanishing.set_aside(crm_id=order.id, verdict="kept", reason=" ", actor="olena", now=far.now)
    vanishing.set_aside(crm_id=order.id, verdict="kept", reason="archived", actor="olena", now=far.now)
    assert net(order.number) == 100
    with pytest.raises(Conflict):
        vanishing.set_aside(crm_id=order.id, verdict="cancelled", reason="again", actor="olena", now=far.now)


def test_an_order_that_comes_back_within_the_day_was_never_gone(far):
    order = far.place(status=COMPLETED)
    hear_and_work(far, order.id)
    gone = far.orders_by_id.pop(order.id)
    hear_and_work(far, order.id)
    far.orders_by_id[order.id] = gone
    far.pass_time(hours=25)
    far.change(order, status=CANCELLED)
    work(far)
    assert (CrmOrder.objects.get().missing_at, net(order.number)) == (None, 0)


def test_with_a_connection_that_is_not_healthy_nothing_is_gone(far):
    order = far.place()
    hear_and_work(far, order.id)
    far.delete(order)
    hear_and_work(far, order.id)
    far.pass_time(hours=25)
    far.trouble = raising(None, CrmUnavailable())
    work(far)
    assert stuck(order.id) == ""
    far.pass_time(hours=2)
    far.trouble = raising(None, NotConfigured("the address has no /order/status", status=404))
    work(far)
    assert stuck(order.id) == "crm_not_configured"


def test_orders_under_way_that_nobody_saw_for_a_day_are_looked_at(far):
    open_one, closed = far.place(phone="+380000000001"), far.place(status=CANCELLED)
    for order in (open_one, closed):
        hear_and_work(far, order.id)
    assert vanishing.ask_for_stale(now=far.now) == 0
    far.pass_time(hours=25)
    assert vanishing.ask_for_stale(now=far.now) == 1
    assert asked() == {open_one.id}


def test_an_order_that_never_was_is_looked_for_a_few_times_and_then_waits_for_a_person(far):
    hear_and_work(far, 4711)
    for _ in range(6):
        far.pass_time(hours=2)
        work(far)
    assert stuck(4711) == "crm_not_found"
    assert InboundEvent.objects.get().state == "stuck"
    assert not LedgerOrder.objects.exists()


def test_a_part_that_vanished_stops_its_root_and_set_aside_it_does_not_count(far):
    root = far.place(source_uuid="80", total="600", status=COMPLETED)
    part = far.place(source_uuid="80", total="400", parent_id=root.id, status=COMPLETED)
    for order in (root, part):
        hear_and_work(far, order.id)
    assert net("80") == 100
    far.delete(part)
    far.pass_time(hours=1)
    hear_and_work(far, root.id)
    assert (stuck(root.id), net("80")) == ("", 100)  # it may be back any moment
    for _ in range(26):
        far.pass_time(hours=1)
        work(far)
    assert (stuck(part.id), stuck(root.id), net("80")) == ("vanished", "part_vanished", 100)
    vanishing.set_aside(
        crm_id=part.id, verdict="kept", reason="merged back into the root by hand", actor="olena", now=far.now
    )
    work(far)
    assert (stuck(root.id), net("80"), has(now=far.now)[0]) == ("", 60, 60)


@pytest.mark.parametrize("deleted_at", ["once", "after the parts changed"])
def test_parts_of_a_root_that_vanished_go_on_as_one_order(far, deleted_at):
    root = far.place(source_uuid="81", total="500", status=COMPLETED)
    parts = [far.place(source_uuid="81", total=total, parent_id=root.id, status=COMPLETED) for total in ("300", "200")]
    for order in (*parts, root):
        hear_and_work(far, order.id)
    assert net("81") == 100
    if deleted_at != "once":
        far.pass_time(minutes=5)
        far.change(parts[1], grand_total=Decimal(200))
        far.pass_time(minutes=5)
        far.change(root, grand_total=Decimal(500))  # the newest moment of all is the root's
        hear_and_work(far, root.id)
    far.delete(root)
    hear_and_work(far, root.id)
    far.pass_time(hours=25)
    work(far)
    assert (stuck(root.id), net("81")) == ("vanished", 100)
    vanishing.set_aside(crm_id=root.id, verdict="kept", reason="the shop deleted it", actor="olena", now=far.now)
    work(far)
    assert [stuck(part.id) for part in parts] == ["", ""]
    assert (net("81"), has(now=far.now)[0]) == (50, 50)
    assert CrmOrder.objects.roots().filter(set_aside_at=None).get().crm_id == parts[0].id
    reconciling.reconcile(now=far.now)
    assert not Difference.objects.exists()
    # The younger one is refunded, then the older one is deleted: the family goes on.
    far.pass_time(minutes=1)
    far.change(parts[1], status=CANCELLED)
    hear_and_work(far, parts[1].id)
    assert net("81") == 30
    far.delete(parts[0])
    hear_and_work(far, parts[0].id)
    far.pass_time(hours=25)
    work(far)
    assert stuck(parts[0].id) == "vanished"
    vanishing.set_aside(crm_id=parts[0].id, verdict="cancelled", reason="it was sent back", actor="olena", now=far.now)
    work(far)
    assert (stuck(parts[1].id), net("81"), has(now=far.now)[0]) == ("", 0, 0)


def test_parts_of_a_root_that_nobody_ever_saw_go_on_when_it_is_set_aside(far):
    root = far.place(source_uuid="82", total="500")
    parts = [far.place(source_uuid="82", total=total, parent_id=root.id, status=COMPLETED) for total in ("300", "200")]
    far.delete(root)
    for part in parts:
        hear_and_work(far, part.id)
    for _ in range(5):
        far.pass_time(hours=2)
        work(far)
    assert (stuck(root.id), LedgerOrder.objects.count()) == ("crm_not_found", 0)
    vanishing.set_aside(crm_id=root.id, verdict="cancelled", reason="deleted", actor="olena", now=far.now)
    work(far)
    assert (net("82"), CrmOrder.objects.exclude(stuck_reason="").count()) == (50, 0)


def test_an_order_of_absurd_money_is_stuck_by_itself_and_hides_no_other(client):
    world = World()
    crm = world.client()
    absurd, usual = world.order(price=30_000_000_000, quantity=10), world.order("70416", price=100)
    world.clock.seconds += 600
    now = world.clock.now()
    polling.poll(crm, name=UPDATED, rules=RULES, now=now)
    assert asked() == {absurd["id"], usual["id"]}
    while applying.apply_next(crm, rules=RULES, now=now):
        pass
    assert stuck(absurd["id"]) == "crm_payload_invalid"
    assert net("70416") == 0
    assert LedgerOrder.objects.get().number == "70416"
    client.force_login(make_staff(is_superuser=True))
    assert client.get("/admin/keycrm/crmorder/").status_code == 200
    polling.poll(crm, name=UPDATED, rules=RULES, now=now + HOUR)
    assert asked() == {absurd["id"]}
