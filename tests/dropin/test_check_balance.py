"""The predecessor's balance by phone: open to anybody in open mode, only to its owner in guarded mode."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from bonuses.models import Customer
from bonuses.services import customers
from tests.bonuses.scenes import give
from tests.dropin.calling import PHONE, token

pytestmark = pytest.mark.django_db


@pytest.fixture
def rich():
    customer = customers.find_or_create(phone=PHONE, now=timezone.now())
    give(customer, 300, now=timezone.now())
    return customer


@pytest.mark.parametrize("typed", ["+38 (000) 000-00-01", "380000000001", "0000000001"])
def test_every_spelling_is_answered_in_the_old_shape(client: Client, rich, typed):
    answer = client.get("/check-balance", {"phone": typed})
    assert answer.json() == {"success": True, "bonus_balance": 300, "phone": "380000000001", "original_phone": typed}
    assert answer["Cache-Control"] == "no-store"


def test_an_unknown_person_has_nothing_and_is_not_made(client: Client):
    assert client.get("/check-balance", {"phone": PHONE}).json()["bonus_balance"] == 0
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "phone_missing"),
        ("phone=", "phone_missing"),
        ("phone=123", "phone_invalid"),
        ("phone=380000000001&phone=380000000001", "parameter_repeated"),
        ("phone=%00380000000001", "text_invalid"),
    ],
)
def test_what_is_no_phone_is_refused(client: Client, query, code):
    answer = client.get(f"/check-balance?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_in_guarded_mode_only_ones_own_session_is_told(client: Client, rich, settings):
    settings.GET_CODE_MODE = "guarded"
    stranger = customers.find_or_create(phone="+380000000002", now=timezone.now())

    def shown(**sent):
        headers = {"Authorization": sent.pop("bearer")} if "bearer" in sent else {}
        return client.get("/check-balance", {"phone": PHONE, **sent}, headers=headers).json()["bonus_balance"]

    assert shown() == 0
    assert shown(session=token(stranger)) == 0
    assert shown(session="not a token") == 0
    assert shown(session=token(rich)) == 300
    assert shown(bearer=f"Bearer {token(rich)}") == 300


def test_the_limit_holds(client: Client, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "balance": "2/minute"}
    answers = [client.get("/check-balance", {"phone": PHONE}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) >= 1
