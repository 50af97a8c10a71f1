"""What the CRM shows of an order is written down before anything is made of it: where it belongs, under which number it counts, how old the answer is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bonuses.policy_orders import Stage
from keycrm.models import CrmOrder
from keycrm.payloads import Order
from keycrm.policy import number_of, source_name, stage_of
from keycrm.services import families, leasing
from keycrm.services.leasing import Lease

ACTOR = "crm"


@dataclass(frozen=True, slots=True)
class Rules:
    """What is special about the account: overrides of stages per status, sources that are the shop."""

    stages: Mapping[int, Stage]
    shop_sources: Sequence[int]


def _columns(order: Order, *, rules: Rules, now: dt.datetime) -> dict[str, object]:
    return {
        "parent_id": order.parent_id, "source": source_name(order.source_id, rules.shop_sources), "number": number_of(order),
        "stage": stage_of(order, rules.stages).value, "status_id": order.status_id, "grand_total": order.grand_total,
        "buyer_id": order.buyer.id if order.buyer else None, "placed_at": order.placed_at, "seen_at": order.updated_at, "fetched_at": now,
        "missing_at": None,
    }  # fmt: skip


def note_seen(lease: Lease, order: Order, *, rules: Rules, now: dt.datetime) -> bool:
    """False: it is older than what we saw before, and says nothing."""
    seen = CrmOrder.objects.get(pk=lease.pk)
    if families.has_moved(seen, order) and not families.is_stale(seen, order):
        families.ask_former_root(seen, now=now)
    with leasing.fenced(lease) as row:
        if families.is_stale(row, order):
            return False
        columns = _columns(order, rules=rules, now=now)
        if families.has_moved(row, order):
            families.leave_own_order(row, order, now=now, actor=ACTOR)
            columns |= {"order_id": None, "owns_number": False}
        else:
            columns |= families.identity_of(row)
            if (row.source, row.number) != (columns["source"], columns["number"]):
                columns["owns_number"] = False
        CrmOrder.objects.filter(pk=row.pk).update(**columns)
    return True


def note_part(order: Order, *, rules: Rules, now: dt.datetime) -> bool:
    """False: it belongs to somebody else by now, which is noted under its own lease."""
    row = CrmOrder.objects.select_related("order").get(crm_id=order.id)
    if families.has_moved(row, order):
        leasing.ask(CrmOrder, order.id, now=now)
        return False
    columns = _columns(order, rules=rules, now=now) | families.identity_of(row) | {"owns_number": False}
    CrmOrder.objects.filter(pk=row.pk).update(**columns)
    return True
