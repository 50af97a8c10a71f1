"""Rate limits: in Redis, in the table, and when Redis goes away in the middle."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from bonusportal import limits
from bonusportal.errors import TooMany
from bonusportal.models import RateWindow


@pytest.fixture(autouse=True)
def _tight(settings):
    settings.RATE_LIMITS = {"get_code_address": "3/minute"}
    limits.redis_pause.stop()
    yield
    limits.redis_pause.stop()
    limits._redis_limiter.cache_clear()


def is_allowed(key="203.0.113.5"):
    try:
        limits.check_limit("get_code_address", key)
    except TooMany as refusal:
        return not 1 <= refusal.retry_after_seconds <= 60
    return True


def allowed(times, key="203.0.113.5"):
    return [is_allowed(key) for _ in range(times)]


@pytest.mark.django_db
def test_without_redis_the_table_counts(settings):
    settings.REDIS_URL = ""
    assert allowed(5) == [True, True, True, False, False]
    assert allowed(1, key="203.0.113.6") == [True]
    assert RateWindow.objects.count() == 2


@pytest.mark.django_db
def test_a_window_that_is_over_starts_anew(settings):
    settings.REDIS_URL = ""
    allowed(5)
    RateWindow.objects.update(expires_at=1.0)
    assert allowed(4) == [True, True, True, False]


@pytest.mark.django_db
def test_with_redis_the_table_stays_empty(redis_url):
    assert allowed(5) == [True, True, True, False, False]
    assert not RateWindow.objects.exists()


@pytest.mark.django_db
def test_when_redis_does_not_answer_the_limit_still_holds(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert allowed(5) == [True, True, True, False, False]
    assert limits.redis_pause.is_on


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_the_table_is_exact_under_a_race(settings):
    settings.REDIS_URL = ""
    settings.RATE_LIMITS = {"get_code_address": "50/minute"}

    def many(_number):
        try:
            return sum(allowed(25))
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(many, range(16))) == 50
