"""Orders and cards by the CRM's own ids: the mapping to our order numbers, the lease, what was seen, why one is stuck.

CrmOrder n ── 0..1 bonuses.Order      the parts of a split order belong to its root, and the root owns the number
CrmCard  1 ── 0..1 ManualReserve      points that a manager reserved through a card of a pipeline
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from keycrm.models.leased import Leased

MOST_DIGITS = 18  # of a number that the CRM gives


class CrmOrders(models.QuerySet["CrmOrder"]):
    """Questions about orders of the CRM."""

    def roots(self) -> CrmOrders:
        """Those that were split off from none, and the oldest of parts whose root was set aside."""
        return self.filter(Q(parent_id=None) | Q(owns_number=True))

    def numbered(self, typed: str) -> CrmOrders:
        """Those with exactly this number, ours or the CRM's own; `#` and `№` may stand before it. A part of a number finds nothing."""
        number = typed.strip().lstrip("#№ ")
        if not number or len(number) > 64:
            return self.none()
        wanted = Q(number=number)
        if number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS:
            wanted |= Q(crm_id=int(number))
        return self.filter(wanted)

    def rivals_of(self, row: CrmOrder) -> CrmOrders:
        """Other orders with the same number that were split off from none."""
        if not row.number:
            return self.none()
        return self.filter(source=row.source, number=row.number, parent_id=None).exclude(pk=row.pk).order_by("crm_id")


class CrmOrder(Leased):
    """An order of the CRM. `number` is ours: the digits of `source_uuid`, or `crm:<id>`; empty until it was fetched.

    `seen_at` is the CRM's own time of what was seen last. An order that answers 404 changes nothing by itself: `missing_at` is when that was first seen.
    """

    crm_id = models.BigIntegerField(_("number in the CRM"), unique=True)
    parent_id = models.BigIntegerField(_("split off from"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=40, blank=True)
    number = models.CharField(_("number"), max_length=64, blank=True)
    owns_number = models.BooleanField(default=False)
    order = models.ForeignKey(
        "bonuses.Order",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="crm_orders",
        verbose_name=_("order"),
    )
    stage = models.CharField(_("stage"), max_length=10, blank=True)
    status_id = models.BigIntegerField(_("status"), null=True, blank=True)
    grand_total = models.DecimalField(_("grand total"), max_digits=12, decimal_places=2, default=0)
    code = models.ForeignKey(
        "promo.Code", null=True, blank=True, on_delete=models.PROTECT, related_name="crm_orders", verbose_name=_("code")
    )
    buyer_id = models.BigIntegerField(_("buyer"), null=True, blank=True)
    placed_at = models.DateTimeField(_("placed at"), null=True, blank=True)
    seen_at = models.DateTimeField(_("changed in the CRM at"), null=True, blank=True)
    applied_seen_at = models.DateTimeField(
        null=True, blank=True
    )  # the newest moment, of it and its parts, that reached the ledger
    fetched_at = models.DateTimeField(_("fetched at"), null=True, blank=True)
    missing_at = models.DateTimeField(_("missing since"), null=True, blank=True)
    set_aside_at = models.DateTimeField(_("set aside at"), null=True, blank=True)
    set_aside_by = models.CharField(_("set aside by"), max_length=150, blank=True)
    set_aside_reason = models.CharField(_("why"), max_length=250, blank=True)

    objects = CrmOrders.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("order of the CRM")
        verbose_name_plural = _("orders of the CRM")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "number"], condition=Q(owns_number=True), name="one_root_per_order_number"
            ),
        ]
        indexes = [
            models.Index(fields=["asked_at"], name="crm_order_asked", condition=Q(asked_at__isnull=False)),
            models.Index(fields=["parent_id"], name="crm_order_parts", condition=Q(parent_id__isnull=False)),
            models.Index(fields=["source", "number"], name="crm_order_number"),
            models.Index(fields=["stage", "fetched_at"], name="crm_order_stale"),
            models.Index(fields=["stuck_reason"], name="crm_order_stuck", condition=~Q(stuck_reason="")),
            models.Index(fields=["number"], name="crm_order_by_number"),
            models.Index(fields=["-id"], name="crm_order_set_aside", condition=Q(set_aside_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"CRM {self.crm_id}"


class CrmCard(Leased):
    """A card of a pipeline that an event named. Its number is the CRM's; what is on it is never kept."""

    crm_id = models.BigIntegerField(_("number in the CRM"), unique=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("card of the CRM")
        verbose_name_plural = _("cards of the CRM")
        indexes = [models.Index(fields=["asked_at"], name="crm_card_asked", condition=Q(asked_at__isnull=False))]

    def __str__(self) -> str:
        return f"№{self.crm_id}"


class ManualReserves(models.QuerySet["ManualReserve"]):
    """Questions about points reserved by hand."""

    def standing(self) -> ManualReserves:
        """Those whose points were not given back."""
        return self.filter(given_back_at=None)


class ManualReserve(models.Model):
    """Points that a manager reserved for an order. The discount that the order shall have is stored before it is written, as an absolute figure:
    whoever repeats the write writes the same, and never adds it twice. Until it is written the order does not spend them.
    """

    card = models.OneToOneField(CrmCard, on_delete=models.PROTECT, related_name="reserve")
    crm_order_id = models.BigIntegerField(_("order in the CRM"))
    hold = models.OneToOneField(
        "bonuses.Hold", on_delete=models.PROTECT, related_name="manual_reserve", verbose_name=_("hold")
    )
    asked_points = models.PositiveIntegerField(_("asked for"))
    points = models.PositiveIntegerField(_("reserved"))
    discount_before = models.DecimalField(_("discount before"), max_digits=12, decimal_places=2)
    target_discount = models.DecimalField(_("discount to be"), max_digits=12, decimal_places=2)
    planned_at = models.DateTimeField(_("planned at"))
    written_at = models.DateTimeField(_("written at"), null=True, blank=True)
    given_back_at = models.DateTimeField(_("given back at"), null=True, blank=True)
    given_back_by = models.CharField(_("given back by"), max_length=150, blank=True)
    given_back_reason = models.CharField(_("why"), max_length=250, blank=True)

    objects = ManualReserves.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("points reserved by hand")
        verbose_name_plural = _("points reserved by hand")
        constraints = [
            models.UniqueConstraint(
                fields=["crm_order_id"], condition=Q(given_back_at=None), name="one_standing_reserve_per_order"
            ),
            models.CheckConstraint(
                condition=Q(points__gte=1) & Q(target_discount__gte=0), name="manual_reserve_is_positive"
            ),
        ]
