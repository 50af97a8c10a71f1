"""Customers and their cards in the CRM: which buyers there are, what was pushed to each, and why one is stuck.

Whether a link is behind is a question, not a flag: the customer's newest entry is newer than the one that was pushed. So whatever moves points reaches the
CRM by the same way, without knowing that there is one. Entry ids of one customer grow in the order of commits, because they are taken under the lock of the
customer's accounts.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from keycrm.models.leased import Leased


class BuyerLink(Leased):
    """A buyer of the CRM who has the customer's phone; `buyer_id` empty: nobody there has it.

    `pushed_*` is what the CRM confirmed, `attempted_*` what may have arrived although no answer came: a value is lowered only if the CRM shows one of them.
    """

    customer = models.ForeignKey(
        "bonuses.Customer", on_delete=models.PROTECT, related_name="buyer_links", verbose_name=_("customer")
    )
    buyer_id = models.BigIntegerField(_("buyer"), unique=True, null=True, blank=True)
    pushed_entry = models.BigIntegerField(_("newest entry pushed"), default=0)
    pushed_at = models.DateTimeField(_("pushed at"), null=True, blank=True)
    pushed_available = models.BigIntegerField(_("available, pushed"), null=True, blank=True)
    pushed_reserved = models.BigIntegerField(_("reserved, pushed"), null=True, blank=True)
    attempted_available = models.BigIntegerField(null=True, blank=True)
    attempted_reserved = models.BigIntegerField(null=True, blank=True)
    is_overwritten = models.BooleanField(default=False)  # a person said that the portal is right
    checked_at = models.DateTimeField(_("looked at"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("buyer of the CRM")
        verbose_name_plural = _("buyers of the CRM")
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(buyer_id=None), name="one_missing_buyer_per_customer"
            )
        ]
        indexes = [
            models.Index(fields=["asked_at"], name="buyer_link_asked", condition=Q(asked_at__isnull=False)),
            models.Index(fields=["retry_at"], name="buyer_link_retry", condition=Q(retry_at__isnull=False)),
            models.Index(fields=["stuck_reason"], name="buyer_link_stuck", condition=~Q(stuck_reason="")),
        ]

    def __str__(self) -> str:
        return f"№{self.customer_id} · {self.buyer_id or '—'}"
