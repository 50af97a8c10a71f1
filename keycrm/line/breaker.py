"""The breaker: after five failures in a row nobody calls for half a minute, then one call probes; each failed probe doubles the time, up to ten minutes.

One row, so that a process that was born a moment ago knows what the others saw. A failure is "no usable answer"; whatever the CRM answers otherwise, also
a refusal, closes the breaker. What the CRM asks us to wait (429) stands in the same row.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from keycrm.line.clock import database_time
from keycrm.models import Connection
from keycrm.models.connection import ONLY

FAILURES_TO_OPEN = 5
OPEN_SECONDS, LONGEST_OPEN_SECONDS = 30.0, 600.0
PROBE_SECONDS = 45.0  # longer than a call may take
ANSWER_NOTED_EVERY_SECONDS = 60.0  # for staff; a write per call would be too much for that


@dataclass(frozen=True, slots=True)
class Wait:
    """0 seconds: go on."""

    seconds: float = 0.0
    is_open: bool = False


def ask(now: float | None = None) -> Wait:
    """Whether a call may go out. Where the breaker was open for its time, the first to ask is the probe, and the others wait for what it finds."""
    with transaction.atomic(durable=True):
        row = Connection.objects.filter(pk=ONLY).first()
        if row is None:
            return Wait()
        moment = database_time() if now is None else now
        if row.open_until > moment:
            return Wait(row.open_until - moment, is_open=True)
        if row.hold_until > moment:
            return Wait(row.hold_until - moment)
        if not row.open_until:
            return Wait()
        probing = Connection.objects.filter(pk=ONLY, open_until=row.open_until, probe_until__lte=moment)
        if probing.update(probe_until=moment + PROBE_SECONDS):
            return Wait()
        return Wait(max(row.probe_until - moment, 1.0), is_open=True)


def note_answer(now: float | None = None) -> None:
    """Close the breaker. Writes only when there is something to change, or to say when it last answered."""
    with transaction.atomic(durable=True):
        moment = database_time() if now is None else now
        seen = _instant(moment)
        old = _instant(moment - ANSWER_NOTED_EVERY_SECONDS)
        row = Connection.objects.filter(pk=ONLY).first()
        if row is None:
            Connection.objects.bulk_create([Connection(pk=ONLY, last_answer_at=seen)], ignore_conflicts=True)
        elif row.failures or row.open_until or row.last_answer_at is None or row.last_answer_at < old:
            Connection.objects.filter(pk=ONLY).update(
                failures=0, openings=0, open_until=0, probe_until=0, last_answer_at=seen
            )


def note_failure(what: str, now: float | None = None) -> None:
    """Count it, and open when it is the fifth, or when it was the probe."""
    with transaction.atomic(durable=True):
        row = _locked()
        moment = database_time() if now is None else now
        row.failures += 1
        was_probe = bool(row.open_until) and row.open_until <= moment
        if was_probe:
            row.openings += 1
        if was_probe or (not row.open_until and row.failures >= FAILURES_TO_OPEN):
            row.open_until = moment + min(OPEN_SECONDS * 2 ** min(row.openings, 10), LONGEST_OPEN_SECONDS)
            row.probe_until = 0
        row.last_failure, row.last_failure_at = what[:80], _instant(moment)
        row.save()


def note_limit(wait_seconds: float, now: float | None = None) -> None:
    with transaction.atomic(durable=True):
        row = _locked()
        moment = database_time() if now is None else now
        row.hold_until = max(row.hold_until, moment + wait_seconds)
        row.save(update_fields=["hold_until"])


def _locked() -> Connection:
    row = Connection.objects.select_for_update().filter(pk=ONLY).first()
    if row is None:
        Connection.objects.bulk_create([Connection(pk=ONLY)], ignore_conflicts=True)
        row = Connection.objects.select_for_update().get(pk=ONLY)
    return row


def _instant(moment: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(moment, dt.UTC)
