"""Where services meet adapters: load the row, build the adapter, call the service. All are sweeps as well: run late, twice or after a crash they continue."""

from __future__ import annotations

import datetime as dt
import logging
import tempfile
import uuid
from pathlib import Path

from celery import shared_task
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from bonusportal import counting
from bonusportal.nudges import nudge
from promo import wiring
from promo.errors import LeaseLost, MirrorConflict, MirrorUnavailable, PanelError, PanelNeedsPerson, PanelReason
from promo.models import ReplenishRun, RunState
from promo.models.runs import EvidenceKind, RunKind
from promo.policy_sentences import sentence_for
from promo.ports import CodeSource, Step
from promo.rendering import DocumentBroken
from promo.services import leasing, mirroring, moving, replenishing, stock, witnessing

logger = logging.getLogger(__name__)
MIRROR_EVERY_SECONDS = 5.0


def nudge_runs() -> None:
    nudge("promo.tasks.work_through_runs")


def nudge_mirror() -> None:
    """One write per five seconds at most, and late enough to hold everything that happened within them."""
    nudge("promo.tasks.publish_mirror", at_most_every_seconds=MIRROR_EVERY_SECONDS)


@shared_task
def look_at_stock() -> int:
    asked = stock.look_at_stock(now=timezone.now())
    if asked:
        nudge_runs()
    return len(asked)


@shared_task
def void_expired_codes() -> int:
    now = timezone.now()
    witnessing.forget_old_evidence(now=now)
    return moving.void_expired_codes(now=now)


@shared_task
def publish_mirror() -> int:
    """Bring the bucket up to the rows. What goes wrong is counted, and the next tick looks again."""
    now = timezone.now()
    try:
        published = mirroring.publish(
            store=wiring.open_mirror_store(),
            codes_key=settings.MIRROR_CODES_KEY,
            counts_key=settings.MIRROR_COUNTS_KEY,
            codes_per_pool=settings.MIRROR_CODES_PER_POOL,
            now=now,
        )
    except (MirrorConflict, MirrorUnavailable) as error:
        logger.warning("the mirror could not be written (%s): the next tick looks again", error)
        counting.count("mirror.failed", now=now)
        return 0
    except DocumentBroken as error:
        logger.error("the document in the bucket cannot be read (%s): it is left alone until a person looks", error)
        counting.count("alarm.mirror_document_broken", now=now)
        return 0
    if published.wrote:
        logger.info("mirror revision %s written after %s look(s)", published.revision, published.looks)
    return published.revision


@shared_task
def work_through_runs() -> int:
    """Take the lease, sign in once, and serve every requested run one after another. Returns how many were served."""
    now = timezone.now()
    if not ReplenishRun.objects.filter(state__in=[RunState.REQUESTED, RunState.LEASED]).exists():
        return 0
    config = wiring.panel_config()
    if config is None:
        logger.warning("runs are requested but no panel is configured (PANEL_URL, PANEL_USERNAME, PANEL_PASSWORD)")
        return 0
    token = leasing.take_lease(holder=wiring.worker_name(), now=now)
    if token is None:
        return 0
    served = 0
    try:
        served = _serve(token, deadline=now + dt.timedelta(seconds=settings.RUN_BUDGET_SECONDS))
    except LeaseLost:
        logger.warning("the lease on the panel was lost; this worker stops")
    finally:
        leasing.release_lease(token)
    if served:
        nudge_mirror()
        # Whatever was requested while we worked, or was put off by the time budget.
        if ReplenishRun.objects.filter(state=RunState.REQUESTED).exists():
            nudge_runs()
    return served


class _Desk:
    """What the browser's thread tells while it works: each step becomes a row of the current run, each pause renews the lease."""

    def __init__(self, token: uuid.UUID) -> None:
        self.token = token
        self.run: ReplenishRun | None = None
        self.renewed_at = timezone.now()

    def on_step(self, step: Step) -> None:
        if self.run is not None:
            witnessing.record_step(run_id=self.run.pk, step=step, now=timezone.now())
        self.on_wait()

    def on_wait(self) -> None:
        now = timezone.now()
        if now - self.renewed_at >= leasing.RENEW_EVERY:
            close_old_connections()
            leasing.renew_lease(self.token, now=now)
            self.renewed_at = now


def _serve(token: uuid.UUID, *, deadline: dt.datetime) -> int:
    desk = _Desk(token)
    desk.run = leasing.next_run(token, now=timezone.now())
    if desk.run is None:
        return 0
    with tempfile.TemporaryDirectory(prefix="portal-run-") as folder:
        trace = Path(folder) / "trace.zip"
        first = desk.run
        served = _serve_all(desk, token, deadline=deadline, trace=trace)
        if trace.exists():
            # It begins after the login, so no password is in it; it covers every run of this sitting and is kept with the first.
            now = timezone.now()
            witnessing.keep_file(
                run_id=first.pk, kind=EvidenceKind.TRACE, content=trace.read_bytes(), suffix="zip", now=now
            )
    return served


def _serve_all(desk: _Desk, token: uuid.UUID, *, deadline: dt.datetime, trace: Path) -> int:
    served = 0
    try:
        profile = desk.run.options.get("profile") if desk.run else None
        with wiring.open_panel(on_step=desk.on_step, on_wait=desk.on_wait, profile=profile, trace=trace) as panel:
            panel.sign_in()
            leasing.note_panel_answers(token)
            leasing.save_session(token, panel.saved_session(), now=timezone.now())
            while desk.run is not None:
                outcome = _work_on(desk.run, token=token, panel=panel, deadline=deadline)
                _finish(desk.run, token, outcome)
                served += 1
                nudge_mirror()
                # A trial brings a profile of its own, so it has a sitting of its own.
                alone = desk.run.kind == RunKind.TRY or timezone.now() >= deadline
                desk.run = None if alone else leasing.next_run(token, now=timezone.now(), trials=False)
            leasing.save_session(token, panel.saved_session(), now=timezone.now())
    except PanelError as error:
        # Signing in, the browser itself, or something that stops everybody: the sitting is over.
        if desk.run is not None:
            _finish(desk.run, token, _outcome_of(error, token))
    return served


def _work_on(
    run: ReplenishRun, *, token: uuid.UUID, panel: CodeSource, deadline: dt.datetime
) -> replenishing.RunOutcome:
    try:
        return replenishing.work_on(run=run, token=token, panel=panel, clock=timezone.now, deadline=deadline)
    except PanelError as error:
        if isinstance(error, PanelNeedsPerson) or error.reason in leasing.BLOCKING:
            raise  # the next run would meet the same
        return _outcome_of(error, token)


def _outcome_of(error: PanelError, token: uuid.UUID) -> replenishing.RunOutcome:
    """A failure of the panel blocks the panel; a failure of one run only this run."""
    now = timezone.now()
    sentence = sentence_for(error.reason)
    logger.warning("run failed: %s", error)
    counting.count(f"run.failed.{error.reason}", now=now)
    if error.reason in leasing.BLOCKING:
        leasing.block_panel(token, reason=error.reason, detail=error.detail, now=now)
        # Maintenance ends by itself: the run waits. Everything else waits for a person.
        waits = error.reason is PanelReason.MAINTENANCE
        return replenishing.RunOutcome(
            RunState.REQUESTED if waits else RunState.NEEDS_PERSON, error.reason, f"{sentence} {error.detail}".strip()
        )
    state = RunState.NEEDS_PERSON if isinstance(error, PanelNeedsPerson) else RunState.FAILED
    return replenishing.RunOutcome(state, error.reason, f"{sentence} {error.detail}".strip())


def _finish(run: ReplenishRun, token: uuid.UUID, outcome: replenishing.RunOutcome) -> None:
    replenishing.finish_run(run=run, token=token, outcome=outcome, now=timezone.now())
    logger.info("run %s of %s UAH: %s %s", run.pk, run.pool.amount_uah, outcome.state, outcome.reason)
