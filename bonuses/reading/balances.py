"""Balances of another system as lines: one per record, with what was wrong with it. The shapes are told apart by what is in them.

CSV          phone, points [, expires_on, reserved, order, name, email]; also the predecessor's column names
{"data": [buyers with custom_fields]}                        cards of the CRM
[{phone, bonus_balance, reserved_balance, bonus_expiry, …}]  its table of clients
[{phone, active_bonus, reserved_bonus, bonus_expiry_date}]   its key-value table
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from bonuses.errors import ImportRefused
from bonusportal.phones import PhoneInvalid, normalise_phone

MOST_POINTS = 9_999_999
_WHOLE = re.compile(r"-?[0-9]{1,9}(?:\.0{1,6})?", re.ASCII)
_RESERVE = re.compile(r"#(?P<order>[0-9A-Za-z\-]{1,40})\b[^\n]*?\bрезерв\s+(?P<points>[0-9]{1,7})")
# The predecessor's custom fields by the words in their names; the account's own ids differ from shop to shop.
_FIELDS = {"active": ("бонусні бали", "bonus points"), "reserved": ("зарезервовані", "reserved"), "until": ("дата закінчення", "expiry"),
           "history": ("історія", "history")}  # fmt: skip
_COLUMNS = {
    "phone": ("phone", "телефон"),
    "active": ("points", "active", "bonus_balance", "active_bonus", "balance", "бали"),
    "reserved": ("reserved", "reserved_balance", "reserved_bonus"),
    "until": ("expires_on", "bonus_expiry", "bonus_expiry_date", "expiry"),
    "order": ("order", "order_number", "замовлення"),
    "name": ("name", "full_name", "names"),
    "email": ("email", "emails"),
}


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """One record. Points are whole and ≥ 0; `reserves` are (order number, points), with "" where the order is not known.

    `last_day` is the last Kyiv day of the active points; None: none was given. `wrong` is a sentence where the record cannot be used.
    """

    line: int
    phone: str = ""
    active: int = 0
    reserves: tuple[tuple[str, int], ...] = ()
    last_day: dt.date | None = None
    name: str = ""
    email: str = ""
    wrong: str = ""
    remarks: tuple[str, ...] = field(default_factory=tuple)

    @property
    def reserved(self) -> int:
        return sum(points for _, points in self.reserves)


def read_balances(content: bytes) -> list[BalanceLine]:
    """Lines of a file. Raises ImportRefused where the file as a whole cannot be understood."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(_("The file is not UTF-8.")) from error
    if text.lstrip()[:1] in {"{", "["}:
        return list(_read_json(text))
    return list(_read_csv(text))


def _read_csv(text: str) -> Iterator[BalanceLine]:
    try:
        dialect: Any = csv.Sniffer().sniff(text[:2000], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    rows = csv.DictReader(io.StringIO(text), dialect=dialect)
    names = {name.strip().lower() for name in rows.fieldnames or ()}
    if not names & set(_COLUMNS["phone"]) or not names & set(_COLUMNS["active"]):
        raise ImportRefused(_("The file needs the columns phone and points."))
    for row in rows:
        yield _read_row(rows.line_num, {str(key).strip().lower(): value or "" for key, value in row.items() if key})


def _read_json(text: str) -> Iterator[BalanceLine]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ImportRefused(_("The file is not JSON.")) from error
    if isinstance(found, dict):
        found = next(
            (found[name] for name in ("data", "clients", "Items", "items") if isinstance(found.get(name), list)), None
        )
    if not isinstance(found, list):
        raise ImportRefused(_("The file has neither a list of buyers nor of clients."))
    for number, record in enumerate(found, start=1):
        if not isinstance(record, dict):
            yield BalanceLine(number, wrong=_("not a record"))
        elif "custom_fields" in record:
            yield _read_buyer(number, record)
        else:
            yield _read_row(number, {str(key).lower(): _flat(value) for key, value in record.items()})


def _flat(value: Any) -> str:
    """Lists of the predecessor's tables: the first that is filled. DynamoDB's `{"N": "5"}`: what is in it."""
    if isinstance(value, dict):
        value = next(iter(value.values()), "")
    if isinstance(value, list):
        value = next((one for one in value if one), "")
    return "" if value is None else str(value)


def _read_buyer(number: int, buyer: Mapping[str, Any]) -> BalanceLine:
    """A card of the CRM: fields are found by name, and the history tells which orders the reserve belongs to."""
    values: dict[str, str] = {}
    for custom in buyer["custom_fields"] if isinstance(buyer["custom_fields"], list) else ():
        name = str(custom.get("name", "")).lower()
        for wanted, words in _FIELDS.items():
            if any(word in name for word in words):
                values.setdefault(wanted, _flat(custom.get("value")))
    row = {"phone": _flat(buyer.get("phone")), "points": values.get("active", ""), "reserved": values.get("reserved", ""),
           "expires_on": values.get("until", ""), "name": _flat(buyer.get("full_name")), "email": _flat(buyer.get("email"))}  # fmt: skip
    return _read_row(number, row, history=values.get("history", ""))


def _read_row(number: int, row: Mapping[str, str], *, history: str = "") -> BalanceLine:
    def value(name: str) -> str:
        return next((row[column].strip() for column in _COLUMNS[name] if row.get(column, "").strip()), "")

    try:
        phone = normalise_phone(value("phone"))
        active, reserved = _points(value("active")), _points(value("reserved"))
        last_day = _day(value("until"))
    except PhoneInvalid:
        return BalanceLine(number, wrong=_("not a Ukrainian phone number"))
    except ImportRefused as error:
        return BalanceLine(number, wrong=str(error))
    remarks = []
    if active < 0 or reserved < 0:
        remarks.append(_("a negative figure counts as 0"))
        active, reserved = max(active, 0), max(reserved, 0)
    return BalanceLine(
        number,
        phone,
        active,
        tuple(_reserves(reserved, value("order"), history)),
        last_day,
        value("name")[:200],
        value("email")[:254],
        remarks=tuple(remarks),
    )


def _points(text: str) -> int:
    """Whole points; the predecessor also stored "150.0"."""
    if not text:
        return 0
    if not _WHOLE.fullmatch(text):
        raise ImportRefused(_("points are not a whole number"))
    points = int(text.partition(".")[0])
    if points > MOST_POINTS:
        raise ImportRefused(_("more points than a balance can have"))
    return points


def _day(text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError as error:
        raise ImportRefused(_("the date is not YYYY-MM-DD")) from error


def _reserves(reserved: int, order: str, history: str) -> Iterator[tuple[str, int]]:
    """The reserve by orders: the named one, else what the history says, the newest first, never more than the reserve; the rest is nobody's."""
    if order and reserved:
        yield order[:64], reserved
        return
    seen: set[str] = set()
    for found in _RESERVE.finditer(history):
        take = min(int(found["points"]), reserved)
        if take and found["order"] not in seen:
            seen.add(found["order"])
            reserved -= take
            yield found["order"], take
    if reserved:
        yield "", reserved


def group_by_phone(lines: Iterable[BalanceLine]) -> list[tuple[BalanceLine, list[BalanceLine]]]:
    """One line per phone, the one with the most points, with the others that were left out. The predecessor knew some people twice."""
    groups: dict[str, list[BalanceLine]] = {}
    for line in lines:
        if not line.wrong:
            groups.setdefault(line.phone, []).append(line)
    chosen = []
    for same in groups.values():
        best = max(same, key=lambda one: (one.active + one.reserved, one.active, -one.line))
        chosen.append((best, [one for one in same if one is not best]))
    return chosen
