"""What ledger, CRM and codes do not agree on. Found anew every day; a person clears a line with a reason, or it goes away by itself."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class DifferenceKind(models.TextChoices):
    CODE_IN_TWO_ORDERS = "code_in_two_orders", _("one code in two orders")
    CODE_GONE = "code_gone", _("the code was taken off the order, its points are still spent")
    CODE_UNUSED = "code_unused", _("points were spent for a code that stands in no order")
    HELD_FOR_NOTHING = "held_for_nothing", _("points are held, and no order will end that")
    NOT_ISSUED = "not_issued", _("a code of ours that was never handed out stands in an order")
    SMALL_DISCOUNT = "small_discount", _("the order's discount is smaller than its code")
    OVER_SHARE = "over_share", _("more was paid with points than the rule allows")
    ORDER_STUCK = "order_stuck", _("an order was applied only in part")
    CRM_STUCK = "crm_stuck", _("an order of the CRM waits for a person")
    CARD_STUCK = "card_stuck", _("a card of the CRM waits for a person")
    TOTAL_DIFFERS = "total_differs", _("the CRM's total is not the one that was applied")
    POINTS_DIFFER = "points_differ", _("the order earned other points than its newest figures say")
    NEVER_CONFIRMED = "never_confirmed", _("a page reported an order that the CRM does not know")
    NO_EARNER = "no_earner", _("a completed order without a phone earned nobody anything")
    RESERVE_LEFT = "reserve_left", _("points are held by a manager’s card, and no order will spend them")


class DifferenceQuerySet(models.QuerySet["Difference"]):
    def open(self) -> Self:
        return self.filter(cleared_at=None)


class Difference(models.Model):
    """One line of the list. `key` names the rows it is about, `detail` the figures: free of personal data. Cleared once, the same figures stay cleared."""

    kind = models.CharField(_("what"), max_length=24, choices=DifferenceKind.choices)
    key = models.CharField(max_length=120)
    detail = models.CharField(_("figures"), max_length=300, blank=True)
    order = models.ForeignKey(
        "bonuses.Order", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("order")
    )
    crm_order = models.ForeignKey(
        "keycrm.CrmOrder",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("order of the CRM"),
    )
    code = models.ForeignKey(
        "promo.Code", null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("code")
    )
    found_at = models.DateTimeField(_("found at"))
    last_found_at = models.DateTimeField(_("last found at"))
    cleared_at = models.DateTimeField(_("cleared at"), null=True, blank=True)
    cleared_by = models.CharField(_("cleared by"), max_length=150, blank=True)
    reason = models.CharField(_("why"), max_length=250, blank=True)

    objects = DifferenceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(cleared_at=None), name="one_open_difference_per_subject"
            )
        ]
        indexes = [models.Index(fields=["kind", "key"], name="difference_subject")]

    def __str__(self) -> str:
        return f"№{self.pk} · {self.get_kind_display()}"
