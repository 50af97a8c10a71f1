"""One key, one effect, one answer."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from bonusportal import idempotency
from bonusportal.errors import Conflict
from bonusportal.models import DailyCount, IdempotencyRecord

NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)
DAY = NOW.date()


def asked(key="visitor-0123456789abcdef", **body):
    return idempotency.ask(method="POST", path="/x", caller="", key=key, body=body)


def effect(name="done"):
    DailyCount.objects.create(day=DAY, name=f"{name}-{DailyCount.objects.count()}-{id(object())}")
    return {"id": 1}


@pytest.mark.django_db
def test_a_repeat_gets_the_first_answer_and_no_second_effect():
    first = idempotency.do_once(asked(), effect, now=NOW)
    second = idempotency.do_once(asked(), effect, now=NOW)
    assert (first.payload, first.replayed, second.payload, second.replayed) == ({"id": 1}, False, {"id": 1}, True)
    assert DailyCount.objects.count() == 1


@pytest.mark.django_db
def test_another_body_under_the_same_key_is_refused():
    idempotency.do_once(asked(amount=1), effect, now=NOW)
    with pytest.raises(Conflict) as refusal:
        idempotency.do_once(asked(amount=2), effect, now=NOW)
    assert (refusal.value.status, refusal.value.code) == (422, "idempotency_key_reused")
    assert DailyCount.objects.count() == 1


@pytest.mark.django_db
def test_an_effect_that_fails_leaves_no_record():
    def fails():
        effect()
        raise Conflict("no")

    with pytest.raises(Conflict):
        idempotency.do_once(asked(), fails, now=NOW)
    assert not IdempotencyRecord.objects.exists()
    assert not DailyCount.objects.exists()
    assert idempotency.do_once(asked(), effect, now=NOW).replayed is False


def test_the_scope_tells_method_path_caller_and_key_apart():
    base = {"method": "POST", "path": "/x", "caller": "", "key": "k", "body": {}}
    scopes = {idempotency.ask(**base).scope} | {
        idempotency.ask(**{**base, name: "other"}).scope for name in ("method", "path", "caller", "key")
    }
    assert len(scopes) == 5


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_32_parallel_repeats_one_has_the_effect_and_all_have_its_answer():
    gate = Barrier(32)

    def call(_number):
        gate.wait()
        try:
            return idempotency.do_once(asked(), effect, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(call, range(32)))
    assert [answer.payload for answer in answers] == [{"id": 1}] * 32
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 31
    assert DailyCount.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_record_the_same_race_has_many_effects():
    gate = Barrier(32)

    def call(_number):
        gate.wait()
        try:
            is_new = not IdempotencyRecord.objects.filter(scope=asked().scope).exists()
            gate.wait()  # everybody has looked before anybody acts
            if is_new:
                effect()
                IdempotencyRecord.objects.get_or_create(scope=asked().scope, defaults={"body": "", "created_at": NOW})
        finally:
            connection.close()

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(call, range(32)))
    assert DailyCount.objects.count() > 1
