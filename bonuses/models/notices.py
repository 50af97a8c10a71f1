"""What a customer is told.

Credits, spends, ends and debts are told from the entries themselves (bonuses.services.notifying), so no posting can be without its notice. Rows here are
what entries cannot say: that points will end soon, and how far the customer has read.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """A warning: `points` of a lot end after `last_day`, `days` days or less from the moment it was made. Once per lot and number of days."""

    lot = models.ForeignKey("bonuses.Lot", on_delete=models.PROTECT, related_name="notices", db_index=False)
    days = models.PositiveSmallIntegerField(_("days before"))
    points = models.BigIntegerField(_("points"))
    last_day = models.DateField(_("last day"))
    made_at = models.DateTimeField(_("at"))

    class Meta:
        ordering = ["-id"]
        verbose_name = _("warning of points that end")
        verbose_name_plural = _("warnings of points that end")
        constraints = [
            models.UniqueConstraint(fields=["lot", "days"], name="one_warning_per_lot_and_days"),
            models.CheckConstraint(condition=Q(points__gt=0), name="warning_points_are_positive"),
        ]


class NoticeMark(models.Model):
    """How far a customer has read: the newest entry and the newest warning that were acknowledged."""

    customer = models.OneToOneField("bonuses.Customer", on_delete=models.PROTECT, related_name="notice_mark")
    entry = models.BigIntegerField(default=0)
    warning = models.BigIntegerField(default=0)
    read_at = models.DateTimeField()

    class Meta:
        verbose_name = _("how far notices were read")
        verbose_name_plural = _("how far notices were read")
