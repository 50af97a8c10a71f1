"""Whose pages ask for the configuration: the shop's own, and strangers, of which one may be the shop under a name that nobody told us."""

import datetime as dt

import pytest
from django.test import Client

from storefront.models import WidgetSighting
from storefront.services import sighting
from tests.factories import NOW
from tests.staff import read, sign_in, text_of

SHOP, TWIN = "https://shop.example", "https://www.shop.example"
INSTALL = "/admin/storefront/widgetlook/install/"
pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _origins(settings):
    settings.STOREFRONT_ORIGINS = settings.CORS_ALLOWED_ORIGINS = [SHOP]


def ask(origin):
    answer = Client().get("/widgets/config.json", HTTP_ORIGIN=origin)
    assert answer.status_code == 200
    return answer


def seen():
    return set(WidgetSighting.objects.values_list("origin", flat=True))


def test_the_shop_under_a_name_that_nobody_told_us_is_shown_with_the_line_to_set(client):
    for origin in (SHOP, TWIN):
        ask(origin)
    assert "Access-Control-Allow-Origin" not in ask(TWIN), "being seen opens nothing"
    sign_in(client, "storefront.view_widgetlook")
    page = text_of(client.get(INSTALL))
    assert "The tag also runs elsewhere" in page
    assert f"STOREFRONT_ORIGINS={SHOP},{TWIN}" in page


def test_once_it_is_named_it_is_no_stranger_any_more(client, settings):
    ask(TWIN)
    settings.STOREFRONT_ORIGINS = [SHOP, TWIN]
    sign_in(client, "storefront.view_widgetlook")
    assert "The tag also runs elsewhere" not in read(client, INSTALL)


@pytest.mark.parametrize(
    "origin",
    [
        "null", "http://testserver", "file://", "https://", "chrome-extension://abcdef", "https://a.example/path", "https://a.example:123456",
        "https://user@a.example", "https://" + "a" * 190 + ".example", "https://<script>alert(1)</script>", "https://a.example\n", "https://Ж.example",
    ],
)  # fmt: skip
def test_what_is_no_other_sites_origin_leaves_no_row(origin):
    ask(origin.encode().decode("latin-1"))
    assert seen() == set()


def test_strangers_fill_a_few_rows_and_keep_none_for_long(settings):
    for number in range(sighting.STRANGERS + 5):
        sighting.note_stranger(origin=f"https://{number}.example", ours=[SHOP], now=NOW)
    sighting.note_visit(origin=SHOP, now=NOW)
    assert len(seen()) == sighting.STRANGERS + 1
    assert not sighting.note_stranger(origin=TWIN, ours=[SHOP], now=NOW + dt.timedelta(days=7))
    later = NOW + dt.timedelta(days=7, seconds=1)
    assert sighting.strangers(ours=[SHOP], now=later) == []
    assert sighting.note_stranger(origin=TWIN, ours=[SHOP], now=later)
    assert seen() == {SHOP, TWIN}, "what the shop's own pages left stays"
    assert [row.origin for row in sighting.strangers(ours=[SHOP], now=later)] == [TWIN]
