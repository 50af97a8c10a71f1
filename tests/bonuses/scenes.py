"""What tests of the ledger say again and again, as plain functions. Numbers and phones are invented."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bonuses.models import Account, Customer, Hold, LedgerEntry, Lot, LotDraw, Order
from bonuses.policy import HOLD_LIVES, Totals
from bonuses.policy_orders import Stage
from bonuses.services import customers, holding, orders, reckoning
from bonuses.services.hold_rows import HoldRow
from bonuses.services.orders import Applied, Snapshot

NOW = dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
_numbers = itertools.count(1)
_phones = itertools.count(1_000_001)  # none of those that tests write out


def make_customer(**fields: Any) -> int:
    """A customer with an invented phone; returns the id."""
    return customers.find_or_create(**{"phone": f"+38000{next(_phones):07d}", "now": NOW, **fields})


def say(
    number: str,
    stage: str = "completed",
    total: str = "1000",
    *,
    customer: int | None = None,
    now: dt.datetime = NOW,
    placed_at: dt.datetime | None = None,
    seen_at: dt.datetime | None = None,
    activated_at: dt.datetime | None = None,
    holds: Sequence[int] = (),
    totals: Totals | None = None,
) -> Applied:
    """The CRM says that the order is in this stage with this total of goods."""
    money = totals or Totals(grand=Decimal(total), goods=Decimal(total))
    snapshot = Snapshot(
        source="shop",
        number=number,
        stage=Stage(stage),
        totals=money,
        placed_at=placed_at or NOW,
        seen_at=seen_at or now,
        customer_id=customer,
        activated_at=activated_at,
        hold_ids=tuple(holds),
    )
    return orders.apply_snapshot(snapshot=snapshot, now=now, actor="crm")


def give(customer: int, points: int, *, now: dt.datetime = NOW) -> None:
    """Points by a completed order of its own, at 10 %."""
    say(f"gift{next(_numbers)}", total=str(points * 10), customer=customer, now=now, placed_at=now)


def hold(
    customer: int,
    points: int,
    *,
    key: str = "",
    now: dt.datetime = NOW,
    lives: dt.timedelta | None = HOLD_LIVES,
    **fields: Any,
) -> HoldRow:
    return holding.place_hold(
        customer_id=customer,
        points=points,
        key=key or f"key{next(_numbers)}",
        now=now,
        actor="shop",
        lives=lives,
        **fields,
    )


def has(customer: int, *, now: dt.datetime = NOW) -> tuple[int, int, int]:
    """(available, held, owed) as anybody may ask at `now`."""
    found = reckoning.balance(customer, now=now)
    return found.available, found.held, found.owed


def entries() -> list[tuple[str, int]]:
    """(kind, points) of every entry, oldest first."""
    return list(LedgerEntry.objects.order_by("pk").values_list("kind", "points"))


def rows() -> tuple[Any, ...]:
    """Everything that the services wrote, without primary keys, so that two histories can be compared."""
    lots = {pk: index for index, pk in enumerate(Lot.objects.order_by("pk").values_list("pk", flat=True))}
    people = {pk: index for index, pk in enumerate(Customer.objects.order_by("pk").values_list("pk", flat=True))}
    draws: dict[int, list[tuple[int, int]]] = {}
    for entry_id, lot_id, points in LotDraw.objects.values_list("entry_id", "lot_id", "points"):
        draws.setdefault(entry_id, []).append((lots[lot_id], points))
    told = [
        (entry.kind, entry.debit.kind, people.get(entry.debit.customer_id or 0), entry.credit.kind, people.get(entry.credit.customer_id or 0),
         entry.points, entry.revision, entry.actor, entry.reason_code, entry.effective_at, sorted(draws.get(entry.pk, [])))
        for entry in LedgerEntry.objects.select_related("debit", "credit").order_by("pk")
    ]  # fmt: skip
    return (
        told,
        list(Account.objects.order_by("pk").values_list("kind", "balance", "is_closed")),
        [
            (lots[lot.pk], people[lot.customer_id], lot.granted, lot.remaining, lot.held, lot.expires_at)
            for lot in Lot.objects.order_by("pk")
        ],
        [
            (one.key, people[one.customer_id], one.points, one.owed, one.state, one.expires_at)
            for one in Hold.objects.order_by("pk")
        ],
        list(
            Order.objects.order_by("pk").values_list(
                "number", "state", "revision", "granted", "clawed_back", "stuck_reason"
            )
        ),
        list(Customer.objects.order_by("pk").values_list("phone", "email", "name", "erased_at")),
    )
