"""Every switch of the simulated shop, by what it does to the pages, the calls and the orders; and the door that turns them."""

from dataclasses import fields
from pathlib import Path

import pytest

from demo.shop.switches import Switches
from demo.shop.tags import container, es5_objections
from tests.demo import test_shop_in_a_browser, test_shop_orders_in_the_crm
from tests.demo.shopper import PORTAL, shopper


def checkout(**switches):
    guest = shopper(**switches)
    guest.buy(501)
    return guest.get("/checkout/")


def test_every_switch_is_described_in_both_languages_and_has_a_test():
    tests = "".join(
        Path(path).read_text(encoding="utf-8")
        for path in (__file__, test_shop_in_a_browser.__file__, test_shop_orders_in_the_crm.__file__)
    )
    for one in fields(Switches):
        assert one.metadata["uk"]
        assert one.metadata["en"]
        assert one.metadata["group"] in Switches.GROUPS
        assert one.name in tests, one.name


@pytest.mark.parametrize(
    "changes",
    [
        {"layout": "watch"},
        {"challenge": 1},
        {"ajax_seconds": True},
        {"ajax_seconds": -1},
        {"ajax_seconds": "2"},
        {"ajax_seconds": float("nan")},
        {"no_such_switch": True},
    ],
)
def test_a_switch_refuses_what_it_does_not_know_and_nothing_is_turned(changes):
    guest = shopper()
    with pytest.raises(ValueError, match=next(iter(changes))):
        guest.state.set_switches(jquery=False, **changes)
    assert guest.state.switches == Switches()


# -- pages ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layout", "root"), [("desktop", "cart"), ("mobile", "cart-drawer")])
def test_layout_puts_the_user_agent_aside(layout, root):
    guest = shopper(layout=layout)
    for guest.agent in ("Desktop", "iPhone Mobile"):
        assert guest.get("/").has("div", id=root)


def test_default_language_russian_gives_ukrainian_a_prefix():
    assert shopper(default_language="ru").get("/").has("a", href="/ua/")


def test_the_old_thank_you_theme_has_a_list_and_the_desktop_s_totals():
    guest = shopper(thank_you_theme="old", layout="desktop")
    guest.buy(501)
    guest.coupon("BON100A")
    page = guest.order()
    assert page.has("dl", id="order-customer-data")
    assert page.has("dt", class_="check-h")
    assert "+38 (000) 000-00-01" in page.texts["check-b"]
    assert page.texts["order-summary-b"] == "1\u00a0800\u00a0грн"
    assert "– 100\u00a0грн" in page.texts["order-details-b"]
    assert page.texts["h2"] == "Замовлення № 70415"
    assert not page.has("div", class_="invoice")


def test_the_old_theme_on_a_phone_has_the_phone_s_totals():
    guest = shopper(thank_you_theme="old", layout="mobile")
    guest.buy(501)
    assert guest.order().has("span", class_="order-details__total")


def test_old_submit_is_a_span_with_an_input():
    page = checkout(old_submit=True)
    assert page.has("span", class_="j-submit")
    assert page.has("input", type="submit")


@pytest.mark.parametrize("jquery", [True, False])
def test_jquery_is_there_or_not(jquery):
    assert checkout(jquery=jquery).has("script", src="/shop-static/vendor/jquery.js") is jquery


# -- coupon and totals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["desktop", "mobile"])
def test_without_a_coupon_form_there_is_no_trace_of_one(layout):
    guest = shopper(coupon_form=False, layout=layout)
    guest.buy(501)
    page = guest.get("/checkout/")
    assert not page.has("input", class_="j-coupon-input")
    assert not page.has("div", class_="order-details__block--discount")
    assert guest.coupon("BON100A")["response"]["reason"] == "off"


def test_coupon_refused_refuses_every_code():
    guest = shopper(coupon_refused=True)
    guest.buy(501)
    assert guest.coupon("BON100A")["status"] == "ERROR"
    assert guest.panel.counters["redeem"] == 0


def test_certificate_over_total_may_be_refused():
    guest = shopper(certificate_over_total="refused")
    guest.buy(501)
    assert guest.coupon("BON2000C")["response"]["reason"] == "over_total"
    assert guest.coupon("BON200B")["status"] == "OK"


def test_coupon_skips_discounted_goods():
    guest = shopper(coupon_skips_discounted=True)
    guest.buy(505)
    assert guest.coupon("BON100A")["response"]["total"]["total"]["sum"] == 780
    guest.buy(507)
    assert guest.call("ajax_cart/init")["response"]["total"]["total"]["sum"] == 840


def test_customer_discount_percent_is_another_line_with_a_minus():
    guest = shopper(customer_discount_percent=5)
    guest.buy(501)
    assert guest.call("ajax_cart/init")["response"]["total"]["total"]["sum"] == 1805
    assert "– 95\u00a0грн" in guest.part("order").text
    assert "Знижка постійного клієнта" in guest.order().text


def test_money_format_is_that_of_every_amount():
    assert "1900.00 грн" in checkout(money_format="dot").text


# -- calls -------------------------------------------------------------------------------------------------------------------


def test_ajax_seconds_make_calls_wait_and_slow_seconds_pages():
    guest = shopper(ajax_seconds=3.0, slow_seconds=0.5)
    guest.get("/")
    assert guest.waits.seconds == [0.5]
    guest.buy(501)
    assert guest.waits.seconds == [0.5, 0.5, 3.0]


def test_ajax_fails_with_500_and_changes_nothing():
    guest = shopper(ajax_fails=True)
    guest.get("/")
    answer = guest.post(
        "ajax_cart/appendProduct", {"id": 501}, {"X-CSRF-Token": guest.token, "X-Requested-With": "XMLHttpRequest"}
    )
    assert answer.status_code == 500
    guest.state.set_switches(ajax_fails=False)
    assert guest.call("ajax_cart/init")["response"]["products"] == {}


def test_csrf_every_call_takes_a_token_once_and_hands_out_the_next():
    guest = shopper(csrf_every_call=True)
    guest.get("/")
    first = guest.token
    assert guest.buy(501)["status"] == "OK"
    assert guest.buy(502)["status"] == "OK"
    guest.token = first
    assert guest.buy(503)["status"] == "BAD_CSRF"


def test_coupon_resets_delivery_on_the_server():
    guest = shopper(coupon_resets_delivery=True)
    guest.buy(501)
    guest.call("delivery/choose", type="courier")
    assert guest.coupon("BON100A")["response"]["total"]["total"]["complete_price"] == 1800


def test_without_that_switch_a_coupon_leaves_the_delivery():
    guest = shopper()
    guest.buy(501)
    guest.call("delivery/choose", type="courier")
    assert guest.coupon("BON100A")["response"]["total"]["total"]["complete_price"] == 1890


# -- tags --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tags(tmp_path):
    (tmp_path / "bonus_checkoutpage_script.html").write_text("<script>var at = 'https://portal.example/x';</script>")
    (tmp_path / "bonus_thankspage_script.html").write_text("<script>var at = '{{ Portal address }}';</script>")
    (tmp_path / "bonus_hint_script.html").write_text("<script>var hint = '__PORTAL__';</script>")
    return tmp_path


def contained(tags, **switches):
    guest = shopper(**switches)
    guest.state.tags_folder = tags
    return container(guest.state)


def test_gtm_has_the_project_s_tags_with_the_portal_s_address(tags):
    found = {tag["name"]: tag["html"] for tag in contained(tags)["tags"]}
    assert found == {
        "checkout": f"<script>var at = '{PORTAL}/x';</script>",
        "thanks": f"<script>var at = '{PORTAL}';</script>",
    }


def test_gtm_hint_adds_a_tag_for_every_page(tags):
    hint = contained(tags, gtm_hint=True)["tags"][-1]
    assert (hint["name"], hint["html"], hint["contains"]) == ("hint", f"<script>var hint = '{PORTAL}';</script>", "/")


def test_without_files_the_container_is_empty(tmp_path):
    assert contained(tmp_path)["tags"] == []


def test_gtm_off_leaves_no_trace_and_twice_fires_twice(tags):
    assert "/_gtm/gtm.js" not in checkout(gtm="off").text
    assert contained(tags, gtm="twice")["fires"] == 2


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("var a = 1; // let it be => `x`", []),
        ("var a = 'const b';", []),
        ("let a = 1;", ["let or const"]),
        ("f(() => 1);", ["an arrow function"]),
        ("var a = `b`;", ["a template literal"]),
        ("class A extends HTMLElement {}", ["a class"]),
        ("f(...a);", ["a spread"]),
    ],
)
def test_a_tag_in_a_newer_language_is_refused_as_on_saving(script, found):
    assert es5_objections(f"<div class='let'></div><script>{script}</script>") == found


# -- troubles ----------------------------------------------------------------------------------------------------------------


def test_challenge_answers_200_with_a_script_until_its_cookie_is_there():
    guest = shopper(challenge=True)
    page = guest.get("/")
    assert page.status == 200
    assert "challenge_passed=1" in page.text
    assert not page.has("div", id="cart")
    guest.client.set_cookie("challenge_passed", "1")
    assert guest.get("/").has("div", id="cart")


@pytest.mark.parametrize(
    ("csp", "script", "connect"),
    [
        ("allows", True, True),
        ("blocks_api", True, False),
        ("blocks_script", False, True),
        ("blocks_style", True, True),
    ],
)
def test_csp_says_what_of_the_portal_may_be_loaded(csp, script, connect):
    guest = shopper(csp=csp)
    policy = guest.client.get("/").headers["Content-Security-Policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert (PORTAL in parts["script-src"], PORTAL in parts["connect-src"]) == (script, connect)
    assert ("'unsafe-inline'" in parts["style-src"]) == (csp != "blocks_style")


def test_without_csp_there_is_no_header():
    assert "Content-Security-Policy" not in shopper().client.get("/").headers


# -- the door ----------------------------------------------------------------------------------------------------------------


def test_the_door_turns_switches_and_tells_the_state():
    guest = shopper()
    answer = guest.client.post("/_demo/state", json={"switches": {"gtm": "twice"}, "tags": {"checkout": "<b>x</b>"}})
    assert answer.get_json()["changed"] == {"gtm": "twice"}
    assert container(guest.state)["tags"][0]["html"] == "<b>x</b>"
    answer = guest.client.post("/_demo/state", json={"reset": True})
    assert (answer.get_json()["changed"], answer.get_json()["tags"]) == ({}, [])


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"nope": 1},
        {"switches": {"gtm": "never"}},
        {"switches": 5},
        {"tags": {"other": ""}},
        {"tags": {"checkout": 5}},
    ],
)
def test_the_door_names_what_is_wrong_and_turns_nothing(body):
    guest = shopper()
    answer = guest.client.post("/_demo/state", json=body)
    assert answer.status_code == 400
    assert answer.get_json()["error"]
    assert guest.state.switches == Switches()


def test_the_door_is_for_this_machine_and_for_json_only():
    guest = shopper()
    assert guest.client.get("/_demo/", base_url="http://shop.example/").status_code == 403
    assert guest.client.post("/_demo/state", data={"reset": "1"}).status_code == 415


def test_a_cart_is_filled_in_one_step_and_leads_on():
    guest = shopper()
    answer = guest.client.get("/_demo/fill?goods=LK-501:2,LK-504&to=/ru/checkout/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ru/checkout/")
    assert guest.call("ajax_cart/init")["response"]["total"]["total"]["quantity"] == 3


@pytest.mark.parametrize("goods", ["NOPE", "LK-501:x", "LK-507:4"])
def test_a_cart_of_nonsense_is_refused(goods):
    assert shopper().client.get(f"/_demo/fill?goods={goods}").status_code == 400


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example/", "/\\evil.example/"])
def test_filling_a_cart_never_leads_to_another_host(to):
    assert shopper().client.get("/_demo/fill", query_string={"goods": "LK-501", "to": to}).headers["Location"] == "/"


def test_the_switchboard_shows_every_switch():
    text = shopper().get("/_demo/").text
    assert all(f'id="{one.name}"' in text for one in fields(Switches))
