"""What nobody foresaw: tried again a bounded number of times with growing waits, then stuck with a reason that staff see and a button that looks once more."""

import contextlib
import datetime as dt
import itertools

import pytest

from bonuses.models import Order
from keycrm import tasks
from keycrm.errors import CrmUnavailable
from keycrm.models import BuyerLink, CrmCard, CrmOrder, InboundEvent, PollCursor
from keycrm.services import applying, leasing, receiving, reserving, resyncing, writing_back
from keycrm.services.polling import UPDATED
from tests.bonuses import scenes
from tests.keycrm.far_side import CARD_FIELDS, COMPLETED, FIELDS
from tests.keycrm.journeys import RULES, hear, hear_and_work, net, poll, push, stuck, work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PHONE = "+380000000001"
SECRET = "+380671112233"


class Surprise(Exception):
    """Not an error of any tree of ours."""


class Killed(BaseException):
    """The worker's process is gone."""


def surprising(call):
    raise Surprise(f"nobody expected {SECRET}")


def deadly(call):
    raise Killed


def tries(step, far, *, kind=Surprise, at_most=50):
    """Steps until nothing is left to do, an hour at a time. Returns the waits between tries."""
    moments = []
    for _ in range(at_most):
        try:
            if step() is None:
                if not waits():
                    return [later - earlier for earlier, later in itertools.pairwise(moments)]
                far.pass_time(seconds=1)
        except kind:
            moments.append(far.now)
        far.pass_time(seconds=next_in(far))
    raise AssertionError("there is no end to it")


def rows():
    return [*CrmOrder.objects.all(), *CrmCard.objects.all(), *BuyerLink.objects.all()]


def waits():
    return [row for row in rows() if row.stuck_reason == "" and (row.asked_at or row.retry_at)]


def next_in(far):
    """Seconds until the next row may be taken."""
    moments = [row.retry_at or row.lease_lapses_at for row in waits()]
    return max([(moment - far.now).total_seconds() for moment in moments if moment] + [0])


def test_an_order_at_which_the_work_breaks_off_is_stuck_after_a_bounded_number_of_tries_with_growing_waits(far):
    order = far.place(status=COMPLETED)
    hear(far, order.id)
    far.trouble = surprising
    pauses = tries(lambda: applying.apply_next(far, rules=RULES, now=far.now), far)
    assert [pause.total_seconds() for pause in pauses] == [15, 30, 60, 120, 240, 480, 960]
    row = CrmOrder.objects.get()
    assert row.stuck_reason == "unexpected"
    assert row.stuck_detail.startswith("Surprise, test_unforeseen.py:")
    assert SECRET not in row.stuck_detail
    assert list(InboundEvent.objects.values_list("state", "reason")) == [("stuck", "unexpected")]


def test_replayed_when_the_cause_is_gone_it_is_applied(far):
    order = far.place(status=COMPLETED)
    hear(far, order.id)
    far.trouble = surprising
    tries(lambda: applying.apply_next(far, rules=RULES, now=far.now), far)
    far.trouble = lambda call: None
    assert receiving.replay_event(event_id=InboundEvent.objects.get().pk, actor="olena", now=far.now)
    work(far)
    assert (stuck(order.id), net(order.number), CrmOrder.objects.get().failures) == ("", 100, 0)
    assert InboundEvent.objects.get().state == "applied"


def test_an_order_that_kills_its_workers_is_stuck_as_well(far):
    order = far.place(status=COMPLETED)
    hear(far, order.id)
    far.trouble = deadly
    pauses = tries(lambda: applying.apply_next(far, rules=RULES, now=far.now), far, kind=Killed)
    assert len(pauses) == leasing.MOST_FAILURES - 1
    assert stuck(order.id) == "workers_died"
    assert InboundEvent.objects.get().reason == "workers_died"


def test_a_few_failures_in_between_are_forgotten_with_the_first_success(far):
    order = far.place(status=COMPLETED)
    for _ in range(3):
        hear(far, order.id)
        far.trouble = surprising
        for _again in range(leasing.MOST_FAILURES - 2):
            with pytest.raises(Surprise):
                applying.apply_next(far, rules=RULES, now=far.now)
            far.pass_time(hours=1)
        far.trouble = lambda call: None
        work(far)
    assert (stuck(order.id), net(order.number)) == ("", 100)


def test_polls_do_not_begin_the_tries_of_an_order_anew_unless_it_changed(far):
    poll(far, UPDATED)
    order = far.place(status=COMPLETED)
    far.pass_time(minutes=1)
    hear(far, order.id)
    far.trouble = lambda call: surprising(call) if call == "order" else None
    tries(lambda: applying.apply_next(far, rules=RULES, now=far.now), far)
    cursor_at_the_change = PollCursor.objects.filter(name=UPDATED)
    cursor_at_the_change.update(reached_at=order.updated_at)
    poll(far, UPDATED)
    assert stuck(order.id) == "unexpected"
    far.change(order, status=COMPLETED)
    far.pass_time(minutes=1)
    poll(far, UPDATED)
    assert stuck(order.id) == ""


def test_a_card_by_which_a_manager_reserves_ends_the_same_way(far):
    card = far.add_card(custom_fields={"LD_1": "1", "LD_2": "50"})
    receiving.receive(
        channel="webhook", body=b'{"event": "lead.change_lead_status", "context": {"id": %d}}' % card.id, now=far.now
    )
    far.trouble = surprising
    step = lambda: reserving.reserve_next(far, fields=lambda: CARD_FIELDS, rules=RULES, now=far.now)  # noqa: E731
    assert len(tries(step, far)) == leasing.MOST_FAILURES - 1
    assert CrmCard.objects.get().stuck_reason == "unexpected"
    assert InboundEvent.objects.get().reason == "unexpected"


@pytest.mark.parametrize(
    ("trouble", "kind", "reason"), [(surprising, Surprise, "unexpected"), (deadly, Killed, "workers_died")]
)
@pytest.mark.parametrize("call", ["buyers_by_phone", "update_buyer"])
def test_a_card_of_a_buyer_ends_the_same_way_and_try_again_begins_anew(far, settings, trouble, kind, reason, call):
    settings.KEYCRM_WRITE_BACK = "on"
    card = far.add_buyer(PHONE)
    scenes.give(scenes.make_customer(phone=PHONE), 100)
    writing_back.prepare(now=far.now)
    far.trouble = lambda name: trouble(name) if name == call else None
    step = lambda: writing_back.push_next(far, fields=FIELDS, now=far.now)  # noqa: E731
    for _ in range(3 * leasing.MOST_FAILURES):
        with contextlib.suppress(kind):
            step()
        far.pass_time(hours=1)
    link = BuyerLink.objects.get()
    assert link.stuck_reason == reason
    far.trouble = lambda name: None
    assert writing_back.try_again(link_id=link.pk)
    push(far)
    assert far.shows(card)["CT_1"] == "100"


def test_a_full_resync_is_not_stopped_for_ever_by_one_card(far):
    far.add_buyer(PHONE)
    other = far.add_buyer("+380000000002")
    for phone in (PHONE, "+380000000002"):
        scenes.give(scenes.make_customer(phone=phone), 100)
    first = min(far.buyers_by_id)
    write = far.update_buyer

    def update_buyer(buyer_id, **more):
        if buyer_id == first:
            surprising("update_buyer")
        return write(buyer_id, **more)

    far.update_buyer = update_buyer
    runs = 0
    while runs < 20:
        runs += 1
        try:
            report = resyncing.resync(far, fields=FIELDS, clock=lambda: far.now)
            break
        except Surprise:
            far.pass_time(hours=1)
    assert (report.is_done, runs) == (True, leasing.MOST_FAILURES + 1)
    assert far.shows(other)["CT_1"] == "100"
    assert BuyerLink.objects.get(buyer_id=first).stuck_reason == "unexpected"


def test_orders_behind_one_that_fails_have_the_next_turn(far):
    bad, good = far.place(status=COMPLETED), far.place(status=COMPLETED)
    for order in (bad, good):
        hear(far, order.id)
    ask = far.order

    def order_unless_it_is_the_bad_one(order_id):
        if order_id == bad.id:
            surprising("order")
        return ask(order_id)

    far.order = order_unless_it_is_the_bad_one
    turn = lambda: tasks._work(  # noqa: E731
        lambda: applying.apply_next(far, rules=RULES, now=far.now), again="keycrm.tasks.apply_orders"
    )
    with pytest.raises(Surprise):
        turn()
    assert turn() == 1
    assert list(Order.objects.values_list("number", flat=True)) == [good.number]
    assert CrmOrder.objects.get(crm_id=bad.id).retry_at == far.now + dt.timedelta(seconds=15)


def test_temporary_trouble_however_long_is_never_counted_as_a_failure(far):
    order = far.place(status=COMPLETED)
    hear(far, order.id)

    def away(call):
        raise CrmUnavailable("answered 502", status=502)

    far.trouble = away
    for _ in range(60):
        work(far)
        far.pass_time(hours=2)
    assert (stuck(order.id), CrmOrder.objects.get().failures) == ("", 0)
    far.trouble = lambda call: None
    hear_and_work(far, order.id)
    assert net(order.number) == 100
