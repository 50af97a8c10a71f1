"""Orders of the simulated CRM: placed and changed as its API lets one, completed, refunded, split and deleted as its staff do it."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any

from demo.crm import rows, samples
from demo.crm.account import RefusedError, UnknownRowError
from demo.crm.buyers import Buyers, field_values
from demo.crm.rows import Row, money


class Orders(Buyers):
    """An account with orders. Whatever happens to one is noted for the webhooks, but for its deletion."""

    def create_order(self, body: Mapping[str, Any]) -> Row:
        """As POST /order: never looks whether the number is there already. Raises RefusedError."""
        buyer = body.get("buyer")
        if not isinstance(buyer, Mapping):
            raise RefusedError(buyer="The buyer field is required.")
        with self.lock:
            source = self._source_of(body)
            card = self.match_buyer(
                full_name=str(buyer.get("full_name") or ""),
                phone=str(buyer.get("phone") or ""),
                email=str(buyer.get("email") or ""),
            )
            now = self.now()
            number = body.get("source_uuid")
            try:
                order: Row = {
                    "id": self._take("orders"),
                    "parent_id": None,
                    "source_id": source,
                    "source_uuid": None if number is None else str(number),
                    "client_id": card["id"],
                    "status_id": samples.NEW,
                    "status_group_id": 1,
                    "promocode": str(body.get("promocode") or ""),
                    **{
                        name: str(money(body.get(name)))
                        for name in ("discount_amount", "shipping_price", "wrap_price", "taxes")
                    },
                    "discount_percent": str(Decimal(str(body.get("discount_percent") or 0))),
                    "manager_comment": body.get("manager_comment"),
                    "buyer_comment": body.get("buyer_comment"),
                    "gift_message": body.get("gift_message"),
                    "is_gift": bool(body.get("is_gift")),
                    "products": [rows.new_line(one, self._take("lines")) for one in body.get("products") or []],
                    "payments": [],
                    "tags": [],
                    "shipping": dict(body.get("shipping") or {}),
                    "marketing": dict(body.get("marketing") or {}),
                    "custom_fields": {},
                    "ordered_at": rows.read_stamp(body["ordered_at"]) if body.get("ordered_at") else now,
                    "created_at": now,
                    "updated_at": now,
                    "status_changed_at": now,
                    "closed_at": None,
                    "touched": False,
                }
            except (ValueError, ArithmeticError) as wrong:
                raise RefusedError(order=str(wrong)) from None
            self._write_fields(order, field_values(body.get("custom_fields")))
            self._rows["orders"][order["id"]] = order
            for one in body.get("payments") or []:
                self._add_payment(order, one)
            self._note("order.change_order_status", order)
            return self._saved(order)

    def _source_of(self, body: Mapping[str, Any]) -> int:
        """A known id; or a name, which makes a source where there is none (as was seen)."""
        name = body.get("source_name")
        if body.get("source_id") is None and name:
            for one in self.sources:
                if one["name"] == name:
                    return int(one["id"])
            made = {
                **self.sources[0],
                "id": max(one["id"] for one in self.sources) + 1,
                "name": name,
                "source_name": name,
            }
            self.sources.append({**made, "alias": f"source_{made['id']}", "driver": "api"})
            return int(made["id"])
        known = {one["id"] for one in self.sources}
        if body.get("source_id") not in known:
            raise RefusedError(source_id="The selected source id is invalid.")
        return int(body["source_id"])

    def update_order(self, number: int, body: Mapping[str, Any]) -> Row:
        """As PUT /order: only what may be written; existing lines by id or sku, no new ones; a second tracking code is refused."""
        with self.lock:
            order = self._row("orders", number)
            tracking = (body.get("shipping") or {}).get("tracking_code")
            if tracking and order["shipping"].get("tracking_code"):
                raise RefusedError(shipping="The order has a tracking code already.")
            status = self.status(body["status_id"]) if body.get("status_id") is not None else None
            try:
                for item in body.get("products") or []:
                    self._change_line(order, item)
                for name in ("discount_amount", "discount_percent"):
                    if name in body:
                        order[name] = str(money(body[name]))
            except ArithmeticError as wrong:
                raise RefusedError(order=str(wrong)) from None
            for name in ("manager_comment", "buyer_comment"):
                if name in body:
                    order[name] = body[name]
            order["shipping"].update(body.get("shipping") or {})
            self._write_fields(order, field_values(body.get("custom_fields")))
            self._touch(order)
            if status is not None:
                self._move(order, status)
            return self._saved(order)

    def _change_line(self, order: Row, item: Mapping[str, Any]) -> None:
        for line in order["products"]:
            if line["id"] == item.get("id") or ("id" not in item and line["sku"] == item.get("sku")):
                for name in ("price", "discount_amount", "discount_percent", "quantity"):
                    if name in item:
                        line[name] = None if item[name] is None else str(Decimal(str(item[name])))
                if "comment" in item:
                    line["comment"] = str(item["comment"] or "")

    def set_status(self, number: int, status_id: int) -> Row:
        """Raises RefusedError for a status that is not in the dictionary."""
        with self.lock:
            order = self._row("orders", number)
            self._move(order, self.status(status_id))
            return self._saved(order)

    def complete(self, number: int) -> Row:
        return self.set_status(number, samples.COMPLETED)

    def cancel(self, number: int) -> Row:
        return self.set_status(number, samples.CANCELLED)

    def _move(self, order: Row, status: Row) -> None:
        now = self.now()
        order.update(status_id=status["id"], status_group_id=status["group_id"], status_changed_at=now)
        order["closed_at"] = now if status["is_closing_order"] else None
        self._touch(order)
        self._note("order.change_order_status", order)

    def add_payment(self, number: int, payment: Mapping[str, Any]) -> Row:
        with self.lock:
            order = self._row("orders", number)
            made = self._add_payment(order, payment)
            self._touch(order)
            self._note("order.change_payment_status", order)
            self._saved(order)
            return deepcopy(made)

    def _add_payment(self, order: Row, payment: Mapping[str, Any]) -> Row:
        if payment.get("amount") is None:
            raise RefusedError(amount="The amount field is required.")
        now = self.now()
        made = {
            "id": self._take("payments"),
            "destination_id": order["id"],
            "payment_method_id": int(payment.get("payment_method_id") or 1),
            "amount": str(money(payment["amount"])),
            "actual_currency": "UAH",
            "transaction_uuid": None,
            "description": payment.get("description"),
            "status": payment.get("status") or "paid",
            "payment_date": rows.read_stamp(payment["payment_date"]) if payment.get("payment_date") else now,
            "created_at": now,
            "updated_at": now,
        }
        order["payments"].append(made)
        return made

    def tag_order(self, number: int, tag: int, *, on: bool) -> None:
        with self.lock:
            order = self._row("orders", number)
            if tag not in {one["id"] for one in self.tags}:
                raise UnknownRowError(f"tag {tag}")
            order["tags"] = [one for one in order["tags"] if one != tag] + ([tag] if on else [])
            self._touch(order)
            self._keep()

    def refund(self, number: int, amount: Any) -> Row:
        """Part of the money goes back: the CRM knows no refunds, so a manager lowers the goods. Raises RefusedError when it is more than they cost."""
        with self.lock:
            order = self._row("orders", number)
            left = money(amount)
            if not 0 < left <= rows.products_total(order) - rows.total_discount(order):
                raise RefusedError(amount="The amount must be between 0 and what the goods cost.")
            for line in order["products"]:
                pieces = Decimal(line["quantity"])
                worth = money(rows.line_price(line) * pieces)
                take = min(left, worth)
                if take and pieces:
                    # Per line and not per piece, so that nothing is lost to rounding.
                    line.update(quantity="1", price=str(worth - take), discount_amount=None, discount_percent=None)
                    left -= take
            self._touch(order)
            self._note("order.change_payment_status", order)
            return self._saved(order)

    def delete_order(self, number: int) -> None:
        """As staff do it: no webhook announces it."""
        with self.lock:
            self._row("orders", number)
            del self._rows["orders"][number]
            self._keep()

    def split_order(self, number: int, line_ids: Sequence[int]) -> Row:
        """Some lines move to a new order with `parent_id`. The order's own discount stays with the root."""
        with self.lock:
            order = self._row("orders", number)
            moving = [line for line in order["products"] if line["id"] in line_ids]
            if not moving or len(moving) == len(order["products"]):
                raise RefusedError(products="Some lines must move and some must stay.")
            now = self.now()
            part = deepcopy(order) | {
                "id": self._take("orders"),
                "parent_id": order["id"],
                "products": moving,
                "payments": [],
                "promocode": "",
                "created_at": now,
                **dict.fromkeys(("discount_amount", "discount_percent", "shipping_price", "wrap_price", "taxes"), "0"),
            }
            order["products"] = [line for line in order["products"] if line["id"] not in line_ids]
            self._rows["orders"][part["id"]] = part
            for one in (order, part):
                self._touch(one)
                self._note("order.change_order_status", one)
            return self._saved(part)

    def _touch(self, order: Row) -> None:
        order.update(updated_at=self.now(), touched=True)
