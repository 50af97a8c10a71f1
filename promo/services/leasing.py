"""The lease on the panel: one worker at a time, and nobody while a person is needed.

The lease is a row. Taking it is one conditional UPDATE; every write of a run happens under `fenced(token)`, which locks that row and looks whether the
token is still the one. So a worker that lost its lease, slept, and woke up again changes nothing.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Q

from bonusportal import secrecy
from promo.errors import LeaseLost, PanelReason
from promo.models import PanelLease, ReplenishRun, RunKind, RunState

RENEW_EVERY = dt.timedelta(seconds=30)
LAPSES_AFTER = dt.timedelta(seconds=120)
MAX_ATTEMPTS = 5
MAINTENANCE_PAUSE = dt.timedelta(minutes=15)
# What stops the whole panel, not one pool: the next pool's run would meet the same, and a login tried again may lock the account.
BLOCKING = {
    PanelReason.WRONG_PASSWORD,
    PanelReason.CAPTCHA,
    PanelReason.SECOND_FACTOR,
    PanelReason.MAINTENANCE,
    PanelReason.NOT_CONFIGURED,
}


def _row() -> PanelLease:
    lease, _created = PanelLease.objects.get_or_create(pk=PanelLease.SINGLE)
    return lease


def take_lease(*, holder: str, now: dt.datetime) -> uuid.UUID | None:
    """Take the lease if it is free or lapsed and the panel is not blocked. Returns its token, or None. Runs of a lapsed lease are handed back."""
    _row()
    token = uuid.uuid4()
    free = Q(token=None) | Q(lapses_at__lte=now)
    open_for_work = Q(blocked_reason="") | Q(retry_at__lte=now)
    with transaction.atomic():
        taken = PanelLease.objects.filter(free, open_for_work, pk=PanelLease.SINGLE).update(
            token=token, holder=holder[:100], taken_at=now, renewed_at=now, lapses_at=now + LAPSES_AFTER
        )
        if not taken:
            return None
        _hand_back_abandoned(token, now)
    return token


def _hand_back_abandoned(token: uuid.UUID, now: dt.datetime) -> None:
    """Runs that somebody left in the middle go on; one that has been left too often is a poison and stops."""
    abandoned = ReplenishRun.objects.filter(state=RunState.LEASED).exclude(lease_token=token)
    abandoned.filter(attempts__gte=MAX_ATTEMPTS).update(
        state=RunState.FAILED, reason=PanelReason.CRASHED, finished_at=now, detail="Left in the middle too often."
    )
    abandoned.filter(attempts__lt=MAX_ATTEMPTS).update(state=RunState.REQUESTED, lease_token=None)


def renew_lease(token: uuid.UUID, *, now: dt.datetime) -> None:
    """Say that we are still here. Raises LeaseLost when somebody else is."""
    if not PanelLease.objects.filter(pk=PanelLease.SINGLE, token=token).update(
        renewed_at=now, lapses_at=now + LAPSES_AFTER
    ):
        raise LeaseLost


def release_lease(token: uuid.UUID) -> None:
    """Give the lease back; harmless when it is somebody else's by now."""
    PanelLease.objects.filter(pk=PanelLease.SINGLE, token=token).update(token=None, holder="", lapses_at=None)


@contextmanager
def fenced(token: uuid.UUID) -> Iterator[None]:
    """A transaction in which the lease cannot change hands. Raises LeaseLost before anything is written."""
    with transaction.atomic():
        held = (
            PanelLease.objects.select_for_update().filter(pk=PanelLease.SINGLE).values_list("token", flat=True).first()
        )
        if held != token:
            raise LeaseLost
        yield


def next_run(token: uuid.UUID, *, now: dt.datetime, trials: bool = True) -> ReplenishRun | None:
    """Lease the oldest requested run; without `trials` no trial of a profile."""
    with fenced(token):
        ready = Q(not_before=None) | Q(not_before__lte=now)
        if not trials:
            ready &= ~Q(kind=RunKind.TRY)
        run = (
            ReplenishRun.objects.filter(ready, state=RunState.REQUESTED)
            .select_related("pool")
            .order_by("requested_at", "pk")
            .first()
        )
        if run is None:
            return None
        ReplenishRun.objects.filter(pk=run.pk, state=RunState.REQUESTED).update(
            state=RunState.LEASED, lease_token=token, leased_at=now, attempts=F("attempts") + 1, reason="", detail=""
        )
    run.refresh_from_db()
    return run


def block_panel(
    token: uuid.UUID, *, reason: PanelReason, detail: str, now: dt.datetime, retry_after_seconds: int | None = None
) -> None:
    """Nobody signs in again until a person says so, or, for maintenance, until the pause is over."""
    # What the panel itself asked for, within reason: a header must not put us to sleep for a year.
    pause = (
        MAINTENANCE_PAUSE
        if retry_after_seconds is None
        else dt.timedelta(seconds=min(max(retry_after_seconds, 60), 6 * 3600))
    )
    with fenced(token):
        PanelLease.objects.filter(pk=PanelLease.SINGLE).update(
            blocked_reason=reason,
            blocked_detail=detail,
            blocked_at=now,
            retry_at=now + pause if reason is PanelReason.MAINTENANCE else None,
        )


def unblock_panel(*, actor: str, now: dt.datetime) -> int:
    """A person says: go on. Runs that were waiting for this are requested again; returns how many. The dead session is forgotten."""
    with transaction.atomic():
        PanelLease.objects.filter(pk=PanelLease.SINGLE).update(
            blocked_reason="", blocked_detail="", blocked_at=None, retry_at=None, session=None, session_saved_at=None
        )
        return ReplenishRun.objects.filter(state=RunState.NEEDS_PERSON, reason__in=BLOCKING).update(
            state=RunState.REQUESTED, attempts=0, requested_by=actor, not_before=None, lease_token=None
        )


def note_panel_answers(token: uuid.UUID) -> None:
    """A sign-in succeeded: whatever blocked the panel (a maintenance that is over) does so no longer."""
    with fenced(token):
        PanelLease.objects.filter(pk=PanelLease.SINGLE).exclude(blocked_reason="").update(
            blocked_reason="", blocked_detail="", blocked_at=None, retry_at=None
        )


def load_session() -> str:
    """The saved browser session, or "" where there is none or its key is gone."""
    stored = PanelLease.objects.filter(pk=PanelLease.SINGLE).values_list("session", flat=True).first()
    if not stored:
        return ""
    try:
        return secrecy.decrypt(bytes(stored)).decode()
    except secrecy.CannotDecrypt:
        return ""


def save_session(token: uuid.UUID, session: str, *, now: dt.datetime) -> None:
    with fenced(token):
        PanelLease.objects.filter(pk=PanelLease.SINGLE).update(
            session=secrecy.encrypt(session.encode()), session_saved_at=now
        )


@dataclass(frozen=True, slots=True)
class PanelState:
    """The panel for the stock board: who works there, and what stops everybody."""

    holder: str
    lapses_at: dt.datetime | None
    blocked_reason: str
    blocked_detail: str
    blocked_at: dt.datetime | None
    retry_at: dt.datetime | None


def panel_state() -> PanelState:
    lease = _row()
    return PanelState(
        lease.holder, lease.lapses_at, lease.blocked_reason, lease.blocked_detail, lease.blocked_at, lease.retry_at
    )
