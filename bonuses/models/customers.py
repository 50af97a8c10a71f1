"""Customers and accounts.

    Customer 1 ── 3 Account        available ≥ 0, held ≥ 0, debt ≤ 0, each with a stored balance
    the program ── 5 Account       issuance, redemption, breakage, adjustment, migration: no stored balance, a hot row would serialise every writer

The three accounts of a customer are made together, so locking them by primary key is one statement.
"""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _


class CustomerQuerySet(models.QuerySet["Customer"]):
    def living(self) -> Self:
        """Neither merged into another nor erased."""
        return self.filter(merged_into=None, erased_at=None)


class Customer(models.Model):
    """A person, known by a phone. Phone, e-mail and name are erasable; nothing else here is personal."""

    phone = models.CharField(_("phone"), max_length=16, unique=True, null=True, blank=True)  # E.164; empty once erased
    email = models.CharField(_("e-mail"), max_length=254, blank=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("known since"))
    # A merged customer keeps the phone, so that whoever comes with it finds the survivor.
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged", verbose_name=_("merged into")
    )
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        permissions = [
            ("adjust_points", _("Can adjust points")),
            ("merge_customers", _("Can merge customers")),
            ("erase_customer", _("Can erase a customer")),
            ("export_customer", _("Can export all that is known of a customer")),
            ("verify_ledger", _("Can verify the ledger")),
        ]
        indexes = [models.Index(Upper("email"), name="customer_by_email")]

    def __str__(self) -> str:
        # The staff log keeps this text for ever, so it must not be personal.
        return f"№ {self.pk}"


class AccountKind(models.TextChoices):
    AVAILABLE = "available", _("available")
    HELD = "held", _("held")
    DEBT = "debt", _("owed")
    ISSUANCE = "issuance", _("issuance")
    REDEMPTION = "redemption", _("redemption")
    BREAKAGE = "breakage", _("breakage")
    ADJUSTMENT = "adjustment", _("adjustment")
    MIGRATION = "migration", _("migration")


OF_A_CUSTOMER = (AccountKind.AVAILABLE, AccountKind.HELD, AccountKind.DEBT)


class Account(models.Model):
    """One side of an entry. A customer's accounts carry a balance which the database keeps within its sign."""

    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="accounts")
    kind = models.CharField(max_length=10, choices=AccountKind.choices)
    balance = models.BigIntegerField(null=True, blank=True)
    # Set by a merge under this row's lock: whoever waited for the lock sees it and goes on with the survivor.
    is_closed = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(fields=["customer", "kind"], name="one_account_per_customer_and_kind"),
            models.UniqueConstraint(fields=["kind"], condition=Q(customer=None), name="one_program_account_per_kind"),
            models.CheckConstraint(
                condition=~Q(kind="available") | Q(balance__gte=0), name="available_is_never_overdrawn"
            ),
            models.CheckConstraint(condition=~Q(kind="held") | Q(balance__gte=0), name="held_is_never_overdrawn"),
            models.CheckConstraint(condition=~Q(kind="debt") | Q(balance__lte=0), name="debt_is_never_positive"),
            models.CheckConstraint(
                condition=Q(
                    customer=None,
                    balance=None,
                    kind__in=["issuance", "redemption", "breakage", "adjustment", "migration"],
                )
                | Q(customer__isnull=False, balance__isnull=False, kind__in=["available", "held", "debt"]),
                name="account_belongs_to_a_customer_or_the_program",
            ),
        ]


# Fixed and below every customer's: nothing has to look them up, and both databases give them the same.
PROGRAM_ACCOUNTS = {
    AccountKind.ISSUANCE: -1,
    AccountKind.REDEMPTION: -2,
    AccountKind.BREAKAGE: -3,
    AccountKind.ADJUSTMENT: -4,
    AccountKind.MIGRATION: -5,
}


class StaffPhone(models.Model):
    """The own phone of somebody who may adjust points: nobody adjusts an account with their own phone. The row is also the lock of the day's limit."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bonus_phone", verbose_name=_("user")
    )
    phone = models.CharField(_("phone"), max_length=16)

    class Meta:
        verbose_name = _("own phone of a member of staff")
        verbose_name_plural = _("own phones of staff")
