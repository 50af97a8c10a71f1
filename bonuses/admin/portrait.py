"""A customer as the page shows one: balances, lots, holds, orders, entries, explanation. A fixed number of queries and rows, however long the history."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bonuses.models import Account, Customer, Hold, LedgerEntry, Lot, Order
from bonuses.policy import KYIV, last_day_of
from bonuses.services import explaining, reckoning, reporting
from bonuses.services.ledger import survivor_of
from promo.admin.drawing import draw_badge, percent_of

SOON_DAYS = 14
MOST_ENDS = 12
NEWEST = 20  # rows of each kind; a statement shows any period whole
HOLD_COLOURS = {"open": "primary", "releasing": "warning", "captured": "success", "released": "", "expired": ""}
ORDER_COLOURS = {"confirmed": "info", "completed": "success", "cancelled": ""}
STUCK = {
    "hold_of_another_order": _("its points are held for another order"),
    "spent_by_later_order": _(
        "its code has paid for an order that was placed later, and was seen first: decide for which of the two it pays"
    ),
    "hold_ended": _("the hold had ended before the order was seen"),
    "earner_changed": _("the customer changed after points were granted"),
    "code_used_without_order": _(
        "the code was used before it could be deleted, and no order has named it for two days"
    ),
    "code_not_proven_dead": _("for two days no run at the panel has proven that the code is deleted"),
    "reserved_without_order": _("reserved in the former system for no order that is known"),
}


def say_stuck(words: str) -> str:
    """Stored words as sentences."""
    return "; ".join(str(STUCK.get(word, word)) for word in words.split())


def hold_badge(hold: Hold) -> SafeString:
    return draw_badge(hold.get_state_display(), HOLD_COLOURS.get(hold.state, ""))


def order_badge(order: Order) -> SafeString:
    return draw_badge(order.get_state_display(), ORDER_COLOURS.get(order.state, ""))


def newest_entries(customer_id: int) -> list[tuple[LedgerEntry, int]]:
    """The newest entries that touch the customer, with what each changed of available and held points together."""
    accounts = dict(Account.objects.filter(customer_id=customer_id).values_list("pk", "kind"))
    found = {
        entry.pk: entry
        for entries in explaining.newest_entries(list(accounts), at_most=NEWEST).values()
        for entry in entries
    }
    own = {pk for pk, kind in accounts.items() if kind != "debt"}
    newest = sorted(found.values(), key=lambda entry: entry.pk, reverse=True)[:NEWEST]
    return [(entry, entry.points * ((entry.credit_id in own) - (entry.debit_id in own))) for entry in newest]


@dataclass(frozen=True, slots=True)
class End:
    """Points that end together, beside all that are available."""

    points: int
    last_day: dt.date | None
    days_left: int | None
    percent: int

    @property
    def is_soon(self) -> bool:
        return self.days_left is not None and self.days_left <= SOON_DAYS


def draw_ends(balance: reckoning.Balance, *, now: dt.datetime) -> list[End]:
    """The earliest first."""
    today = now.astimezone(KYIV).date()
    return [
        End(points, day, (day - today).days if day else None, percent_of(points, balance.available))
        for points, day in balance.expiring[:MOST_ENDS]
    ]


def paint(customer: Customer, *, now: dt.datetime) -> dict[str, Any]:
    """Everything for the template. A merged customer shows who goes on."""
    survivor = survivor_of(customer.pk)
    balance = reckoning.balance(survivor, now=now)
    why = explaining.explain(survivor, now=now, at_most=NEWEST)
    lots = Lot.objects.filter(customer_id=survivor).order_by("-pk")[:NEWEST]
    return {
        "customer": customer,
        "survivor": survivor if survivor != customer.pk else None,
        "balance": balance,
        "ends": draw_ends(balance, now=now),
        "expected": reporting.expected_points(survivor, now=now),
        "pending": reporting.pending_points(survivor),
        "lots": [
            (lot, last_day_of(lot.expires_at), lot.expires_at is not None and lot.expires_at <= now) for lot in lots
        ],
        "holds": [
            (hold, hold_badge(hold), say_stuck(hold.stuck_reason))
            for hold in Hold.objects.select_related("order", "code__pool")
            .filter(customer_id=survivor)
            .order_by("-pk")[:NEWEST]
        ],
        "orders": [
            (order, order_badge(order), order.granted - order.clawed_back, say_stuck(order.stuck_reason))
            for order in Order.objects.filter(customer_id=survivor).order_by("-pk")[:NEWEST]
        ],
        "entries": newest_entries(survivor),
        "why": [
            (_("Available"), why.available, balance.available),
            *([(_("Held"), why.held, balance.held)] if why.held else []),
            *([(_("Owed"), why.owed, balance.owed)] if why.owed else []),
        ],
    }
