"""Pools and codes.

    Pool 1 ── n Code n ── 1 Lot        a pool holds the codes of one amount; a lot is what arrived together
              Code 1 ── 0..1 Issue     promo.models.issues: unique per code, so a string is handed out once in its life
              Code 1 ── n CodeEvent    who moved it, when and why

A code's state is a cache of its story; the unique keys of Issue are the guarantee. The claim walks `code_claim_order`: ordered by the primary key the
planner would walk through every code ever issued.
"""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from bonusportal.masking import mask_code
from bonusportal.money import MAX_AMOUNT_UAH


def default_low_water() -> int:
    return int(settings.LOW_WATER)


def default_target() -> int:
    return int(settings.TARGET_CODES)


class Adopt(models.TextChoices):
    TRUST = "trust", _("trust: an active code in the panel is free")
    ASK = "ask", _("ask: a person decides")


class Pool(models.Model):
    """All codes of one whole-hryvnia amount, and the rules by which they are refilled."""

    amount_uah = models.PositiveIntegerField(
        _("amount, UAH"), unique=True, validators=[MinValueValidator(1), MaxValueValidator(MAX_AMOUNT_UAH)]
    )
    is_active = models.BooleanField(
        _("in use"), default=True, help_text=_("A pool that is not in use issues nothing and asks for nothing.")
    )
    low_water = models.PositiveIntegerField(
        _("low water"),
        default=default_low_water,
        help_text=_("With this many codes left, or fewer, a refill is requested."),
    )
    target = models.PositiveIntegerField(
        _("target"), default=default_target, help_text=_("A refill fills up to this many codes.")
    )
    adopt = models.CharField(
        _("foreign codes"),
        max_length=8,
        choices=Adopt.choices,
        default=Adopt.TRUST,
        help_text=_("What happens to an active code in the panel that this portal did not make."),
    )
    delete_inactive = models.BooleanField(
        _("delete inactive codes"),
        default=False,
        help_text=_("Inactive rows are deleted in the panel after seven days in quarantine."),
    )
    daily_cap = models.PositiveIntegerField(
        _("daily cap in open mode"),
        null=True,
        blank=True,
        help_text=_("Codes per day in open mode; empty: the portal's setting."),
    )
    is_on_demand = models.BooleanField(
        _("made on demand"),
        default=False,
        db_default=False,
        editable=False,
        help_text=_("Made because a customer asked for this amount."),
    )
    cooldown_until = models.DateTimeField(_("rests until"), null=True, blank=True, editable=False)
    failures_in_row = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    history = HistoricalRecords(excluded_fields=["cooldown_until", "failures_in_row"])

    class Meta:
        ordering = ["amount_uah"]
        verbose_name = _("pool")
        verbose_name_plural = _("pools")
        permissions = [("manage_pools", _("Can refill, import, withdraw and void"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_uah__gte=1) & Q(amount_uah__lte=MAX_AMOUNT_UAH), name="pool_amount_is_whole_hryvnias"
            ),
            models.CheckConstraint(condition=Q(target__gt=F("low_water")), name="pool_target_above_low_water"),
            models.CheckConstraint(condition=Q(target__lte=10_000), name="pool_target_is_bounded"),
        ]

    def __str__(self) -> str:
        return _("%(amount)d UAH") % {"amount": self.amount_uah}


class LotSource(models.TextChoices):
    REFILL = "refill", _("made in the panel")
    ADOPTED = "adopted", _("found in the panel")
    DOCUMENT = "document", _("found in the bucket")
    IMPORT = "import", _("imported file")
    PASTE = "paste", _("pasted by a person")


class Lot(models.Model):
    """Codes that arrived together: from one run, one file, one paste."""

    source = models.CharField(_("source"), max_length=10, choices=LotSource.choices)
    run = models.ForeignKey("promo.ReplenishRun", null=True, blank=True, on_delete=models.PROTECT, related_name="lots")
    name = models.CharField(_("name"), max_length=200, blank=True, help_text=_("Name of the file, or a remark."))
    actor = models.CharField(_("by"), max_length=150)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    digest = models.CharField(
        max_length=64, blank=True, db_index=True
    )  # SHA-256 of an imported file: the same file twice is noticed
    created_at = models.DateTimeField(_("at"))

    class Meta:
        ordering = ["-id"]
        verbose_name = _("lot")
        verbose_name_plural = _("lots")

    def __str__(self) -> str:
        return f"{self.get_source_display()} · {self.name or self.pk}"


class CodeState(models.TextChoices):
    PLANNED = "planned", _("planned")
    AVAILABLE = "available", _("available")
    ISSUED = "issued", _("issued")
    REDEEMED = "redeemed", _("redeemed")
    WITHDRAWN = "withdrawn", _("withdrawn")
    VOID = "void", _("void")
    FOREIGN = "foreign", _("foreign")


class CodeQuerySet(models.QuerySet["Code"]):
    def available(self) -> Self:
        return self.filter(state=CodeState.AVAILABLE)

    def to_be_killed(self) -> Self:
        """Withdrawn, and not found used before anybody knew by whom: what a run of kind retire deletes."""
        return self.filter(Q(inactive_since=None) | Q(is_use_settled=True), state=CodeState.WITHDRAWN)

    def masked_search(self, text: str) -> Self:
        """Codes whose full string is `text` (spelling folded). Parts of a code find nothing: a search box must not be a way to guess."""
        return self.filter(code=normalise_code(text))


def normalise_code(text: str) -> str:
    """The one spelling in which a code is stored and compared."""
    return text.strip().upper()


class Code(models.Model):
    """One string worth `pool.amount_uah` hryvnias to whoever knows it."""

    code = models.CharField(_("code"), max_length=50, unique=True)
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="codes", verbose_name=_("pool"))
    lot = models.ForeignKey(
        Lot, null=True, blank=True, on_delete=models.PROTECT, related_name="codes", verbose_name=_("lot")
    )
    run = models.ForeignKey(
        "promo.ReplenishRun", null=True, blank=True, on_delete=models.PROTECT, related_name="planned_codes"
    )
    state = models.CharField(_("state"), max_length=10, choices=CodeState.choices)
    place = models.BigIntegerField(_("place in the queue"), default=0, editable=False)
    valid_until = models.DateField(_("last day"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    changed_at = models.DateTimeField(_("changed at"))
    created_at = models.DateTimeField(_("known since"))
    # A code of ours that the panel showed inactive: deleted there only after this has been true for seven days.
    inactive_since = models.DateTimeField(null=True, blank=True, editable=False)
    # Set before a retire run deletes it: a code that is gone and has this was deleted by us, whatever crashed in between.
    retire_tried_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The order that used it is known and cancelled: a retire run deletes it although the panel shows it used.
    is_use_settled = models.BooleanField(default=False, db_default=False, editable=False)

    objects = CodeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("code")
        verbose_name_plural = _("codes")
        permissions = [("reveal_code", _("Can see the full string of a code"))]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=CodeState.values), name="code_state_is_known"),
            models.CheckConstraint(condition=~Q(code=""), name="code_is_not_empty"),
        ]
        indexes = [
            models.Index(fields=["pool", "place"], name="code_claim_order", condition=Q(state="available")),
            models.Index(
                fields=["pool", "state"],
                name="code_not_settled",
                condition=Q(state__in=["planned", "foreign", "withdrawn"]),
            ),
        ]

    def __str__(self) -> str:
        return self.masked

    @property
    def masked(self) -> str:
        return mask_code(self.code, amount_uah=self.pool.amount_uah)


class CodeEvent(models.Model):
    """A change of a code's state that a person or a run caused. Being issued is told by the Issue row."""

    code = models.ForeignKey(Code, on_delete=models.PROTECT, related_name="events")
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        verbose_name = _("change of a code")
        verbose_name_plural = _("changes of codes")


def code_lifetime() -> dt.timedelta:
    """How long a new code is valid in the store."""
    return dt.timedelta(days=365)
