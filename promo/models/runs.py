"""Runs against the panel, the lease that keeps them single-handed, and the evidence they leave.

requested → leased → succeeded | failed | needs_person        one open run per pool and kind (partial unique index)
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from promo.models.codes import Pool


class RunKind(models.TextChoices):
    REFILL = "refill", _("refill")
    LOOK = "look", _("look")
    RETIRE = "retire", _("retire")
    TRY = "try", _("try the profile")


class RunState(models.TextChoices):
    REQUESTED = "requested", _("requested")
    LEASED = "leased", _("at work")
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")
    NEEDS_PERSON = "needs_person", _("needs a person")


OPEN_RUN_STATES = [RunState.REQUESTED, RunState.LEASED, RunState.NEEDS_PERSON]


class RunTrigger(models.TextChoices):
    LOW = "low", _("the pool was low")
    BATCH = "batch", _("many codes were issued")
    EMPTY = "empty", _("the pool was empty")
    SWEEP = "sweep", _("the periodic look")
    STAFF = "staff", _("a person")
    WITHDRAWN = "withdrawn", _("withdrawn codes")


class ReplenishRun(models.Model):
    """One attempt at the panel for one pool. Its counters say what it did, its steps and rows how, its reason why it stopped."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="runs", verbose_name=_("pool"))
    kind = models.CharField(_("kind"), max_length=8, choices=RunKind.choices, default=RunKind.REFILL)
    state = models.CharField(_("state"), max_length=12, choices=RunState.choices, default=RunState.REQUESTED)
    trigger = models.CharField(_("because"), max_length=10, choices=RunTrigger.choices)
    requested_by = models.CharField(_("requested by"), max_length=150, blank=True)
    requested_at = models.DateTimeField(_("requested at"))
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    leased_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    reason = models.CharField(_("reason"), max_length=20, blank=True)
    detail = models.TextField(_("in words"), blank=True)
    rows_read = models.PositiveIntegerField(_("rows read"), default=0)
    codes_kept = models.PositiveIntegerField(_("codes kept"), default=0)
    codes_created = models.PositiveIntegerField(_("codes created"), default=0)
    codes_adopted = models.PositiveIntegerField(_("codes adopted"), default=0)
    codes_voided = models.PositiveIntegerField(_("codes voided"), default=0)
    codes_deleted = models.PositiveIntegerField(_("codes deleted"), default=0)
    options = models.JSONField(default=dict, blank=True)  # of a bulk request: target, remove_excess, wipe …

    class Meta:
        ordering = ["-id"]
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        permissions = [("view_evidence", _("Can see pictures, rows and traces of runs"))]
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "kind"],
                condition=Q(state__in=["requested", "leased", "needs_person"]),
                name="one_open_run_per_pool_and_kind",
            )
        ]
        indexes = [
            models.Index(
                fields=["state", "requested_at"], name="run_queue", condition=Q(state__in=["requested", "leased"])
            ),
            models.Index(
                fields=["-leased_at"], name="run_newest_success", condition=Q(state="succeeded", kind="refill")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pool} №{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_RUN_STATES


class RunStep(models.Model):
    """One thing the browser did. Holds no full code and no password."""

    run = models.ForeignKey(ReplenishRun, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=60)
    ok = models.BooleanField()
    started_at = models.DateTimeField()
    seconds = models.FloatField()
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]


class RunRow(models.Model):
    """A row of the grid as it was read, and what was decided about it and why. The code is masked; the full row is in the evidence."""

    run = models.ForeignKey(ReplenishRun, on_delete=models.CASCADE, related_name="rows")
    shown_code = models.CharField(max_length=50)
    code = models.ForeignKey("promo.Code", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    amount_uah = models.PositiveIntegerField(null=True)
    status = models.CharField(max_length=10)
    valid_until = models.DateField(null=True)
    decision = models.CharField(max_length=20)
    why = models.CharField(max_length=200)

    class Meta:
        ordering = ["id"]


class EvidenceKind(models.TextChoices):
    PICTURE = "picture", _("picture")
    ROWS = "rows", _("rows")
    TRACE = "trace", _("trace")


class Evidence(models.Model):
    """An encrypted file: it may show live codes. Kept fourteen days, shown to those who may view evidence."""

    run = models.ForeignKey(ReplenishRun, on_delete=models.CASCADE, related_name="evidence")
    step = models.ForeignKey(RunStep, null=True, blank=True, on_delete=models.CASCADE, related_name="evidence")
    kind = models.CharField(max_length=8, choices=EvidenceKind.choices)
    file = models.CharField(max_length=200)  # name in the default storage
    size_bytes = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        # Django's own view permission would have the very name of the run's `view_evidence`: two rows, one word.
        default_permissions = ()


class ProfileVersion(models.Model):
    """What the panel looks like, version by version; never edited. The newest is in use; going back is saving an old text anew."""

    text = models.JSONField()
    version = models.CharField(_("version"), max_length=40, unique=True)
    actor = models.CharField(_("by"), max_length=150)
    reason = models.CharField(_("reason"), max_length=300)
    created_at = models.DateTimeField(_("at"))

    class Meta:
        ordering = ["-id"]
        verbose_name = _("panel profile")
        verbose_name_plural = _("panel profiles")

    def __str__(self) -> str:
        return self.version


class PanelLease(models.Model):
    """The one row that says who works at the panel. Login, grid filter and page size belong to the account, so one at a time.

    `blocked_reason` set means: nobody signs in until a person says so, or (maintenance) until `retry_at`.
    """

    SINGLE = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=SINGLE)
    token = models.UUIDField(null=True, blank=True)
    holder = models.CharField(max_length=100, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    renewed_at = models.DateTimeField(null=True, blank=True)
    lapses_at = models.DateTimeField(null=True, blank=True)
    blocked_reason = models.CharField(max_length=20, blank=True)
    blocked_detail = models.TextField(blank=True)
    blocked_at = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    session = models.BinaryField(null=True, blank=True)  # encrypted
    session_saved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("panel")
        verbose_name_plural = _("panel")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="there_is_one_panel")]
