"""One run at the panel, from the grid that is read to the codes that are kept.

    read the grid ─→ decide about every row ─→ plan missing strings (committed!) ─→ type one ─→ read it back ─→ keep it ─→ … ─→ done

Nothing here opens a socket: the panel comes as a `CodeSource`. Every write is fenced by the lease's token, and every step can be repeated: a rerun reads
first, keeps what is there, retypes what is not, and invents nothing while planned strings are open.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models import F

from bonusportal.masking import mask_code
from promo import policy
from promo.errors import CodeRefused, PanelError, PanelReason
from promo.models import Code, CodeEvent, CodeState, Lot, Pool, ReplenishRun, RunState
from promo.models.codes import Adopt, LotSource, code_lifetime
from promo.models.runs import RunKind
from promo.policy import Decided, Decision
from promo.ports import CodeSource, GridReading, GridRow, NewCode
from promo.services.leasing import fenced
from promo.services.moving import move_code, place_at
from promo.services.witnessing import record_rows

logger = logging.getLogger(__name__)
ACTOR = "portal"
Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended: its state, and for all but `succeeded` the reason in one word and in one sentence."""

    state: RunState
    reason: str = ""
    detail: str = ""


def replenish(
    *, run: ReplenishRun, token: uuid.UUID, panel: CodeSource, clock: Clock, deadline: dt.datetime
) -> RunOutcome:
    """Fill the run's pool up to its target. Past `deadline` it stops between two codes and asks to go on later. Raises PanelError, LeaseLost."""
    pool = Pool.objects.get(pk=run.pool_id)
    take_in(run=run, pool=pool, token=token, reading=panel.read_codes(amount_uah=pool.amount_uah), clock=clock)
    refused = 0
    for code in plan_codes(run=run, pool=pool, token=token, now=clock()):
        if clock() >= deadline:
            return RunOutcome(RunState.REQUESTED, "time_budget", "The time budget was used up; the run goes on later.")
        try:
            panel.create_code(NewCode(code=code.code, amount_uah=pool.amount_uah, valid_until=_last_day(code, clock())))
        except CodeRefused as error:
            # "Already exists" included: whether it is there, active and of this amount is told by the grid, not by the form.
            logger.info("run %s: %s was refused (%s)", run.pk, mask_code(code.code, amount_uah=pool.amount_uah), error)
        except PanelError as error:
            if error.reason is not PanelReason.SLOW:
                raise
            logger.info(
                "run %s: outcome of %s unknown: reading back", run.pk, mask_code(code.code, amount_uah=pool.amount_uah)
            )
        refused += not _read_back(run=run, pool=pool, token=token, panel=panel, code=code, clock=clock)
    available = pool.codes.filter(state=CodeState.AVAILABLE).count()
    if refused or available < pool.target:
        return RunOutcome(
            RunState.FAILED,
            PanelReason.PARTIAL,
            f"{available} of {pool.target} codes; {refused} could not be read back.",
        )
    return RunOutcome(RunState.SUCCEEDED)


def look(*, run: ReplenishRun, token: uuid.UUID, panel: CodeSource, clock: Clock) -> RunOutcome:
    """Read the grid and take in what it says, without typing anything. Raises PanelError, LeaseLost."""
    pool = Pool.objects.get(pk=run.pool_id)
    take_in(run=run, pool=pool, token=token, reading=panel.read_codes(amount_uah=pool.amount_uah), clock=clock)
    return RunOutcome(RunState.SUCCEEDED)


def take_in(*, run: ReplenishRun, pool: Pool, token: uuid.UUID, reading: GridReading, clock: Clock) -> list[Decided]:
    """Decide about every row of a reading and write the decisions down, in one fenced transaction."""
    now = clock()
    known = {
        code.code: code
        for chunk in _chunks([row.code for row in reading.rows], 500)
        for code in Code.objects.filter(code__in=chunk).select_related("pool")
    }
    decided = [
        policy.decide_row(
            row,
            amount_uah=pool.amount_uah,
            known_state=known[row.code].state if row.code in known else None,
            known_amount_uah=known[row.code].pool.amount_uah if row.code in known else None,
            adopts=pool.adopt == Adopt.TRUST,
            today=now.date(),
        )
        for row in _without_doubles(reading.rows)
    ]
    with fenced(token):
        for item in decided:
            _apply(item, run=run, pool=pool, code=known.get(item.row.code), now=now)
        ReplenishRun.objects.filter(pk=run.pk).update(rows_read=F("rows_read") + len(reading.rows))
        record_rows(run=run, decided=decided, now=now)
    return decided


def _apply(item: Decided, *, run: ReplenishRun, pool: Pool, code: Code | None, now: dt.datetime) -> None:
    runs = ReplenishRun.objects.filter(pk=run.pk)
    row = item.row
    match item.decision:
        case Decision.KEEP if code is not None:
            if _keep(run=run, code_id=code.pk, row=row, now=now):
                runs.update(codes_kept=F("codes_kept") + 1)
        case Decision.VOID if code is not None:
            if move_code(
                code_id=code.pk,
                to=CodeState.VOID,
                actor=ACTOR,
                reason=f"inactive: {item.why}",
                now=now,
                inactive_since=now,
            ):
                runs.update(codes_voided=F("codes_voided") + 1)
        case Decision.USED if code is not None:
            Code.objects.filter(pk=code.pk, inactive_since=None).update(inactive_since=now)
        case Decision.ADOPT | Decision.FOREIGN:
            adopted = item.decision is Decision.ADOPT
            lot = _lot_of(run, LotSource.ADOPTED, now) if adopted else None
            state = CodeState.AVAILABLE if adopted else CodeState.FOREIGN
            made, created = Code.objects.get_or_create(
                code=row.code,
                defaults={
                    "pool": pool,
                    "lot": lot,
                    "state": state,
                    "place": place_at(now),
                    "valid_until": row.valid_until,
                    "changed_at": now,
                    "created_at": now,
                    "reason": item.why,
                },
            )
            if created:
                CodeEvent.objects.create(code=made, to_state=state, actor=ACTOR, reason=item.why, at=now)
                runs.update(codes_adopted=F("codes_adopted") + (1 if adopted else 0))
        case _:
            pass


def plan_codes(*, run: ReplenishRun, pool: Pool, token: uuid.UUID, now: dt.datetime) -> list[Code]:
    """The strings to type now: planned ones that are still open first, then new ones. All are committed before the first is typed."""
    with fenced(token):
        pool.refresh_from_db()
        available = pool.codes.filter(state=CodeState.AVAILABLE).count()
        wanted = max(0, pool.target - available)
        planned = list(pool.codes.filter(state=CodeState.PLANNED).order_by("pk"))
        fresh = policy.codes_to_make(target=pool.target, available=available, planned=len(planned))
        made = 0
        while made < fresh:
            string = policy.invent_code(pool.amount_uah)
            code, created = Code.objects.get_or_create(
                code=string,
                defaults={"pool": pool, "run": run, "state": CodeState.PLANNED, "changed_at": now, "created_at": now},
            )
            if created:
                planned.append(code)
                made += 1
    return planned[:wanted]


def _last_day(code: Code, now: dt.datetime) -> dt.date:
    return code.valid_until or (now + code_lifetime()).date()


def _read_back(*, run: ReplenishRun, pool: Pool, token: uuid.UUID, panel: CodeSource, code: Code, clock: Clock) -> bool:
    """Whether the code is in the grid, active and of this amount. Only then it becomes available."""
    reading = panel.read_codes(amount_uah=pool.amount_uah)
    now = clock()
    row = next((row for row in reading.rows if row.code == code.code), None)
    if row is None:
        return False
    item = policy.decide_row(
        row,
        amount_uah=pool.amount_uah,
        known_state=CodeState.PLANNED,
        known_amount_uah=pool.amount_uah,
        adopts=False,
        today=now.date(),
    )
    with fenced(token):
        if item.decision is Decision.KEEP and _keep(run=run, code_id=code.pk, row=row, now=now):
            ReplenishRun.objects.filter(pk=run.pk).update(
                codes_created=F("codes_created") + 1, codes_kept=F("codes_kept") + 1
            )
            return True
        if item.decision is Decision.VOID:
            move_code(
                code_id=code.pk, to=CodeState.VOID, actor=ACTOR, reason=item.why, now=now, only_from=[CodeState.PLANNED]
            )
    return False


def _keep(*, run: ReplenishRun, code_id: int, row: GridRow, now: dt.datetime) -> bool:
    lot = _lot_of(run, LotSource.REFILL, now)
    return move_code(
        code_id=code_id,
        to=CodeState.AVAILABLE,
        actor=ACTOR,
        reason="read back from the panel",
        now=now,
        only_from=[CodeState.PLANNED],
        valid_until=row.valid_until,
        lot=lot,
    )


def _lot_of(run: ReplenishRun, source: str, now: dt.datetime) -> Lot:
    lot, _created = Lot.objects.get_or_create(
        run=run, source=source, defaults={"actor": ACTOR, "created_at": now, "name": f"№{run.pk}"}
    )
    return lot


def finish_run(*, run: ReplenishRun, token: uuid.UUID, outcome: RunOutcome, now: dt.datetime) -> None:
    """Write down how the run ended; after a failure the pool rests, longer each time."""
    with fenced(token):
        finished = outcome.state is not RunState.REQUESTED
        changed = ReplenishRun.objects.filter(pk=run.pk, state=RunState.LEASED, lease_token=token).update(
            state=outcome.state,
            reason=outcome.reason,
            detail=outcome.detail,
            finished_at=now if finished else None,
            not_before=None if finished else now,
            attempts=F("attempts") - (0 if finished else 1),
        )
        if not changed:
            return
        if outcome.state is RunState.SUCCEEDED and run.kind == RunKind.REFILL:
            Pool.objects.filter(pk=run.pool_id).update(failures_in_row=0, cooldown_until=None)
        elif outcome.state is RunState.FAILED:
            failures = Pool.objects.values_list("failures_in_row", flat=True).get(pk=run.pool_id) + 1
            Pool.objects.filter(pk=run.pool_id).update(
                failures_in_row=failures, cooldown_until=now + policy.cooldown_after(failures)
            )


def _without_doubles(rows: Sequence[GridRow]) -> list[GridRow]:
    """A row seen on two pages counts once; one string shown with two amounts or states is nobody's code."""
    seen: dict[str, GridRow] = {}
    conflicting: set[str] = set()
    for row in rows:
        other = seen.setdefault(row.code, row)
        if (other.amount_uah, other.status) != (row.amount_uah, row.status):
            conflicting.add(row.code)
    return [row for code, row in seen.items() if code not in conflicting]


def _chunks(items: Sequence[str], size: int) -> list[Sequence[str]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
