"""How rows are made and reckoned: moments, phones, money. A row is a dictionary as the CRM keeps it: moments as ISO text, amounts as decimal text."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]
CENT = Decimal("0.01")


def stamp(moment: datetime) -> str:
    """`2026-01-05T08:00:00.000000Z`: sorts as text, and is what webhooks carry."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_stamp(text: Any) -> str:
    """A moment from a body or a filter as our text; a date alone is its first moment. Raises ValueError."""
    found = datetime.fromisoformat(str(text).strip())
    return stamp(found.replace(tzinfo=UTC) if found.tzinfo is None else found)


def money(value: Any) -> Decimal:
    """Raises ValueError."""
    try:
        return Decimal(str(0 if value is None or value == "" else value)).quantize(CENT, ROUND_HALF_UP)
    except ArithmeticError:
        raise ValueError(f"{value!r} is not an amount") from None


def digits(text: Any) -> str:
    return "".join(letter for letter in str(text or "") if letter in "0123456789")


def stored_phone(text: Any, *, form: str) -> str:
    if form == "as_sent" or not digits(text):
        return str(text).strip()
    return ("+" if form == "plus" else "") + digits(text)


def new_line(item: Mapping[str, Any], number: int) -> Row:
    """A line of goods; unknown keys are ignored, as in the real one."""
    price, quantity = money(item.get("price")), Decimal(str(item.get("quantity") or 1))
    return {
        "id": number,
        "sku": str(item.get("sku") or ""),
        "name": str(item.get("name") or ""),
        "price": str(price),
        "purchased_price": str(money(item.get("purchased_price"))),
        "quantity": str(quantity),
        "unit_type": item.get("unit_type"),
        "discount_percent": str(item["discount_percent"]) if item.get("discount_percent") is not None else None,
        "discount_amount": str(money(item["discount_amount"])) if item.get("discount_amount") is not None else None,
        "comment": str(item.get("comment") or ""),
        "picture": item.get("picture"),
        "product_status_id": 1,
        "properties": [
            one for one in item.get("properties") or [] if isinstance(one, dict) and {"name", "value"} <= set(one)
        ],
    }


def line_discount(line: Row) -> Decimal:
    """Of one piece."""
    percent = Decimal(line["discount_percent"] or 0) * Decimal(line["price"]) / 100
    return min(money(percent) + Decimal(line["discount_amount"] or 0), Decimal(line["price"]))


def line_price(line: Row) -> Decimal:
    return Decimal(line["price"]) - line_discount(line)


def products_total(order: Row) -> Decimal:
    return sum((money(line_price(line) * Decimal(line["quantity"])) for line in order["products"]), Decimal(0))


def total_discount(order: Row) -> Decimal:
    goods = products_total(order)
    percent = money(goods * Decimal(order["discount_percent"] or 0) / 100)
    return min(percent + Decimal(order["discount_amount"] or 0), goods)


def grand_total(order: Row) -> Decimal:
    more = sum((Decimal(order[name] or 0) for name in ("shipping_price", "wrap_price", "taxes")), Decimal(0))
    return products_total(order) - total_discount(order) + more


def paid(order: Row) -> Decimal:
    return sum((Decimal(one["amount"]) for one in order["payments"] if one["status"] == "paid"), Decimal(0))


def payment_status(order: Row) -> str:
    got, due = paid(order), grand_total(order)
    if got == 0:
        return "not_paid"
    if got < due:
        return "part_paid"
    return "paid" if got == due else "overpaid"
