"""Once a day: what ledger, orders of the CRM and codes do not agree on, as lines of a list. Nothing is mended here; a person clears a line with a reason.

Every question is a query over rows that are here already: the CRM is not asked. A line that is true no longer goes away by itself.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput
from keycrm.models import Difference
from keycrm.services.questions import QUESTIONS, Found

_RECONCILER = 7_301_015  # PostgreSQL's advisory lock of whoever compares
ITSELF = "portal"  # who cleared a line that was true no longer


@dataclass(frozen=True, slots=True)
class Outcome:
    found: int
    new: int
    gone: int


def reconcile(*, now: dt.datetime) -> Outcome:
    """Ask every question; keep what is new, touch what stays, clear what is true no longer."""
    found = {(one.kind, one.key): one for question in QUESTIONS for one in question(now)}
    new = gone = 0
    with transaction.atomic():
        _wait_for_others()
        for line in Difference.objects.open().select_for_update():
            one = found.get((line.kind, line.key))
            if one is None:
                gone += 1
                Difference.objects.filter(pk=line.pk).update(cleared_at=now, cleared_by=ITSELF)
            else:
                Difference.objects.filter(pk=line.pk).update(last_found_at=now, detail=one.detail[:300])
        open_now = set(Difference.objects.open().values_list("kind", "key"))
        for (kind, key), one in found.items():
            if (kind, key) in open_now or _was_cleared(one):
                continue
            new += 1
            Difference.objects.create(
                kind=kind,
                key=key,
                detail=one.detail[:300],
                found_at=now,
                last_found_at=now,
                **{f"{name}_id": pk for name, pk in one.rows.items()},
            )
    return Outcome(len(found), new, gone)


def _wait_for_others() -> None:
    """The button and the daily run may meet. One after the other, the second finds the lines of the first; together, both would write them."""
    if connection.vendor == "postgresql":  # SQLite has one writer anyway
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_RECONCILER])


def _was_cleared(one: Found) -> bool:
    """A person has looked at exactly these figures. (What went away by itself and came back is news.)"""
    last = (
        Difference.objects.filter(kind=one.kind, key=one.key)
        .order_by("-pk")
        .values_list("detail", "cleared_by")
        .first()
    )
    return last is not None and last[0] == one.detail[:300] and last[1] != ITSELF


def clear(*, difference_id: int, reason: str, actor: str, now: dt.datetime) -> bool:
    """A person has looked into it. False where the line is cleared already. Raises BadInput without a reason."""
    if not reason.strip():
        raise BadInput(_("Say why: a reason is required."), code="reason_missing")
    return bool(
        Difference.objects.filter(pk=difference_id, cleared_at=None).update(
            cleared_at=now, cleared_by=actor, reason=reason.strip()[:250]
        )
    )
