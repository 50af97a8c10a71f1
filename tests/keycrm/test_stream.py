"""Many orders at once, and everything that goes wrong on the way: at the end every order stands where its last figures say."""

import os

import pytest

from keycrm.models import InboundEvent
from tests.keycrm.stream import Stream

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _on(settings):
    settings.KEYCRM_WRITE_BACK = "on"


def live(seed, orders):
    stream = Stream(seed=seed, orders=orders)
    stream.run()
    stream.settle()
    return stream


def check(stream):
    assert stream.wrong() == []
    assert stream.over_limit_at_rest == 0
    assert stream.told["storms"] > 0
    assert stream.told["died"] > 0
    assert InboundEvent.objects.filter(times_seen__gt=1).exists()


@pytest.mark.both_databases
@pytest.mark.timeout(300)
def test_orders_with_loss_disorder_crashes_and_storms_end_where_their_last_figures_say():
    check(live(seed=7, orders=30))


@pytest.mark.timeout(300)
def test_another_life_of_orders_ends_there_as_well():
    check(live(seed=11, orders=60))


@pytest.mark.prove
@pytest.mark.timeout(0)
def test_ten_thousand_orders_end_where_their_last_figures_say():
    seed = int(os.environ.get("SEED", "1"))
    check(live(seed=seed, orders=int(os.environ.get("ORDERS", "10000"))))
