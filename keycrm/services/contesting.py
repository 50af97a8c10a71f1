"""One code in two orders: whoever came second waits until the first one is cancelled, and is asked for again then.

A store that gives a cancelled order's code free lets it be used once more. When we hear of the second order before the first one's cancellation, its hold
still belongs to the first, and nothing that the CRM says of the second would be new.
"""

from __future__ import annotations

import datetime as dt

from bonuses.policy_orders import Stage
from bonuses.services.orders import Stuck
from keycrm.models import CrmOrder
from keycrm.services import leasing


def ask_for_waiting(*, now: dt.datetime, at_most: int = 100) -> int:
    """Ask for orders whose code's hold belongs to an order that is cancelled by now. Returns how many."""
    waiting = (
        CrmOrder.objects.filter(
            order__stuck_reason__contains=Stuck.HOLD_OF_ANOTHER_ORDER.value, code__holds__order__state="cancelled", asked_at=None, set_aside_at=None,
        )
        .exclude(stage=Stage.CANCELLED.value)
        .order_by("crm_id")
        .values_list("crm_id", flat=True)
        .distinct()
    )  # fmt: skip
    found = list(waiting[:at_most])
    for crm_id in found:
        leasing.ask(CrmOrder, crm_id, now=now)
    return len(found)
