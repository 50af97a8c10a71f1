"""What rows have in common that wait for a call to the CRM: who asked, who works, when it is tried again, why it is stuck.

asked_at set = there is work. Whoever works on the row holds its lease; a worker that died loses it by time, and the row is found again. Work that breaks
off again and again in a way that nobody foresaw ends as stuck, so no row is tried for ever.
"""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


def is_waiting(now: dt.datetime) -> Q:
    """Rows with work that nobody does at the moment and that need no person."""
    return Q(
        Q(retry_at=None) | Q(retry_at__lte=now),
        Q(lease_token=None) | Q(lease_lapses_at__lte=now),
        asked_at__isnull=False,
        stuck_reason="",
    )


class Leased(models.Model):
    # Counts the hints, so that one which comes while somebody works is never taken for the one that is answered.
    asks = models.PositiveIntegerField(default=0, editable=False)
    asked_at = models.DateTimeField(_("asked at"), null=True, blank=True)
    retry_at = models.DateTimeField(_("tried again at"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    # How often in a row the work broke off in a way that nobody foresaw, or its worker died. What the CRM answers is not counted.
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_lapses_at = models.DateTimeField(null=True, blank=True, editable=False)
    stuck_reason = models.CharField(_("stuck because"), max_length=40, blank=True)  # a machine word, see keycrm.reasons
    stuck_detail = models.CharField(_("in detail"), max_length=300, blank=True)  # figures and ids, never a person

    class Meta:
        abstract = True
