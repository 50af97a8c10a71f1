"""The checkout's form as it is posted: reading it and what is wrong with it. No pages and no orders here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from demo.shop.goods import CITIES, DELIVERY_BY_KEY, PAYMENTS, warehouses
from demo.shop.orders import Buyer


@dataclass(frozen=True)
class OrderForm:
    """What was typed and chosen. A field that the browser left out, for example a disabled one, is empty."""

    token: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""
    city: str = ""
    city_id: str = ""
    delivery: str = ""
    warehouse: str = ""
    address: str = ""
    payment: str = ""
    comment: str = ""

    @property
    def place(self) -> str:
        way = DELIVERY_BY_KEY.get(self.delivery)
        if way is None:
            return ""
        return self.warehouse if way.has_warehouses else self.address if way.has_address else ""

    @property
    def buyer(self) -> Buyer:
        return Buyer(name=self.name, phone=phone_digits(self.phone), email=self.email)


FIELDS = {
    "token": "form_token",
    "name": "Recipient[delivery_name]",
    "phone": "Recipient[delivery_phone]",
    "email": "Recipient[delivery_email]",
    "city": "Recipient[delivery_city]",
    "city_id": "Recipient[delivery_city_id]",
    "delivery": "Delivery[delivery_type]",
    "warehouse": "Delivery[nova][warehouse.id]",
    "address": "Delivery[courier][address]",
    "payment": "Payment[payment_type]",
    "comment": "Payment[comment]",
}


def read_order_form(posted: Mapping[str, str]) -> OrderForm:
    return OrderForm(**{name: posted.get(field, "").strip()[:500] for name, field in FIELDS.items()})


def phone_digits(phone: str) -> str:
    """380 and nine digits, or an empty string."""
    digits = re.sub(r"\D", "", phone)
    digits = f"38{digits}" if len(digits) == 10 else digits
    return digits if re.fullmatch(r"380\d{9}", digits) else ""


def faults(form: OrderForm) -> dict[str, str]:
    """Field name → the key of the sentence to show."""
    found = {}
    if not form.name:
        found["name"] = "fault_name"
    if not phone_digits(form.phone):
        found["phone"] = "fault_phone"
    if form.city_id not in CITIES:
        found["city"] = "fault_city"
    way = DELIVERY_BY_KEY.get(form.delivery)
    if way is None:
        found["delivery"] = "fault_delivery"
    elif (way.has_warehouses and form.warehouse not in warehouses(form.city_id)) or (
        way.has_address and not form.address
    ):
        found["place"] = "fault_place"
    if form.payment not in PAYMENTS:
        found["payment"] = "choose"
    return found
