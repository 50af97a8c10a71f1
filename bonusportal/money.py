"""Amounts from outside become integers here, or are refused. 1 point = 1 UAH = 1 integer; nothing else in the portal parses money.

`str.isdigit()` and `int()` accept other scripts' digits, spaces and underscores, so the shape is checked by one ASCII pattern first.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput

_AMOUNT = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)
_MONEY = re.compile(r"[0-9]{1,8}(\.[0-9]{1,2})?", re.ASCII)
MAX_AMOUNT_UAH = 9_999_999
MAX_MONEY = Decimal(10_000_000)


class AmountMissing(BadInput):
    code = "amount_missing"

    def __init__(self) -> None:
        super().__init__(_("No amount was sent."))


class AmountInvalid(BadInput):
    code = "amount_invalid"

    def __init__(self) -> None:
        super().__init__(_("The amount must be a whole number of hryvnias from 1 to 9999999."))


def parse_amount(value: Any) -> int:
    """Whole hryvnias from text (`"100"`) or a JSON integer. Raises AmountMissing, AmountInvalid."""
    if value is None or value == "":
        raise AmountMissing
    if isinstance(value, str):
        if not _AMOUNT.fullmatch(value):
            raise AmountInvalid
        return int(value)
    # bool is an int to Python, and 100.0 equals 100: neither is what was asked for.
    if type(value) is not int or not 1 <= value <= MAX_AMOUNT_UAH:
        raise AmountInvalid
    return value


def parse_money(value: Any, *, name: str) -> Decimal:
    """Hryvnias with at most two places, 0 to 10 million, from a decimal string or a JSON number. Raises BadInput naming the field."""
    refused = BadInput(
        _("%(name)s must be an amount from 0 to 10000000 with at most two decimal places.") % {"name": name},
        code="money_invalid",
    )
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise refused
    text = value if isinstance(value, str) else str(value)
    if not _MONEY.fullmatch(text):
        raise refused
    try:
        money = Decimal(text)
    except InvalidOperation as error:  # unreachable by the pattern; kept so that a looser pattern cannot become a 500
        raise refused from error
    if money > MAX_MONEY:
        raise refused
    return money
