"""Seals, anchors and verifications: what makes the history tamper-evident. Seals and anchors are append-only."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Seal(models.Model):
    """The place of an entry in the chain. `digest` is SHA-256 of the previous digest and the canonical form of the entry, its lot and its draws."""

    sequence = models.BigIntegerField(primary_key=True)  # 1, 2, 3 … without gaps
    entry = models.OneToOneField("bonuses.LedgerEntry", on_delete=models.PROTECT, related_name="seal")
    sealed_at = models.DateTimeField(unique=True)  # strictly increasing: "known at K" means sealed at or before K
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["sequence"]
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        constraints = [models.CheckConstraint(condition=Q(sequence__gt=0), name="seal_sequence_starts_at_one")]


class Anchor(models.Model):
    """The head of the chain as it was put where it can be created but neither overwritten nor deleted."""

    sequence = models.BigIntegerField(unique=True)
    digest = models.CharField(max_length=64)
    name = models.CharField(max_length=200)  # of the object in the store
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-sequence"]
        verbose_name = _("anchor")
        verbose_name_plural = _("anchors")


class Verification(models.Model):
    """One run over the whole history. `first_bad` is the first sequence that is not what was sealed."""

    actor = models.CharField(_("by"), max_length=150)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    entries = models.BigIntegerField(_("entries"), default=0)
    anchors = models.PositiveIntegerField(_("anchors"), default=0)
    first_bad = models.BigIntegerField(_("first bad entry"), null=True, blank=True)
    finding = models.CharField(_("finding"), max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
