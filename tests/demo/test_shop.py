"""The simulated shop as a script on its pages meets it: selectors of both layouts, the cart's calls, coupons, orders."""

import threading
from decimal import Decimal

import pytest

from demo.shop.coupons import CouponsUnreachableError
from demo.shop.orders import Buyer
from demo.shop.pricing import CouponRefusedError
from demo.shop.state import EmptyCartError, ShopState
from demo.shop.wording import money
from tests.demo.shopper import PHONE, shopper

# -- pages ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "language", "word"),
    [("", "uk", "Кошик"), ("/ua", "uk", "Кошик"), ("/ru", "ru", "Корзина"), ("/en", "en", "Cart")],
)
def test_every_page_speaks_the_language_of_its_prefix(prefix, language, word):
    guest = shopper()
    guest.prefix = prefix
    guest.buy(501)
    for path in ("/", "/product/jug-lastivka/", "/cart/", "/checkout/"):
        page = guest.get(path)
        assert page.status == 200
        assert page.has("html", lang=language)
        assert word in page.text
    assert guest.order().has("section", class_="checkout-complete")


def test_the_store_s_language_may_be_russian():
    guest = shopper(default_language="ru")
    assert guest.get("/").has("html", lang="ru")
    guest.prefix = "/ua"
    assert guest.get("/").has("html", lang="uk")


@pytest.mark.parametrize("path", ["/checkout/", "/checkout/complete/"])
def test_without_a_cart_or_an_order_one_is_sent_home(path):
    answer = shopper().client.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_the_desktop_checkout_has_the_selectors_of_the_real_one():
    guest = shopper()
    guest.buy(501)
    page = guest.get("/checkout/")
    for tag, attributes in (
        ("div", {"class_": "__cart", "id": "cart"}),
        ("a", {"class_": "j-coupon-add"}),
        ("input", {"class_": "j-coupon-input"}),
        ("a", {"class_": "j-coupon-submit"}),
        ("a", {"class_": "j-coupon-remove"}),
        ("div", {"class_": "order-details-i"}),
        ("div", {"class_": "order-details-h"}),
        ("div", {"class_": "order-details-b"}),
        ("div", {"class_": "j-total-sum"}),
        ("div", {"class_": "order-summary-b"}),
        ("div", {"class_": "j-cart-product"}),
        ("input", {"class_": "j-quantity-p"}),
        ("button", {"class_": "j-increase-p"}),
        ("a", {"class_": "j-remove-p"}),
        ("input", {"class_": "j-phone-masked", "type": "tel", "id": "checkout-phone"}),
        ("input", {"name": "Recipient[delivery_name]", "id": "checkout-name"}),
        ("input", {"name": "Recipient[delivery_city_id]"}),
        ("select", {"name": "Delivery[delivery_type]"}),
        ("select", {"name": "Payment[payment_type]"}),
        ("select", {"name": "Delivery[nova][warehouse.id]"}),
        ("section", {"class_": "j-component", "data-component": "Recipient"}),
        ("button", {"class_": "j-submit"}),
        ("form", {"action": "/order/submit/"}),
    ):
        assert page.has(tag, **attributes), (tag, attributes)
    assert not page.has("div", class_="order-details__block--discount")


def test_a_phone_gets_another_html_by_its_user_agent():
    guest = shopper()
    guest.agent = PHONE
    guest.buy(501)
    page = guest.get("/checkout/")
    for tag, attributes in (
        ("div", {"class_": "cart", "id": "cart-drawer"}),
        ("a", {"class_": "cart__order"}),
        ("button", {"class_": "j-coupon-add"}),
        ("button", {"class_": "j-coupon-submit"}),
        ("a", {"class_": "j-coupon-remove"}),
        ("div", {"class_": "order-details__block--discount"}),
        ("span", {"class_": "order-details__cost-name"}),
        ("span", {"class_": "order-details__cost-value"}),
        ("span", {"class_": "order-details__total"}),
    ):
        assert page.has(tag, **attributes), (tag, attributes)
    assert not page.has("div", class_="order-details-i")
    assert not page.has("div", id="cart")


def test_a_person_may_choose_the_other_layout():
    guest = shopper()
    guest.get("/?layout=mobile")
    assert guest.get("/").has("div", id="cart-drawer")


@pytest.mark.parametrize(
    ("style", "written"),
    [
        ("nbsp", "12 340,50 грн"),
        ("space", "12 340,50 грн"),
        ("narrow", "12\u202f340,50 грн"),
        ("dot", "12340.50 грн"),
        ("apostrophe", "12’340,50 грн"),
        ("symbol", "12 340,50 ₴"),
    ],
)
def test_amounts_are_written_in_the_ways_of_real_stores(style, written):
    said = money(Decimal("12340.50"), style)
    assert said.replace("\u00a0", " ") == written
    assert ("\u00a0" in said) == (style != "space" and style != "dot")


def test_kopecks_are_left_out_when_there_are_none():
    assert [money(Decimal(1900), style) for style in ("space", "two_places")] == ["1 900 грн", "1\u00a0900,00\u00a0грн"]


# -- the cart's calls ----------------------------------------------------------------------------------------------------


def test_money_stands_one_level_deeper_than_one_would_look():
    said = shopper().buy(501, 502)
    assert said["status"] == "OK"
    assert said["response"]["total"]["total"] == {
        "default": 3150.5,
        "sum": 3150.5,
        "quantity": 2,
        "complete_price": 3150.5,
    }
    assert [line["article"] for line in said["response"]["products"].values()] == ["LK-501", "LK-502"]


def test_quantity_is_set_and_goods_are_removed_by_their_hash():
    guest = shopper()
    hashes = list(guest.buy(501, 504)["response"]["products"])
    said = guest.call("ajax_cart/setProductQuantityByHash", hash=hashes[1], quantity=3)
    assert said["response"]["total"]["total"]["sum"] == 1900 + 3 * 245
    said = guest.call("ajax_cart/removeProductByHash", hash=hashes[0])
    assert said["response"]["total"]["total"]["sum"] == 3 * 245


def test_more_than_there_are_is_a_cart_exception_and_changes_nothing():
    guest = shopper()
    line = next(iter(guest.buy(507)["response"]["products"]))
    said = guest.call("ajax_cart/setProductQuantityByHash", hash=line, quantity=4)
    assert (said["status"], said["response"]["left"]) == ("CART_EXCEPTION", 3)
    assert guest.call("ajax_cart/init")["response"]["total"]["total"]["quantity"] == 1


@pytest.mark.parametrize("fields", [{"hash": "nope", "quantity": 1}, {"hash": "h1f5", "quantity": "many"}])
def test_nonsense_is_a_cart_exception(fields):
    guest = shopper()
    guest.buy(501)
    assert guest.call("ajax_cart/setProductQuantityByHash", **fields)["status"] == "CART_EXCEPTION"


def test_an_unknown_action_is_told_so_with_status_200():
    assert shopper().call("ajax_cart/explode")["status"] == "UNDEFINED_FUNCTION"


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({}, {}),
        ({"X-CSRF-Token": "{token}"}, {}),
        ({"X-Requested-With": "XMLHttpRequest"}, {"csrf_token": "{token}"}),
        ({"X-Requested-With": "XMLHttpRequest", "X-CSRF-Token": "wrong"}, {}),
    ],
)
def test_the_token_is_taken_from_the_header_only(headers, fields):
    guest = shopper()
    guest.get("/")
    given = {name: value.format(token=guest.token) for name, value in headers.items()}
    sent = {name: value.format(token=guest.token) for name, value in fields.items()}
    assert guest.post("ajax_cart/appendProduct", {"id": 501, **sent}, given).get_json()["status"] == "BAD_CSRF"
    assert guest.call("ajax_cart/init")["response"]["products"] == {}


def test_another_visitor_s_token_is_no_good():
    one = shopper()
    other = shopper(one.state)
    one.get("/")
    other.get("/")
    other.token = one.token
    assert other.call("ajax_cart/init")["status"] == "BAD_CSRF"


def test_each_page_has_a_token_of_its_own_and_two_tabs_both_work():
    guest = shopper()
    guest.get("/")
    first = guest.token
    guest.get("/")
    assert guest.token != first
    guest.token = first
    assert guest.buy(501)["status"] == "OK"


# -- coupons -------------------------------------------------------------------------------------------------------------


def test_a_certificate_takes_off_its_amount_and_is_not_spent_by_trying():
    guest = shopper()
    guest.buy(501)
    said = guest.coupon(" BON100A ")
    assert said["response"]["total"]["coupon_data"]["code"] == "BON100A"
    assert said["response"]["total"]["total"]["sum"] == 1800
    assert guest.panel.find("BON100A").active


def test_another_code_takes_the_first_one_s_place_and_an_empty_one_clears():
    guest = shopper()
    guest.buy(501)
    guest.coupon("BON100A")
    assert guest.coupon("BON200B")["response"]["total"]["total"]["sum"] == 1700
    assert guest.coupon("")["response"]["total"]["total"]["sum"] == 1900


def test_a_certificate_never_takes_off_more_than_there_is_to_pay():
    guest = shopper()
    guest.buy(504)
    assert guest.coupon("BON2000C")["response"]["total"]["total"]["sum"] == 0


def test_a_percent_coupon_takes_its_share():
    guest = shopper()
    guest.buy(502)
    assert guest.coupon("SALE10")["response"]["total"]["total"]["sum"] == 1125.45


@pytest.mark.parametrize(
    ("code", "reason"),
    [("NOPE", "unknown_code"), ("USED", "inactive"), ("OLD", "expired"), ("ONEBRAND", "limited")],
)
def test_a_refused_code_says_why_and_leaves_the_cart_as_it_was(code, reason):
    guest = shopper()
    guest.panel.add_code("USED", 100, active=False)
    guest.panel.add_code("OLD", 100, date_limit=guest.panel.clock().date())
    guest.panel.add_code("ONEBRAND", 100, brands=["3"])
    guest.clock.forward(days=1)
    guest.buy(501)
    guest.coupon("BON100A")
    said = guest.coupon(code)
    assert (said["status"], said["response"]["reason"]) == ("ERROR", reason)
    assert said["response"]["message"]
    assert guest.call("ajax_cart/init")["response"]["total"]["coupon_data"]["code"] == "BON100A"


def test_a_code_on_an_empty_cart_proves_nothing():
    assert shopper().coupon("BON100A")["response"]["reason"] == "empty_cart"


def test_emptying_the_cart_drops_the_coupon():
    guest = shopper()
    line = next(iter(guest.buy(501)["response"]["products"]))
    guest.coupon("BON100A")
    guest.call("ajax_cart/removeProductByHash", hash=line)
    assert guest.buy(501)["response"]["total"]["coupon_data"]["code"] == ""


def test_the_form_is_hidden_until_it_is_opened_and_removing_shows_only_with_a_coupon():
    guest = shopper()
    guest.buy(501)
    part = guest.part("order")
    assert part.has("div", class_="j-coupon-form", style="display: none")
    assert part.has("a", class_="j-coupon-remove", style="display: none")
    guest.coupon("BON100A")
    part = guest.part("order")
    assert part.has("a", class_="j-coupon-add", style="display: none")
    assert not part.has("a", class_="j-coupon-remove", style="display: none")
    assert "Подарунковий сертифікат" in part.text
    assert "Знижка за купоном" in part.text


# -- orders --------------------------------------------------------------------------------------------------------------


def test_an_order_spends_the_certificate_and_empties_the_cart():
    guest = shopper()
    guest.buy(501)
    guest.coupon("BON100A")
    page = guest.order()
    assert page.has("section", class_="__success")
    order = guest.state.orders()[0]
    assert (order.number, order.totals.sum, order.promocode) == (70415, Decimal(1800), "BON100A")
    assert order.buyer == Buyer("Олена Вигадана", "380000000001", "")
    assert not guest.panel.find("BON100A").active
    assert guest.call("ajax_cart/init")["response"]["products"] == {}


def test_the_thank_you_page_can_be_reloaded_and_places_nothing_anew():
    guest = shopper()
    guest.buy(501)
    guest.order()
    assert [guest.get("/checkout/complete/").status for _ in range(2)] == [200, 200]
    assert len(guest.state.orders()) == 1


@pytest.mark.parametrize("agent", ["Desktop", PHONE])
def test_the_new_thank_you_theme_shows_name_and_value_pairs(agent):
    guest = shopper()
    guest.agent = agent
    guest.buy(501)
    guest.coupon("BON100A")
    page = guest.order()
    assert page.has("div", class_="invoice__item")
    assert page.texts["invoice__value"].startswith("№70415")
    assert "+38 (000) 000-00-01" in page.texts["invoice__value"]
    assert page.texts["h2"] == "Замовлення № 70415"
    assert page.texts["order-details__total"] == "1\u00a0800\u00a0грн"
    assert "– 100\u00a0грн" in page.texts["order-details__cost-value"]


@pytest.mark.parametrize(
    "missing", ["Recipient[delivery_name]", "Recipient[delivery_phone]", "Delivery[delivery_type]"]
)
def test_a_field_that_the_browser_left_out_stops_the_order_and_keeps_the_rest(missing):
    guest = shopper()
    guest.buy(501)
    guest.coupon("BON100A")
    page = guest.order(**{missing: ""})
    assert page.has("p", class_="field-error")
    assert guest.state.orders() == []
    assert guest.panel.find("BON100A").active


@pytest.mark.parametrize("phone", ["+38 (000) 000-00-__", "123", "+38 (900) 000-00-01"])
def test_an_incomplete_phone_is_refused(phone):
    guest = shopper()
    guest.buy(501)
    guest.order(**{"Recipient[delivery_phone]": phone})
    assert guest.state.orders() == []


def test_a_code_that_was_spent_meanwhile_comes_off_and_the_shopper_is_asked_again():
    guest = shopper()
    guest.buy(501)
    guest.coupon("BON100A")
    guest.panel.redeem("BON100A")
    page = guest.order()
    assert page.has("p", class_="notice")
    assert guest.state.orders() == []
    assert guest.order().has("section", class_="checkout-complete")
    assert guest.state.orders()[0].totals.sum == 1900


def test_a_panel_that_does_not_answer_leaves_the_cart_and_places_no_order():
    guest = shopper()
    guest.buy(501)
    guest.coupon("BON100A")
    guest.state.coupons = Silent()
    assert guest.order().has("p", class_="notice")
    assert guest.state.orders() == []
    assert guest.call("ajax_cart/init")["response"]["total"]["coupon_data"]["code"] == "BON100A"
    assert guest.coupon("BON200B")["response"]["reason"] == "unreachable"


class Silent:
    def look(self, code):
        raise CouponsUnreachableError

    def spend(self, code):
        raise CouponsUnreachableError


def test_the_same_form_sent_twice_is_one_order():
    guest = shopper()
    guest.buy(501)
    guest.get("/checkout/")
    for _ in range(2):
        assert guest.order().texts["h2"] == "Замовлення № 70415"
    assert len(guest.state.orders()) == 1


def test_two_clicks_at_once_are_one_order_and_one_spent_certificate():
    guest = shopper()
    guest.buy(501)
    guest.coupon("BON100A")
    visitor = guest.state.visitor(guest.client.get_cookie("shop_session").value)
    guest.state.coupons = Pausing(guest.state.coupons)
    numbers = []

    def click():
        numbers.append(place(guest.state, visitor).number)

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers == [70415] * 2
    assert guest.panel.counters["redeem"] == 1


class Pausing:
    """A panel that takes its time over the first code, so that a second click could overtake the first."""

    def __init__(self, coupons):
        self.coupons, self.first, self.overtaken = coupons, threading.Lock(), threading.Event()

    def look(self, code):
        return self.coupons.look(code)

    def spend(self, code):
        if self.first.acquire(blocking=False):
            self.overtaken.wait(0.3)
        else:
            self.overtaken.set()
        self.coupons.spend(code)


def test_two_shoppers_cannot_both_spend_one_certificate():
    one = shopper()
    other = shopper(one.state)
    for guest in (one, other):
        guest.buy(501)
        guest.coupon("BON100A")
    one.order()
    assert other.order().has("p", class_="notice")
    assert [order.promocode for order in one.state.orders()] == ["BON100A"]


def test_an_empty_cart_is_no_order():
    guest = shopper()
    with pytest.raises(EmptyCartError):
        place(guest.state, guest.state.visitor(""))


def place(state, visitor):
    return state.place(
        visitor,
        form_token="once",
        buyer=Buyer("Олена", "380000000001", ""),
        delivery="pickup",
        city_id="101",
        place="",
        payment="cod",
    )


def test_courier_costs_are_on_top_and_pick_up_is_free():
    guest = shopper()
    guest.buy(501)
    said = guest.call("delivery/choose", type="courier")
    assert (said["response"]["total"]["total"]["sum"], said["response"]["total"]["total"]["complete_price"]) == (
        1900,
        1990,
    )
    assert guest.part("order").has("div", class_="j-total-sum-delivery")
    assert guest.call("delivery/choose", type="pickup")["response"]["total"]["total"]["complete_price"] == 1900


def test_a_town_has_its_own_branches_and_an_unknown_one_none():
    guest = shopper()
    assert list(guest.call("delivery/warehouses", city_id="103")["response"]["warehouses"]) == [
        "10301",
        "10302",
        "10305",
    ]
    assert guest.call("delivery/warehouses", city_id="999")["response"]["warehouses"] == {}


def test_orders_and_switches_are_kept_in_the_file(tmp_path):
    state = ShopState(tmp_path / "shop.json")
    visitor = state.visitor("")
    state.fill(visitor, {501: 2})
    state.set_switches(money_format="dot")
    placed = place(state, visitor)
    again = ShopState(tmp_path / "shop.json")
    assert again.orders() == [placed]
    assert again.switches.changed() == {"money_format": "dot"}


def test_a_shop_without_a_panel_knows_no_code():
    state = ShopState()
    visitor = state.visitor("")
    state.fill(visitor, {501: 1})
    with pytest.raises(CouponRefusedError) as refused:
        state.apply_coupon(visitor, "BON100A")
    assert refused.value.reason == "unknown_code"
