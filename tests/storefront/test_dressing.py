"""How the widgets look: chosen, gone back to, switched off; and the document that the shop's pages fetch."""

import json
import re

import pytest
from django.core.management import call_command
from django.test import Client

from bonusportal.errors import PortalError
from storefront.configuration import ACCENT, BACKGROUNDS, contrast, newest_version, readable_on
from storefront.models import WidgetLook, WidgetSighting
from storefront.services import doorkeeping, dressing
from tests.factories import NOW
from tests.staff import messages_of, read, sign_in, text_of
from tools.places import ROOT

SHOP = "https://shop.example"
CHOICE = {"version": newest_version(), "accent": "#b45309", "theme": "auto", "shows_hint": False, "texts": {}}
pytestmark = pytest.mark.django_db


def choose(**changes):
    return dressing.choose(**{**CHOICE, **changes}, actor="olena", reason="autumn", now=NOW)


def fetch(language="uk", **headers):
    answer = Client().get(f"/widgets/config.json?lang={language}", **headers)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    return answer, json.loads(answer.content)


def test_without_a_choice_the_newest_scripts_come_in_their_own_colours():
    _answer, document = fetch()
    assert document["version"] == newest_version()
    assert document["scripts"]["checkout"]["integrity"].startswith("sha384-")
    assert document["api"] == "http://testserver/api/v1"
    assert (document["share"], document["rate"], document["off"]) == (50, 10, False)


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("uk-UA", "Оплатити бонусами"),
        ("ru", "Оплатить бонусами"),
        ("en", "Pay with bonus points"),
        ("de", "Оплатити бонусами"),
        ("ru/", "Оплатить бонусами"),
        ("ena", "Оплатити бонусами"),
    ],
)
def test_texts_come_in_the_pages_language(asked, title):
    assert fetch(asked)[1]["texts"]["checkout"]["title"] == title


def test_a_choice_is_in_use_at_once():
    choose(texts={"uk": {"checkout.title": "Оплатити ластівками"}, "en": {"checkout.title": " "}})
    document = fetch()[1]
    assert document["colours"] == {"accent": "#b45309", "on": "#ffffff", "theme": "auto"}
    assert document["texts"]["checkout"]["title"] == "Оплатити ластівками"
    assert fetch("en")[1]["texts"]["checkout"]["title"] == "Pay with bonus points"


def test_only_the_shops_origins_may_read_it(settings):
    settings.STOREFRONT_ORIGINS = settings.CORS_ALLOWED_ORIGINS = [SHOP]
    assert fetch(HTTP_ORIGIN=SHOP)[0]["Access-Control-Allow-Origin"] == SHOP
    assert "Access-Control-Allow-Origin" not in fetch(HTTP_ORIGIN="https://elsewhere.example")[0]


def test_switched_off_it_says_so_and_nothing_else():
    choose()
    assert dressing.switch(is_off=True, actor="olena", reason="trouble", now=NOW)
    assert not dressing.switch(is_off=True, actor="olena", reason="again", now=NOW)
    assert fetch()[1] == {"off": True, "version": newest_version()}
    choose(accent="#15803d")
    assert fetch()[1]["off"] is True, "choosing a colour must not switch on"
    dressing.switch(is_off=False, actor="olena", reason="mended", now=NOW)
    assert fetch()[1]["colours"]["accent"] == "#15803d"


def test_a_closed_storefront_switches_the_widgets_off_as_well():
    doorkeeping.switch(customer_id=None, is_open=False, actor="olena", reason="trouble", now=NOW)
    assert fetch()[1]["off"] is True


def test_going_back_makes_a_new_version():
    first = choose()
    choose(accent="#15803d")
    dressing.go_back_to(look_id=first.pk, actor="petro", reason="prettier", now=NOW)
    assert [look.accent for look in WidgetLook.objects.all()] == ["#b45309", "#15803d", "#b45309"]


def test_scripts_that_are_gone_give_way_to_the_newest():
    look = choose()
    WidgetLook.objects.filter(pk=look.pk).update(version="0.0.1")
    assert fetch()[1]["version"] == newest_version()


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": "9.9.9"}, {"accent": "red"}, {"accent": "#7c2d1"}, {"accent": "#ffff00"}, {"theme": "pink"},
        {"texts": {"uk": {"checkout.nothing": "?"}}}, {"texts": {"pl": {"checkout.title": "?"}}}, {"texts": {"uk": {"checkout.title": "x" * 121}}},
    ],
)  # fmt: skip
def test_a_wrong_choice_changes_nothing(wrong):
    with pytest.raises(PortalError):
        choose(**wrong)
    assert not WidgetLook.objects.exists()


@pytest.mark.parametrize(
    ("accent", "light", "dark", "auto"),
    [
        ("#1b2127", True, False, False),
        ("#1d4ed8", True, False, False),
        ("#fde68a", False, True, False),
        (ACCENT, True, True, True),
    ],
)
def test_an_accent_is_seen_on_every_page_that_it_may_stand_on(accent, light, dark, auto):
    for theme, is_seen in {"light": light, "dark": dark, "auto": auto}.items():
        if is_seen:
            assert choose(accent=accent, theme=theme).accent == accent
        else:
            with pytest.raises(dressing.LookInvalid):
                choose(accent=accent, theme=theme)


def test_colours_are_held_against_what_the_widgets_have_behind_them():
    sheet = (ROOT / "widgets/core/base.css").read_text()
    light, dark = re.findall(r"--bg:(#[0-9a-f]+)", sheet)
    assert {"light": "#ffffff" if light == "#fff" else light, "dark": dark} == BACKGROUNDS


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("checkout.title", "Ваші {points}", "“Оплатити бонусами” has nothing to fill in for {points}."),
        ("thankyou.earned", "+{points}, {name}", "“+{points} за це замовлення” has nothing to fill in for {name}."),
        ("thankyou.earned", "+{ points }", "What stands instead of “+{points} за це замовлення” has to contain {points}."),
        ("checkout.hint", "До {Share}%", "“1 бонус = 1 грн, до {share}% суми товарів” has nothing to fill in for {Share}."),
    ],
)  # fmt: skip
def test_a_text_has_the_placeholders_of_the_one_that_it_replaces(client, name, text, error):
    sign_in(client, "storefront.view_widgetlook", "storefront.dress_shop")
    chosen = {"save": "", "version": newest_version(), "accent": "#b45309", "theme": "auto", "reason": "autumn"}
    answer = client.post("/admin/storefront/widgetlook/install/", {**chosen, f"uk:{name}": text})
    assert messages_of(answer) == [error]
    assert not WidgetLook.objects.exists()
    choose(texts={"uk": {"thankyou.earned": "Ластівки & {points}, {points}!"}})
    assert fetch()[1]["texts"]["thankyou"]["earned"] == "Ластівки & {points}, {points}!"


def test_going_back_works_whatever_the_rules_have_become():
    """Who goes back is in a hurry: the colour and the words were in use already."""
    old = choose()
    WidgetLook.objects.filter(pk=old.pk).update(accent="#1b2127", texts={"uk": {"checkout.title": "Ваші {points}"}})
    choose()
    back = dressing.go_back_to(look_id=old.pk, actor="olena", reason="it was not that", now=NOW)
    assert (back.accent, back.texts) == ("#1b2127", {"uk": {"checkout.title": "Ваші {points}"}})
    WidgetLook.objects.filter(pk=old.pk).update(version="0.0.1")
    with pytest.raises(dressing.LookInvalid, match=r"0\.0\.1"):
        dressing.go_back_to(look_id=old.pk, actor="olena", reason="and again", now=NOW)


def test_a_script_shows_points_beside_prices_and_leaves_what_staff_chose():
    call_command("show_points_beside_prices", "--reason=opening", "--unless-chosen", verbosity=0)
    assert fetch()[1]["hint"] is True
    choose(accent="#15803d")
    call_command("show_points_beside_prices", "--reason=opening", "--unless-chosen", verbosity=0)
    assert fetch()[1]["hint"] is False
    call_command("show_points_beside_prices", "--reason=spring", verbosity=0)
    document = fetch()[1]
    assert (document["hint"], document["colours"]["accent"]) == (True, "#15803d")


def test_what_stands_on_the_accent_can_be_read():
    for accent in ("#0f766e", "#f59e0b", "#111827", "#e11d48", "#808080"):
        assert contrast(accent, readable_on(accent)) >= 4.5


def test_staff_read_the_tags_with_the_portals_address(client):
    sign_in(client, "storefront.view_widgetlook")
    page = read(client, "/admin/storefront/widgetlook/install/")
    assert "http://testserver/widgets/" in page
    assert "portal.example" not in page
    assert "Switch off" not in page


def test_staff_test_the_connection(client, settings):
    settings.STOREFRONT_ORIGINS = [SHOP, "https://other.example"]
    settings.CORS_ALLOWED_ORIGINS = [SHOP]
    sign_in(client, "storefront.view_widgetlook")
    page = read(client, "/admin/storefront/widgetlook/install/")
    assert "may call the API" not in page
    shown = text_of(client.post("/admin/storefront/widgetlook/install/", {"try": ""}))
    assert shown.count("✓ A page of this origin may call the API") == 1
    assert shown.count("✗ A page of this origin may call the API: no") == 1
    assert shown.count("✓ The scripts are what their hashes say") == 2
    assert "Bonus portal" in shown, "the page is in its reader's language still"
    assert not WidgetSighting.objects.exists(), "a test by staff is no visit of the shop"


def test_a_trial_gets_its_own_script_and_counts_once(client, settings):
    settings.STOREFRONT_ORIGINS = [SHOP]
    sign_in(client, "storefront.view_widgetlook")
    page = client.get("/admin/storefront/widgetlook/install/").content.decode()
    [token] = re.findall(rf"{SHOP}/checkout/#bonus-([\w.-]+)", page)
    document = json.loads(client.get(f"/widgets/config.json?lang=uk&trial={token}").content)
    assert document["scripts"]["checkout"]["src"].endswith("/trial.js")
    assert document["trial"]["scripts"] == fetch()[1]["scripts"], "and then the widget's own"
    back = f"{document['trial']['back']}&no=api".removeprefix("http://testserver")
    assert "✗ A page of this origin may call the API" in text_of(client.get(back, follow=True))
    assert "That test was not begun here" in text_of(client.get(back, follow=True))
    assert "trial" not in fetch(f"uk&trial={token}x")[1], "a token that nobody signed tries nothing"
    assert Client().get(back, follow=True).redirect_chain[-1][0].startswith("/admin/login/")


def test_staff_choose_and_switch_off_with_a_reason(client):
    sign_in(client, "storefront.view_widgetlook", "storefront.dress_shop")
    chosen = {
        "save": "",
        "version": newest_version(),
        "accent": "#b45309",
        "theme": "auto",
        "reason": "autumn",
        "uk:checkout.title": "Ластівки",
    }
    client.post("/admin/storefront/widgetlook/install/", chosen)
    assert fetch()[1]["texts"]["checkout"]["title"] == "Ластівки"
    answer = client.post("/admin/storefront/widgetlook/switch/", {"reason": "trouble"})
    assert messages_of(answer)[-1] == "Switched off."
    assert fetch()[1]["off"] is True


@pytest.mark.parametrize(
    ("accent", "error"),
    [
        ("#ffff00", "This accent can hardly be seen on white. Choose a darker one."),
        ("#1b2127", "This accent can hardly be seen on a dark page. Choose a lighter one, or have the widgets always light."),
    ],
)  # fmt: skip
def test_a_wrong_colour_is_named_on_the_page(client, accent, error):
    sign_in(client, "storefront.view_widgetlook", "storefront.dress_shop")
    chosen = {"save": "", "version": newest_version(), "accent": accent, "theme": "auto", "reason": "summer"}
    answer = client.post("/admin/storefront/widgetlook/install/", chosen)
    assert messages_of(answer) == [error]
    assert not WidgetLook.objects.exists()


def test_who_may_only_look_changes_nothing(client):
    sign_in(client, "storefront.view_widgetlook")
    first = choose()
    for address in ("install/", "switch/", f"{first.pk}/back/"):
        answer = client.post(f"/admin/storefront/widgetlook/{address}", {"save": "", "reason": "no"})
        assert answer.status_code == 403
    assert WidgetLook.objects.count() == 1


def test_the_page_is_in_ukrainian_throughout(client):
    client = sign_in(client, "storefront.view_widgetlook", "storefront.dress_shop", language="uk")
    page = read(client, "/admin/storefront/widgetlook/install/")
    for text in (
        "Встановлення в магазин",
        "Вставте теги",
        "Копіювати",
        "Перевірте, чи магазин має",
        "Світлий чи темний",
        "Версії",
        "Застосувати",
    ):
        assert text in page
    assert "Увімкнути" not in page, "the widgets are on: what is chosen is put into use"
