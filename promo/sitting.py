"""One sitting at the panel: take the lease, sign in once, serve every requested run one after another, leave the evidence.

An edge: here the services meet an open browser. Whoever calls says how the panel is opened, so that a test can bring its own.
"""

from __future__ import annotations

import datetime as dt
import logging
import tempfile
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from django.db import close_old_connections
from django.utils import timezone

from bonusportal import counting
from promo.errors import LeaseLost, PanelError, PanelNeedsPerson, PanelReason
from promo.models import ReplenishRun, RunState
from promo.models.runs import EvidenceKind, RunKind
from promo.ports import CodeSource, Step
from promo.services import leasing, replenishing, witnessing

logger = logging.getLogger(__name__)


class OpensPanel(Protocol):
    """How a panel is opened; see promo.wiring.open_panel."""

    def __call__(
        self,
        *,
        on_step: Callable[[Step], None],
        on_wait: Callable[[], None],
        profile: dict[str, Any] | None,
        trace: Path | None,
    ) -> AbstractContextManager[CodeSource]: ...


def is_anything_to_do() -> bool:
    return ReplenishRun.objects.filter(state__in=[RunState.REQUESTED, RunState.LEASED]).exists()


def hold_sitting(
    *,
    open_panel: OpensPanel,
    holder: str,
    budget_seconds: float,
    after_run: Callable[[], None] = lambda: None,
    clock: Callable[[], dt.datetime] = timezone.now,
) -> int:
    """Serve runs until there are none or the budget is used up. Returns how many were served; 0 where somebody else sits there."""
    token = leasing.take_lease(holder=holder, now=clock())
    if token is None:
        return 0
    desk = _Desk(token, open_panel=open_panel, after_run=after_run, clock=clock, budget_seconds=budget_seconds)
    try:
        return desk.serve()
    except LeaseLost:
        logger.warning("the lease on the panel was lost; this worker stops")
        return desk.served
    finally:
        leasing.release_lease(token)


class _Desk:
    """What happens while the browser works: each step becomes a row of the current run, each pause renews the lease."""

    def __init__(
        self,
        token: uuid.UUID,
        *,
        open_panel: OpensPanel,
        after_run: Callable[[], None],
        clock: Callable[[], dt.datetime],
        budget_seconds: float,
    ) -> None:
        self.token, self.open_panel, self.after_run, self.clock = token, open_panel, after_run, clock
        self.renewed_at = clock()
        self.deadline = self.renewed_at + dt.timedelta(seconds=budget_seconds)
        self.run: ReplenishRun | None = None
        self.served = 0

    def on_step(self, step: Step) -> None:
        if self.run is not None:
            witnessing.record_step(run_id=self.run.pk, step=step, now=self.clock())
        self.on_wait()

    def on_wait(self) -> None:
        now = self.clock()
        if now - self.renewed_at >= leasing.RENEW_EVERY:
            close_old_connections()
            leasing.renew_lease(self.token, now=now)
            self.renewed_at = now

    def serve(self) -> int:
        self.run = first = leasing.next_run(self.token, now=self.clock())
        if first is None:
            return 0
        with tempfile.TemporaryDirectory(prefix="portal-run-") as folder:
            trace = Path(folder) / "trace.zip"
            try:
                self._serve_all(profile=first.options.get("profile"), trace=trace)
            except PanelError as error:
                # Signing in, the browser itself, or something that stops everybody: the sitting is over.
                if self.run is not None:
                    self._finish(self.run, self._outcome_of(error))
            for number, part in enumerate(sorted(Path(folder).glob("trace*.zip"))):
                # Each part begins after a login, so no password is in it; together they cover every run of this sitting and are kept with the first.
                suffix = f"{number + 1}.zip" if number else "zip"
                now, kept = self.clock(), part.read_bytes()
                witnessing.keep_file(run_id=first.pk, kind=EvidenceKind.TRACE, content=kept, suffix=suffix, now=now)
        return self.served

    def _serve_all(self, *, profile: dict[str, Any] | None, trace: Path) -> None:
        with self.open_panel(on_step=self.on_step, on_wait=self.on_wait, profile=profile, trace=trace) as panel:
            panel.sign_in()
            leasing.note_panel_answers(self.token)
            leasing.save_session(self.token, panel.saved_session(), now=self.clock())
            while self.run is not None:
                self._finish(self.run, self._work_on(self.run, panel))
                # A trial brings a profile of its own, so it has a sitting of its own.
                alone = self.run.kind == RunKind.TRY or self.clock() >= self.deadline
                self.run = None if alone else leasing.next_run(self.token, now=self.clock(), trials=False)
            leasing.save_session(self.token, panel.saved_session(), now=self.clock())

    def _work_on(self, run: ReplenishRun, panel: CodeSource) -> replenishing.RunOutcome:
        try:
            return replenishing.work_on(
                run=run, token=self.token, panel=panel, clock=self.clock, deadline=self.deadline
            )
        except PanelError as error:
            if isinstance(error, PanelNeedsPerson) or error.reason in leasing.BLOCKING:
                raise  # the next run would meet the same
            return self._outcome_of(error)

    def _outcome_of(self, error: PanelError) -> replenishing.RunOutcome:
        """A failure of the panel blocks the panel; a failure of one run only this run."""
        now = self.clock()
        logger.warning("run failed: %s", error)
        counting.count(f"run.failed.{error.reason}", now=now)
        state = RunState.NEEDS_PERSON if isinstance(error, PanelNeedsPerson) else RunState.FAILED
        if error.reason in leasing.BLOCKING:
            leasing.block_panel(
                self.token,
                reason=error.reason,
                detail=error.detail,
                now=now,
                retry_after_seconds=error.retry_after_seconds,
            )
            # Maintenance ends by itself: the run waits. Everything else waits for a person.
            state = RunState.REQUESTED if error.reason is PanelReason.MAINTENANCE else RunState.NEEDS_PERSON
        # What a person should do is told from the reason, in the reader's language; the detail is what was seen.
        return replenishing.RunOutcome(state, error.reason, error.detail)

    def _finish(self, run: ReplenishRun, outcome: replenishing.RunOutcome) -> None:
        replenishing.finish_run(run=run, token=self.token, outcome=outcome, now=self.clock())
        logger.info("run %s of %s UAH: %s %s", run.pk, run.pool.amount_uah, outcome.state, outcome.reason)
        self.served += 1
        self.after_run()
