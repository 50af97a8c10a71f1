"""Types of what callers send: the kernel reads each value, so v1 and the drop-in paths accept and refuse the same, and the document says what."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import BeforeValidator, WithJsonSchema

from bonuses.errors import PointsInvalid
from bonusportal.errors import BadInput
from bonusportal.idempotency import read_key
from bonusportal.money import MAX_AMOUNT_UAH, AmountInvalid, parse_money
from bonusportal.phones import PhoneInvalid, normalise_phone

_DIGITS = re.compile(r"[0-9]{6}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
_REDEMPTION = re.compile(r"[0-9a-f]{32}", re.ASCII)
# Letters are spelled out, so that whoever reads the document with another engine understands the same.
_LETTERS = "0-9A-Za-zА-Яа-яЄєІіЇїҐґ"
_ORDER_NUMBER = re.compile(rf"[{_LETTERS}№#_]([{_LETTERS}№#_.:/ -]{{0,62}}[{_LETTERS}№#_.:/-])?")
_CURSOR = re.compile(r"[0-9]{1,18}-[0-9]{1,18}", re.ASCII)


def _phone(value: Any) -> str:
    if not isinstance(value, str):
        raise PhoneInvalid
    return normalise_phone(value)


def _points(value: Any) -> int:
    # bool is an int to Python, and 100.0 equals 100: neither is what was asked for.
    if type(value) is not int or not 1 <= value <= MAX_AMOUNT_UAH:
        raise PointsInvalid
    return value


def _total(value: Any) -> Decimal:
    return parse_money(value, name="order_total")


def _discount(value: Any) -> Decimal:
    return parse_money(value, name="discount")


def _delivery(value: Any) -> Decimal:
    return parse_money(value, name="delivery")


def _paid_total(value: Any) -> Decimal:
    found = parse_money(value, name="total")
    if not found:
        raise AmountInvalid
    return found


def _order_number(value: Any) -> str:
    """As the shop shows it: a whole number, or a text without markup, formulas and control characters."""
    text = str(value) if type(value) is int and 0 < value < 10**18 else value
    if not isinstance(text, str) or not _ORDER_NUMBER.fullmatch(text):
        raise BadInput(
            _("order_id must be a number or a text of 1 to 64 letters, digits and - _ . : / # №."),
            code="order_id_invalid",
        )
    return text


def _matching(pattern: re.Pattern[str], name: str, code: str) -> Any:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise BadInput(_("%(name)s is not in the form that is described.") % {"name": name}, code=code)
        return value

    return read


def _key(value: Any) -> str:
    return read_key(str(value), may_be_short=True)


_MONEY = [
    {"type": "string", "pattern": r"^[0-9]{1,8}(\.[0-9]{1,2})?$"},
    {"type": "number", "minimum": 0, "maximum": 10_000_000, "multipleOf": 0.01},
]


def _described(schema: dict[str, Any], about: str, example: Any) -> WithJsonSchema:
    return WithJsonSchema({**schema, "description": about, "examples": [example]})


Phone = Annotated[
    str,
    BeforeValidator(_phone),
    _described(
        {"type": "string", "minLength": 7, "maxLength": 40},
        gettext_noop("A Ukrainian phone number in any form that people type."),
        "067 123-45-67",
    ),
]
Points = Annotated[
    int,
    BeforeValidator(_points),
    _described(
        {"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT_UAH},
        gettext_noop("Whole points; 1 point is worth 1 UAH."),
        200,
    ),
]
OrderTotal = Annotated[
    Decimal,
    BeforeValidator(_total),
    _described(
        {"anyOf": _MONEY},
        gettext_noop("The products' total before our code, in UAH; other discounts are taken off already."),
        "1540.00",
    ),
]
Discount = Annotated[
    Decimal,
    BeforeValidator(_discount),
    _described(
        {"anyOf": _MONEY, "default": 0},
        gettext_noop(
            "What other discounts took off the products, in UAH: it counts against the share that points may pay."
        ),
        "60.00",
    ),
]
PaidTotal = Annotated[
    Decimal,
    BeforeValidator(_paid_total),
    _described({"anyOf": _MONEY}, gettext_noop("The order's total, in UAH."), "1340.00"),
]
Delivery = Annotated[
    Decimal,
    BeforeValidator(_delivery),
    _described(
        {"anyOf": _MONEY, "default": 0},
        gettext_noop("What of the order's total is delivery, in UAH: a rule may give no points for it."),
        "90.00",
    ),
]
DiscountTaken = Annotated[
    Decimal,
    BeforeValidator(_discount),
    _described(
        {"anyOf": _MONEY},
        gettext_noop(
            "What was taken off the order, in UAH, where the page says it. Less than the redemption's points: the order was not paid with them."
        ),
        "200.00",
    ),
]
OrderNumber = Annotated[
    str,
    BeforeValidator(_order_number),
    _described(
        {
            "anyOf": [
                {"type": "string", "maxLength": 64, "pattern": f"^{_ORDER_NUMBER.pattern}$"},
                {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
            ]
        },
        gettext_noop("The order's number as the shop shows it."),
        "10045",
    ),
]
Digits = Annotated[
    str,
    BeforeValidator(_matching(_DIGITS, "code", "code_invalid")),
    _described({"type": "string", "pattern": "^[0-9]{6}$"}, gettext_noop("The six digits that arrived."), "123456"),
]
SessionName = Annotated[
    str,
    BeforeValidator(_matching(_NAME, "session", "session_invalid")),
    _described(
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"},
        gettext_noop("What starting the session answered. Keep it to yourself."),
        "hB2cQ9mX7pLw4nT8bY1cJ6hD5sF0gAzR",
    ),
]
RedemptionId = Annotated[
    str,
    BeforeValidator(_matching(_REDEMPTION, "id", "redemption_invalid")),
    _described(
        {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        gettext_noop("The redemption's id."),
        "0123456789abcdef0123456789abcdef",
    ),
]
Cursor = Annotated[
    str,
    BeforeValidator(_matching(_CURSOR, "cursor", "cursor_invalid")),
    _described(
        {"type": "string", "pattern": "^[0-9]{1,18}-[0-9]{1,18}$"}, gettext_noop("A place among the notices."), "17-3"
    ),
]
IdempotencyKey = Annotated[
    str,
    BeforeValidator(_key),
    _described(
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        gettext_noop("The same key and body get the same answer, however often they are sent."),
        "checkout-10045-200",
    ),
]
