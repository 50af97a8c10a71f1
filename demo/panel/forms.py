"""The create and edit form as the server reads it: fields, rules, and the sentences shown beside a wrong field."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from werkzeug.datastructures import MultiDict

from demo.panel.layout import Layout
from demo.panel.records import BRANDS, CATEGORIES, KIND_CERTIFICATE, KIND_LABELS, PanelCode

CODE_EMPTY = "Вкажіть код"
CODE_TOO_LONG = "Код має бути не довшим за 50 символів"
CODE_TAKEN = "Такий код вже існує"
KIND_UNKNOWN = "Оберіть тип"
AMOUNT_WRONG = "Розмір знижки має бути числом, більшим за нуль"
PERCENT_TOO_BIG = "Відсоток не може перевищувати 100"
QUANTITY_WRONG = "Кількість використань має бути цілим числом"
DATE_WRONG = "Дата має бути у форматі РРРР-ММ-ДД"
DATE_PAST = "Дата вже минула"


@dataclass(frozen=True)
class CodeForm:
    """The form as typed: what is shown again when something is wrong with it."""

    code: str = ""
    kind: str = "0"
    amount: str = ""
    quantity: str = "100"
    date_limit: str = ""
    active: bool = False
    brands: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def amount_value(self) -> Decimal | None:
        try:
            number = Decimal(self.amount.replace(",", "."))
        except InvalidOperation:
            return None
        return number if number.is_finite() and number > 0 else None

    def date_value(self) -> date | None:
        return date.fromisoformat(self.date_limit) if self.date_limit else None


def read_form(posted: MultiDict[str, str], layout: Layout) -> CodeForm:
    """Take the posted fields. Of the active box and its hidden twin the last one sent counts, as PHP does it."""

    def last(name: str) -> str:
        values = posted.getlist(layout.field(name))
        return values[-1].strip() if values else ""

    return CodeForm(
        code=last("code"),
        kind=last("type"),
        amount=last("amount"),
        quantity=last("quantity") or "1",
        date_limit=last("date_limit"),
        active=last("active") == "1",
        brands=tuple(one for one in posted.getlist(layout.field("brands[]")) if one in BRANDS),
        categories=tuple(one for one in posted.getlist(layout.field("categories[]")) if one in CATEGORIES),
    )


def form_of(row: PanelCode) -> CodeForm:
    """The form filled from a stored code."""
    return CodeForm(
        code=row.code,
        kind=row.kind,
        amount=format(row.amount.normalize(), "f"),
        quantity=str(row.quantity),
        date_limit=row.date_limit.isoformat() if row.date_limit else "",
        active=row.active,
        brands=row.brands,
        categories=row.categories,
    )


def faults(form: CodeForm, *, is_taken: Callable[[str], bool], today: date) -> dict[str, str]:
    """Field name to sentence for everything that is wrong; empty when the form can be stored."""
    found: dict[str, str] = {}
    amount = form.amount_value()
    if not form.code:
        found["code"] = CODE_EMPTY
    elif len(form.code) > 50:
        found["code"] = CODE_TOO_LONG
    elif is_taken(form.code):
        found["code"] = CODE_TAKEN
    if form.kind not in KIND_LABELS:
        found["type"] = KIND_UNKNOWN
    if amount is None:
        found["amount"] = AMOUNT_WRONG
    elif form.kind != KIND_CERTIFICATE and amount > 100:
        found["amount"] = PERCENT_TOO_BIG
    if not (form.quantity.isascii() and form.quantity.isdigit()):
        found["quantity"] = QUANTITY_WRONG
    try:
        limit = form.date_value()
    except ValueError:
        found["date_limit"] = DATE_WRONG
    else:
        if limit is not None and limit < today:
            found["date_limit"] = DATE_PAST
    return found
