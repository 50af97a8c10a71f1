"""What tasks do around the services: who is nudged next, and what they say in the log."""

import logging

import pytest
from django.utils import timezone

from bonusportal import nudges
from keycrm import tasks, wiring
from keycrm.models import CrmOrder
from keycrm.services import leasing, receiving
from tests.keycrm.journeys import webhook_body
from tests.keycrm.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(monkeypatch, settings):
    """The real client at the simulated CRM."""
    settings.KEYCRM_BASE_URL, settings.KEYCRM_API_TOKEN = "https://crm.example/v1", "a-key"
    made = World()
    monkeypatch.setattr(wiring, "open_crm", lambda **_options: made.client())
    return made


@pytest.fixture
def sent(monkeypatch, settings):
    """Messages on their way to the broker, as (task, seconds that it waits)."""
    settings.CELERY_BROKER_URL = "redis://broker.example/0"
    messages = []
    monkeypatch.setattr(
        "bonusportal.celery.app.send_task",
        lambda task, args, *, countdown, **_options: messages.append((task, countdown)),
    )
    nudges.broker_pause.stop()
    nudges._sent_just_now.clear()
    yield messages
    nudges._sent_just_now.clear()


def test_a_row_that_failed_leaves_the_turn_to_the_next_by_a_nudge(world, sent, monkeypatch):
    order = world.order()
    receiving.receive(channel="webhook", body=webhook_body(order["id"]), now=timezone.now())
    sent.clear()

    def broken(*_args, **_options):
        raise RuntimeError

    monkeypatch.setattr("keycrm.services.applying.totals_of_parts", broken)
    with pytest.raises(RuntimeError):
        tasks.apply_orders()
    assert sent == [("keycrm.tasks.apply_orders", 1.0)]
    assert CrmOrder.objects.get().retry_at is not None


def test_orders_that_were_applied_nudge_the_write_back(world, sent):
    leasing.ask(CrmOrder, world.order()["id"], now=timezone.now())
    assert tasks.apply_orders() == 1
    assert ("keycrm.tasks.write_back", 5.0) in sent


def test_a_poll_that_found_something_says_so_and_one_that_did_not_is_quiet(world, sent, caplog, time_machine):
    world.order()
    time_machine.move_to(world.clock.now().replace(minute=5), tick=False)
    caplog.set_level(logging.DEBUG, logger="keycrm.tasks")
    for _ in range(6):  # a month of empty windows, some at a time, each time with a nudge for more
        if tasks.poll_created():
            break
        assert sent.pop() == ("keycrm.tasks.poll_created", None)
    told = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "keycrm.tasks"]
    assert ("INFO", "CRM: of 1 created orders 1 have to be looked at") in told
    assert ("keycrm.tasks.apply_orders", None) in sent
    tasks.apply_orders()
    caplog.clear()
    sent.clear()
    time_machine.move_to(world.clock.now().replace(minute=7), tick=False)
    tasks.poll_created()
    assert {record.levelname for record in caplog.records if record.name == "keycrm.tasks"} == {"DEBUG"}
    assert ("keycrm.tasks.apply_orders", None) not in sent


def test_without_a_key_no_task_does_anything(sent, settings):
    settings.KEYCRM_BASE_URL = settings.KEYCRM_API_TOKEN = ""
    every = (tasks.apply_orders, tasks.reserve_by_cards, tasks.poll_created, tasks.poll_updated, tasks.write_back)
    assert [task() for task in (*every, tasks.look_for_vanished)] == [0] * 6
    assert sent == []
