"""Which orders of the CRM are one order of ours: a root and its parts, and which root a number belongs to.

What was counted once keeps the number under which it was counted: settings and managers may change what it would be called today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q

from keycrm.models import CrmOrder
from keycrm.payloads import Order
from keycrm.reasons import Reason
from keycrm.services import leasing, vanishing
from keycrm.services.leasing import Lease

MOST_PARTS, MOST_ANCESTORS = 40, 5


class Stuck(Exception):
    """Whatever cannot be decided waits for a person."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


def identity_of(row: CrmOrder) -> dict[str, object]:
    """Source and number under which the ledger has the order already; empty where it has not."""
    return {"source": row.order.source, "number": row.order.number} if row.order is not None else {}


def has_moved(row: CrmOrder, order: Order) -> bool:
    """It was split off, joined to another order, or taken out of one, since it was seen last."""
    return row.fetched_at is not None and row.parent_id != order.parent_id


def ask_former_root(row: CrmOrder, *, now: dt.datetime) -> None:
    """It has to be counted without this one. Asked before the move is written down, and not in a transaction, because roots lock their parts."""
    if row.parent_id is not None:
        leasing.ask(CrmOrder, row.parent_id, now=now)


def leave_own_order(row: CrmOrder, order: Order, *, now: dt.datetime, actor: str) -> None:
    """It was an order of ours by itself, and is a part of another one from now on."""
    if row.parent_id is None and row.owns_number and row.order_id is not None:
        vanishing.cancel_order(row.order_id, reason=f"CRM {row.crm_id} → CRM {order.parent_id}", actor=actor, now=now)


def find_root(order: Order) -> int:
    """The order that this one was split off from, however often. Only what is known already is followed: an unknown ancestor is fetched on its own turn.

    A root that was set aside leaves its parts: they go on as one order, under the oldest of them.
    """
    at, root = order.parent_id, order.id
    for _ in range(MOST_ANCESTORS):
        if at is None:
            return root
        if CrmOrder.objects.filter(crm_id=at, set_aside_at__isnull=False).exists():
            return min([root, *_orphans_beside(root)])
        root = at
        at = CrmOrder.objects.filter(crm_id=at).values_list("parent_id", flat=True).first()
    raise Stuck(Reason.PARENT_LOOP, f"CRM {order.id}")


def _orphans_beside(crm_id: int) -> list[int]:
    """Parts of the same order, of the same root, where that root was set aside; oldest first."""
    row = CrmOrder.objects.filter(crm_id=crm_id).first()
    if row is None or row.parent_id is None:
        return []
    if not CrmOrder.objects.filter(crm_id=row.parent_id, set_aside_at__isnull=False).exists():
        return []
    alike = Q(source=row.source, number=row.number)
    if row.order_id is not None:
        alike |= Q(order_id=row.order_id)
    beside = CrmOrder.objects.filter(alike, parent_id=row.parent_id, set_aside_at=None).exclude(pk=row.pk)
    return list(beside.order_by("crm_id").values_list("crm_id", flat=True))


def parts_of(root_id: int) -> list[int]:
    """Every part of a root, also of its parts, that was not set aside."""
    found = _orphans_beside(root_id)
    level = [root_id, *found]
    while level and len(found) < MOST_PARTS:
        level = list(
            CrmOrder.objects.filter(parent_id__in=level, set_aside_at=None)
            .exclude(crm_id__in=[root_id, *found])
            .order_by("crm_id")
            .values_list("crm_id", flat=True)
        )
        found += level
    return found


def newest_moment(root_id: int, part_ids: Sequence[int], *, now: dt.datetime) -> dt.datetime:
    """The CRM's newest moment of whatever counts or ever counted under the root's number: taking a part out must not look like going back in time."""
    root = CrmOrder.objects.get(crm_id=root_id)
    family = Q(crm_id__in=part_ids) | Q(source=root.source, number=root.number)
    moments = CrmOrder.objects.filter(family).aggregate(seen=Max("seen_at"), applied=Max("applied_seen_at"))
    return max([moment for moment in moments.values() if moment is not None], default=now)


def is_stale(row: CrmOrder, order: Order) -> bool:
    """Older than what we saw of it before: the CRM answered from a copy that is behind."""
    return row.seen_at is not None and order.updated_at is not None and order.updated_at < row.seen_at


def claim_number(lease: Lease, crm_id: int, source: str, number: str, *, now: dt.datetime) -> None:
    """One root per number. Of two orders with one number neither is applied any more until a person has set one of them aside."""
    same = CrmOrder.objects.filter(source=source, number=number, set_aside_at=None, parent_id=None).exclude(
        crm_id=crm_id
    )
    starts_at = settings.PROGRAM_STARTS_AT
    rivals = list((same.filter(placed_at__gte=starts_at) if starts_at else same).values_list("crm_id", flat=True))
    if not rivals:
        try:
            with transaction.atomic(), leasing.fenced(lease) as row:
                # A number whose owner was set aside is free again.
                CrmOrder.objects.filter(source=source, number=number, owns_number=True).exclude(pk=row.pk).exclude(
                    set_aside_at=None
                ).update(owns_number=False)
                CrmOrder.objects.filter(pk=row.pk).update(owns_number=True)
                return
        except IntegrityError:
            # The other one has claimed it at this very moment.
            rivals = list(
                CrmOrder.objects.filter(source=source, number=number, owns_number=True).values_list("crm_id", flat=True)
            )
    told = f"CRM {', '.join(map(str, sorted([crm_id, *rivals])))}"
    # The other one may have been applied before; from here on it is not touched either.
    CrmOrder.objects.filter(crm_id__in=rivals).update(
        asks=F("asks") + 1, asked_at=now, stuck_reason=Reason.SAME_NUMBER, stuck_detail=told
    )
    raise Stuck(Reason.SAME_NUMBER, told)
