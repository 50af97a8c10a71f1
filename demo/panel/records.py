"""What the panel remembers: a code, a logged-in session, one account's view of the grid. Frozen, and their JSON form.

No rules live here: who may change a record, and when, is in `state.py`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

KIND_PERCENT = "0"
KIND_CERTIFICATE = "1"
KIND_COUPON = "2"
KIND_LABELS = {KIND_PERCENT: "Відсоток", KIND_CERTIFICATE: "Сертифікат", KIND_COUPON: "Купон (відсоток, багаторазовий)"}

# The store's own lists; value "0" on the form means "nothing chosen".
BRANDS = {"3": "Ластівка", "5": "Карпатські трави", "8": "Домашній затишок"}
CATEGORIES = {"7": "Чай та кава", "11": "Посуд", "12": "Подарунки", "19": "Текстиль"}

PAGE_SIZES = (20, 40, 80, 160)


@dataclass(frozen=True)
class PanelCode:
    """One row of the store's code list. `amount` is hryvnias for a certificate, per cent for the other kinds."""

    id: int
    code: str
    amount: Decimal
    kind: str
    active: bool
    date_limit: date | None
    quantity: int
    brands: tuple[str, ...]
    categories: tuple[str, ...]
    origin: str  # "form": typed into the create form; "seed": put there from Python; "other": other people's codes
    created_at: datetime
    used_at: datetime | None = None

    @property
    def is_certificate(self) -> bool:
        return self.kind == KIND_CERTIFICATE

    @property
    def covers_whole_store(self) -> bool:
        """The store limits a code to the chosen brands and categories, so only a code with all of them always works."""
        return set(BRANDS) <= set(self.brands) and set(CATEGORIES) <= set(self.categories)


@dataclass(frozen=True)
class GridView:
    """One account's filter, sorting, page and page size. The server keeps it across sessions and browsers."""

    search: str = ""
    amount_from: str = ""
    amount_to: str = ""
    sort: str = ""
    direction: str = ""
    page: int = 1
    page_size: int = 20


@dataclass(frozen=True)
class Session:
    """A logged-in browser. `stage` is "in", or "second_factor" while the second step is still owed."""

    sid: str
    account: str
    stage: str
    expires_at: datetime
    requests: int = 0
    message: str = ""


def code_to_json(code: PanelCode) -> dict[str, Any]:
    """The record as JSON-ready values: amounts as text, dates in ISO form."""
    return {
        "id": code.id,
        "code": code.code,
        "amount": format(code.amount, "f"),
        "kind": code.kind,
        "active": code.active,
        "date_limit": code.date_limit.isoformat() if code.date_limit else None,
        "quantity": code.quantity,
        "brands": list(code.brands),
        "categories": list(code.categories),
        "origin": code.origin,
        "created_at": code.created_at.isoformat(),
        "used_at": code.used_at.isoformat() if code.used_at else None,
    }


def code_from_json(row: dict[str, Any]) -> PanelCode:
    """The inverse of `code_to_json`. Raises KeyError or ValueError on a row that it did not write."""
    return PanelCode(
        id=int(row["id"]),
        code=str(row["code"]),
        amount=Decimal(row["amount"]),
        kind=str(row["kind"]),
        active=bool(row["active"]),
        date_limit=date.fromisoformat(row["date_limit"]) if row["date_limit"] else None,
        quantity=int(row["quantity"]),
        brands=tuple(row["brands"]),
        categories=tuple(row["categories"]),
        origin=str(row["origin"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        used_at=datetime.fromisoformat(row["used_at"]) if row["used_at"] else None,
    )
