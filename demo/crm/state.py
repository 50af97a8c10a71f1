"""The rows of the simulated CRM and everything that can happen to them. Knows nothing of HTTP."""

import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from demo.crm import rows, samples
from demo.crm.rows import Row, money, stamp
from demo.crm.switches import Switches

GONE_AFTER = 5_000  # events kept for the page


class UnknownRowError(Exception):
    """404."""


class RefusedError(Exception):
    """422, with a map of fields."""

    def __init__(self, **fields: str) -> None:
        super().__init__(", ".join(fields))
        self.fields = {name: [words] for name, words in fields.items()}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class CrmState:
    """One account. Safe to use from several threads; rows are changed under `lock` and leave it as copies.

    `counters` tells what has happened: calls, over_limit, writes, webhooks; `last_headers` are the last call's. `take_webhooks` hands out what is to be posted.
    """

    def __init__(
        self,
        path: Path | str | None = None,
        *,
        token: str = samples.DEMO_TOKEN,
        switches: Switches | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.path = Path(path) if path is not None else None
        self.token, self.clock = token, clock
        self.lock = threading.RLock()
        self.counters: Counter[str] = Counter()
        self.since_turned: Counter[str] = Counter()
        self.switches = switches or Switches()
        self.events: deque[Row] = deque(maxlen=GONE_AFTER)
        self.has_events = threading.Event()
        self.last_headers: dict[str, str] = {}
        self.clear()
        if self.path is not None and self.path.exists():
            self._load(json.loads(self.path.read_text(encoding="utf-8")))

    def clear(self) -> None:
        """An account on its first day. The switches stay."""
        with self.lock:
            self._held: Row | None = None
            self._rows: dict[str, dict[int, Row]] = {"buyers": {}, "orders": {}, "cards": {}}
            self._next: Counter[str] = Counter(buyers=501, orders=2001, cards=301, lines=1, payments=1, numbers=70401)
            self.statuses, self.sources = deepcopy(samples.STATUSES), deepcopy(samples.SOURCES)
            self.tags, self.fields = deepcopy(samples.TAGS), deepcopy(samples.FIELDS)
            self.events.clear()
            self.counters.clear()
            self.since_turned.clear()
            self.last_headers = {}

    # -- reading ---------------------------------------------------------------------------------------------------

    def now(self) -> str:
        return stamp(self.clock())

    def all(self, table: str) -> list[Row]:
        """Live rows, oldest first."""
        with self.lock:
            return deepcopy(list(self._rows[table].values()))

    def get(self, table: str, number: int) -> Row:
        """Raises UnknownRowError."""
        with self.lock:
            return deepcopy(self._row(table, number))

    def rows(self, table: str) -> list[Row]:
        """The rows themselves, for whoever holds `lock` and only reads."""
        return list(self._rows[table].values())

    def peek(self, table: str, number: int) -> Row:
        """One row itself, for whoever holds `lock` and only reads. Raises UnknownRowError."""
        return self._row(table, number)

    def _row(self, table: str, number: int) -> Row:
        try:
            return self._rows[table][number]
        except KeyError:
            raise UnknownRowError(f"{table} {number}") from None

    def status(self, number: int) -> Row:
        for one in self.statuses:
            if one["id"] == number:
                return one
        raise RefusedError(status_id="The selected status id is invalid.")

    # -- buyers ----------------------------------------------------------------------------------------------------

    def create_buyer(
        self,
        full_name: str,
        *,
        phones: Sequence[str] = (),
        emails: Sequence[str] = (),
        note: str | None = None,
        custom_fields: Mapping[str, Any] | None = None,
        birthday: str | None = None,
    ) -> Row:
        with self.lock:
            now = self.now()
            row: Row = {
                "id": self._take("buyers"),
                "full_name": full_name,
                "birthday": birthday,
                "phones": [rows.stored_phone(one, form=self.switches.phone_stored) for one in phones if one],
                "emails": [one for one in emails if one],
                "note": note,
                "custom_fields": {},
                "created_at": now,
                "updated_at": now,
            }
            self._rows["buyers"][row["id"]] = row
            self._write_fields(row, custom_fields)
            return self._saved(row)

    def update_buyer(self, number: int, **changes: Any) -> Row:
        """`custom_fields` are merged, lists replace what was there."""
        with self.lock:
            row = self._row("buyers", number)
            self._write_fields(row, changes.pop("custom_fields", None))
            if changes.get("phones") is not None:
                changes["phones"] = [
                    rows.stored_phone(one, form=self.switches.phone_stored) for one in changes["phones"]
                ]
            row.update({name: value for name, value in changes.items() if value is not None}, updated_at=self.now())
            return self._saved(row)

    def _write_fields(self, row: Row, values: Mapping[str, Any] | None) -> None:
        known = {one["uuid"]: one for one in self.fields} | {str(one["id"]): one for one in self.fields}
        for key, value in (values or {}).items():
            if key not in known:
                raise RefusedError(custom_fields=f"The custom field {key} does not exist.")
            uuid = known[key]["uuid"]
            if value in (None, "", []):
                row["custom_fields"].pop(uuid, None)
            else:
                row["custom_fields"][uuid] = [str(one) for one in value] if isinstance(value, list) else str(value)

    def match_buyer(self, *, full_name: str, phone: str, email: str) -> Row:
        """An order's buyer: joined to a card only when name and phone (and an e-mail, if one is given) agree, else a new card."""
        with self.lock:
            stored = rows.stored_phone(phone, form=self.switches.phone_stored) if phone else ""
            for row in self._rows["buyers"].values():
                same_phone = bool(stored) and rows.digits(stored) in {rows.digits(one) for one in row["phones"]}
                same_email = (
                    not email or not row["emails"] or email.casefold() in {one.casefold() for one in row["emails"]}
                )
                if same_phone and same_email and row["full_name"].strip() == full_name.strip():
                    return row
            self.create_buyer(full_name, phones=[phone] if phone else [], emails=[email] if email else [])
            return next(reversed(self._rows["buyers"].values()))

    def merge_buyers(self, survivor: int, gone: int, *, keep_fields: bool = False) -> Row:
        """As an operator does it: the orders move, the other id dies, its custom fields are kept only if ticked."""
        with self.lock:
            row, other = self._row("buyers", survivor), self._row("buyers", gone)
            for order in self._rows["orders"].values():
                if order["client_id"] == gone:
                    order["client_id"] = survivor
            for name in ("phones", "emails"):
                row[name] = list(dict.fromkeys([*row[name], *other[name]]))
            if keep_fields:
                row["custom_fields"] = {**other["custom_fields"], **row["custom_fields"]}
            del self._rows["buyers"][gone]
            row["updated_at"] = self.now()
            return self._saved(row)

    # -- orders ----------------------------------------------------------------------------------------------------

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

    # -- cards -----------------------------------------------------------------------------------------------------

    def create_card(self, *, client_id: int, title: str = "", order_id: int | None = None) -> Row:
        with self.lock:
            now = self.now()
            row: Row = {
                "id": self._take("cards"),
                "contact_id": client_id,
                "client_id": client_id,
                "source_id": self.sources[0]["id"],
                "manager_id": None,
                "target_id": order_id,
                "target_type": "order" if order_id else None,
                "status_id": samples.CARD_STATUSES[0]["id"],
                "title": title,
                "custom_fields": {},
                "status_changed_at": now,
                "created_at": now,
                "updated_at": now,
            }
            self._rows["cards"][row["id"]] = row
            return self._saved(row)

    def update_card(
        self, number: int, *, status_id: int | None = None, custom_fields: Mapping[str, Any] | None = None
    ) -> Row:
        with self.lock:
            row = self._row("cards", number)
            self._write_fields(row, custom_fields)
            row["updated_at"] = self.now()
            if status_id is not None:
                if status_id not in {one["id"] for one in samples.CARD_STATUSES}:
                    raise RefusedError(status_id="The selected status id is invalid.")
                row.update(status_id=status_id, status_changed_at=self.now())
                self._note("lead.change_lead_status", row)
            return self._saved(row)

    # -- dictionaries, as an administrator changes them ----------------------------------------------------------------

    def remove_field(self, name: str, *, model: str = "client") -> None:
        with self.lock:
            self.fields = [one for one in self.fields if not (one["name"] == name and one["model"] == model)]

    def add_status(self, number: int, name: str, *, group: int, closing: bool = False) -> None:
        with self.lock:
            row = {**self.statuses[0], "id": number, "name": name, "alias": f"status_{number}"}
            self.statuses.append({**row, "group_id": group, "is_closing_order": closing})

    # -- webhooks --------------------------------------------------------------------------------------------------

    def _note(self, event: str, row: Row) -> None:
        """Put an event into the queue, as often and in the order that the switches say."""
        if not self.switches.webhooks:
            return
        self.counters["webhooks"] += 1
        every = self.switches.webhook_lost_every
        if every and self.counters["webhooks"] % every == 0:
            return
        made = {"event": event, "context": context_of(event, row)}
        copies = [deepcopy(made) for _ in range(max(1, self.switches.webhook_copies))]
        if self.switches.webhook_disorder and self._held is None:
            self._held = made
            copies = copies[1:]
        else:
            if self._held is not None:
                copies.append(self._held)
            self._held = None
        self.events.extend(copies)
        self.has_events.set()

    def take_webhooks(self) -> list[Row]:
        """What is to be posted now, each once. With nothing else to come, what was held back for disorder comes too."""
        with self.lock:
            found = list(self.events) + ([self._held] if self._held is not None else [])
            self.events.clear()
            self._held = None
            self.has_events.clear()
            return found

    # -- switches and the file ---------------------------------------------------------------------------------------

    def set_switches(self, **changes: Any) -> Switches:
        """Turn some switches now; the others stay. Raises ValueError for an unknown name or value."""
        return self.replace_switches(self.switches.with_changes(changes))

    def replace_switches(self, switches: Switches) -> Switches:
        with self.lock:
            self.switches = switches
            self.since_turned.clear()
            self._keep()
            return switches

    def _take(self, what: str) -> int:
        self._next[what] += 1
        return self._next[what] - 1

    def next_order_number(self) -> str:
        """For an order that a person places on the page."""
        with self.lock:
            return str(self._take("numbers"))

    def _saved(self, row: Row) -> Row:
        self._keep()
        return deepcopy(row)

    def _keep(self) -> None:
        if self.path is None:
            return
        content = {
            "next": dict(self._next),
            "rows": {table: list(found.values()) for table, found in self._rows.items()},
            "sources": self.sources,
            "statuses": self.statuses,
            "fields": self.fields,
            "switches": self.switches.changed(),
        }
        # Written beside and renamed, so that a killed process leaves the old file or the new one, never half of one.
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        beside.replace(self.path)

    def _load(self, content: Mapping[str, Any]) -> None:
        self._next.update({name: number - self._next[name] for name, number in content["next"].items()})
        self._rows = {table: {row["id"]: row for row in found} for table, found in content["rows"].items()}
        self.sources, self.statuses, self.fields = content["sources"], content["statuses"], content["fields"]
        self.switches = Switches().with_changes(content["switches"])


def field_values(items: Any) -> dict[str, Any]:
    """`[{uuid, value}]` (or `{id, value}`, which live code uses too) as one map."""
    if items is None:
        return {}
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise RefusedError(custom_fields="The custom fields must be an array of objects.")
    return {str(one.get("uuid") or one.get("id") or ""): one.get("value") for one in items}


def context_of(event: str, row: Row) -> Row:
    """The CRM's own row, not the shape of its API: other names, numbers now as number and now as text, no lines, no phone, no custom fields."""
    names: tuple[str, ...]
    if event.startswith("lead."):
        names = (
            "id",
            "contact_id",
            "status_id",
            "manager_id",
            "target_id",
            "target_type",
            "status_changed_at",
            "updated_at",
        )
        return {name: row[name] for name in names} | {"pipeline_id": 1}
    names = (
        "id", "parent_id", "source_id", "source_uuid", "client_id", "status_id", "status_group_id", "promocode", "is_gift", "gift_message",
        "manager_comment", "ordered_at", "created_at", "updated_at", "closed_at", "status_changed_at", "discount_percent",
    )  # fmt: skip
    return {name: row[name] for name in names} | {
        "global_source_uuid": row["source_uuid"],
        "client_comment": row["buyer_comment"],
        "grand_total": float(rows.grand_total(row)),
        "products_total": float(rows.products_total(row)),
        "total_discount": str(rows.total_discount(row)),
        "discount_amount": str(row["discount_amount"]),
        "payments_total": str(rows.paid(row)),
        "payment_status": rows.payment_status(row),
        "shipping_price": row["shipping_price"],
        "deleted_at": None,
        "is_expired": False,
        "has_reserves": False,
    }
