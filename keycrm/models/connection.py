"""What all processes share about the one connection to the CRM. A breaker or a limiter in a process's memory means nothing on Lambda.

    Connection   one row: the breaker, how long the CRM asked us to wait, when it last answered and what went wrong
    CallWindow   one row: the moments of the last minute's calls, where there is no Redis
    Dictionary   statuses, sources and custom fields as they were fetched last
Nothing here is history and nothing is lost with it: deleted rows come back by themselves.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

ONLY = 1  # the key of a table with one row


class Connection(models.Model):
    """Times are epoch seconds of the database's clock: they are compared inside statements and must not depend on a process's own."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    openings = models.PositiveIntegerField(_("failed probes in a row"), default=0)
    open_until = models.FloatField(default=0)  # nobody calls before; then one probe at a time
    probe_until = models.FloatField(default=0)  # a probe is on its way; a crashed one does not block for ever
    hold_until = models.FloatField(default=0)  # the CRM said 429
    last_failure = models.CharField(_("last failure"), max_length=80, blank=True)
    last_failure_at = models.DateTimeField(_("failed at"), null=True)
    last_answer_at = models.DateTimeField(_("answered at"), null=True)

    class Meta:
        verbose_name = _("connection to the CRM")
        verbose_name_plural = _("connection to the CRM")
        constraints = [models.CheckConstraint(condition=models.Q(id=ONLY), name="one_crm_connection")]


class CallWindow(models.Model):
    """`turns` are epoch seconds, oldest first, changed only under the row's lock."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    turns = models.JSONField(default=list)

    class Meta:
        verbose_name = _("calls of the last minute")
        constraints = [models.CheckConstraint(condition=models.Q(id=ONLY), name="one_crm_call_window")]


class Dictionary(models.Model):
    """A list that an administrator of the CRM changes a few times a year. `entries` are its rows as the CRM sent them, without personal data."""

    name = models.CharField(_("list"), max_length=40, primary_key=True)
    entries = models.JSONField(default=list)
    fetched_at = models.DateTimeField(_("fetched at"))

    class Meta:
        verbose_name = _("list of the CRM")
        verbose_name_plural = _("lists of the CRM")
