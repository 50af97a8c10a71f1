"""The token of a session: what opens, what does not, and how it ends early."""

import datetime as dt

import pytest
from django.core import signing

from bonuses.models import Customer
from bonuses.services import customers, merging
from storefront.models import Door
from storefront.tokens import make_token, read_token
from tests.factories import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def shopper():
    return customers.find_or_create(phone="+380000000001", now=NOW)


def test_a_token_opens_for_whom_it_was_made(shopper):
    assert read_token(make_token(customer_id=shopper, now=NOW), now=NOW) == shopper


@pytest.mark.parametrize(("seconds", "opens"), [(0, True), (1799, True), (1800, False), (-59, True), (-61, False)])
def test_a_token_lives_half_an_hour(shopper, seconds, opens):
    token = make_token(customer_id=shopper, now=NOW)
    assert (read_token(token, now=NOW + dt.timedelta(seconds=seconds)) == shopper) is opens


def test_no_changed_letter_opens(shopper):
    token = make_token(customer_id=shopper, now=NOW)
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert read_token(changed, now=NOW) is None


@pytest.mark.parametrize("token", ["", ".", "a.b", "null", "ключ.ключ", "\x00", "A" * 5000, "[]." + "A" * 43])
def test_nonsense_is_no_token(token):
    assert read_token(token, now=NOW) is None


def test_what_was_signed_for_another_purpose_is_no_token(shopper):
    carried = {"c": shopper, "t": int(NOW.timestamp() * 1000)}
    assert read_token(signing.Signer(salt="other", sep=".").sign_object(carried), now=NOW) is None
    assert read_token(signing.dumps(carried), now=NOW) is None


def test_keys_rotate_without_a_gap(shopper, settings):
    settings.SECRET_KEY = "the former key"
    token = make_token(customer_id=shopper, now=NOW)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the newer key", ["the former key"]
    assert read_token(token, now=NOW) == shopper
    settings.SECRET_KEY_FALLBACKS = []
    assert read_token(token, now=NOW) is None


def test_a_closed_door_shuts_out_its_customer_and_nobody_else(shopper):
    other = customers.find_or_create(phone="+380000000002", now=NOW)
    Door.objects.create(customer_id=shopper, is_open=False)
    assert read_token(make_token(customer_id=shopper, now=NOW), now=NOW) is None
    assert read_token(make_token(customer_id=other, now=NOW), now=NOW) == other


def test_the_storefronts_closed_door_shuts_out_everybody(shopper):
    Door.objects.create(customer=None, is_open=False)
    assert read_token(make_token(customer_id=shopper, now=NOW), now=NOW) is None


def test_a_revoked_token_is_dead_and_a_newer_one_lives(shopper):
    Door.objects.create(customer_id=shopper, revoked_at=NOW)
    later = NOW + dt.timedelta(seconds=1)
    assert read_token(make_token(customer_id=shopper, now=NOW), now=later) is None
    assert read_token(make_token(customer_id=shopper, now=later), now=later) == shopper


def test_a_merged_customer_is_answered_as_the_survivor(shopper):
    survivor = customers.find_or_create(phone="+380000000002", now=NOW)
    token = make_token(customer_id=shopper, now=NOW)
    merging.merge_customers(from_id=shopper, into_id=survivor, now=NOW, actor="olena")
    assert read_token(token, now=NOW) == survivor


def test_an_erased_customer_is_nobody(shopper):
    token = make_token(customer_id=shopper, now=NOW)
    Customer.objects.filter(pk=shopper).update(phone=None, erased_at=NOW)
    assert read_token(token, now=NOW) is None
