"""What the CRM says of an order reaches the ledger: take the lease, then fetch, then apply, in this order.

Fetched under the lease, snapshots of one order arrive in the order in which they were true. Parts of a split order are fetched together and applied as
their root. bonuses.services.orders decides what moves; whoever ends here without a decision is stuck with a reason, and a new hint tries again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from bonuses.models import Order as LedgerOrder
from bonuses.policy_orders import Stage
from bonuses.services import customers, orders
from bonuses.services.orders import Outcome
from bonusportal.errors import PortalError
from keycrm.crm import Crm
from keycrm.errors import NotFound
from keycrm.models import BuyerLink, CrmOrder, ManualReserve
from keycrm.models.events import EventState, Subject
from keycrm.policy import Part, activated_at, stage_of, stage_of_parts, totals_of_parts
from keycrm.reasons import Reason
from keycrm.services import families, giving_back, leasing, noting, paying, vanishing
from keycrm.services.families import Stuck
from keycrm.services.leasing import Lease
from keycrm.services.noting import ACTOR, Rules
from keycrm.services.receiving import settle_events
from promo.models import Code

__all__ = ["Rules", "Worked", "apply_next", "is_history"]
MOST_LOOKS_FOR_UNKNOWN = 4
PART_AGAIN_SECONDS = 3600.0
WAITS, STUCK = "waits", "stuck"


@dataclass(frozen=True, slots=True)
class Worked:
    """What became of one order. `releasing` are holds whose codes wait for the evidence."""

    crm_id: int
    outcome: str
    customer_id: int | None = None
    releasing: tuple[int, ...] = ()

    @property
    def is_put_off(self) -> bool:
        return self.outcome == WAITS


def apply_next(crm: Crm, *, rules: Rules, now: dt.datetime, pk: int | None = None) -> Worked | None:
    """Work on the order that has waited longest. None when nothing waits; an order that met trouble is put off or stuck, and counts as worked on."""
    lease = leasing.take(CrmOrder, now=now, pk=pk)
    if lease is None:
        return None
    crm_id: int = CrmOrder.objects.values_list("crm_id", flat=True).get(pk=lease.pk)
    worked = Worked(crm_id, WAITS)
    if lease.is_deadly:
        leasing.give_up(lease)
        return _settle(lease, worked, now=now)
    try:
        with leasing.minding(lease, now=now):
            try:
                worked = _apply(crm, lease, crm_id, rules=rules, now=now)
                if worked.outcome != WAITS:
                    leasing.finish(lease)
            except Stuck as stuck:
                leasing.stick(lease, stuck.reason, stuck.detail)
            except PortalError as error:
                # The ledger refused: nothing was written, and the same snapshot would be refused again.
                leasing.stick(lease, Reason.CANNOT_APPLY, error.code)
    except Exception:
        _settle(lease, worked, now=now)
        raise
    return _settle(lease, worked, now=now)


def _settle(lease: Lease, worked: Worked, *, now: dt.datetime) -> Worked:
    """What became of the order is what became of the events that named it."""
    reason = CrmOrder.objects.values_list("stuck_reason", flat=True).get(pk=lease.pk)
    if reason and worked.outcome == WAITS:
        worked = Worked(worked.crm_id, STUCK)
    if reason or worked.outcome != WAITS:
        state, word = (EventState.STUCK, reason) if reason else _as_event(worked.outcome)
        settle_events(
            subject=Subject.ORDER, subject_id=worked.crm_id, asks=lease.asks, state=state, reason=word, now=now
        )
    return worked


def _as_event(outcome: str) -> tuple[str, str]:
    if outcome in {Outcome.HISTORY, Reason.SET_ASIDE}:
        return EventState.IGNORED, Reason.HISTORY if outcome == Outcome.HISTORY else Reason.SET_ASIDE
    if outcome == Outcome.DROPPED:
        return EventState.IGNORED, Reason.DROPPED
    return EventState.APPLIED, ""


def _apply(crm: Crm, lease: Lease, crm_id: int, *, rules: Rules, now: dt.datetime) -> Worked:
    try:
        order = crm.order(crm_id)
    except NotFound:
        return _note_missing(crm, lease, crm_id, now=now)
    if not noting.note_seen(lease, order, rules=rules, now=now):
        return _drop(lease, crm_id, now=now)
    root_id = families.find_root(order)
    if root_id != crm_id:
        # The root adds its parts up; one lease at a time, so it is asked instead of taken.
        leasing.ask(CrmOrder, root_id, now=now)
        return Worked(crm_id, "part of another")
    parts = [Part(order, stage_of(order, rules.stages))]
    for part_id in families.parts_of(crm_id):
        try:
            part = crm.order(part_id)
        except NotFound:
            return _wait_for_part(crm, lease, crm_id, part_id, now=now)
        if families.is_stale(CrmOrder.objects.get(crm_id=part_id), part):
            return _drop(lease, crm_id, now=now)
        if noting.note_part(part, rules=rules, now=now):
            parts.append(Part(part, stage_of(part, rules.stages)))
    return _apply_parts(lease, parts, rules=rules, now=now)


def _drop(lease: Lease, crm_id: int, *, now: dt.datetime) -> Worked:
    """The CRM answered from a copy that is behind. What was seen and has not reached the ledger yet is waited for; polls take it for known."""
    row = CrmOrder.objects.get(pk=lease.pk)
    newest = families.newest_moment(crm_id, families.parts_of(crm_id), now=now)
    if row.applied_seen_at is not None and newest <= row.applied_seen_at:
        return Worked(crm_id, Outcome.DROPPED)
    leasing.put_off(lease, now=now)
    return Worked(crm_id, WAITS)


def _note_missing(crm: Crm, lease: Lease, crm_id: int, *, now: dt.datetime) -> Worked:
    """A missing order changes nothing by itself."""
    row = CrmOrder.objects.get(pk=lease.pk)
    if row.set_aside_at is not None:
        return Worked(crm_id, Reason.SET_ASIDE)
    vanishing.note_missing(crm_id, now=now)
    if row.fetched_at is None:
        # Named by an event and never seen: perhaps it is not there yet.
        if lease.attempts >= MOST_LOOKS_FOR_UNKNOWN:
            raise Stuck(NotFound.code)
        leasing.put_off(lease, now=now)
        return Worked(crm_id, WAITS)
    if vanishing.is_gone(crm, crm_id, now=now):
        raise Stuck(Reason.VANISHED, f"since {row.missing_at:%Y-%m-%d %H:%M}" if row.missing_at else "")
    leasing.put_off(lease, now=now, after_seconds=vanishing.LOOK_AGAIN_AFTER.total_seconds())
    return Worked(crm_id, WAITS)


def _wait_for_part(crm: Crm, lease: Lease, crm_id: int, part_id: int, *, now: dt.datetime) -> Worked:
    """Without one of its parts an order has no sum. Nothing is changed until the part is back, or a person has decided about it."""
    vanishing.note_missing(part_id, now=now)
    if vanishing.is_gone(crm, part_id, now=now):
        raise Stuck(Reason.PART_VANISHED, f"CRM {part_id}")
    if CrmOrder.objects.filter(crm_id=part_id, asked_at=None).exists():
        leasing.ask(CrmOrder, part_id, now=now)
    leasing.put_off(lease, now=now, after_seconds=PART_AGAIN_SECONDS)
    return Worked(crm_id, WAITS)


def _apply_parts(lease: Lease, parts: Sequence[Part], *, rules: Rules, now: dt.datetime) -> Worked:
    root = parts[0].order
    if root.placed_at is None:
        raise Stuck(Reason.NO_MOMENT)
    with leasing.fenced(lease) as row:
        if row.set_aside_at is not None:
            return Worked(root.id, Reason.SET_ASIDE)
        source, number = row.source, row.number
    if is_history(source, number, root.placed_at):
        return Worked(root.id, Outcome.HISTORY)
    families.claim_number(lease, root.id, source, number, now=now)
    customer_id = _find_customer(parts, now=now)
    stage = stage_of_parts(parts)
    code = paying.find_code(part.order.promocode for part in parts)
    paid = (
        paying.pay_for(code, customer_id=customer_id, may_charge=stage is not Stage.CANCELLED, now=now, actor=ACTOR)
        if code
        else []
    )
    if paid is None:
        raise Stuck(Reason.NO_PAYER)
    is_ours = code is not None and paying.was_handed_out(code)
    ids = [part.order.id for part in parts]
    seen_at = families.newest_moment(root.id, ids, now=now)
    dropped = [] if stage is Stage.CANCELLED else [part.order.id for part in parts if not part.is_live]
    giving_back.ask_for_unwritten(dropped if stage is Stage.CONFIRMED else ids, now=now)
    with leasing.fenced(lease):
        # Only what was written: points are not spent for a discount that was not given, nor for one that was given on a part that is cancelled.
        reserved = _written_reserves(ids)
        freed = _written_reserves(dropped)
        ours_uah = sum(reserved.values()) - sum(freed.values()) + (code.pool.amount_uah if code and is_ours else 0)
        applied = orders.apply_snapshot(
            snapshot=orders.Snapshot(
                source=source, number=number, stage=stage, totals=totals_of_parts(parts, ours_uah=ours_uah),
                placed_at=root.placed_at, seen_at=seen_at, customer_id=customer_id, activated_at=activated_at(parts),
                hold_ids=(*paid, *reserved), freed_hold_ids=tuple(freed), reason=f"CRM {root.id}",
            ),
            now=now, actor=ACTOR,
        )  # fmt: skip
        if code is not None and is_ours and stage is not Stage.CANCELLED:
            paying.mark_redeemed(code, crm_id=root.id, now=now, actor=ACTOR)
        CrmOrder.objects.filter(crm_id__in=ids).update(order_id=applied.order_id)
        CrmOrder.objects.filter(pk=lease.pk).update(code=code, applied_seen_at=seen_at)
        _link_buyers(parts, customer_id, now=now)
        if code is not None and (applied.taken_from or stage is Stage.CANCELLED) and applied.outcome is Outcome.APPLIED:
            _ask_for_others(code, ids, now=now)
    return Worked(root.id, applied.outcome.value, customer_id, applied.releasing)


def _written_reserves(crm_ids: Sequence[int]) -> dict[int, int]:
    """`{hold: points}` of what managers' cards hold for these orders and gave as a discount."""
    written = ManualReserve.objects.standing().filter(crm_order_id__in=crm_ids, written_at__isnull=False)
    return dict(written.values_list("hold_id", "points"))


def _ask_for_others(code: Code, ids: Sequence[int], *, now: dt.datetime) -> None:
    """Other orders in which the code stands: whose points they were is another question from now on."""
    others = CrmOrder.objects.filter(code=code, set_aside_at=None).exclude(crm_id__in=ids)
    for crm_id in list(others.exclude(stage=Stage.CANCELLED.value).values_list("crm_id", flat=True)):
        leasing.ask(CrmOrder, crm_id, now=now)


def is_history(source: str, number: str, placed_at: dt.datetime) -> bool:
    """Placed before the program, and not imported as in flight. Asked before anything is made for it: no customer, no hold."""
    starts_at = settings.PROGRAM_STARTS_AT
    if starts_at is not None and placed_at >= starts_at:
        return False
    return not LedgerOrder.objects.filter(source=source, number=number).exists()


def _find_customer(parts: Sequence[Part], *, now: dt.datetime) -> int | None:
    """Who earns: the phone of the order, of the root first. None where none of the parts has a Ukrainian phone."""
    for part in parts:
        buyer = part.order.buyer
        if buyer is not None and buyer.canonical_phone:
            return customers.find_or_create(
                phone=buyer.canonical_phone, now=now, email=buyer.email, name=buyer.full_name
            )
    return None


def _link_buyers(parts: Sequence[Part], customer_id: int | None, *, now: dt.datetime) -> None:
    """The buyer of an order is a card of the customer: known from now on, pushed to by the write-back."""
    if customer_id is None:
        return
    for part in parts:
        buyer = part.order.buyer
        if buyer is not None and buyer.id is not None and buyer.canonical_phone:
            _made, is_new = BuyerLink.objects.get_or_create(
                buyer_id=buyer.id, defaults={"customer_id": customer_id, "asked_at": now}
            )
            if is_new:
                BuyerLink.objects.filter(customer_id=customer_id, buyer_id=None).delete()
