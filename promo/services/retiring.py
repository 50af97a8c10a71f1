"""Killing codes in the panel, and knowing that they are dead.

A withdrawn code may be in somebody's hands. It is dead when we deleted its row and read that it is gone. A row found inactive before we deleted it was
spent in the store. Only rows whose string and amount we know are ever deleted, and nothing whose status we do not understand.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models import F

from promo import policy
from promo.models import Code, CodeState, Pool, ReplenishRun
from promo.ports import CodeSource, GridRow, RowStatus
from promo.services.leasing import fenced
from promo.services.moving import ACTOR, move_code
from promo.services.taking_in import known_codes, note_used, without_doubles

RETIRED = "retired: deleted in the panel and seen gone"
Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class Retired:
    """What a retire run came to, in numbers of codes."""

    gone: int = 0
    used: int = 0
    still_there: int = 0
    unknown: int = 0  # not in the panel, but not deleted by us either: a person decides


def retire_codes(run: ReplenishRun, pool: Pool, token: uuid.UUID, panel: CodeSource, clock: Clock) -> Retired:
    """Delete the pool's withdrawn codes and read again. Raises PanelError, LeaseLost."""
    # A code that was used waits for its order; only when that is known and cancelled it is deleted like the others.
    withdrawn = {code.code: code for code in pool.codes.to_be_killed()}
    if not withdrawn:
        return Retired()
    rows, shown = _rows_of(panel, pool, withdrawn)
    doomed = [row for row in rows.values() if row.status is RowStatus.ACTIVE]
    used = [row for row in rows.values() if row.status is RowStatus.INACTIVE]
    doomed += [row for row in used if withdrawn[row.code].is_use_settled]
    now = clock()
    with fenced(token):
        for row in used:
            if not withdrawn[row.code].is_use_settled:
                note_used(code_id=withdrawn[row.code].pk, now=now)
        # Committed before the first click: a code that is gone later, and has this, was deleted by us. Somebody may be given their code back at this
        # moment (moving.hand_back): only one of the two finds the row as it was, and what is handed back is not deleted.
        marked = _mark(pool, [withdrawn[row.code].pk for row in doomed], now)
    for row in doomed:
        if withdrawn[row.code].pk not in marked:
            del withdrawn[row.code]
    doomed = [row for row in doomed if row.code in withdrawn]
    if doomed:
        panel.delete_codes(doomed)
        rows, shown = _rows_of(panel, pool, withdrawn)
    return _conclude(run, token, withdrawn, rows, shown, now=clock(), used=len(used))


def _mark(pool: Pool, code_ids: Sequence[int], now: dt.datetime) -> set[int]:
    """Those that are still withdrawn, marked as being deleted."""
    if not code_ids:
        return set()
    Code.objects.filter(pk__in=code_ids, state=CodeState.WITHDRAWN).update(retire_tried_at=now)
    return set(
        pool.codes.filter(pk__in=code_ids, state=CodeState.WITHDRAWN, retire_tried_at=now).values_list("pk", flat=True)
    )


def _conclude(
    run: ReplenishRun,
    token: uuid.UUID,
    withdrawn: dict[str, Code],
    rows: dict[str, GridRow],
    shown: set[str],
    *,
    now: dt.datetime,
    used: int,
) -> Retired:
    gone = still_there = unknown = 0
    with fenced(token):
        tried = set(
            Code.objects.filter(pk__in=[code.pk for code in withdrawn.values()])
            .exclude(retire_tried_at=None)
            .values_list("code", flat=True)
        )
        for string, code in withdrawn.items():
            if string in rows:
                still_there += rows[string].status is not RowStatus.INACTIVE or code.is_use_settled
            elif string in shown:
                still_there += 1  # its amount or status is not certain, but it is not gone
            elif string in tried:
                gone += move_code(
                    code_id=code.pk,
                    to=CodeState.VOID,
                    actor=ACTOR,
                    reason=RETIRED,
                    now=now,
                    only_from=[CodeState.WITHDRAWN],
                )
            else:
                unknown += 1
        ReplenishRun.objects.filter(pk=run.pk).update(codes_deleted=F("codes_deleted") + gone)
    return Retired(gone=gone, used=used, still_there=still_there, unknown=unknown)


def _rows_of(panel: CodeSource, pool: Pool, wanted: dict[str, Code]) -> tuple[dict[str, GridRow], set[str]]:
    """The panel's rows of these strings, of this amount and no other; and every string that stands there in whatever form."""
    reading = panel.read_codes(amount_uah=pool.amount_uah)
    rows = {
        row.code: row
        for row in without_doubles(reading.rows)
        if row.code in wanted and row.amount_uah == pool.amount_uah
    }
    return rows, {row.code for row in reading.rows}


def set_aside_excess(run: ReplenishRun, pool: Pool, token: uuid.UUID, *, keep: int, now: dt.datetime) -> int:
    """Withdraw the newest available codes beyond `keep`, so that they can be retired. Returns how many."""
    with fenced(token):
        newest_first = pool.codes.filter(state=CodeState.AVAILABLE).order_by("-place", "-pk")
        too_many = max(0, newest_first.count() - keep)
        return sum(
            move_code(
                code_id=pk,
                to=CodeState.WITHDRAWN,
                actor=run.requested_by or ACTOR,
                reason=f"more than {keep} wanted",
                now=now,
                only_from=[CodeState.AVAILABLE],
            )
            for pk in list(newest_first.values_list("pk", flat=True)[:too_many])
        )


def delete_quarantined(run: ReplenishRun, pool: Pool, token: uuid.UUID, panel: CodeSource, clock: Clock) -> int:
    """Delete rows that have been inactive for seven days to our knowledge. Returns how many are gone. Raises PanelError, LeaseLost."""
    rows = _inactive_rows(panel, pool)
    known = known_codes([row.code for row in rows])
    now = clock()
    with fenced(token):
        # The quarantine begins when we first see a code inactive, not when somebody first wanted it gone.
        Code.objects.filter(pk__in=[code.pk for code in known.values()], inactive_since=None).update(inactive_since=now)
    ripe = [
        row
        for row in rows
        if row.code in known
        and known[row.code].pool_id == pool.pk
        and (since := known[row.code].inactive_since) is not None
        and since <= now - policy.QUARANTINE
    ]
    if not ripe:
        return 0
    panel.delete_codes(ripe)
    left = {row.code for row in _inactive_rows(panel, pool)}
    gone = sum(row.code not in left for row in ripe)
    with fenced(token):
        ReplenishRun.objects.filter(pk=run.pk).update(codes_deleted=F("codes_deleted") + gone)
    return gone


def _inactive_rows(panel: CodeSource, pool: Pool) -> Sequence[GridRow]:
    reading = panel.read_codes(amount_uah=pool.amount_uah)
    return [
        row
        for row in without_doubles(reading.rows)
        if row.status is RowStatus.INACTIVE and row.amount_uah == pool.amount_uah
    ]
