"""What the CRM sends, in the forms that live accounts differ in; and what is refused, with the name of the field."""

import datetime as dt
from decimal import Decimal

import pytest

from keycrm.errors import PayloadInvalid
from keycrm.payloads import Buyer, Card, Order, Page, Webhook, order_number, read_money

ORDER = {"id": 5, "source_id": 1, "status_id": 1}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-14 10:20:30", dt.datetime(2026, 3, 14, 10, 20, 30, tzinfo=dt.UTC)),
        ("2026-03-14T10:20:30.123456Z", dt.datetime(2026, 3, 14, 10, 20, 30, 123456, tzinfo=dt.UTC)),
        ("2026-03-14T12:20:30+02:00", dt.datetime(2026, 3, 14, 10, 20, 30, tzinfo=dt.UTC)),
        ("2026-03-14", dt.datetime(2026, 3, 14, tzinfo=dt.UTC)),
        (None, None),
        ("", None),
        ("0000-00-00 00:00:00", None),
    ],
)
def test_both_forms_of_a_moment_are_utc(text, moment):
    assert Order.from_json({**ORDER, "ordered_at": text}).ordered_at == moment


@pytest.mark.parametrize(
    ("value", "money"),
    [
        (122.5, Decimal("122.5")),
        (Decimal("0.1"), Decimal("0.1")),
        ("122.50", Decimal("122.50")),
        (7, Decimal(7)),
        (None, Decimal(0)),
        ("", Decimal(0)),
        ("-12.30", Decimal("-12.30")),
        ("1e2", Decimal(100)),
    ],
)
def test_money_is_exact(value, money):
    assert read_money(value, "x") == money


@pytest.mark.parametrize("value", [True, "1 000", "12,5", "NaN", float("inf"), "1e99", [], {}, "٧", "1e999999999"])
def test_what_is_no_money_is_refused_by_name(value):
    with pytest.raises(PayloadInvalid, match=r"order\.grand_total is not an amount"):
        Order.from_json({**ORDER, "grand_total": value})


MILLIARD = "1000000000"


@pytest.mark.parametrize(
    "name", ["grand_total", "total_discount", "shipping_price", "wrap_price", "taxes", "products_total"]
)
@pytest.mark.parametrize("value", [MILLIARD, f"-{MILLIARD}", "999999999999.99", 300_000_000_000])
def test_more_money_than_our_books_hold_is_refused(name, value):
    with pytest.raises(PayloadInvalid, match=rf"order\.{name}"):
        Order.from_json({**ORDER, name: value})


def test_more_money_in_the_lines_together_is_refused_as_well():
    with pytest.raises(PayloadInvalid, match=r"order\.products"):
        Order.from_json({**ORDER, "products": [{"price": "500000", "quantity": "3000"}]})
    assert Order.from_json({**ORDER, "grand_total": "999999999.99"}).grand_total == Decimal("999999999.99")


@pytest.mark.parametrize("value", [None, True, "x", 1.5, "1.0", "٧", Decimal("1e999999"), float("nan"), [1]])
def test_what_is_no_id_is_refused_by_name(value):
    with pytest.raises(PayloadInvalid, match=r"order\.id is not"):
        Order.from_json({**ORDER, "id": value})


@pytest.mark.parametrize("value", [7, "7", 7.0, Decimal(7), " 7 "])
def test_ids_come_as_numbers_and_as_text(value):
    assert Order.from_json({**ORDER, "id": value}).id == 7


@pytest.mark.parametrize(
    ("written", "phones"),
    [
        (["+380000000001", "380000000002"], ("+380000000001", "+380000000002")),
        ("+38 (000) 000-00-01", ("+380000000001",)),
        (["+380000000001", "380 00 0000001", "", None], ("+380000000001",)),
        (["+1 555-234-1234"], ()),
        (None, ()),
    ],
)
def test_phones_come_as_an_array_or_as_a_text(written, phones):
    assert Buyer.from_json({"id": 1, "full_name": "X", "phone": written}).canonical_phones == phones


@pytest.mark.parametrize(
    ("written", "number"),
    [("#70415", "70415"), ("70415", "70415"), ("№ 70 415", "70415"), ("", "crm:9"), ("abc", "crm:9"), ("#٧", "crm:9")],
)
def test_an_order_is_known_by_the_digits_of_its_number_at_the_source(written, number):
    assert order_number(written, crm_id=9) == number


def test_absent_custom_fields_are_not_empty_ones():
    assert Buyer.from_json({"id": 1, "full_name": "X"}).custom_fields is None
    assert Buyer.from_json({"id": 1, "full_name": "X", "custom_fields": []}).custom_fields == {}


def test_a_select_s_value_is_an_array_and_reads_as_one_text():
    fields = [{"uuid": "OR_1", "value": ["Білий", "Зелений"]}, {"uuid": "OR_2", "value": 7}, {"uuid": "OR_3"}]
    assert Order.from_json({**ORDER, "custom_fields": fields}).custom_fields == {
        "OR_1": "Білий, Зелений",
        "OR_2": "7",
        "OR_3": "",
    }


def test_parts_that_were_not_asked_for_are_none_and_not_empty():
    order = Order.from_json(ORDER)
    assert (order.buyer, order.lines, order.payments, order.tags, order.products_total) == (None,) * 5
    assert Order.from_json({**ORDER, "products": []}).products_total == 0


def test_the_goods_are_reckoned_from_their_lines():
    lines = [{"price": 100, "price_sold": "90.5", "quantity": 2}, {"price": "3.33", "quantity": "3"}]
    assert Order.from_json({**ORDER, "products": lines}).products_total == Decimal("190.99")


def test_values_of_people_are_not_in_a_repr():
    buyer = Buyer.from_json({"id": 1, "full_name": "Олена Приклад", "phone": ["+380000000001"], "note": "тс"})
    order = Order.from_json({**ORDER, "buyer": {"id": 1, "full_name": "Олена Приклад", "phone": "+380000000001"}})
    for shown in (repr(buyer), repr(order)):
        assert "Олена" not in shown
        assert "380000000001" not in shown


def test_a_character_that_no_database_stores_is_dropped():
    assert Order.from_json({**ORDER, "promocode": "BON\x00100\ud800A"}).promocode == "BON100A"


def test_a_page_believes_the_crm_about_the_next_one():
    page = Page.from_json({"data": [ORDER], "total": "90", "next_page_url": None}, Order.from_json, "order")
    assert (len(page.items), page.total, page.has_next, page.number) == (1, 90, False, 1)
    with pytest.raises(PayloadInvalid, match=r"order\.data\[0\]\.id"):
        Page.from_json({"data": [{}]}, Order.from_json, "order")


def test_a_repeat_has_the_same_fingerprint_and_another_change_has_not():
    context = {"id": 5, "status_id": 12, "status_changed_at": "2026-03-14T10:20:30.000000Z"}
    event = {"event": "order.change_order_status", "context": context}
    again = {**event, "context": {**context, "id": "5", "updated_at": "2026-03-15 00:00:00"}}
    later = {**event, "context": {**context, "status_changed_at": "2026-03-14T10:20:31.000000Z"}}
    assert Webhook.from_json(event).fingerprint == Webhook.from_json(again).fingerprint
    assert Webhook.from_json(event).fingerprint != Webhook.from_json(later).fingerprint


@pytest.mark.parametrize(
    "body", [None, [], {"event": "x"}, {"event": "x", "context": []}, {"event": "x", "context": {}}]
)
def test_a_webhook_without_an_id_is_refused_by_name(body):
    with pytest.raises(PayloadInvalid, match="webhook"):
        Webhook.from_json(body)


@pytest.mark.parametrize(
    "name", ["status_id", "status_group_id", "client_id", "parent_id", "source_id", "source_uuid", "payment_status", "status_changed_at", "updated_at"]
)  # fmt: skip
@pytest.mark.parametrize("odd", ["нова", [], {"id": 1}, True, "1.5"])
def test_an_odd_value_beside_the_id_of_a_webhook_hides_nothing(name, odd):
    read = Webhook.from_json({"event": "order.x", "context": {"id": "5", "order": 1, name: odd}})
    assert (read.event, read.id) == ("order.x", 5)


def test_a_card_tells_its_buyer_and_its_order():
    card = Card.from_json(
        {
            "id": 3,
            "target_id": 2001,
            "target_type": "order",
            "contact": {"client": {"id": 501, "full_name": "X", "phone": "+380000000001", "email": None}},
            "custom_fields": [{"uuid": "LD_1035", "value": "50"}],
        }
    )
    assert (card.client.id, card.client.phone, card.target_id) == (501, "+380000000001", 2001)
    assert card.custom_fields == {"LD_1035": "50"}
