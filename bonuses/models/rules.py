"""Versions of the earning rule. Immutable: a change is a new version, valid from a moment on, and orders keep the version they were confirmed under."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class BaseChoice(models.TextChoices):
    GOODS = "goods", _("goods: grand total less shipping, gift wrap and taxes")
    GRAND = "grand", _("grand total")


class RoundingChoice(models.TextChoices):
    FLOOR = "floor", _("down")
    HALF_UP = "half_up", _("to the nearest")
    UP = "up", _("up")


class EarningRule(models.Model):
    version = models.PositiveIntegerField(_("version"), unique=True)
    valid_from = models.DateTimeField(_("valid from"), help_text=_("For orders placed from this moment on."))
    rate_percent = models.DecimalField(_("rate, %"), max_digits=5, decimal_places=2, default=Decimal(10))
    base = models.CharField(_("base"), max_length=8, choices=BaseChoice.choices, default=BaseChoice.GOODS)
    rounding = models.CharField(
        _("rounding"), max_length=8, choices=RoundingChoice.choices, default=RoundingChoice.FLOOR
    )
    minimum_order = models.DecimalField(_("minimum order, UAH"), max_digits=12, decimal_places=2, default=0)
    share_percent = models.PositiveSmallIntegerField(_("payable with points, %"), default=50)
    lifetime_days = models.PositiveIntegerField(_("points live, days"), default=90)
    least_days = models.PositiveIntegerField(
        _("at least, days"), default=30, help_text=_("From the moment the portal knew.")
    )
    multipliers = models.JSONField(
        _("multipliers"),
        default=list,
        blank=True,
        help_text=_("A list of {name, first_day, last_day, factor}, by the day the order was placed."),
    )
    actor = models.CharField(_("by"), max_length=150)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("made at"))

    class Meta:
        ordering = ["-version"]
        verbose_name = _("earning rule")
        verbose_name_plural = _("earning rules")
        permissions = [("make_rules", _("Can make a new version of the earning rule"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(rate_percent__gte=0) & Q(rate_percent__lte=100), name="rule_rate_is_a_percentage"
            ),
            models.CheckConstraint(
                condition=Q(share_percent__gte=0) & Q(share_percent__lte=100), name="rule_share_is_a_percentage"
            ),
            models.CheckConstraint(condition=Q(minimum_order__gte=0), name="rule_minimum_is_not_negative"),
            models.CheckConstraint(condition=Q(lifetime_days__gte=1), name="rule_lifetime_is_a_day_or_more"),
            models.CheckConstraint(
                condition=Q(base__in=BaseChoice.values) & Q(rounding__in=RoundingChoice.values),
                name="rule_words_are_known",
            ),
        ]

    def __str__(self) -> str:
        return str(_("rule %(version)d") % {"version": self.version})
