"""A placed order, its JSON form for the state file, and the body in which it goes to the CRM. Frozen; no rules of placing."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from demo.shop.goods import BY_ID, CITIES, DELIVERY_BY_KEY, PAYMENTS, warehouses
from demo.shop.pricing import Line, Totals

SOURCE_ID = 1


@dataclass(frozen=True)
class Buyer:
    """Who ordered, as typed; the phone as 380 and nine digits."""

    name: str
    phone: str
    email: str


@dataclass(frozen=True)
class Order:
    """What was ordered and for how much. `crm` is waiting, sent or refused; `crm_id` is the CRM's own number for it."""

    number: int
    placed_at: datetime
    language: str
    buyer: Buyer
    lines: tuple[Line, ...]
    totals: Totals
    promocode: str
    delivery: str
    place: str
    payment: str
    comment: str = ""
    crm: str = "waiting"
    crm_id: int | None = None
    crm_tries: int = 0
    crm_next_at: datetime | None = None
    crm_fault: str = ""


def source_number(order: Order, *, number_sign: bool) -> str:
    """The order's number as the CRM is told it: stores differ in the sign."""
    return f"#{order.number}" if number_sign else str(order.number)


def crm_body(order: Order, *, number_sign: bool) -> dict[str, Any]:
    """The body of `POST /order` as KeyCRM documents it."""
    discount = order.totals.customer_discount + order.totals.coupon_discount
    body: dict[str, Any] = {
        "source_id": SOURCE_ID,
        "source_uuid": source_number(order, number_sign=number_sign),
        "ordered_at": order.placed_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "buyer": {
            "full_name": order.buyer.name,
            "phone": f"+{order.buyer.phone}",
            "email": order.buyer.email or None,
        },
        "buyer_comment": order.comment or None,
        "discount_amount": _number(discount),
        "shipping_price": _number(order.totals.delivery or Decimal(0)),
        "shipping": {
            "shipping_service": DELIVERY_BY_KEY[order.delivery].title["uk"],
            "shipping_receive_point": order.place,
            "recipient_full_name": order.buyer.name,
            "recipient_phone": f"+{order.buyer.phone}",
        },
        "products": [
            {
                "sku": line.good.article,
                "name": line.good.title["uk"],
                "price": _number(line.good.price),
                "quantity": line.quantity,
            }
            for line in order.lines
        ],
        "payments": [
            {
                "payment_method": PAYMENTS[order.payment]["uk"],
                "amount": _number(order.totals.with_delivery),
                "status": "not_paid",
            }
        ],
    }
    return {**body, "promocode": order.promocode} if order.promocode else body


def _number(amount: Decimal) -> int | float:
    """As JSON writes money there: a number."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def place_text(city_id: str, place: str) -> str:
    """The town and the branch or address, in Ukrainian, as staff read it."""
    city = CITIES.get(city_id, {}).get("uk", "")
    branch = warehouses(city_id).get(place, {}).get("uk", place)
    return ", ".join(part for part in (city, branch) if part)


def order_to_json(order: Order) -> dict[str, Any]:
    """The order as JSON-ready values: amounts as text, dates in ISO form."""
    return {
        "number": order.number,
        "placed_at": order.placed_at.isoformat(),
        "language": order.language,
        "buyer": vars(order.buyer),
        "lines": [
            {"id": line.good.id, "article": line.good.article, "quantity": line.quantity} for line in order.lines
        ],
        "products": str(order.totals.products),
        "customer_discount": str(order.totals.customer_discount),
        "coupon_discount": str(order.totals.coupon_discount),
        "delivery_price": None if order.totals.delivery is None else str(order.totals.delivery),
        "sum": str(order.totals.sum),
        "promocode": order.promocode,
        "delivery": order.delivery,
        "place": order.place,
        "payment": order.payment,
        "comment": order.comment,
        "crm": order.crm,
        "crm_id": order.crm_id,
        "crm_tries": order.crm_tries,
        "crm_next_at": order.crm_next_at.isoformat() if order.crm_next_at else None,
        "crm_fault": order.crm_fault,
    }


def order_from_json(row: dict[str, Any]) -> Order:
    """The inverse of `order_to_json`. Raises KeyError or ValueError on a row that it did not write."""
    lines = tuple(Line(BY_ID[one["id"]], int(one["quantity"])) for one in row["lines"])
    return Order(
        number=int(row["number"]),
        placed_at=datetime.fromisoformat(row["placed_at"]),
        language=row["language"],
        buyer=Buyer(**row["buyer"]),
        lines=lines,
        totals=Totals(
            Decimal(row["products"]),
            Decimal(row["customer_discount"]),
            Decimal(row["coupon_discount"]),
            None if row["delivery_price"] is None else Decimal(row["delivery_price"]),
            sum(line.quantity for line in lines),
        ),
        promocode=row["promocode"],
        delivery=row["delivery"],
        place=row["place"],
        payment=row["payment"],
        comment=row["comment"],
        crm=row["crm"],
        crm_id=row["crm_id"],
        crm_tries=int(row["crm_tries"]),
        crm_next_at=datetime.fromisoformat(row["crm_next_at"]) if row["crm_next_at"] else None,
        crm_fault=row["crm_fault"],
    )
