"""Roots, parts and numbers: what was counted once is counted once, whatever is split, joined, moved, renamed, doubled or deleted."""

from decimal import Decimal

import pytest

from bonuses.models import Order
from keycrm.models import CrmOrder, InboundEvent
from keycrm.services import vanishing
from keycrm.services.applying import Rules
from tests.keycrm.far_side import COMPLETED
from tests.keycrm.journeys import has, hear, hear_and_work, net, stuck, work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
SAME = pytest.mark.parametrize("has_number", [True, False], ids=["with the number", "without a number"])


def hear_all(far, *orders):
    for order in orders:
        hear(far, order.id)
    work(far)
    work(far)


def wait_until_gone(far):
    for _ in range(30):
        far.pass_time(hours=1)
        work(far)


def split(far, *, has_number=True, totals=("500", "500")):
    """A completed order in two parts; the second may have no number at its source."""
    root = far.place(total=totals[0], status=COMPLETED)
    part = far.place(
        total=totals[1], parent_id=root.id, source_uuid=root.source_uuid if has_number else "", status=COMPLETED
    )
    hear_all(far, root, part)
    return root, part


def waiting():
    return dict(CrmOrder.objects.exclude(stuck_reason="").values_list("crm_id", "stuck_reason"))


def test_a_setting_that_renames_sources_later_moves_nothing(far):
    order = far.place(total="1000", source_id=5, status=COMPLETED)
    hear_and_work(far, order.id)
    far.pass_time(days=8)
    far.change(order, manager_comment="called")
    hear(far, order.id)
    work(far, rules=Rules(stages={}, shop_sources=(3,)))
    assert (has(now=far.now)[0], Order.objects.count()) == (100, 1)


def test_a_number_that_is_filled_in_later_moves_nothing(far):
    order = far.place(total="1000", source_uuid="", status=COMPLETED)
    hear_and_work(far, order.id)
    far.pass_time(days=1)
    far.change(order, source_uuid="#1234")
    hear_and_work(far, order.id)
    assert (has(now=far.now)[0], Order.objects.get().number) == (100, f"crm:{order.id}")


@SAME
@pytest.mark.parametrize("verdict", ["cancelled", "kept"])
def test_deciding_about_a_part_that_vanished_takes_out_that_part_only(far, has_number, verdict):
    root, part = split(far, has_number=has_number)
    assert has(now=far.now)[0] == 100
    far.delete(part)
    hear(far, root.id)
    wait_until_gone(far)
    assert waiting() == {root.id: "part_vanished", part.id: "vanished"}
    vanishing.set_aside(crm_id=part.id, verdict=verdict, reason="gone", actor="olena", now=far.now)
    work(far)
    assert (has(now=far.now)[0], net(root.number), waiting()) == (50, 50, {})


@SAME
@pytest.mark.parametrize("verdict", ["cancelled", "kept"])
def test_parts_of_a_root_that_vanished_stay_its_order(far, has_number, verdict):
    root, part = split(far, has_number=has_number)
    far.delete(root)
    hear(far, root.id)
    wait_until_gone(far)
    vanishing.set_aside(crm_id=root.id, verdict=verdict, reason="gone", actor="olena", now=far.now)
    work(far)
    assert (has(now=far.now)[0], net(root.number), waiting()) == (50, 50, {})
    assert part.id


def test_a_part_that_does_not_answer_once_stops_nothing_for_long(far):
    root, part = split(far)
    answers = far.orders_by_id.pop(part.id)
    far.pass_time(minutes=5)
    hear(far, root.id)
    work(far)
    assert (waiting(), has(now=far.now)[0]) == ({}, 100)
    far.orders_by_id[part.id] = answers
    far.change(root, grand_total=Decimal(300))
    far.pass_time(hours=2)
    work(far)
    assert (waiting(), has(now=far.now)[0]) == ({}, 80)


def test_an_order_that_is_joined_to_another_is_counted_there_only(far):
    one, other = far.place(total="1000", status=COMPLETED), far.place(total="500", status=COMPLETED)
    hear_all(far, one, other)
    assert has(now=far.now)[0] == 150
    far.pass_time(hours=1)
    far.change(one, parent_id=other.id)
    hear_all(far, one)
    assert (has(now=far.now)[0], net(one.number), net(other.number)) == (150, 0, 150)


def test_a_part_that_moves_to_another_root_is_counted_there_only(far):
    root, part = split(far)
    other = far.place(total="1000", status=COMPLETED)
    hear_all(far, other)
    far.pass_time(minutes=1)
    far.change(part, parent_id=other.id)
    hear_all(far, part)
    assert (net(root.number), net(other.number), waiting()) == (50, 150, {})
    far.pass_time(minutes=1)
    far.change(root, grand_total=Decimal(300))
    hear_all(far, root)
    assert net(root.number) == 30


def test_a_part_that_moved_while_its_root_was_worked_on_is_not_counted_twice(far):
    """Only the former root is heard of."""
    root, part = split(far)
    other = far.place(total="1000", status=COMPLETED)
    hear_all(far, other)
    far.pass_time(minutes=1)
    far.change(part, parent_id=other.id)
    hear_all(far, root)
    assert (net(root.number), net(other.number), waiting()) == (50, 150, {})


@pytest.mark.parametrize("verdict", ["cancelled", "kept"])
@pytest.mark.parametrize("is_completed", [True, False])
def test_when_one_of_two_with_one_number_is_set_aside_the_other_counts_however_old_it_is(far, verdict, is_completed):
    real = far.place(total="500", **({"status": COMPLETED} if is_completed else {}))
    far.pass_time(hours=2)
    double = far.place(total="1000", source_uuid=real.source_uuid, status=COMPLETED)
    hear_and_work(far, double.id)
    assert has(now=far.now)[0] == 100
    hear_all(far, real)
    assert set(waiting().values()) == {"same_number"}
    far.pass_time(minutes=5)
    vanishing.set_aside(crm_id=double.id, verdict=verdict, reason="entered twice", actor="olena", now=far.now)
    work(far)
    assert (has(now=far.now)[0], stuck(real.id)) == (50 if is_completed else 0, "")


def test_what_is_dropped_says_so(far):
    order = far.place(status=COMPLETED)
    hear_and_work(far, order.id)
    vanishing.cancel_order(Order.objects.get().pk, reason="by hand", actor="olena", now=far.pass_time(hours=1))
    hear_and_work(far, order.id)
    event = InboundEvent.objects.order_by("-pk")[0]
    assert (event.state, event.reason, has(now=far.now)[0]) == ("ignored", "dropped", 0)


@pytest.mark.parametrize("behind", ["root", "part"])
def test_what_was_seen_and_not_applied_is_waited_for_when_the_crm_shows_an_older_copy(far, behind):
    """Seen under a lease that came to nothing, it counts as known for the polls: dropping the older copy would lose the change."""
    root, part = split(far)
    old = {"root": far.orders_by_id[root.id], "part": far.orders_by_id[part.id]}
    far.pass_time(minutes=5)
    new = {"part": far.change(part, grand_total=Decimal(400)), "root": far.change(root, grand_total=Decimal(300))}
    far.delete(part)
    hear(far, root.id)
    work(far)  # the root was seen as it is now, and waits for its part
    far.orders_by_id |= {root.id: new["root"], part.id: new["part"]}
    if behind == "part":
        CrmOrder.objects.filter(crm_id=part.id).update(seen_at=new["part"].updated_at)  # another look had seen it
    far.orders_by_id[{"root": root, "part": part}[behind].id] = old[behind]
    hear(far, root.id)
    work(far)
    assert (net(root.number), waiting()) == (100, {})
    far.orders_by_id |= {root.id: new["root"], part.id: new["part"]}
    far.pass_time(hours=1)
    work(far)
    assert (net(root.number), waiting()) == (70, {})
