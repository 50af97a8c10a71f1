"""Orders that the CRM does not have any more. That changes nothing by itself: missing twice, a day apart, with a connection that works → a person decides."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bonuses.models import Order as LedgerOrder
from bonuses.models import OrderSnapshot
from bonuses.policy_orders import Stage
from bonuses.services import orders
from bonuses.services.order_rows import totals_of
from bonusportal.errors import BadInput, Conflict
from keycrm.crm import Crm
from keycrm.models import CrmCard, CrmOrder
from keycrm.models.events import EventState, Subject
from keycrm.reasons import Reason
from keycrm.services import giving_back, leasing
from keycrm.services.receiving import settle_events

LOOK_AGAIN_AFTER = dt.timedelta(hours=24)
STALE_AFTER = dt.timedelta(hours=24)
WATCHED_FOR = dt.timedelta(days=30)


class Verdict(StrEnum):
    """What a person says of an order that vanished, or that shares its number."""

    CANCELLED = "cancelled"  # it did not happen: what it earned is taken back
    KEPT = "kept"  # it happened: everything stays as it is


def note_missing(crm_id: int, *, now: dt.datetime) -> None:
    CrmOrder.objects.filter(crm_id=crm_id, missing_at=None).update(missing_at=now)


def is_gone(crm: Crm, crm_id: int, *, now: dt.datetime) -> bool:
    """Missing for a day, and the CRM answers other questions properly: a wrong key, address or account makes everything "missing"."""
    missing_at = CrmOrder.objects.values_list("missing_at", flat=True).get(crm_id=crm_id)
    return missing_at is not None and now - missing_at >= LOOK_AGAIN_AFTER and bool(crm.statuses())


def ask_for_stale(*, now: dt.datetime, at_most: int = 300) -> int:
    """Orders under way, and those completed lately, that nobody has looked at for a day: deletion is announced by nothing. Returns how many were asked for."""
    recent = CrmOrder.objects.filter(
        fetched_at__lt=now - STALE_AFTER, asked_at=None, set_aside_at=None, stuck_reason="", order__isnull=False
    )
    under_way = recent.filter(stage=Stage.CONFIRMED.value)
    completed = recent.filter(
        stage=Stage.COMPLETED.value, seen_at__gt=now - WATCHED_FOR, fetched_at__lt=now - 7 * STALE_AFTER
    )
    wanted = list(under_way.order_by("fetched_at").values_list("crm_id", flat=True)[:at_most])
    wanted += completed.order_by("fetched_at").values_list("crm_id", flat=True)[: at_most - len(wanted)]
    for crm_id in wanted:
        leasing.ask(CrmOrder, crm_id, now=now)
    return len(wanted)


def _lock(crm_id: int) -> CrmOrder:
    row: CrmOrder = CrmOrder.objects.select_for_update(no_key=True).get(crm_id=crm_id)
    if not row.stuck_reason:
        raise Conflict(_("This order waits for nobody: nothing has to be decided. Nothing changed."), code="not_stuck")
    return row


def stands_alone(crm_id: int) -> bool:
    """Whether an order of ours hangs on this one only. Otherwise what is left of it goes on, whatever became of this one."""
    return not _concerned(CrmOrder.objects.get(crm_id=crm_id))


def set_aside(*, crm_id: int, verdict: str, reason: str, actor: str, now: dt.datetime) -> None:
    """A person decides that an order of the CRM does not count any more: it vanished, or it is the second with its number.

    `cancelled` also takes back what it earned, where the ledger knows it by this order. Raises BadInput, Conflict.
    """
    if not reason.strip():
        raise BadInput(_("Say why: a reason is required."), code="reason_missing")
    chosen = Verdict(verdict)
    with transaction.atomic():
        row = _lock(crm_id)
        CrmOrder.objects.filter(pk=row.pk).update(
            set_aside_at=now, set_aside_by=actor, set_aside_reason=reason.strip()[:250], stuck_reason="", stuck_detail="", asked_at=None,
            owns_number=False,
        )  # fmt: skip
        settle_events(
            subject=Subject.ORDER,
            subject_id=crm_id,
            until=now,
            state=EventState.IGNORED,
            reason=Reason.SET_ASIDE,
            now=now,
        )
        rest = _concerned(row)
        if chosen is Verdict.CANCELLED and not rest and row.order_id is not None:
            cancel_order(row.order_id, reason=reason, actor=actor, now=now)
        # No order will spend what a card holds for this one.
        cards = giving_back.give_back_of_order(crm_id, reason=reason, actor=actor, now=now)
    for card in cards:
        leasing.ask(CrmCard, card, now=now)
    # Whatever waited for this decision is looked at again: the other order of the number, the root of a part.
    for other in rest:
        leasing.ask(CrmOrder, other, now=now)


def _concerned(row: CrmOrder) -> list[int]:
    """Other orders of the CRM that stand under the same order of ours, or would: its root, its parts, parts of the same root, the other one with its number."""
    alike = Q(parent_id=row.crm_id) | Q(crm_id=row.parent_id or 0)
    if row.number:
        alike |= Q(source=row.source, number=row.number)
    if row.order_id is not None:
        alike |= Q(order_id=row.order_id)
    others = CrmOrder.objects.filter(alike, set_aside_at=None).exclude(pk=row.pk)
    return list(others.order_by("crm_id").values_list("crm_id", flat=True))


def cancel_order(order_id: int, *, reason: str, actor: str, now: dt.datetime) -> None:
    """A last snapshot: the newest figures, cancelled."""
    order = LedgerOrder.objects.get(pk=order_id)
    newest = OrderSnapshot.objects.filter(order=order).order_by("-revision").first()
    if newest is None:
        return
    totals = totals_of(newest)
    orders.apply_snapshot(
        snapshot=orders.Snapshot(
            source=order.source, number=order.number, stage=Stage.CANCELLED, totals=totals, placed_at=order.placed_at,
            seen_at=max(order.seen_at, now), customer_id=order.customer_id, reason=reason.strip()[:300],
        ),
        now=now, actor=actor,
    )  # fmt: skip
