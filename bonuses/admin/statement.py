"""A customer's statement of any period, and the balance at any moment as it was known at another. What is sealed never changes any more."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.sites import AdminSite
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bonuses.errors import AnchorUnavailable
from bonuses.models import Account, Customer, LedgerEntry, Seal
from bonuses.policy import KYIV, kyiv_midnight
from bonuses.services import reckoning, sealing, telling
from bonuses.wiring import open_anchor_store
from promo.admin.asking import require

MOST_LINES = 300
WIDTH, HEIGHT = 600, 80
LINES = {
    "migrated": _("brought along"),
    "accrued": _("earned"),
    "reinstated": _("given back"),
    "merged_in": _("from another record"),
    "adjusted": _("adjusted by staff"),
    "captured": _("spent"),
    "expired": _("expired"),
    "clawed_back": _("taken back"),
    "repaid": _("repaid debt"),
    "merged_out": _("to another record"),
}
DEBT_LINES = {
    "incurred": _("owed from now on"),
    "repaid": _("repaid"),
    "reinstated": _("owed no longer"),
    "merged": _("from another record"),
}


class PeriodForm(forms.Form):
    """Days in Kyiv, both inclusive; moments in Kyiv too. Whatever is left out is now."""

    first_day = forms.DateField(label=_("From"), required=False)
    last_day = forms.DateField(label=_("To"), required=False)
    at = forms.DateTimeField(label=_("Balance at"), required=False)
    known_at = forms.DateTimeField(label=_("As known at"), required=False)


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of the period. `points` is its change of available and held together, `owed` that of the debt."""

    entry: LedgerEntry
    text: str
    points: int
    owed: int


def show_statement(request: HttpRequest, site: AdminSite, customer_id: int, *, view: str) -> HttpResponse:
    """Seals and anchors first, so that what is shown is closed."""
    require(request, view)
    customer = get_object_or_404(Customer, pk=customer_id)
    now = timezone.now()
    form = PeriodForm(request.GET)
    typed = form.cleaned_data if form.is_valid() else {}
    today = now.astimezone(KYIV).date()
    last_day: dt.date = typed.get("last_day") or today
    first_day: dt.date = typed.get("first_day") or last_day.replace(day=1)
    if first_day > last_day:
        messages.warning(request, gettext("The first day is after the last one: they were exchanged."))
        first_day, last_day = last_day, first_day
    head = _close_books(request, now)
    known_at: dt.datetime | None = typed.get("known_at") or head
    after, until = kyiv_midnight(first_day), kyiv_midnight(last_day + dt.timedelta(days=1))
    statement = reckoning.statement(customer_id, after=after, until=until, known_at=known_at)
    lines, are_more = _tell_period(customer_id, after, until, known_at)
    at: dt.datetime = typed.get("at") or now
    context = {
        **site.each_context(request),
        "title": gettext("Statement of customer №%(id)d") % {"id": customer_id},
        "customer": customer,
        "form": form,
        "first_day": first_day,
        "last_day": last_day,
        "known_at": known_at,
        "asked_known_at": typed.get("known_at"),
        "statement": statement,
        "figures": [(LINES[name], points) for name, points in statement.lines.items() if points],
        "debt_figures": [(DEBT_LINES[name], points) for name, points in statement.debt_lines.items() if points],
        "lines": lines,
        "are_more": are_more,
        "course": None if are_more else draw_course(statement.opening, lines, after=after, until=min(until, now)),
        "at": at,
        "past": reckoning.balance_as_of(customer_id, at=at, known_at=known_at),
    }
    return TemplateResponse(request, "bonuses/statement.html", context)


def _close_books(request: HttpRequest, now: dt.datetime) -> dt.datetime | None:
    """The moment up to which everything is known for good."""
    try:
        sealing.seal_entries(now=now)
        sealing.anchor_head(open_anchor_store(), now=now)
    except AnchorUnavailable:
        messages.warning(
            request, gettext("The statement is sealed but not anchored: the store of anchors does not answer.")
        )
    return Seal.objects.order_by("-sequence").values_list("sealed_at", flat=True).first()


def _tell_period(
    customer_id: int, after: dt.datetime, until: dt.datetime, known_at: dt.datetime | None
) -> tuple[list[Told], bool]:
    accounts = dict(Account.objects.filter(customer_id=customer_id).values_list("pk", "kind"))
    rows = LedgerEntry.objects.select_related("rule", "order", "hold", "debit", "credit").filter(
        Q(debit_id__in=accounts) | Q(credit_id__in=accounts), effective_at__gt=after, effective_at__lte=until
    )
    if known_at is not None:
        rows = rows.filter(seal__sealed_at__lte=known_at)
    newest = list(rows.order_by("-effective_at", "-pk")[: MOST_LINES + 1])
    entries = newest[:MOST_LINES][::-1]
    teller = telling.Teller(entries)
    own = {pk for pk, kind in accounts.items() if kind != "debt"}
    debt = accounts.keys() - own
    told = [
        Told(
            entry,
            teller.tell(entry),
            entry.points * ((entry.credit_id in own) - (entry.debit_id in own)),
            entry.points * ((entry.debit_id in debt) - (entry.credit_id in debt)),
        )
        for entry in entries
    ]
    return told, len(newest) > MOST_LINES


def draw_course(
    opening: int, lines: Sequence[Told], *, after: dt.datetime, until: dt.datetime
) -> dict[str, Any] | None:
    """The balance over the period as a line of steps, in a box of 600 × 80. None where nothing moved."""
    moves = [line for line in lines if line.points]
    if not moves or until <= after:
        return None
    steps = [(after, opening)]
    for line in moves:
        steps.append((line.entry.effective_at, steps[-1][1] + line.points))
    highest = max(points for _at, points in steps) or 1
    span = (until - after).total_seconds()

    def place(at: dt.datetime, points: int) -> str:
        x = min(1.0, max(0.0, (at - after).total_seconds() / span)) * WIDTH
        return f"{x:.1f} {HEIGHT - points / highest * (HEIGHT - 6) - 1:.1f}"

    path = f"M{place(*steps[0])}"
    for (_before, points), (at, now_points) in itertools.pairwise(steps):
        path += f"L{place(at, points)}L{place(at, now_points)}"
    path += f"L{place(until, steps[-1][1])}"
    return {"path": path, "area": f"{path}V{HEIGHT}H0Z", "highest": highest, "width": WIDTH, "height": HEIGHT}
