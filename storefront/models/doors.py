"""Doors: one for the whole storefront and one for each customer with whom staff had something to do. Each change is kept with who, when and why."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from bonuses.models import Customer


class Door(models.Model):
    """No row means open. `customer` empty: the door of the whole storefront."""

    customer = models.OneToOneField(
        Customer,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="storefront_door",
        verbose_name=_("customer"),
    )
    is_open = models.BooleanField(_("open"), default=True)
    # A token that was made up to this moment is worth nothing.
    revoked_at = models.DateTimeField(_("signed out at"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("door")
        verbose_name_plural = _("doors")
        permissions = [("switch_storefront", _("Can switch the storefront or a customer off, and lift lockouts"))]
        constraints = [
            # The unique column lets any number of empty ones in.
            models.UniqueConstraint(
                Coalesce("customer", 0), condition=Q(customer=None), name="one_door_of_the_storefront"
            )
        ]

    def __str__(self) -> str:
        return f"№ {self.customer_id}" if self.customer_id else str(_("the whole storefront"))


class DoorAction(models.TextChoices):
    CLOSED = "closed", _("switched off")
    OPENED = "opened", _("switched on")
    SIGNED_OUT = "signed_out", _("signed out everywhere")
    LIFTED = "lifted", _("lockout lifted")


class DoorChange(models.Model):
    """Who did what to a door, and why. Never changed, never removed."""

    door = models.ForeignKey(Door, on_delete=models.PROTECT, related_name="changes", verbose_name=_("door"))
    action = models.CharField(_("what"), max_length=10, choices=DoorAction.choices)
    # A masked phone or an address, where the lockout of somebody was lifted who is no customer.
    about = models.CharField(_("whose"), max_length=45, blank=True)
    actor = models.CharField(_("by"), max_length=150)
    reason = models.CharField(_("reason"), max_length=300)
    at = models.DateTimeField(_("when"))

    class Meta:
        ordering = ["-id"]
        verbose_name = _("change of a door")
        verbose_name_plural = _("changes of doors")
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="door_change_has_a_reason")]
