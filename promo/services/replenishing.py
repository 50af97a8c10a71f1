"""One run at the panel, from the grid that is read to the codes that are kept.

    read the grid ─→ decide about every row ─→ plan missing strings (committed!) ─→ type one ─→ read it back ─→ keep it ─→ … ─→ done

Nothing here opens a socket: the panel comes as a `CodeSource`. Every write is fenced by the lease's token, and every step can be repeated: a rerun reads
first, keeps what is there, retypes what is not, and invents nothing while planned strings are open.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import F

from bonusportal.masking import mask_code
from promo import policy
from promo.errors import CodeRefused, OutcomeUnknown, PanelReason
from promo.models import Code, CodeState, Pool, ReplenishRun, RunState
from promo.models.codes import code_lifetime
from promo.models.runs import RunKind
from promo.policy import Decision
from promo.ports import CodeSource, NewCode
from promo.services import retiring, taking_in
from promo.services.leasing import fenced
from promo.services.moving import ACTOR, move_code

logger = logging.getLogger(__name__)
Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended: its state, and for all but `succeeded` the reason in one word and in one sentence."""

    state: RunState
    reason: str = ""
    detail: str = ""


OUT_OF_TIME = RunOutcome(RunState.REQUESTED, "time_budget", "The time budget was used up; the run goes on later.")


@dataclass(frozen=True, slots=True)
class Work:
    """What a run works with: its row, its pool, the fence, the panel, the clock, and the moment at which it pauses."""

    run: ReplenishRun
    pool: Pool
    token: uuid.UUID
    panel: CodeSource
    clock: Clock
    deadline: dt.datetime

    @property
    def target(self) -> int:
        """A bulk request may name its own."""
        return int(self.run.options.get("target", self.pool.target))


def work_on(
    *, run: ReplenishRun, token: uuid.UUID, panel: CodeSource, clock: Clock, deadline: dt.datetime
) -> RunOutcome:
    """Do what the run's kind says. Raises PanelError, LeaseLost; whatever was committed until then stays, and a rerun goes on."""
    work = Work(run, Pool.objects.get(pk=run.pool_id), token, panel, clock, deadline)
    match run.kind:
        case RunKind.REFILL:
            return _refill(work)
        case RunKind.LOOK:
            return _look(work)
        case RunKind.RETIRE:
            return _retire(work)
        case _:
            return _try(work)


def _refill(work: Work) -> RunOutcome:
    """Fill the pool up to its target. Past the deadline it stops between two codes and asks to go on later."""
    if (outcome := _look(work)).state is not RunState.SUCCEEDED:
        return outcome
    if _tidy_up(work) is OUT_OF_TIME:
        return OUT_OF_TIME
    lost = 0
    for code in plan_codes(work, now=work.clock()):
        if work.clock() >= work.deadline:
            return OUT_OF_TIME
        lost += not _make(work, code)
    available = work.pool.codes.filter(state=CodeState.AVAILABLE).count()
    if lost or available < work.target:
        return RunOutcome(
            RunState.FAILED,
            PanelReason.PARTIAL,
            f"{available} of {work.target} codes; {lost} could not be read back.",
        )
    return RunOutcome(RunState.SUCCEEDED)


def _look(work: Work) -> RunOutcome:
    """Read the grid and take in what it says, without typing anything."""
    reading = work.panel.read_codes(amount_uah=work.pool.amount_uah)
    taking_in.take_in(run=work.run, pool=work.pool, token=work.token, reading=reading, now=work.clock())
    missing = taking_in.find_missing(pool=work.pool, reading=reading)
    if missing:
        # Once is not enough: somebody may have edited the list while it was being read.
        again = work.panel.read_codes(amount_uah=work.pool.amount_uah)
        gone = {code.pk for code in taking_in.find_missing(pool=work.pool, reading=again)}
        missing = [code for code in missing if code.pk in gone]
    if taking_in.are_suspiciously_many(missing, pool=work.pool):
        return RunOutcome(RunState.NEEDS_PERSON, PanelReason.MISSING, f"{len(missing)} codes are not in the panel.")
    taking_in.withdraw_missing(run=work.run, missing=missing, token=work.token, now=work.clock())
    return RunOutcome(RunState.SUCCEEDED)


def _retire(work: Work) -> RunOutcome:
    """Delete withdrawn codes in the panel and see them gone."""
    if (outcome := _look(work)).state is not RunState.SUCCEEDED:
        return outcome
    retired = retiring.retire_codes(work.run, work.pool, work.token, work.panel, work.clock)
    if retired.still_there:
        return RunOutcome(RunState.FAILED, PanelReason.PARTIAL, f"{retired.still_there} codes are still in the panel.")
    return RunOutcome(RunState.SUCCEEDED)


def _tidy_up(work: Work) -> RunOutcome | None:
    """What the pool's setting or a bulk request asks to remove before new codes are made."""
    options = work.run.options
    if options.get("wipe"):
        retiring.set_aside_excess(work.run, work.pool, work.token, keep=0, now=work.clock())
    elif options.get("remove_excess"):
        retiring.set_aside_excess(work.run, work.pool, work.token, keep=work.target, now=work.clock())
    if options.get("wipe") or options.get("remove_excess"):
        _forget_wipe(work)
        retiring.retire_codes(work.run, work.pool, work.token, work.panel, work.clock)
    if work.pool.delete_inactive or options.get("delete_inactive"):
        retiring.delete_quarantined(work.run, work.pool, work.token, work.panel, work.clock)
    return OUT_OF_TIME if work.clock() >= work.deadline else None


def _forget_wipe(work: Work) -> None:
    """A wipe is done once: when the run goes on later, it must not remove what it has made itself."""
    if work.run.options.pop("wipe", None):
        work.run.options["remove_excess"] = True
        with fenced(work.token):
            ReplenishRun.objects.filter(pk=work.run.pk).update(options=work.run.options)


def _try(work: Work) -> RunOutcome:
    """Test the profile: read, look at the form, change nothing. Its steps and pictures are the answer."""
    reading = work.panel.read_codes(amount_uah=work.pool.amount_uah)
    work.panel.check_form()
    known = sum(row.amount_uah is not None for row in reading.rows)
    return RunOutcome(RunState.SUCCEEDED, "", f"{len(reading.rows)} rows were read, {known} of them understood.")


def plan_codes(work: Work, *, now: dt.datetime) -> list[Code]:
    """The strings to type now: planned ones that are still open first, then new ones. All are committed before the first is typed."""
    pool = work.pool
    with fenced(work.token):
        available = pool.codes.filter(state=CodeState.AVAILABLE).count()
        planned = list(pool.codes.filter(state=CodeState.PLANNED).order_by("pk"))
        fresh = policy.codes_to_make(target=work.target, available=available, planned=len(planned))
        while fresh:
            code, created = Code.objects.get_or_create(
                code=policy.invent_code(pool.amount_uah),
                defaults={
                    "pool": pool,
                    "run": work.run,
                    "state": CodeState.PLANNED,
                    "changed_at": now,
                    "created_at": now,
                },
            )
            if created:
                planned.append(code)
                fresh -= 1
    return planned[: max(0, work.target - available)]


def _make(work: Work, code: Code) -> bool:
    """Type one planned string and read it back. Whether it is available now."""
    shown = mask_code(code.code, amount_uah=work.pool.amount_uah)
    is_duplicate = False
    valid_until = code.valid_until or (work.clock() + code_lifetime()).date()
    try:
        work.panel.create_code(NewCode(code=code.code, amount_uah=work.pool.amount_uah, valid_until=valid_until))
    except CodeRefused as error:
        # "Already exists" included: whether it is there, active and of this amount is told by the grid, not by the form.
        logger.info("run %s: %s was refused (%s)", work.run.pk, shown, error)
        is_duplicate = error.reason is PanelReason.DUPLICATE
    except OutcomeUnknown as error:
        logger.info("run %s: outcome of %s unknown (%s): reading back", work.run.pk, shown, error)
    return _read_back(work, code, is_duplicate=is_duplicate)


def _read_back(work: Work, code: Code, *, is_duplicate: bool) -> bool:
    """Whether the code is in the grid, active and of this amount. Only then it becomes available."""
    reading = work.panel.read_codes(amount_uah=work.pool.amount_uah)
    now, amount = work.clock(), work.pool.amount_uah
    rows = [row for row in taking_in.without_doubles(reading.rows) if row.code == code.code]
    decided = [
        policy.decide_row(
            row, amount_uah=amount, known_state="planned", known_amount_uah=amount, adopts=False, today=now.date()
        )
        for row in rows
    ]
    with fenced(work.token):
        if decided and decided[0].decision is Decision.KEEP:
            if taking_in.keep_code(run=work.run, code_id=code.pk, row=decided[0].row, now=now):
                ReplenishRun.objects.filter(pk=work.run.pk).update(
                    codes_created=F("codes_created") + 1, codes_kept=F("codes_kept") + 1
                )
            return True
        dead = decided and decided[0].decision is Decision.VOID
        if dead or (is_duplicate and not rows):
            # The string is taken by something else: it would be refused for ever, and is nobody's.
            move_code(
                code_id=code.pk,
                to=CodeState.VOID,
                actor=ACTOR,
                reason=decided[0].why if decided else "conflict: the panel has this string for something else",
                now=now,
                only_from=[CodeState.PLANNED],
            )
    return False


def finish_run(*, run: ReplenishRun, token: uuid.UUID, outcome: RunOutcome, now: dt.datetime) -> None:
    """Write down how the run ended; after a failure the pool rests, longer each time."""
    with fenced(token):
        goes_on = outcome.state is RunState.REQUESTED
        changed = ReplenishRun.objects.filter(pk=run.pk, state=RunState.LEASED, lease_token=token).update(
            state=outcome.state,
            reason=outcome.reason,
            detail=outcome.detail,
            finished_at=None if goes_on else now,
            not_before=now if goes_on else None,
            attempts=F("attempts") - (1 if goes_on else 0),
        )
        if not changed:
            return
        pools = Pool.objects.filter(pk=run.pool_id)
        if outcome.state is RunState.SUCCEEDED and run.kind == RunKind.REFILL:
            pools.update(failures_in_row=0, cooldown_until=None)
        elif outcome.state is RunState.FAILED:
            failures = pools.values_list("failures_in_row", flat=True)[0] + 1
            pools.update(failures_in_row=failures, cooldown_until=now + policy.cooldown_after(failures))
