"""Orders as the CRM confirms them, their snapshots, and the claims of browsers.

    OrderReport   what a page claimed: keyed by order number and customer, owns nothing, forgotten after 14 days
    Order         what is confirmed: exists from the first snapshot on
    OrderSnapshot each distinct snapshot that was applied, numbered 1, 2, 3 …: append-only

`granted` and `clawed_back` are what the entries of the order say; the audit compares.
"""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


def _money(label: object) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(label, max_digits=12, decimal_places=2, default=0)  # type: ignore[arg-type]


class ConfirmedState(models.TextChoices):
    CONFIRMED = "confirmed", _("confirmed")
    COMPLETED = "completed", _("completed")
    CANCELLED = "cancelled", _("cancelled")


class Order(models.Model):
    """An order by its number within a source. `customer` is who earns; the owners of its holds pay."""

    source = models.CharField(_("source"), max_length=40)
    number = models.CharField(_("number"), max_length=64)
    customer = models.ForeignKey(
        "bonuses.Customer",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="orders",
        verbose_name=_("customer"),
    )
    rule = models.ForeignKey(
        "bonuses.EarningRule", on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("rule")
    )
    state = models.CharField(_("state"), max_length=10, choices=ConfirmedState.choices)
    revision = models.PositiveIntegerField(_("revision"), default=0)
    grand_total = _money(_("grand total"))
    lot = models.OneToOneField("bonuses.Lot", null=True, blank=True, on_delete=models.PROTECT, related_name="order")
    granted = models.BigIntegerField(_("granted"), default=0)
    clawed_back = models.BigIntegerField(_("clawed back"), default=0)
    placed_at = models.DateTimeField(_("placed at"))
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)
    seen_at = models.DateTimeField()  # the newest snapshot's own time: an older one is dropped
    is_imported = models.BooleanField(default=False)  # in flight at the start of the program
    stuck_reason = models.CharField(
        _("stuck because"), max_length=200, blank=True
    )  # machine words, see bonuses.services.orders
    created_at = models.DateTimeField(_("known since"))

    class Meta:
        ordering = ["-id"]
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        permissions = [("decide_order", _("Can confirm or cancel an order by hand"))]
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="order_number_within_a_source"),
            models.CheckConstraint(condition=Q(state__in=ConfirmedState.values), name="order_state_is_known"),
            models.CheckConstraint(
                condition=Q(clawed_back__gte=0) & Q(granted__gte=F("clawed_back")),
                name="order_clawed_back_within_granted",
            ),
        ]
        indexes = [
            models.Index(fields=["number"], name="order_by_number"),  # support knows no source
            models.Index(fields=["state", "customer"], name="order_open", condition=Q(state="confirmed")),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def key(self) -> str:
        return order_key(self.source, self.number)


def order_key(source: str, number: str) -> str:
    """The order's part of natural keys."""
    return f"order:{source}:{number}"


class OrderSnapshot(models.Model):
    """What the CRM said, once it differed from before. Money in hryvnias."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="snapshots", db_index=False)
    revision = models.PositiveIntegerField()
    stage = models.CharField(max_length=10)
    grand_total = _money(_("grand total"))
    goods_total = _money(_("products"))
    shipping = _money(_("shipping"))
    wrap = _money(_("gift wrap"))
    taxes = _money(_("taxes"))
    other_discount = _money(_("other discounts"))
    earns = models.BigIntegerField(_("points when completed"))
    digest = models.CharField(max_length=64)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=300, blank=True)
    seen_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["order", "revision"]
        verbose_name = _("snapshot of an order")
        verbose_name_plural = _("snapshots of orders")
        constraints = [
            models.UniqueConstraint(fields=["order", "revision"], name="one_snapshot_per_order_and_revision")
        ]


class ReportQuerySet(models.QuerySet["OrderReport"]):
    def reported_after(self, moment: dt.datetime) -> Self:
        return self.filter(reported_at__gt=moment)


class OrderReport(models.Model):
    """A claim. It moves nothing and owns nothing: another customer may claim the same number."""

    source = models.CharField(max_length=40)
    order_number = models.CharField(_("order"), max_length=64)
    customer = models.ForeignKey("bonuses.Customer", on_delete=models.PROTECT, related_name="reports")
    hold = models.ForeignKey("bonuses.Hold", null=True, blank=True, on_delete=models.PROTECT, related_name="reports")
    total = _money(_("total"))
    points_expected = models.BigIntegerField(_("points expected"), default=0)
    trust = models.CharField(max_length=10, default="page")  # page, session, signed
    reported_at = models.DateTimeField(_("reported at"), db_index=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("order report")
        verbose_name_plural = _("order reports")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "order_number", "customer"], name="one_report_per_order_and_customer"
            )
        ]

    def __str__(self) -> str:
        return self.order_number
