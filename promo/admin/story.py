"""The story of one run, gathered for its page: steps with pictures, rows with decisions, files. What may be shown is decided by the caller."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from promo.admin.drawing import draw_badge
from promo.admin.facts import Fact, compare, tell_facts
from promo.admin.wording import DECISIONS, FILE_NAMES, RUN_COLOURS, STATUSES, STEPS, detail_of, say_detail, say_why
from promo.models import Evidence, ReplenishRun, RunRow, RunStep
from promo.models.runs import EvidenceKind
from promo.policy_sentences import sentence_for

ROWS_AT_FIRST = 60
MOST_ROWS = 2500
# Told as a comparison, not among the other facts of a step.
_COMPARED = ("expected", "seen")


@dataclass(frozen=True, slots=True)
class Told:
    """A step. `after_seconds` since the run's first step; `expected` and `seen` where the page was not as wanted."""

    number: int
    title: str
    ok: bool
    started_at: dt.datetime
    after_seconds: float
    seconds: float
    facts: list[Fact]
    expected: list[Fact]
    seen: list[Fact]
    problem: str
    technical: str
    pictures: list[str]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the grid with what became of it."""

    shown_code: str
    code_link: str
    amount_uah: int | None
    status: str
    valid_until: dt.date | None
    badge: SafeString
    why: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the page of a run draws."""

    run: ReplenishRun
    badge: SafeString
    sentence: str
    technical: str
    seconds: float | None
    numbers: list[tuple[str, int]]
    steps: list[Told]
    first_failed: int | None
    rows: list[Row]
    rows_total: int
    rows_by_decision: list[SafeString]
    has_more_rows: bool
    files: list[tuple[str, str, int]]
    may_see_evidence: bool
    has_evidence: bool


def tell_story(run: ReplenishRun, *, may_see_evidence: bool, may_see_codes: bool, all_rows: bool) -> Story:
    """Gather the page. Addresses of files are given only to those who may open them."""
    evidence = list(Evidence.objects.filter(run=run))
    visible = evidence if may_see_evidence else []
    steps = _tell_steps(run, [one for one in visible if one.kind == EvidenceKind.PICTURE])
    counted = dict(RunRow.objects.filter(run=run).order_by().values_list("decision").annotate(n=Count("pk")))
    rows_total = sum(counted.values())
    rows = RunRow.objects.filter(run=run).select_related(None)[: MOST_ROWS if all_rows else ROWS_AT_FIRST]
    end, detail = run.finished_at, detail_of(run)
    return Story(
        run=run,
        badge=draw_badge(run.get_state_display(), RUN_COLOURS.get(run.state, "")),
        sentence=f"{sentence_for(run.reason) if run.reason else ''} {say_detail(detail)}".strip(),
        technical="" if say_detail(detail) else detail,
        seconds=(end - run.leased_at).total_seconds() if end and run.leased_at else None,
        numbers=[(name, number) for name, number in _numbers(run) if number],
        steps=steps,
        first_failed=next((step.number for step in steps if not step.ok), None),
        rows=[_row(row, may_see_codes) for row in rows],
        rows_total=rows_total,
        rows_by_decision=[
            draw_badge(f"{_decision(name)[0]} {number}", _decision(name)[1]) for name, number in counted.items()
        ],
        has_more_rows=not all_rows and rows_total > ROWS_AT_FIRST,
        files=[
            (str(FILE_NAMES.get(one.kind, one.get_kind_display())), _address(one), one.size_bytes)
            for one in visible
            if one.kind != EvidenceKind.PICTURE or one.step_id is None
        ],
        may_see_evidence=may_see_evidence,
        has_evidence=bool(evidence),
    )


def _numbers(run: ReplenishRun) -> list[tuple[str, int]]:
    return [
        (_("rows read"), run.rows_read),
        (_("codes kept"), run.codes_kept),
        (_("codes created"), run.codes_created),
        (_("codes adopted"), run.codes_adopted),
        (_("codes voided"), run.codes_voided),
        (_("codes deleted"), run.codes_deleted),
    ]


def _tell_steps(run: ReplenishRun, pictures: list[Evidence]) -> list[Told]:
    of_step: dict[int, list[str]] = {}
    for picture in pictures:
        if picture.step_id is not None:
            of_step.setdefault(picture.step_id, []).append(_address(picture))
    steps = list(RunStep.objects.filter(run=run))
    begun = steps[0].started_at if steps else run.requested_at
    return [_tell(number, step, begun, of_step.get(step.pk, [])) for number, step in enumerate(steps, start=1)]


def _tell(number: int, step: RunStep, begun: dt.datetime, pictures: list[str]) -> Told:
    detail: Mapping[str, Any] = step.detail if isinstance(step.detail, dict) else {}
    is_compared = all(isinstance(detail.get(name), dict) for name in _COMPARED)
    hidden = {"reason", "error", *(_COMPARED if is_compared else ())}
    return Told(
        number=number,
        title=str(STEPS.get(step.name, step.name)),
        ok=step.ok,
        started_at=step.started_at,
        after_seconds=(step.started_at - begun).total_seconds(),
        seconds=step.seconds,
        facts=tell_facts({name: value for name, value in detail.items() if name not in hidden}),
        expected=compare(detail["expected"], detail["seen"]) if is_compared else [],
        seen=compare(detail["seen"], detail["expected"]) if is_compared else [],
        problem=sentence_for(str(detail["reason"])) if detail.get("reason") else "",
        technical=str(detail.get("error", "")),
        pictures=pictures,
    )


def _decision(name: str) -> tuple[str, str]:
    words, colour = DECISIONS.get(name, (name, ""))
    return str(words), colour


def _row(row: RunRow, may_see_codes: bool) -> Row:
    words, colour = _decision(row.decision)
    return Row(
        shown_code=row.shown_code,
        code_link=reverse("admin:promo_code_change", args=[row.code_id]) if row.code_id and may_see_codes else "",
        amount_uah=row.amount_uah,
        status=str(STATUSES.get(row.status, row.status)),
        valid_until=row.valid_until,
        badge=draw_badge(words, colour),
        why=say_why(row.why),
    )


def _address(evidence: Evidence) -> str:
    return reverse("admin:promo_evidence", args=[evidence.pk])
