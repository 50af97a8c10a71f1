"""Proofs: a caller says a phone, six digits go there, whoever brings them back is its owner.

A proof of an unknown phone is a row like any other: whoever watches from outside sees no difference.
"""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bonuses.models import Customer


class Channel(models.TextChoices):
    CONSOLE = "console", _("console of the worker")
    SMS = "sms", _("text message")
    EMAIL = "email", _("e-mail")


class ProofState(models.TextChoices):
    ASKED = "asked", _("asked for")
    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    NOT_SENT = "not_sent", _("not sent")


class WhyNotSent(models.TextChoices):
    UNKNOWN = "unknown", _("nobody is known by this phone")
    CLOSED = "closed", _("switched off by staff")
    NO_ADDRESS = "no_address", _("no e-mail address that the CRM confirms")
    DAILY_CAP = "daily_cap", _("as many messages as a day may have were sent")
    REFUSED = "refused", _("the gateway refused it")
    NO_ENTRY = "no_entry", _("the gateway takes nothing of ours")
    TOO_LATE = "too_late", _("the gateway was not reached in time")


class ProofQuerySet(models.QuerySet["Proof"]):
    def to_send(self, now: dt.datetime) -> Self:
        """Asked for, or left behind by a sender that was interrupted."""
        return self.filter(
            Q(state=ProofState.ASKED) | Q(state=ProofState.SENDING), Q(next_try_at=None) | Q(next_try_at__lte=now)
        ).order_by("id")


class Proof(models.Model):
    """The caller holds the name of this row, a secret; only its digest is kept. The phone goes with the row after two days."""

    digest = models.CharField(max_length=64, unique=True)
    phone = models.CharField(_("phone"), max_length=16)
    channel = models.CharField(_("by"), max_length=8, choices=Channel.choices)
    language = models.CharField(max_length=2, default="uk")
    state = models.CharField(_("state"), max_length=8, choices=ProofState.choices, default=ProofState.ASKED)
    why = models.CharField(_("why not"), max_length=10, choices=WhyNotSent.choices, blank=True)
    # A keyed digest: six digits alone would be found in a second.
    digits = models.CharField(max_length=64, blank=True)
    # Encrypted, and only from the moment they are made until they are known to be sent: a sender that was interrupted sends the same ones.
    digits_to_send = models.BinaryField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("sending tried"), default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    gateway_id = models.CharField(_("number at the gateway"), max_length=80, blank=True)
    tries = models.PositiveSmallIntegerField(_("digits tried"), default=0)
    address = models.CharField(_("address"), max_length=45, blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    expires_at = models.DateTimeField(_("ends at"))
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    used_at = models.DateTimeField(_("proven at"), null=True, blank=True)

    objects = ProofQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("proof of a phone")
        verbose_name_plural = _("proofs of phones")
        indexes = [
            models.Index(fields=["id"], condition=Q(state__in=["asked", "sending"]), name="storefront_proofs_to_send"),
            models.Index(fields=["asked_at"], name="storefront_proof_asked"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(tries__lte=5), name="proof_has_five_tries"),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(digits_to_send=None), name="sent_digits_are_not_kept"
            ),
        ]

    def __str__(self) -> str:
        return f"№ {self.pk}"


class FailedTries(models.Model):
    """Wrong digits for a phone on a day, over all its proofs. The phone is a keyed digest: the row says nothing by itself."""

    phone = models.CharField(max_length=64)
    day = models.DateField()
    count = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("failed tries")
        verbose_name_plural = _("failed tries")
        constraints = [models.UniqueConstraint(fields=["phone", "day"], name="one_count_of_failed_tries_a_day")]


class ConfirmedEmail(models.Model):
    """An e-mail address of a customer that the CRM's card confirms. What a browser typed never gets here: a code by e-mail goes to no other address."""

    customer = models.OneToOneField(
        Customer, on_delete=models.CASCADE, related_name="confirmed_email", verbose_name=_("customer")
    )
    email = models.CharField(_("e-mail"), max_length=254)
    confirmed_at = models.DateTimeField(_("confirmed at"))

    class Meta:
        verbose_name = _("confirmed e-mail")
        verbose_name_plural = _("confirmed e-mails")
