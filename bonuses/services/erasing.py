"""Forget a person, and tell a person all that is known. Entries stay: they never held anything personal, so the chain verifies as before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db import transaction

from bonuses.errors import CustomerBusy, CustomerUnknown
from bonuses.models import Customer, Hold, ImportLine, LedgerEntry, Note, Order, OrderReport
from bonuses.policy import last_day_of
from bonuses.services import expiring, ledger, reckoning
from promo.models import Issue


@ledger.following_merges
def erase_customer(*, customer_id: int, now: dt.datetime) -> bool:
    """Forget phone, e-mail, name and notes of a customer and of those merged into them. False where that was done before.

    Remaining lots run out by themselves. Raises CustomerBusy while holds or orders are open, CustomerUnknown.
    """
    with transaction.atomic():
        survivor = ledger.survivor_of(customer_id)
        book = expiring.open_settled([survivor], now=now)[survivor]
        family = family_of(book.customer_id)
        if (
            Hold.objects.unresolved().filter(customer_id__in=family).exists()
            or Order.objects.filter(customer_id__in=family, state="confirmed").exists()
        ):
            raise CustomerBusy
        phones = [phone for phone in Customer.objects.filter(pk__in=family).values_list("phone", flat=True) if phone]
        # The phone is the key by which codes were handed out before there was a hold.
        Issue.objects.filter(phone__in=phones).update(phone="", caller_address="")
        Issue.objects.filter(code__holds__customer_id__in=family).update(caller_address="")
        OrderReport.objects.filter(customer_id__in=family).delete()
        ImportLine.objects.filter(customer_id__in=family).update(remark="")
        entries = _entry_ids(family)
        for start in range(0, len(entries), 900):
            Note.objects.filter(entry_id__in=entries[start : start + 900]).update(text="", salt="")
        changed = Customer.objects.filter(pk__in=family, erased_at=None).update(
            phone=None, email="", name="", erased_at=now
        )
    return bool(changed)


def family_of(customer_id: int) -> list[int]:
    """The customer and everybody merged into them."""
    return [customer_id, *Customer.objects.filter(merged_into_id=customer_id).values_list("pk", flat=True)]


def _entry_ids(family: list[int]) -> list[int]:
    debited = LedgerEntry.objects.filter(debit__customer_id__in=family).order_by().values_list("pk", flat=True)
    credited = LedgerEntry.objects.filter(credit__customer_id__in=family).order_by().values_list("pk", flat=True)
    return sorted({*debited, *credited})


def export_customer(*, customer_id: int, now: dt.datetime) -> dict[str, Any]:
    """All that is known of a person, JSON-ready: the person, the balance, lots, holds, orders, claims, entries, codes. Raises CustomerUnknown."""
    survivor = ledger.survivor_of(customer_id)
    family = family_of(survivor)
    people = list(Customer.objects.filter(pk__in=family).order_by("pk"))
    if not people:
        raise CustomerUnknown
    found = reckoning.balance(survivor, now=now)
    phones = [person.phone for person in people if person.phone]
    return {
        "exported_at": now.isoformat(),
        "customer": [
            {"id": one.pk, "phone": one.phone or "", "email": one.email, "name": one.name, "known_since": one.created_at.isoformat(),
             "merged_into": one.merged_into_id, "erased_at": _iso(one.erased_at)}
            for one in people
        ],
        "balance": {
            "available": found.available, "held": found.held, "owed": found.owed,
            "expiring": [{"points": points, "last_day": day.isoformat() if day else None} for points, day in found.expiring],
        },
        "lots": [
            {"id": lot.pk, "granted": lot.granted, "remaining": lot.remaining, "held": lot.held, "since": lot.activates_at.isoformat(),
             "last_day": str(last_day_of(lot.expires_at) or "")}
            for one in people for lot in one.lots.all()
        ],
        "holds": [
            {"id": hold.pk, "points": hold.points, "owed": hold.owed, "state": hold.state, "placed_at": hold.placed_at.isoformat(),
             "resolved_at": _iso(hold.resolved_at)}
            for one in people for hold in one.holds.order_by("pk")
        ],
        "orders": [
            {"source": order.source, "number": order.number, "state": order.state, "grand_total": str(order.grand_total),
             "placed_at": order.placed_at.isoformat(), "points": order.granted - order.clawed_back}
            for one in people for order in one.orders.order_by("pk")
        ],
        "claims": [
            {"order": report.order_number, "total": str(report.total), "reported_at": report.reported_at.isoformat()}
            for one in people for report in one.reports.order_by("pk")
        ],
        "entries": [
            {"kind": entry.kind, "points": entry.points, "source": entry.source, "effective_at": entry.effective_at.isoformat(),
             "reason": entry.reason_code, "note": entry.note.text if hasattr(entry, "note") else ""}
            for entry in _history(family)
        ],
        "codes_issued": [
            {"amount_uah": issue.pool.amount_uah, "issued_at": issue.issued_at.isoformat(), "order": issue.order_number}
            for issue in Issue.objects.select_related("pool").filter(phone__in=phones).order_by("pk")
        ],
    }  # fmt: skip


def _history(family: list[int]) -> Iterator[LedgerEntry]:
    entries = _entry_ids(family)
    for start in range(0, len(entries), 900):
        yield from LedgerEntry.objects.select_related("note").filter(pk__in=entries[start : start + 900]).order_by("pk")


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment else None
