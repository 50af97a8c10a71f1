"""Refusals by day, reason and address: what staff look at when somebody knocks too often, or a shopper cannot get in."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Refusal(models.Model):
    """How often an address was refused for a reason on a day (Kyiv). Addresses are forgotten after two weeks; the counters of the day stay."""

    day = models.DateField(_("day"))
    reason = models.CharField(_("reason"), max_length=40)
    address = models.CharField(_("address"), max_length=45)
    count = models.PositiveBigIntegerField(_("times"), default=0)
    last_at = models.DateTimeField(_("last"))

    class Meta:
        ordering = ["-day", "-count"]
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")
        constraints = [
            models.UniqueConstraint(fields=["day", "reason", "address"], name="one_count_per_day_reason_and_address")
        ]

    def __str__(self) -> str:
        return f"{self.reason} ({self.day})"
