"""Many orders at once, and everything that goes wrong on the way: at the end every order stands where its last figures say.

A life is its seed and the number of its orders. To live one again: `SEED=… ORDERS=… LIVES=1 make prove K=thousands_of_orders`.
"""

import logging
import os
from contextlib import contextmanager

import pytest

from keycrm.models import InboundEvent
from tests.keycrm.stream import CALLS_PER_MINUTE, Stream

# Independent lives, so that every core has one at a time.
SEED, ORDERS, LIVES = (
    int(os.environ.get(name, usual)) for name, usual in (("SEED", 1), ("ORDERS", 10_000), ("LIVES", 8))
)


@pytest.fixture(autouse=True)
def _on(settings):
    settings.KEYCRM_WRITE_BACK = "on"


@contextmanager
def told_how_to_live_it_again(seed, orders):
    """What fails says how to see it once more."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"To live it again: SEED={seed} ORDERS={orders} LIVES=1 make prove K=thousands_of_orders")
        raise


def live(seed, orders):
    stream = Stream(seed=seed, orders=orders)
    stream.run()
    stream.settle()
    return stream


def check(stream):
    assert stream.wrong() == []
    assert stream.most_calls <= CALLS_PER_MINUTE
    assert stream.refused == 0
    assert stream.told["storms"] > 0
    assert stream.told["died"] > 0
    assert InboundEvent.objects.filter(times_seen__gt=1).exists()


@pytest.mark.django_db
@pytest.mark.both_databases
@pytest.mark.timeout(300)
def test_orders_with_loss_disorder_crashes_and_storms_end_where_their_last_figures_say():
    check(live(seed=24, orders=30))


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_another_life_of_orders_ends_there_as_well():
    check(live(seed=26, orders=30))


@pytest.mark.prove
@pytest.mark.timeout(0)
@pytest.mark.django_db(
    transaction=True
)  # a transaction of ten thousand orders would keep every old row that it ever wrote
@pytest.mark.parametrize("seed", range(SEED, SEED + LIVES))
def test_thousands_of_orders_end_where_their_last_figures_say(seed, caplog):
    caplog.set_level(logging.CRITICAL)  # storms of a whole night would be kept
    with told_how_to_live_it_again(seed, ORDERS // LIVES):
        stream = live(seed, ORDERS // LIVES)
        check(stream)
        assert stream.told["deleted"] > 0
        assert stream.told["root deleted"] > 0
        assert stream.told["merged"] > 0
        assert stream.told["merged while written"] > 0
