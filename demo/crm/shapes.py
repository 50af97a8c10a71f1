"""Rows as the API shows them. What is null and not described as nullable is left out, unless the switch `nulls` says otherwise."""

from collections.abc import Set
from decimal import Decimal
from typing import Any

from demo.crm import rows
from demo.crm.rows import Row
from demo.crm.state import CrmState
from demo.crm.switches import Switches


class Shapes:
    """How this account writes numbers and moments."""

    def __init__(self, state: CrmState) -> None:
        self.state = state
        self.switches: Switches = state.switches

    def number(self, amount: Any) -> Any:
        found = Decimal(str(amount or 0))
        if self.switches.numbers_as_text:
            return str(found)
        return int(found) if found == found.to_integral_value() else float(found)

    def moment(self, text: str | None) -> str | None:
        if text is None or self.switches.dates == "iso":
            return text
        return text[:19].replace("T", " ")

    def _dated(self, row: Row, *names: str) -> Row:
        """Moments by name; an empty one is left out or null."""
        found = {name: self.moment(row[name]) for name in names}
        return found if self.switches.nulls else {name: value for name, value in found.items() if value is not None}

    # -- buyers ----------------------------------------------------------------------------------------------------

    def buyer(self, row: Row, parts: Set[str] = frozenset()) -> Row:
        shown = {
            "id": row["id"],
            "full_name": row["full_name"],
            "birthday": row["birthday"],
            "email": row["emails"] or None,
            "phone": row["phones"] or None,
            "note": row["note"],
            **self._dated(row, "created_at", "updated_at"),
        }
        if "custom_fields" in parts:
            shown["custom_fields"] = [{"uuid": uuid, "value": value} for uuid, value in row["custom_fields"].items()]
        if "shipping" in parts:
            shown["shipping"] = []
        if "loyalty" in parts:
            shown["loyalty"] = []
        return shown

    # -- orders ----------------------------------------------------------------------------------------------------

    def order(self, order: Row, parts: Set[str] = frozenset(), *, is_read: bool = True) -> Row:
        """`is_read`: as GET shows it. Creating and updating answer with less."""
        shown = {
            **{
                name: order[name]
                for name in ("id", "parent_id", "source_uuid", "source_id", "status_id", "status_group_id")
            },
            "grand_total": self.number(rows.grand_total(order)),
            "promocode": order["promocode"],
            "total_discount": self.number(rows.total_discount(order)),
            "expenses_sum": 0,
            **{name: self.number(order[name]) for name in ("shipping_price", "wrap_price", "taxes")},
            **{name: order[name] for name in ("manager_comment", "buyer_comment", "gift_message", "is_gift")},
            "payment_status": rows.payment_status(order),
            **self._dated(order, "created_at", "updated_at", "closed_at"),
            # Only live answers carry these.
            "client_id": order["client_id"],
            "products_total": self.number(rows.products_total(order)),
            "discount_amount": self.number(order["discount_amount"]),
            "discount_percent": self.number(order["discount_percent"]),
        }
        if not is_read:
            return shown
        shown |= self._dated(order, "ordered_at")
        if "buyer" in parts:
            shown["buyer"] = self._buyer_of(order)
        if parts & {"products", "products.offer"}:
            shown["products"] = [self._line(line) for line in order["products"]]
        if "payments" in parts:
            shown["payments"] = [self.payment(one) for one in order["payments"]]
        if "tags" in parts:
            shown["tags"] = [self._entry(one) for one in self.state.tags if one["id"] in order["tags"]]
        if "status" in parts:
            shown["status"] = self._entry(self.state.status(order["status_id"]))
        if "marketing" in parts:
            shown["marketing"] = order["marketing"]
        if parts & {"shipping", "shipping.lastHistory", "shipping.deliveryService"}:
            shown["shipping"] = order["shipping"]
        if "custom_fields" in parts:
            shown["custom_fields"] = self._filled(order)
        for name in parts & {"expenses", "assigned"}:
            shown[name] = []
        return shown

    def _buyer_of(self, order: Row) -> Row:
        """One phone and one e-mail, as texts: on a card of their own they are arrays."""
        card = self.state.peek("buyers", order["client_id"])
        return {
            "id": card["id"],
            "full_name": card["full_name"],
            "email": next(iter(card["emails"]), None),
            "phone": next(iter(card["phones"]), None),
            "company_id": None,
            "manager_id": None,
        }

    def _line(self, line: Row) -> Row:
        shown = {
            **{
                name: line[name]
                for name in ("id", "name", "sku", "unit_type", "comment", "product_status_id", "picture", "properties")
            },
            "price": self.number(line["price"]),
            "price_sold": self.number(rows.line_price(line)),
            "purchased_price": self.number(line["purchased_price"]),
            "quantity": self.number(line["quantity"]),
            "upsale": False,
            "total_discount": self.number(rows.line_discount(line) * Decimal(line["quantity"])),
        }
        for name in ("discount_percent", "discount_amount"):
            shown[name] = None if line[name] is None else self.number(line[name])
        return shown

    def payment(self, one: Row) -> Row:
        return {
            **one,
            "amount": self.number(one["amount"]),
            **self._dated(one, "payment_date", "created_at", "updated_at"),
        }

    def _filled(self, row: Row) -> list[Row]:
        known = {one["uuid"]: one for one in self.state.fields}
        return [
            {
                "id": known[uuid]["id"],
                "uuid": uuid,
                "name": known[uuid]["name"],
                "type": known[uuid]["type"],
                "value": value,
            }
            for uuid, value in row["custom_fields"].items()
            if uuid in known
        ]

    # -- the rest --------------------------------------------------------------------------------------------------

    def _entry(self, row: Row) -> Row:
        return {**row, **self._dated(row, "created_at", "updated_at")}

    def entry(self, row: Row, parts: Set[str] = frozenset()) -> Row:
        return self._entry(row)

    def field(self, row: Row, parts: Set[str] = frozenset()) -> Row:
        return {name: value for name, value in row.items() if name != "options" or "options" in parts}

    def card(self, row: Row, parts: Set[str] = frozenset()) -> Row:
        shown = {
            **{
                name: row[name]
                for name in (
                    "id",
                    "contact_id",
                    "source_id",
                    "manager_id",
                    "target_id",
                    "target_type",
                    "status_id",
                    "title",
                )
            },
            **self._dated(row, "status_changed_at", "created_at", "updated_at"),
        }
        if "contact.client" in parts:
            card = self.state.get("buyers", row["client_id"])
            phone, mail = next(iter(card["phones"]), None), next(iter(card["emails"]), None)
            orders = [one for one in self.state.rows("orders") if one["client_id"] == card["id"]]
            client = {
                "id": card["id"],
                "company_id": None,
                "full_name": card["full_name"],
                "phone": phone,
                "formatted_phone": phone,
                "additional_phone": None,
                "email": mail,
                "note": card["note"],
                "currency": "UAH",
                "orders_sum": str(sum((rows.grand_total(one) for one in orders), Decimal(0))),
                "orders_count": len(orders),
                "has_duplicates": int(self._has_double(card)),
                **self._dated(card, "created_at", "updated_at"),
            }
            shown["contact"] = {
                "id": row["contact_id"],
                "full_name": card["full_name"],
                "email": mail,
                "phone": phone,
                "client_id": card["id"],
                "client": client,
            }
        if "custom_fields" in parts:
            shown["custom_fields"] = self._filled(row)
        return shown

    def _has_double(self, card: Row) -> bool:
        own = {rows.digits(one) for one in card["phones"]}
        others = (one for one in self.state.rows("buyers") if one["id"] != card["id"])
        return any(own & {rows.digits(phone) for phone in other["phones"]} for other in others)
