"""What a reading of the grid means for our rows: decide about every row, write the decisions down, and notice what is not there.

A reading is complete or it is none: the adapter compares with the panel's own total and raises instead of returning half a grid.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from django.db.models import F

from promo import policy
from promo.models import Code, CodeEvent, CodeState, Lot, Pool, ReplenishRun
from promo.models.codes import Adopt, LotSource
from promo.policy import Decided, Decision
from promo.ports import GridReading, GridRow
from promo.services.leasing import fenced
from promo.services.moving import ACTOR, move_code, place_at
from promo.services.witnessing import keep_rows, record_rows


def take_in(
    *, run: ReplenishRun, pool: Pool, token: uuid.UUID, reading: GridReading, now: dt.datetime
) -> list[Decided]:
    """Decide about every row of a reading and write the decisions down, in one fenced transaction. Raises LeaseLost."""
    known = known_codes([row.code for row in reading.rows])
    decided = [
        policy.decide_row(
            row,
            amount_uah=pool.amount_uah,
            known_state=known[row.code].state if row.code in known else None,
            known_amount_uah=known[row.code].pool.amount_uah if row.code in known else None,
            adopts=pool.adopt == Adopt.TRUST,
            today=now.date(),
        )
        for row in without_doubles(reading.rows)
    ]
    with fenced(token):
        for item in decided:
            _apply(item, run=run, pool=pool, code=known.get(item.row.code), now=now)
        ReplenishRun.objects.filter(pk=run.pk).update(rows_read=F("rows_read") + len(reading.rows))
        record_rows(run=run, decided=decided)
    keep_rows(run=run, rows=reading.rows, now=now)
    return decided


def _apply(item: Decided, *, run: ReplenishRun, pool: Pool, code: Code | None, now: dt.datetime) -> None:
    runs = ReplenishRun.objects.filter(pk=run.pk)
    row = item.row
    match item.decision:
        case Decision.KEEP if code is not None:
            if keep_code(run=run, code_id=code.pk, row=row, now=now):
                runs.update(codes_kept=F("codes_kept") + 1)
        case Decision.VOID if code is not None:
            if move_code(code_id=code.pk, to=CodeState.VOID, actor=ACTOR, reason=item.why, now=now, inactive_since=now):
                runs.update(codes_voided=F("codes_voided") + 1)
        case Decision.USED if code is not None:
            note_used(code_id=code.pk, now=now)
        case Decision.ADOPT | Decision.FOREIGN:
            if _take_stranger(item, run=run, pool=pool, now=now) and item.decision is Decision.ADOPT:
                runs.update(codes_adopted=F("codes_adopted") + 1)
        case _:
            pass


def _take_stranger(item: Decided, *, run: ReplenishRun, pool: Pool, now: dt.datetime) -> bool:
    adopts = item.decision is Decision.ADOPT
    state = CodeState.AVAILABLE if adopts else CodeState.FOREIGN
    made, created = Code.objects.get_or_create(
        code=item.row.code,
        defaults={
            "pool": pool,
            "lot": lot_of(run, LotSource.ADOPTED, now) if adopts else None,
            "state": state,
            "place": place_at(now),
            "valid_until": item.row.valid_until,
            "changed_at": now,
            "created_at": now,
            "reason": item.why,
        },
    )
    if created:
        CodeEvent.objects.create(code=made, to_state=state, actor=ACTOR, reason=item.why, at=now)
    return created


def keep_code(*, run: ReplenishRun, code_id: int, row: GridRow, now: dt.datetime) -> bool:
    """A planned code was read back: from now on it is available."""
    return move_code(
        code_id=code_id,
        to=CodeState.AVAILABLE,
        actor=ACTOR,
        reason="read back from the panel",
        now=now,
        only_from=[CodeState.PLANNED],
        valid_until=row.valid_until,
        lot=lot_of(run, LotSource.REFILL, now),
    )


def note_used(*, code_id: int, now: dt.datetime) -> None:
    """A code that was handed out is inactive in the panel before we deleted it: it was spent in the store. Told once."""
    if Code.objects.filter(pk=code_id, inactive_since=None).update(inactive_since=now):
        state = Code.objects.values_list("state", flat=True).get(pk=code_id)
        CodeEvent.objects.create(
            code_id=code_id, from_state=state, to_state=state, actor=ACTOR, reason="inactive in the panel: used", at=now
        )


def find_missing(*, pool: Pool, reading: GridReading) -> list[Code]:
    """Available codes that a complete reading does not show. Empty where the panel did not say how many rows there are."""
    if reading.total is None or reading.total != len(reading.rows):
        return []
    shown = {row.code for row in reading.rows}
    return [code for code in pool.codes.filter(state=CodeState.AVAILABLE) if code.code not in shown]


MANY_MISSING = 3


def are_suspiciously_many(missing: Collection[Code], *, pool: Pool) -> bool:
    """Rather the wrong account, or an emptied list, than single codes that somebody deleted."""
    available = pool.codes.filter(state=CodeState.AVAILABLE).count()
    return len(missing) >= MANY_MISSING and len(missing) * 2 > available


def withdraw_missing(*, run: ReplenishRun, missing: Sequence[Code], token: uuid.UUID, now: dt.datetime) -> int:
    """Codes that two complete readings did not show are not handed out: what we do not know for sure never is."""
    with fenced(token):
        moved = sum(
            move_code(
                code_id=code.pk,
                to=CodeState.WITHDRAWN,
                actor=ACTOR,
                reason="not in the panel",
                now=now,
                only_from=[CodeState.AVAILABLE],
            )
            for code in missing
        )
        ReplenishRun.objects.filter(pk=run.pk).update(codes_voided=F("codes_voided") + moved)
    return moved


def lot_of(run: ReplenishRun, source: str, now: dt.datetime) -> Lot:
    lot, _created = Lot.objects.get_or_create(
        run=run, source=source, defaults={"actor": ACTOR, "created_at": now, "name": f"№{run.pk}"}
    )
    return lot


def known_codes(strings: Sequence[str]) -> dict[str, Code]:
    """Our rows of these strings, read in pieces: SQLite takes so many parameters and no more."""
    return {
        code.code: code
        for start in range(0, len(strings), 500)
        for code in Code.objects.filter(code__in=strings[start : start + 500]).select_related("pool")
    }


def without_doubles(rows: Sequence[GridRow]) -> list[GridRow]:
    """A row seen on two pages counts once; one string shown with two amounts or states is nobody's code."""
    seen: dict[str, GridRow] = {}
    conflicting: set[str] = set()
    for row in rows:
        other = seen.setdefault(row.code, row)
        if (other.amount_uah, other.status) != (row.amount_uah, row.status):
            conflicting.add(row.code)
    return [row for code, row in seen.items() if code not in conflicting]
