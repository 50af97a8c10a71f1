"""How far the safety net has come. A window is worked off page by page; whoever continues after a crash continues in the same window."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class PollCursor(models.Model):
    """`reached_at`: everything before it was listed. `window_from`/`window_to`/`page`: the window at work, empty between two.

    `total` is what the window counted on the page before: when it shrinks, rows have moved over a page's edge, and the window is read once more.
    """

    name = models.CharField(max_length=20, unique=True)
    reached_at = models.DateTimeField(_("reached"), null=True, blank=True)
    window_from = models.DateTimeField(null=True, blank=True)
    window_to = models.DateTimeField(null=True, blank=True)
    page = models.PositiveIntegerField(default=1)
    total = models.PositiveIntegerField(null=True, blank=True)
    has_shrunk = models.BooleanField(default=False)
    passes = models.PositiveIntegerField(default=0)
    read = models.PositiveIntegerField(_("read"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    entry = models.BigIntegerField(
        default=0
    )  # of the ledger: up to which entries were looked at (keycrm.services.noticing)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_lapses_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("cursor")
        verbose_name_plural = _("cursors")

    def __str__(self) -> str:
        return self.name
