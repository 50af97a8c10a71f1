"""Draining pools with many hands at once, over HTTP and in the service, each with a negative control that shows the race is real."""

import datetime as dt
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import requests
from django.db import connection, transaction
from django.test import Client

from promo.errors import PoolEmpty
from promo.models import Code, CodeState, Issue
from promo.services import issuing
from tests.factories import make_codes, make_pool

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _unlimited(settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "get_code_address": "100000/minute", "get_code_person": "100/hour"}
    settings.OPEN_MODE_DAILY_CAP = 100_000


def in_parallel(workers, call):
    gate = Barrier(workers)

    def run(number):
        gate.wait()
        try:
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(workers)))


def test_64_clients_draining_500_codes_over_http_get_500_distinct_codes_then_clean_404s(live_server):
    make_codes(make_pool(amount_uah=1100), 500)

    def drain(_number):
        session, answers = requests.Session(), []
        while True:
            response = session.get(f"{live_server.url}/get-code?amount=1100", timeout=60)
            answers.append((response.status_code, response.json().get("promo_code")))
            if response.status_code != 200:
                return answers

    answers = [answer for client in in_parallel(64, drain) for answer in client]
    assert Counter(status for status, _ in answers) == {200: 500, 404: 64}
    codes = [code for status, code in answers if status == 200]
    assert len(set(codes)) == 500
    assert Issue.objects.count() == 500


def test_32_clients_with_one_key_get_one_code_over_http(live_server):
    make_codes(make_pool(amount_uah=1100), 40)
    key = {"Idempotency-Key": "visitor-0123456789abcdef"}
    answers = in_parallel(
        32, lambda _number: requests.get(f"{live_server.url}/get-code?amount=1100", headers=key, timeout=60).json()
    )
    assert len({answer["promo_code"] for answer in answers}) == 1
    assert Issue.objects.count() == 1


def test_32_clients_with_one_order_get_one_code():
    make_codes(make_pool(amount_uah=1100), 40)
    answers = in_parallel(32, lambda _n: Client().get("/get-code?amount=1100&session=cart-1&order_id=7").json())
    assert len({answer["promo_code"] for answer in answers}) == 1
    assert Issue.objects.count() == 1


def test_the_daily_cap_is_exact_under_a_race(settings):
    settings.OPEN_MODE_DAILY_CAP = 7
    make_codes(make_pool(amount_uah=1100), 40)
    statuses = in_parallel(24, lambda _n: Client().get("/get-code?amount=1100").status_code)
    assert Counter(statuses) == {200: 7, 429: 17}
    assert Issue.objects.count() == 7


def test_many_hands_in_the_service_never_share_a_code():
    make_codes(make_pool(amount_uah=1100), 200)

    def take(_number):
        taken = []
        while True:
            try:
                taken.append(issuing.issue_code(amount_uah=1100, channel="drop_in", now=NOW).code)
            except PoolEmpty:
                return taken

    codes = [code for taken in in_parallel(16, take) for code in taken]
    assert len(codes) == len(set(codes)) == 200


def test_negative_control_a_read_then_save_claim_hands_codes_out_twice():
    make_codes(make_pool(amount_uah=1100), 60)

    def take(_number):
        taken = []
        while True:
            with transaction.atomic():
                code = Code.objects.filter(state=CodeState.AVAILABLE).order_by("place").first()
                if code is None:
                    return taken
                code.state = CodeState.ISSUED
                code.save(update_fields=["state"])
            taken.append(code.code)

    codes = [code for taken in in_parallel(16, take) for code in taken]
    assert len(codes) > len(set(codes)), "the race did not show: the tests above prove nothing"
