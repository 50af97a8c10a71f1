"""Codes handed out, the row that makes it a fact; and what is counted by the day beside it: what a pool may still give, and what was asked for in vain."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from promo.models.codes import Code, Pool


class IssueChannel(models.TextChoices):
    DROP_IN = "drop_in", _("get-code")
    REDEMPTION = "redemption", _("redemption")
    STAFF = "staff", _("staff")


class Issue(models.Model):
    """A code was handed out. The unique `code` makes it once; the unique `natural_key` makes it once per order."""

    code = models.OneToOneField(Code, on_delete=models.PROTECT, related_name="issue")
    # Without an index of its own: (pool, issued_at) below answers for it, and every code handed out is spared one.
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="issues", db_index=False)
    channel = models.CharField(_("channel"), max_length=12, choices=IssueChannel.choices)
    natural_key = models.CharField(
        max_length=64, null=True, unique=True, editable=False
    )  # SHA-256, e.g. of session and order
    phone = models.CharField(_("phone"), max_length=16, blank=True)
    order_number = models.CharField(_("order"), max_length=64, blank=True)
    caller_address = models.CharField(_("address"), max_length=45, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    actor = models.CharField(_("by"), max_length=150, blank=True)
    issued_at = models.DateTimeField(_("issued at"))

    class Meta:
        ordering = ["-id"]
        verbose_name = _("issue")
        verbose_name_plural = _("issues")
        indexes = [
            models.Index(fields=["pool", "issued_at"], name="issue_by_pool_and_time"),
            models.Index(fields=["issued_at"]),
            # What a person with a shopper on the phone looks for. Most issues have neither: those rows are in no index.
            models.Index(fields=["phone"], name="issue_by_phone", condition=~Q(phone="")),
            models.Index(fields=["order_number"], name="issue_by_order", condition=~Q(order_number="")),
        ]

    def __str__(self) -> str:
        return f"№{self.pk}"


WITHIN_CAP = "pool_day_within_its_cap"


class PoolDay(models.Model):
    """Codes issued from a pool in open mode on one day (Kyiv). A row of its own, so that the cap is exact under any concurrency."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    day = models.DateField()
    issued = models.PositiveIntegerField(default=0)
    cap = models.PositiveIntegerField(null=True)  # in force at the newest issue; none in rows older than this column

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "day"], name="one_row_per_pool_and_day"),
            models.CheckConstraint(condition=Q(issued__lte=F("cap")), name=WITHIN_CAP),
        ]


class Demand(models.Model):
    """How often an amount was asked for and not to be had, per day (Kyiv)."""

    amount_uah = models.PositiveIntegerField(_("amount, UAH"))
    day = models.DateField(_("day"))
    misses = models.PositiveIntegerField(_("asked in vain"), default=0)

    class Meta:
        ordering = ["-day", "amount_uah"]
        verbose_name = _("unmet demand")
        verbose_name_plural = _("unmet demand")
        constraints = [models.UniqueConstraint(fields=["amount_uah", "day"], name="one_demand_per_amount_and_day")]

    def __str__(self) -> str:
        return f"{self.amount_uah} · {self.day:%d.%m.%Y}"
