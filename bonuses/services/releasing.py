"""The way back of a hold that handed out a code: it waits for evidence, the code is taken out of use and a run deletes it in the panel.

    open ─→ releasing, the code withdrawn, a retire run asked for ─→ the code is void: deleted and seen gone  ─→ released, points free
                                                                  └→ the code was used before we deleted it   ─→ waits for its order; 48 h: a person

promo knows nothing of holds, so what became of a code is carried back by a sweep. All of it may be late or doubled: evidence does not change any more.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from bonuses.errors import HoldNotOpen, HoldUnknown
from bonuses.models import Hold, HoldState
from bonuses.services import expiring, hold_rows, holding, ledger, refunding
from promo.models import Code, CodeState
from promo.models.runs import RunKind, RunTrigger
from promo.services import moving, stock

ACTOR = "portal"
AT_MOST = 500
STUCK_AFTER = dt.timedelta(hours=48)
# Machine words; bonuses.admin says them in sentences.
STUCK_USED, STUCK_UNPROVEN = "code_used_without_order", "code_not_proven_dead"


@ledger.following_merges
def begin_release(*, hold_id: int, now: dt.datetime, actor: str, reason: str) -> bool:
    """A hold with a code is to be given back. True when a run was asked for just now. A hold that is on its way, or released, is left as it is.

    Raises HoldUnknown, HoldNotOpen (captured, or a confirmed order decides).
    """
    with transaction.atomic():
        owner = Hold.objects.values_list("customer_id", flat=True).filter(pk=hold_id).first()
        if owner is None:
            raise HoldUnknown
        expiring.open_settled([owner], now=now)
        (hold,) = hold_rows.lock_holds([hold_id])
        if hold.state in {HoldState.RELEASED, HoldState.EXPIRED, HoldState.RELEASING}:
            return False
        if not hold.is_unresolved or hold.order_id is not None or hold.code_id is None:
            raise HoldNotOpen(hold.state)
        holding.write_asked_release(hold, now=now)
        return take_out_of_use(hold.code_id, now=now, actor=actor, reason=reason)


def take_out_of_use(code_id: int, *, now: dt.datetime, actor: str, reason: str, is_use_settled: bool = False) -> bool:
    """Withdraw the code and ask for the run that kills it; in the caller's transaction, the code last. True when a run was asked for just now."""
    moving.move_code(
        code_id=code_id,
        to=CodeState.WITHDRAWN,
        actor=actor,
        reason=reason,
        now=now,
        only_from=[CodeState.ISSUED, CodeState.REDEEMED],
    )
    if is_use_settled:
        Code.objects.filter(pk=code_id, state=CodeState.WITHDRAWN).update(is_use_settled=True)
    return ask_for_retiring(code_id, now=now, trigger=RunTrigger.WITHDRAWN)


def ask_for_retiring(code_id: int, *, now: dt.datetime, trigger: str) -> bool:
    """A run of kind retire for the code's pool, if the code is to be killed and no run is open."""
    pool_id = Code.objects.filter(pk=code_id, state=CodeState.WITHDRAWN).values_list("pool_id", flat=True).first()
    if pool_id is None:
        return False
    return stock.request_run(pool_id=pool_id, kind=RunKind.RETIRE, trigger=trigger, now=now) is not None


def note_used_in_order(code_id: int, *, number: str, now: dt.datetime, actor: str) -> None:
    """The code stands in an order that the shop confirmed. In the caller's transaction."""
    moving.move_code(
        code_id=code_id, to=CodeState.REDEEMED, actor=actor, reason=f"in order {number}", now=now, is_use_settled=False
    )


@dataclass(slots=True)
class Swept:
    """What one sweep did, in numbers of holds. `runs` are runs that were asked for."""

    begun: int = 0
    released: int = 0
    given_back: int = 0
    stuck: int = 0
    runs: int = 0


def sweep(*, now: dt.datetime, at_most: int = AT_MOST) -> Swept:
    """Begin the release of holds whose time is over, and carry back what became of the codes. Each hold in a transaction of its own."""
    swept = Swept()
    over = Hold.objects.over_with_a_code(now).filter(order=None).order_by("expires_at", "pk")
    for hold_id in list(over.values_list("pk", flat=True)[:at_most]):
        try:
            swept.runs += begin_release(hold_id=hold_id, now=now, actor=ACTOR, reason="the hold's time is over")
            swept.begun += 1
        except HoldNotOpen:
            continue  # resolved, or tied to an order, since we looked
    _carry_back(swept, now=now, at_most=at_most)
    _ask_again(swept, now=now, at_most=at_most)
    swept.stuck = _mark_stuck(now=now)
    return swept


def _carry_back(swept: Swept, *, now: dt.datetime, at_most: int) -> None:
    """A code that is void was proven dead: its points are free."""
    dead = Hold.objects.filter(code__state=CodeState.VOID).order_by("pk").values_list("pk", flat=True)
    for hold_id in list(dead.filter(state=HoldState.RELEASING)[:at_most]):
        try:
            holding.release_hold(hold_id=hold_id, now=now, actor=ACTOR, is_proven=True)
            swept.released += 1
        except HoldNotOpen:
            continue
    spent = dead.filter(state=HoldState.CAPTURED, reinstated_at=None, order__state="cancelled")
    for hold_id in list(spent[:at_most]):
        swept.given_back += refunding.prove_code_dead(hold_id=hold_id, now=now, actor=ACTOR)


def _ask_again(swept: Swept, *, now: dt.datetime, at_most: int) -> None:
    """A run that was at work already when the code was withdrawn did not see it, and one that failed may be tried again once its pool has rested."""
    waiting = (
        Code.objects.to_be_killed()
        .filter(holds__isnull=False)
        .order_by("pool_id")
        .values_list("pool_id", flat=True)
        .distinct()
    )
    for pool_id in list(waiting[:at_most]):
        swept.runs += (
            stock.request_run(pool_id=pool_id, kind=RunKind.RETIRE, trigger=RunTrigger.SWEEP, now=now) is not None
        )


def _mark_stuck(*, now: dt.datetime) -> int:
    """After two days without evidence a person looks: with the reason."""
    waiting = Hold.objects.filter(
        state=HoldState.RELEASING, releasing_at__lte=now - STUCK_AFTER, stuck_reason=""
    ).exclude(code__state=CodeState.VOID)
    used = waiting.filter(code__inactive_since__isnull=False, code__is_use_settled=False).update(
        stuck_reason=STUCK_USED
    )
    spent = Hold.objects.filter(
        state=HoldState.CAPTURED, reinstated_at=None, order__state="cancelled", stuck_reason="", code__state=CodeState.WITHDRAWN,
        code__changed_at__lte=now - STUCK_AFTER,
    )  # fmt: skip
    return used + waiting.update(stuck_reason=STUCK_UNPROVEN) + spent.update(stuck_reason=STUCK_UNPROVEN)
