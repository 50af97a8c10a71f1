"""Buyers' cards of the simulated CRM: made by hand or by an order, written by the API, joined by an operator."""

from collections.abc import Mapping, Sequence
from typing import Any

from demo.crm import rows
from demo.crm.account import Account, RefusedError
from demo.crm.rows import Row


def field_values(items: Any) -> dict[str, Any]:
    """`[{uuid, value}]` (or `{id, value}`, which live code uses too) as one map."""
    if items is None:
        return {}
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise RefusedError(custom_fields="The custom fields must be an array of objects.")
    return {str(one.get("uuid") or one.get("id") or ""): one.get("value") for one in items}


class Buyers(Account):
    """An account with buyers. Custom fields of all kinds of rows are written here."""

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
