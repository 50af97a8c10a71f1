"""Leases on rows that wait for the CRM: asked for, taken by one worker, finished, put off, or stuck.

Taking a lease is one conditional UPDATE. Every write that follows from a fetch happens in `fenced`, which locks the row and looks whether the lease is still
ours: a worker that slept through its lease changes nothing. A hint that comes while somebody works is counted, so the row stays asked.
"""

from __future__ import annotations

import datetime as dt
import logging
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, PositiveIntegerField, Q, Value, When

from keycrm.errors import CrmPermanent, CrmTemporary
from keycrm.models import CrmCard, CrmOrder
from keycrm.models.leased import is_waiting
from keycrm.reasons import Reason

logger = logging.getLogger(__name__)
LEASE_LIVES = dt.timedelta(minutes=3)
FIRST_RETRY, LONGEST_RETRY = dt.timedelta(seconds=15), dt.timedelta(hours=1)
MOST_SECONDS = 25 * 3600
MOST_FAILURES = 8  # in a row: the waits between them add up to half an hour
LookFor = Any  # CrmOrder, CrmCard or BuyerLink: rows with the columns of keycrm.models.leased


class LeaseLost(Exception):
    """Somebody else has the row by now; nothing was written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """`asks` are the hints that this work answers; `attempts` counts this one; `failures` are those before it that nobody foresaw."""

    model: LookFor
    pk: int
    token: uuid.UUID
    asks: int
    attempts: int
    failures: int

    @property
    def is_deadly(self) -> bool:
        """One worker after the other died at it: whoever took it makes it stuck instead of being the next."""
        return self.failures >= MOST_FAILURES


def ask(model: type[CrmOrder] | type[CrmCard], crm_id: int, *, now: dt.datetime) -> int:
    """There may be news of this row: it will be fetched. A row that is stuck is tried again: what was wrong may be gone. Returns its key."""
    row, made = model.objects.get_or_create(crm_id=crm_id, defaults={"asked_at": now, "asks": 1})
    if not made:
        model.objects.filter(pk=row.pk).update(
            asks=F("asks") + 1, asked_at=now, retry_at=None, attempts=0, failures=0, stuck_reason="", stuck_detail=""
        )
    return int(row.pk)


def take(model: LookFor, *, now: dt.datetime, pk: int | None = None) -> Lease | None:
    """Lease the row that has waited longest (or this one); None when nothing waits.

    A lease that lapsed belonged to a worker that died, which counts as a failure of the row.
    """
    left_behind = When(lease_token__isnull=False, then=F("failures") + 1)
    while True:
        waiting = model.objects.filter(is_waiting(now))
        found = (
            (waiting if pk is None else waiting.filter(pk=pk))
            .order_by("asked_at", "pk")
            .values_list("pk", flat=True)
            .first()
        )
        if found is None:
            return None
        token = uuid.uuid4()
        if model.objects.filter(is_waiting(now), pk=found).update(
            lease_token=token,
            lease_lapses_at=now + LEASE_LIVES,
            attempts=F("attempts") + 1,
            failures=Case(left_behind, default=F("failures"), output_field=PositiveIntegerField()),
        ):
            return Lease(model, found, token, *model.objects.values_list("asks", "attempts", "failures").get(pk=found))


@contextmanager
def fenced(lease: Lease) -> Iterator[Any]:
    """A transaction in which the lease cannot change hands, with the row under lock. Raises LeaseLost before anything is written."""
    with transaction.atomic():
        row = lease.model.objects.select_for_update(no_key=True).filter(pk=lease.pk, lease_token=lease.token).first()
        if row is None:
            raise LeaseLost
        yield row


def finish(lease: Lease, **values: Any) -> bool:
    """The work is done. True where nobody asked meanwhile; otherwise the row stays asked."""
    done = Q(asks=lease.asks)
    updated = _mine(lease).update(
        asked_at=Case(When(done, then=Value(None)), default=F("asked_at")),
        lease_token=None,
        lease_lapses_at=None,
        retry_at=None,
        attempts=0,
        failures=0,
        stuck_reason="",
        stuck_detail="",
        **values,
    )
    return bool(updated) and not lease.model.objects.filter(pk=lease.pk, asked_at__isnull=False).exists()


def stick(lease: Lease, reason: str, detail: str = "", **values: Any) -> None:
    """A person is needed. The row stays asked; it goes on when a person or a new event says so."""
    _mine(lease).update(
        lease_token=None,
        lease_lapses_at=None,
        retry_at=None,
        stuck_reason=reason[:40],
        stuck_detail=detail[:300],
        **values,
    )


def give_up(lease: Lease) -> None:
    """For a lease that is deadly."""
    stick(lease, Reason.WORKERS_DIED)
    logger.error("%s %s is stuck: %d workers died at it", lease.model.__name__, lease.pk, lease.failures)


def put_off(lease: Lease, *, now: dt.datetime, after_seconds: float | None = None) -> dt.datetime:
    """Try again later: when the CRM said, else after a pause that doubles. Returns when."""
    pause = _pause(lease.attempts)
    if after_seconds is not None:
        # A header must not put us to sleep for a year.
        pause = dt.timedelta(seconds=min(max(after_seconds, 1), MOST_SECONDS))
    at = now + pause
    _mine(lease).update(lease_token=None, lease_lapses_at=None, retry_at=at)
    return at


def _pause(attempts: int) -> dt.timedelta:
    pause: dt.timedelta = min(FIRST_RETRY * 2 ** min(attempts - 1, 8), LONGEST_RETRY)
    return pause


def note_failure(lease: Lease, error: Exception, *, now: dt.datetime) -> None:
    """Something that nobody foresaw: tried again after a pause that doubles, a bounded number of times, then a person is needed.

    Only the kind of the error and its place are kept: its words may hold anything.
    """
    failures, what = lease.failures + 1, f"{type(error).__name__}, {_place_of(error)}"
    if failures >= MOST_FAILURES:
        stick(lease, Reason.UNEXPECTED, what, failures=failures)
        logger.error("%s %s is stuck after %d failures: %s", lease.model.__name__, lease.pk, failures, what)
        return
    at = now + _pause(failures)
    _mine(lease).update(lease_token=None, lease_lapses_at=None, retry_at=at, failures=failures)
    logger.warning("%s %s: %s; tried again at %s", lease.model.__name__, lease.pk, what, at.isoformat())


def _place_of(error: Exception) -> str:
    """The innermost line of the project's own code."""
    frames = traceback.extract_tb(error.__traceback__)
    root = Path(settings.BASE_DIR)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(root) and ".venv" not in frame.filename]
    last = (own or frames)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


@contextmanager
def guarding(lease: Lease, *, now: dt.datetime) -> Iterator[None]:
    """Whatever breaks off the work is noted on its row before it goes on upwards."""
    try:
        yield
    except Exception as error:
        note_failure(lease, error, now=now)
        raise


def _mine(lease: Lease) -> Any:
    return lease.model.objects.filter(pk=lease.pk, lease_token=lease.token)


@contextmanager
def minding(lease: Lease, *, now: dt.datetime) -> Iterator[None]:
    """What a call to the CRM ends in, decided once for all kinds of rows: temporary trouble puts the row off, permanent trouble makes it stuck.

    Anything else is noted on the row and raised.
    """
    try:
        yield
    except CrmTemporary as error:
        at = put_off(lease, now=now, after_seconds=error.retry_after_seconds)
        logger.info("%s %s: %s; tried again at %s", lease.model.__name__, lease.pk, error.code, at.isoformat())
    except CrmPermanent as error:
        stick(lease, error.code, error.detail)
        logger.warning("%s %s is stuck: %s", lease.model.__name__, lease.pk, error)
    except LeaseLost:
        logger.warning("%s %s: the lease was lost, somebody else goes on", lease.model.__name__, lease.pk)
    except Exception as error:
        note_failure(lease, error, now=now)
        raise
