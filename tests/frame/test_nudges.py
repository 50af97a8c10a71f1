"""The door to the broker: what is published when. (What a dead broker costs is shown by the flows, with a real one stopped.)"""

import json

import pytest
import redis
from django.db import transaction

from bonusportal import nudges

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh():
    nudges.broker_pause.stop()
    nudges._sent_just_now.clear()
    yield
    nudges.broker_pause.stop()


def queued(url, queue="panel"):
    return [json.loads(message)["headers"]["task"] for message in redis.Redis.from_url(url).lrange(queue, 0, -1)]


def test_a_nudge_is_published_when_the_transaction_commits_and_not_before(redis_url):
    with transaction.atomic():
        nudges.nudge("promo.tasks.work_through_runs")
        assert queued(redis_url) == []
    assert queued(redis_url) == ["promo.tasks.work_through_runs"]


def test_a_nudge_of_a_transaction_that_rolled_back_is_not_published(redis_url):
    with transaction.atomic():
        nudges.nudge("promo.tasks.work_through_runs")
        transaction.set_rollback(True)
    assert queued(redis_url) == []


def test_many_nudges_within_the_interval_melt_into_one(redis_url):
    for _ in range(20):
        nudges.nudge("promo.tasks.publish_mirror", at_most_every_seconds=60)
    assert len(queued(redis_url, "portal")) == 1
