"""Files that staff asked for: a row says what was wanted, by whom and why, and where it stopped."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ExportKind(models.TextChoices):
    ISSUES = "issues", _("issued codes")
    CODES = "codes", _("all codes of the pools")


class ExportState(models.TextChoices):
    REQUESTED = "requested", _("requested")
    DONE = "done", _("ready")
    FAILED = "failed", _("failed")
    FORGOTTEN = "forgotten", _("deleted after its time")


class Export(models.Model):
    """A CSV file in the storage, written by a task. `shows_codes`: with whole codes, which are money; masked otherwise."""

    kind = models.CharField(_("what"), max_length=8, choices=ExportKind.choices)
    first_day = models.DateField(_("from"), null=True, blank=True)
    last_day = models.DateField(_("to"), null=True, blank=True)
    shows_codes = models.BooleanField(_("with whole codes"), default=False)
    actor = models.CharField(_("by"), max_length=150)
    reason = models.CharField(_("why"), max_length=250)
    state = models.CharField(_("state"), max_length=10, choices=ExportState.choices, default=ExportState.REQUESTED)
    trouble = models.CharField(_("in words"), max_length=250, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    row_count = models.PositiveIntegerField(_("rows"), null=True, blank=True)
    file = models.CharField(max_length=200, blank=True, editable=False)
    requested_at = models.DateTimeField(_("requested at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        permissions = [("make_export", _("Can export codes and the journal as files"))]
        indexes = [models.Index(fields=["requested_at"], name="export_waiting", condition=models.Q(state="requested"))]

    def __str__(self) -> str:
        return f"№{self.pk}"
