"""Entries: one row, one fact. An entry debits one account and credits another by a positive number of points, so the books balance by construction.

Append-only, by triggers on both databases; bonuses.services.ledger is the only writer. What an entry took from which lot stands in its draws.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class EntryKind(models.TextChoices):
    """The verbs that move points. This is the only list."""

    ACCRUE = "accrue", _("accrued")
    REACCRUE = "reaccrue", _("accrued again")
    CLAWBACK = "clawback", _("clawed back")
    INCUR_DEBT = "incur_debt", _("owed from now on")
    HOLD = "hold", _("held")
    RELEASE = "release", _("released")
    CAPTURE = "capture", _("captured")
    EXPIRE = "expire", _("expired")
    REINSTATE = "reinstate", _("reinstated")
    REPAY = "repay", _("repaid")
    ADJUST = "adjust", _("adjusted")
    MIGRATE = "migrate", _("migrated")
    MERGE = "merge", _("merged")


class LedgerEntry(models.Model):
    """`(kind, source, revision)` is the natural key: the same fact is never written twice, whatever the request keys.

    `effective_at` is when it was true, `recorded_at` when we wrote it; when it became known is its seal's `sealed_at`.
    """

    kind = models.CharField(_("kind"), max_length=10, choices=EntryKind.choices)
    debit = models.ForeignKey(
        "bonuses.Account", on_delete=models.PROTECT, related_name="debits", db_index=False, verbose_name=_("from")
    )
    credit = models.ForeignKey(
        "bonuses.Account", on_delete=models.PROTECT, related_name="credits", db_index=False, verbose_name=_("to")
    )
    points = models.BigIntegerField(_("points"))
    source = models.CharField(_("source"), max_length=255)
    revision = models.PositiveIntegerField(_("revision"), default=0)
    rule = models.ForeignKey(
        "bonuses.EarningRule",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("rule"),
    )
    order = models.ForeignKey(
        "bonuses.Order",
        null=True,
        on_delete=models.PROTECT,
        related_name="entries",
        db_index=False,
        verbose_name=_("order"),
    )
    hold = models.ForeignKey(
        "bonuses.Hold",
        null=True,
        on_delete=models.PROTECT,
        related_name="entries",
        db_index=False,
        verbose_name=_("hold"),
    )
    actor = models.CharField(_("by"), max_length=150)
    reason_code = models.CharField(_("reason"), max_length=30, blank=True)
    note_digest = models.CharField(max_length=64, blank=True)
    effective_at = models.DateTimeField(_("effective at"))
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta:
        ordering = ["-id"]
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.UniqueConstraint(fields=["kind", "source", "revision"], name="entry_natural_key"),
            models.CheckConstraint(condition=Q(points__gt=0), name="entry_points_are_positive"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="entry_sides_differ"),
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="entry_kind_is_known"),
            models.CheckConstraint(condition=~Q(kind="adjust") | ~Q(reason_code=""), name="adjustment_has_a_reason"),
        ]
        indexes = [
            models.Index(fields=["debit", "id"], name="entry_by_debit"),
            models.Index(fields=["credit", "id"], name="entry_by_credit"),
            models.Index(fields=["order"], name="entry_by_order", condition=Q(order__isnull=False)),
            models.Index(fields=["hold"], name="entry_by_hold", condition=Q(hold__isnull=False)),
            models.Index(fields=["actor", "recorded_at"], name="entry_adjustments", condition=Q(kind="adjust")),
        ]


class LotDraw(models.Model):
    """How many points of an entry came from, or went back to, which lot. Append-only."""

    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="draws", db_index=False)
    lot = models.ForeignKey("bonuses.Lot", on_delete=models.PROTECT, related_name="draws")
    points = models.BigIntegerField()

    class Meta:
        verbose_name = _("draw")
        verbose_name_plural = _("draws")
        constraints = [
            models.UniqueConstraint(fields=["entry", "lot"], name="one_draw_per_entry_and_lot"),
            models.CheckConstraint(condition=Q(points__gt=0), name="draw_points_are_positive"),
        ]


class Note(models.Model):
    """What a person wrote about an entry. Outside the sealed history, so that it can be erased; the entry keeps a salted digest of it."""

    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="note")
    text = models.CharField(max_length=500, blank=True)
    salt = models.CharField(max_length=32, blank=True)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
