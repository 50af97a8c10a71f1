"""Moving codes between states, outside issuing: conditional UPDATEs whose row count is the answer, each leaving who, when and why.

planned → available | void      available → withdrawn | void      issued → withdrawn | redeemed      foreign → available | void
withdrawn → void | redeemed     redeemed → withdrawn: the order that used it was cancelled
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput
from promo.errors import CodeNotInState
from promo.models import Code, CodeEvent, CodeState, Issue, Lot
from promo.models.codes import LotSource
from promo.policy import MIN_DAYS_LEFT

MOVES: dict[str, frozenset[str]] = {
    CodeState.AVAILABLE: frozenset({CodeState.PLANNED, CodeState.FOREIGN}),
    CodeState.WITHDRAWN: frozenset({CodeState.AVAILABLE, CodeState.ISSUED, CodeState.REDEEMED}),
    CodeState.REDEEMED: frozenset({CodeState.ISSUED, CodeState.WITHDRAWN}),
    CodeState.VOID: frozenset({CodeState.PLANNED, CodeState.AVAILABLE, CodeState.FOREIGN, CodeState.WITHDRAWN}),
}
MAX_REASON = 300
ACTOR = "portal"  # who did it, when nobody in person did


def place_at(now: dt.datetime) -> int:
    """The place in the queue of a code that becomes available now: microseconds since 1970, so first in is first out."""
    return int(now.timestamp() * 1_000_000)


def move_code(
    *,
    code_id: int,
    to: str,
    actor: str,
    reason: str,
    now: dt.datetime,
    only_from: Collection[str] | None = None,
    **values: object,
) -> bool:
    """Move one code if it is in a state from which `to` can be reached. Returns whether this call moved it; extra `values` are set with it."""
    allowed = MOVES[to] if only_from is None else MOVES[to] & set(only_from)
    with transaction.atomic():
        before = (
            Code.objects.select_for_update()
            .filter(pk=code_id, state__in=allowed)
            .values_list("state", flat=True)
            .first()
        )
        if before is None:
            return False
        if to == CodeState.AVAILABLE:
            values.setdefault("place", place_at(now))
        moved = Code.objects.filter(pk=code_id, state=before).update(
            state=to, reason=reason[:MAX_REASON], changed_at=now, **values
        )
        if moved:
            CodeEvent.objects.create(
                code_id=code_id, from_state=before, to_state=to, actor=actor, reason=reason[:MAX_REASON], at=now
            )
    return bool(moved)


def _require_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise BadInput(_("Say why: a reason is required."), code="reason_missing")
    return reason


def _require_move(moved: bool, code_id: int) -> None:
    if not moved:
        state = Code.objects.filter(pk=code_id).values_list("state", flat=True).first()
        raise CodeNotInState(
            _("The code is %(state)s; this is not possible now. Nothing changed.")
            % {"state": CodeState(state).label if state else "?"}
        )


# What a person may take out of use. (A redeemed code is withdrawn only by the order that used it, when that is cancelled.)
WITHDRAWN_BY_HAND = frozenset({CodeState.AVAILABLE, CodeState.ISSUED})


def withdraw_code(*, code_id: int, actor: str, reason: str, now: dt.datetime) -> None:
    """Take a code out of use; what became of it is unknown until the panel says so. Raises BadInput, CodeNotInState."""
    reason = _require_reason(reason)
    moved = move_code(
        code_id=code_id, to=CodeState.WITHDRAWN, actor=actor, reason=reason, now=now, only_from=WITHDRAWN_BY_HAND
    )
    _require_move(moved, code_id)


def void_code(*, code_id: int, actor: str, reason: str, now: dt.datetime) -> None:
    """Declare a code dead for good: one that was never handed out, or a withdrawn one that a person knows to be dead. Raises BadInput, CodeNotInState."""
    reason = _require_reason(reason)
    _require_move(move_code(code_id=code_id, to=CodeState.VOID, actor=actor, reason=reason, now=now), code_id)


def adopt_code(*, code_id: int, actor: str, reason: str, now: dt.datetime) -> None:
    """Take a foreign code into its pool. Raises BadInput, CodeNotInState."""
    reason = _require_reason(reason)
    with transaction.atomic():
        lot = Lot.objects.create(source=LotSource.ADOPTED, actor=actor, reason=reason[:MAX_REASON], created_at=now)
        _require_move(
            move_code(
                code_id=code_id,
                to=CodeState.AVAILABLE,
                actor=actor,
                reason=reason,
                now=now,
                only_from=[CodeState.FOREIGN],
                lot=lot,
            ),
            code_id,
        )


def hand_back(*, code_id: int, actor: str, reason: str, now: dt.datetime) -> bool:
    """A withdrawn code goes back to the person who was given it, if nobody has begun to delete it and it was not found used. Returns whether it did.

    Whoever deletes marks the row in the same way first: only one of the two conditional UPDATEs finds its row.
    """
    if not Issue.objects.filter(code_id=code_id).exists():
        return False
    with transaction.atomic():
        # Columns of the row itself only: with a join the conditions would stand in a sub-query, which is not asked again after waiting for the row.
        handed = Code.objects.filter(
            pk=code_id, state=CodeState.WITHDRAWN, retire_tried_at=None, inactive_since=None
        ).update(state=CodeState.ISSUED, reason="", changed_at=now, is_use_settled=False)
        if handed:
            CodeEvent.objects.create(
                code_id=code_id,
                from_state=CodeState.WITHDRAWN,
                to_state=CodeState.ISSUED,
                actor=actor,
                reason=reason[:MAX_REASON],
                at=now,
            )
    return bool(handed)


def reveal_code(*, code_id: int, actor: str, reason: str, now: dt.datetime) -> str:
    """The full string, for those who may see it. That it was revealed, to whom and why is recorded with the code. Raises BadInput."""
    reason = _require_reason(reason)
    code = Code.objects.get(pk=code_id)
    CodeEvent.objects.create(
        code=code,
        from_state=code.state,
        to_state=code.state,
        actor=actor,
        reason=f"revealed: {reason}"[:MAX_REASON],
        at=now,
    )
    return code.code


def void_expired_codes(*, now: dt.datetime, at_most: int = 5000) -> int:
    """Available codes too near their last day leave the pool. Returns how many."""
    last = now.date() + dt.timedelta(days=MIN_DAYS_LEFT)
    ids = Code.objects.available().filter(valid_until__lt=last).values_list("pk", flat=True)[:at_most]
    return sum(
        move_code(
            code_id=pk, to=CodeState.VOID, actor="portal", reason="expired", now=now, only_from=[CodeState.AVAILABLE]
        )
        for pk in list(ids)
    )
