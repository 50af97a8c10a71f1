"""Single values of the CRM's JSON, read tolerantly where live accounts differ and strictly where a guess would move points.

The CRM sends numbers as integers, fractions or text, dates in two forms, and phones as an array or as one string. Pure.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from keycrm.errors import PayloadInvalid

_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_MONEY = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_MOST_WHOLE = Decimal(10) ** 12
# No order of a shop costs a milliard. Our columns hold ten times as much, so that a few parts of one order can be added up.
MOST_MONEY = Decimal(10) ** 9
_NOT_DIGITS = re.compile(r"[^0-9]", re.ASCII)
_TRUE = {True, "1", "true"}
_FALSE = {False, "0", "false", ""}


def read_object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PayloadInvalid(where, "an object")
    return value


def read_list(value: Any, where: str) -> list[Any]:
    """An array; nothing where it is null."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise PayloadInvalid(where, "an array")
    return value


def read_whole(value: Any, where: str) -> int:
    """`7`, `"7"`, `7.0`."""
    found = read_whole_or_none(value, where)
    if found is None:
        raise PayloadInvalid(where, "a whole number")
    return found


def read_whole_or_none(value: Any, where: str) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise PayloadInvalid(where, "a whole number")
    if isinstance(value, (float, Decimal)):
        number = Decimal(value)
        # The size first: making an integer of 1e999999 takes for ever.
        if not number.is_finite() or abs(number) >= _MOST_WHOLE or number != int(number):
            raise PayloadInvalid(where, "a whole number")
        return int(number)
    text = str(value).strip()
    if not _WHOLE.fullmatch(text):
        raise PayloadInvalid(where, "a whole number")
    return int(text)


def read_money(value: Any, where: str) -> Decimal:
    """An amount from the text of the number, never through a binary fraction. Null and "" are zero: that is how the CRM writes "no discount"."""
    return read_money_or_none(value, where) or Decimal(0)


def read_money_or_none(value: Any, where: str) -> Decimal | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise PayloadInvalid(where, "an amount")
    text = str(value).strip()
    if not _MONEY.fullmatch(text):
        raise PayloadInvalid(where, "an amount")
    try:
        money = Decimal(text)
    except InvalidOperation as error:  # unreachable by the pattern; kept so that a looser pattern cannot become a 500
        raise PayloadInvalid(where, "an amount") from error
    return bounded_money(money, where)


def bounded_money(money: Decimal, where: str) -> Decimal:
    if abs(money) >= MOST_MONEY:
        raise PayloadInvalid(where, "an amount below a milliard")
    return money


def read_text(value: Any, where: str) -> str:
    """Text, "" for null. Numbers become their text: an order number and a utm word arrive as either."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise PayloadInvalid(where, "a text")
    # PostgreSQL stores no NUL, and a lone surrogate cannot be encoded: no honest answer holds either.
    return "".join(letter for letter in str(value) if letter != "\x00" and not "\ud800" <= letter <= "\udfff")


def read_texts(value: Any, where: str) -> tuple[str, ...]:
    """An array of texts, one text, or null; empty ones are left out, the order is kept, repeats are dropped."""
    several = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(text for item in several if (text := read_text(item, where).strip())))


def read_flag(value: Any, where: str) -> bool:
    if value is None:
        return False
    if isinstance(value, (bool, int, str)):
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
    raise PayloadInvalid(where, "yes or no")


def read_instant(value: Any, where: str) -> dt.datetime | None:
    """`2026-01-31 10:20:30`, `2026-01-31T10:20:30.000000Z` or `2026-01-31`, in UTC; None for null and for MySQL's zero date."""
    if value is None or value == "" or str(value).startswith("0000-"):
        return None
    if not isinstance(value, str):
        raise PayloadInvalid(where, "a date")
    try:
        found = dt.datetime.fromisoformat(value.strip())
        return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise PayloadInvalid(where, "a date") from error


def read_field_value(value: Any, where: str) -> str:
    """A custom field's value as one text: select fields carry an array of strings."""
    return ", ".join(read_texts(value, where)) if isinstance(value, list) else read_text(value, where)


def read_custom_fields(item: Mapping[str, Any], where: str) -> Mapping[str, str] | None:
    """Uuid → value; None where the answer does not carry custom fields at all."""
    if "custom_fields" not in item:
        return None
    found: dict[str, str] = {}
    for raw in read_list(item["custom_fields"], f"{where}.custom_fields"):
        entry = read_object(raw, f"{where}.custom_fields[]")
        uuid = read_text(entry.get("uuid"), f"{where}.custom_fields[].uuid")
        if uuid:
            found[uuid] = read_field_value(entry.get("value"), f"{where}.custom_fields[{uuid}].value")
    return found


def digits_of(text: str) -> str:
    return _NOT_DIGITS.sub("", text)


def write_instant(moment: dt.datetime) -> str:
    """As the CRM wants it in filters and bodies: UTC, no zone."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
