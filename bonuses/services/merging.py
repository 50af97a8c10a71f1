"""Make one customer of two. Points, lots, dates and history stay as they are; the lots, holds and orders go on under the survivor."""

from __future__ import annotations

import datetime as dt
from functools import partial

from django.db import transaction
from django.db.models import Q, QuerySet

from bonuses.errors import CannotMerge
from bonuses.models import Account, Customer, EntryKind, Hold, Lot, Order, OrderReport
from bonuses.services import expiring, ledger
from bonuses.services.ledger import Book


@ledger.following_merges
def merge_customers(*, from_id: int, into_id: int, now: dt.datetime, actor: str) -> bool:
    """Merge `from_id` into `into_id`. False where that was done before. Raises CannotMerge, CustomerUnknown."""
    with transaction.atomic():
        # Orders are locked before accounts, as everywhere. One that became this customer's before we had the accounts is not locked: waiting for it now,
        # while its snapshot waits for our accounts, would deadlock. From here on no order can become this customer's.
        locked = set(_orders_of(from_id).select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
        books = expiring.open_settled([from_id, into_id], now=now)
        if not locked.issuperset(_orders_of(from_id).values_list("pk", flat=True)):
            raise ledger.MovedAway
        people = Customer.objects.in_bulk([from_id, into_id])
        if people[from_id].merged_into_id is not None and from_id != into_id:
            if ledger.survivor_of(from_id) == books[into_id].customer_id:
                return False
            raise CannotMerge
        old, new = books[from_id], books[into_id]
        if (
            old.customer_id == new.customer_id
            or people[from_id].erased_at
            or people[into_id].erased_at
            or new.customer_id != into_id
        ):
            raise CannotMerge
        _move_points(old, new, now=now, actor=actor)
        _move_rows(old.customer_id, new.customer_id)
        # Earlier merges are led on, so that everybody points straight at a survivor.
        Customer.objects.filter(Q(pk=from_id) | Q(merged_into_id=from_id)).update(merged_into_id=into_id)
        Account.objects.filter(customer_id=from_id).update(is_closed=True)
        ledger.repay(new, source=f"merge:{from_id}", actor=actor, effective_at=now, now=now)
    return True


def _orders_of(customer_id: int) -> QuerySet[Order]:
    return Order.objects.filter(customer_id=customer_id)


def _move_points(old: Book, new: Book, *, now: dt.datetime, actor: str) -> None:
    ledger.need_all_lots(old)
    post = partial(ledger.post, EntryKind.MERGE, actor=actor, effective_at=now, now=now)
    source = f"merge:{old.customer_id}"
    lots = Lot.objects.filter(customer_id=old.customer_id).order_by("pk").values_list("pk", "remaining", "held")
    for lot_id, remaining, held in lots:
        if remaining:
            post(debit=old.available, credit=new.available, points=remaining, source=f"{source}/lot:{lot_id}",
                 draws=[(lot_id, remaining)], drawn_from=old)  # fmt: skip
            new.lots[lot_id] = old.lots[lot_id]
        if held:
            post(debit=old.held, credit=new.held, points=held, source=f"{source}/lot:{lot_id}/held",
                 draws=[(lot_id, held)], drawn_from=old)  # fmt: skip
    if old.owed:
        post(debit=new.debt, credit=old.debt, points=old.owed, source=f"{source}/debt")


def _move_rows(from_id: int, into_id: int) -> None:
    Lot.objects.filter(customer_id=from_id).update(customer_id=into_id)
    Hold.objects.filter(customer_id=from_id).update(customer_id=into_id)
    Order.objects.filter(customer_id=from_id).update(customer_id=into_id)
    # Claims are not history: where both claimed the same order, one claim is enough.
    claimed = OrderReport.objects.filter(customer_id=into_id).values_list("source", "order_number")
    for source, number in list(claimed):
        OrderReport.objects.filter(customer_id=from_id, source=source, order_number=number).delete()
    OrderReport.objects.filter(customer_id=from_id).update(customer_id=into_id)
