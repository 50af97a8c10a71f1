"""What was written to the bucket, revision by revision. The row is committed before the PUT, so a crash between them is visible and repairable."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Publication(models.Model):
    """Revision n of available_codes.json. `listed` is what it lists: {amount: [codes]}; it is the base of the next three-way look."""

    revision = models.PositiveBigIntegerField(_("revision"), unique=True)
    digest = models.CharField(_("digest"), max_length=64)
    counts_digest = models.CharField(max_length=64, blank=True)
    listed = models.JSONField(default=dict)
    planned_at = models.DateTimeField(_("planned at"))
    put_at = models.DateTimeField(_("written at"), null=True, blank=True)
    etag = models.CharField(max_length=80, blank=True)
    actor = models.CharField(_("by"), max_length=150, blank=True)  # a person rebuilt the document
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    foreign_added = models.PositiveIntegerField(_("added by others"), default=0)
    foreign_removed = models.PositiveIntegerField(_("removed by others"), default=0)

    class Meta:
        ordering = ["-revision"]
        verbose_name = _("publication")
        verbose_name_plural = _("publications")

    def __str__(self) -> str:
        return f"r{self.revision}"
