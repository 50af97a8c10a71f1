"""Lots and holds.

A lot is what arrived together, with one life: a balance is the sum of what is left in its lots. A hold takes points out of reach until they are captured
or released; it draws its lots when it is placed, so what is held neither expires nor can be clawed back.
"""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class LotQuerySet(models.QuerySet["Lot"]):
    def alive(self) -> Self:
        return self.filter(remaining__gt=0)


class Lot(models.Model):
    """Points of one grant. `expires_at` is the first instant at which they are gone, empty for never; nothing that happens later moves it."""

    customer = models.ForeignKey(
        "bonuses.Customer", on_delete=models.PROTECT, related_name="lots", db_index=False, verbose_name=_("customer")
    )
    entry = models.OneToOneField("bonuses.LedgerEntry", on_delete=models.PROTECT, related_name="lot")
    granted = models.BigIntegerField(_("granted"))  # by the creating entry and what was accrued again
    remaining = models.BigIntegerField(_("remaining"))
    held = models.BigIntegerField(_("held"), default=0)
    activates_at = models.DateTimeField(_("since"))
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)
    expirations = models.PositiveIntegerField(
        default=0
    )  # how often it expired: part of the natural key of the next time
    rule = models.ForeignKey(
        "bonuses.EarningRule", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    objects = LotQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("lot of points")
        verbose_name_plural = _("lots of points")
        constraints = [
            models.CheckConstraint(
                condition=Q(remaining__gte=0) & Q(held__gte=0) & Q(granted__gte=F("remaining") + F("held")),
                name="lot_holds_no_more_than_granted",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "id"], name="lot_by_customer"),
            models.Index(fields=["customer", "expires_at"], name="lot_alive", condition=Q(remaining__gt=0)),
            models.Index(fields=["expires_at"], name="lot_due", condition=Q(remaining__gt=0, expires_at__isnull=False)),
        ]


class HoldState(models.TextChoices):
    OPEN = "open", _("open")
    RELEASING = "releasing", _("being released")
    CAPTURED = "captured", _("captured")
    RELEASED = "released", _("released")
    EXPIRED = "expired", _("expired")


UNRESOLVED = (HoldState.OPEN, HoldState.RELEASING)


class HoldQuerySet(models.QuerySet["Hold"]):
    def unresolved(self) -> Self:
        return self.filter(state__in=UNRESOLVED)

    def over_with_a_code(self, now: dt.datetime) -> Self:
        """Open holds whose time is over but whose code may live: they end by evidence."""
        return self.filter(state=HoldState.OPEN, code__isnull=False, expires_at__lte=now)

    def due(self, now: dt.datetime) -> Self:
        """Open holds without a code whose time is over."""
        return self.filter(state=HoldState.OPEN, code=None, expires_at__lte=now)


class Hold(models.Model):
    """Points set aside for an order. A hold that handed out a code ends by evidence only; any other also ends by time."""

    key = models.CharField(max_length=64, unique=True)
    customer = models.ForeignKey(
        "bonuses.Customer", on_delete=models.PROTECT, related_name="holds", db_index=False, verbose_name=_("customer")
    )
    points = models.BigIntegerField(_("points"))
    # What the order spent beyond the customer's points (a code without a hold, lots that are gone meanwhile): owed when it is captured.
    owed = models.BigIntegerField(_("owed"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=HoldState.choices, default=HoldState.OPEN)
    code = models.ForeignKey(
        "promo.Code", null=True, blank=True, on_delete=models.PROTECT, related_name="holds", verbose_name=_("code")
    )
    order = models.ForeignKey(
        "bonuses.Order", null=True, blank=True, on_delete=models.PROTECT, related_name="holds", verbose_name=_("order")
    )
    again_of = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="again")
    placed_at = models.DateTimeField(_("placed at"))
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)  # empty: an order decides
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    reinstated_at = models.DateTimeField(_("given back at"), null=True, blank=True)
    releasing_at = models.DateTimeField(_("to be given back since"), null=True, blank=True)
    stuck_reason = models.CharField(_("stuck because"), max_length=200, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("redemption of points")
        verbose_name_plural = _("redemptions")
        permissions = [("resolve_hold", _("Can decide what became of a code that is stuck"))]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=HoldState.values), name="hold_state_is_known"),
            models.CheckConstraint(condition=Q(points__gte=0) & Q(owed__gte=0), name="hold_points_are_not_negative"),
            models.CheckConstraint(condition=~Q(points=0, owed=0), name="hold_is_not_empty"),
            models.CheckConstraint(condition=~Q(state="expired") | Q(code=None), name="hold_with_a_code_never_expires"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(state__in=["open", "releasing"]), name="one_unresolved_hold_per_code"
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "id"], name="hold_by_customer"),
            models.Index(
                fields=["customer", "expires_at"], name="hold_unresolved", condition=Q(state__in=["open", "releasing"])
            ),
            models.Index(
                fields=["expires_at"], name="hold_due", condition=Q(state="open", code=None, expires_at__isnull=False)
            ),
            models.Index(
                fields=["expires_at"],
                name="hold_with_a_code_due",
                condition=Q(state="open", code__isnull=False, expires_at__isnull=False),
            ),
            models.Index(fields=["releasing_at"], name="hold_waits_for_evidence", condition=Q(state="releasing")),
        ]

    def __str__(self) -> str:
        return f"№{self.pk}"


class AskedAgain(models.Model):
    """A later request that was answered with a hold which existed already: the customer got the same code back. Its key finds that hold."""

    key = models.CharField(max_length=64, unique=True)
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="asked_again")
    asked_at = models.DateTimeField()

    class Meta:
        verbose_name = _("redemption that was asked for again")
        verbose_name_plural = _("redemptions that were asked for again")
