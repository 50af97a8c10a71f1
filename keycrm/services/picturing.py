"""A balance as the CRM shows it: four texts on the buyer's card. Managers read them, so they are in Ukrainian whoever asks."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Protocol

from django.utils import translation
from django.utils.translation import gettext as _

from bonuses.models import Account, LedgerEntry
from bonuses.models.customers import AccountKind
from bonuses.policy import KYIV
from bonuses.services import reckoning

LINES, MOST_CHARACTERS = 10, 1000
_FIGURE = re.compile(r"-?[0-9]{1,9}(?:\.0{1,6})?", re.ASCII)
_ICONS = {
    "accrue": "✅", "reaccrue": "✅", "clawback": "↩️", "incur_debt": "❗", "hold": "🔒", "release": "🔓", "capture": "👤", "expire": "⌛",
    "reinstate": "❌", "repay": "❗", "adjust": "✏️", "migrate": "📦", "merge": "🔗",
}  # fmt: skip


class _Fields(Protocol):
    @property
    def available(self) -> str: ...
    @property
    def reserved(self) -> str: ...
    @property
    def until(self) -> str: ...
    @property
    def history(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Picture:
    """Points and their first last day, and the newest movements as lines. Owed points are shown in the history, never as a negative balance."""

    available: int
    reserved: int
    until: dt.date | None
    history: str


def paint(customer_id: int, *, now: dt.datetime) -> Picture:
    """The picture at `now`. What has expired is gone from it, whether a sweep ran or not."""
    balance = reckoning.balance(customer_id, now=now)
    days = [day for _points, day in balance.expiring if day is not None]
    with translation.override("uk"):
        lines = _lines(customer_id)
        if balance.owed:
            lines.insert(0, _("owed: %(points)d") % {"points": balance.owed})
    history = ""
    for line in lines:
        if len(history) + len(line) + 1 > MOST_CHARACTERS:
            break
        history += f"{line}\n"
    return Picture(balance.available, balance.held, min(days, default=None), history.strip())


def _lines(customer_id: int) -> list[str]:
    """`✅ 14.03.26 18:40 | #70415 | +184`, newest first; an order split over several entries has several lines."""
    accounts = {account.pk: account.kind for account in Account.objects.filter(customer_id=customer_id)}
    found: dict[int, LedgerEntry] = {}
    for account_id in accounts:
        # Two bounded walks along two indexes; an OR would read the whole history.
        for side in ("debit_id", "credit_id"):
            rows = LedgerEntry.objects.select_related("order").filter(**{side: account_id}).order_by("-id")[:LINES]
            found |= {entry.pk: entry for entry in rows}
    newest = sorted(found.values(), key=lambda entry: entry.pk, reverse=True)[:LINES]
    return [_line(entry, accounts) for entry in newest]


def _line(entry: LedgerEntry, accounts: dict[int, str]) -> str:
    when = entry.effective_at.astimezone(KYIV).strftime("%d.%m.%y %H:%M")
    change = 0
    for account_id, sign in ((entry.credit_id, 1), (entry.debit_id, -1)):
        change += sign * entry.points if accounts.get(account_id) == AccountKind.AVAILABLE else 0
    order = f"#{entry.order.number} | " if entry.order else ""
    moved = f"{change:+d}" if change else f"{entry.points}"
    return f"{_ICONS.get(entry.kind, '•')} {when} | {order}{entry.get_kind_display()} {moved}"


def as_values(picture: Picture, fields: _Fields) -> dict[str, str]:
    """Uuid → text, for the fields that there are. The CRM keeps all values as texts."""
    texts = {
        fields.available: str(picture.available),
        fields.reserved: str(picture.reserved),
        fields.until: picture.until.isoformat() if picture.until else "",
        fields.history: picture.history,
    }
    return {uuid: text for uuid, text in texts.items() if uuid}


def read_figure(written: str) -> int | None:
    """Whole points as they stand on a card; the former system also wrote `150.0`. None for anything else: a person wrote it."""
    return int(written.partition(".")[0]) if _FIGURE.fullmatch(written) else None
