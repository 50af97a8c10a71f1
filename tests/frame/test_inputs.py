"""What comes from outside: amounts, money, phones; and what is hidden of them."""

from decimal import Decimal

import pytest

from bonusportal.errors import BadInput
from bonusportal.logs import mask_address
from bonusportal.masking import mask_code, mask_phone, mask_text
from bonusportal.money import AmountInvalid, parse_amount, parse_money
from bonusportal.phones import PhoneInvalid, normalise_phone


@pytest.mark.parametrize(("value", "amount"), [("1", 1), ("9999999", 9_999_999), (1, 1), (9_999_999, 9_999_999)])
def test_whole_hryvnias_are_amounts(value, amount):
    assert parse_amount(value) == amount


@pytest.mark.parametrize("value", [0, -1, 10_000_000, 1.0, True, "0", "10000000", "1 ", "１", "1e2", [], {}, b"1"])
def test_everything_else_is_not(value):
    with pytest.raises(AmountInvalid):
        parse_amount(value)


@pytest.mark.parametrize(
    ("value", "money"), [("1840", "1840"), ("1849.90", "1849.90"), (1840, "1840"), (1849.9, "1849.9"), ("0", "0")]
)
def test_money_has_at_most_two_places(value, money):
    assert parse_money(value, name="orderTotal") == Decimal(money)


@pytest.mark.parametrize(
    "value", ["1.001", "-1", "1e3", "NaN", "", " 1", "10000000.01", True, None, 1e20, float("inf"), "１"]
)
def test_money_that_is_not_money_is_refused_by_name(value):
    with pytest.raises(BadInput, match="orderTotal"):
        parse_money(value, name="orderTotal")


@pytest.mark.parametrize(
    "typed",
    [
        "+380671234567", "380671234567", "80671234567", "0671234567", "671234567", "+38 (067) 123-45-67", "067 123 45 67",
        "067-123-45-67", "067.123.45.67", "+38\u00a0067\u00a0123\u00a045\u00a067", "00380671234567",
    ],
)  # fmt: skip
def test_every_form_that_ukrainians_type_is_one_number(typed):
    assert normalise_phone(typed) == "+380671234567"


def test_the_invented_number_passes():
    assert normalise_phone("+38 (000) 000-00-01") == "+380000000001"


@pytest.mark.parametrize(
    "typed",
    ["", "abc", "12345", "+48123456789", "+3806712345678", "+38067123456", "067123456_", "٠٦٧١٢٣٤٥٦٧", "0" * 200],
)
def test_what_is_no_ukrainian_number_is_refused(typed):
    with pytest.raises(PhoneInvalid):
        normalise_phone(typed)


def test_a_masked_code_tells_nothing_of_its_random_part():
    assert mask_code("BON1005UNX", amount_uah=100) == "BON100••••"
    assert mask_code("GIFT2026XY") == "GIF••••"


def test_texts_lose_codes_phones_and_mail_addresses():
    text = mask_text("BON100H3LV for +380671234567, sample@customer.example")
    assert text == "BON100•••• for +38067•••••67, s•••@customer.example"
    assert mask_phone("+380671234567") == "+38067•••••67"
    assert mask_text(text) == text


def test_addresses_lose_secrets_and_query_values():
    assert mask_address("/webhooks/keycrm/s3cr3t/x?phone=067&a=b") == "/webhooks/keycrm/•••/x?phone=•••&a=•••"
