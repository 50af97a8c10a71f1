"""Paths for scripts go past what serves people's pages, and lose nothing that protects them."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import resolve

from bonusportal import short_way
from promo.models import Issue
from tests.factories import make_code, make_pool

pytestmark = pytest.mark.django_db
PATHS = ["/get-code", "/get-code/", "/prod/get-code"]


@pytest.fixture
def _stocked():
    make_code(make_pool(amount_uah=1100), code="BON1100TEST")


@pytest.mark.usefixtures("_stocked")
@pytest.mark.parametrize("path", PATHS)
def test_an_answer_has_the_headers_of_every_answer(client: Client, path):
    answer = client.get(f"{path}?amount=1100", headers={"Accept-Language": "en"})
    assert answer.json()["promo_code"] == "BON1100TEST"
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Content-Language"] == "en"
    assert answer["Content-Length"] == str(len(answer.content))


@pytest.mark.usefixtures("_stocked")
def test_an_answer_depends_on_no_cookie_and_sets_none(client: Client):
    client.cookies[settings.SESSION_COOKIE_NAME] = "somebody"
    answer = client.get("/get-code?amount=1100")
    assert answer.cookies == {}
    assert "cookie" not in answer["Vary"].lower()


@pytest.mark.usefixtures("_stocked")
def test_a_host_that_is_not_ours_is_refused(client: Client):
    assert client.get("/get-code?amount=1100", headers={"Host": "evil.example"}).status_code == 400
    assert not Issue.objects.exists()


def test_what_is_not_known_here_goes_the_long_way(client: Client):
    assert client.get("/get-code/more?amount=1100").status_code == 404
    assert client.get("/admin/").status_code == 302


def test_the_portals_addresses_name_the_same_views():
    assert {path: resolve(path).func for path in short_way._VIEWS} == short_way._VIEWS
