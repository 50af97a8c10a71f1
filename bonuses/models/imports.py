"""Opening balances that were brought in from elsewhere: one batch per name, one line per customer, so a repeated import doubles nothing."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportBatch(models.Model):
    """A named migration. Writing balances back to the CRM waits until it is marked finished."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    actor = models.CharField(_("by"), max_length=150)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("imported balances")
        verbose_name_plural = _("imported balances")
        permissions = [("import_balances", _("Can import opening balances"))]

    def __str__(self) -> str:
        return self.name


class ImportLine(models.Model):
    """A customer's opening balance. `line` is part of the natural key of its entries."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.PROTECT, related_name="lines", db_index=False)
    line = models.PositiveIntegerField(_("line"))
    customer = models.ForeignKey(
        "bonuses.Customer", on_delete=models.PROTECT, related_name="import_lines", verbose_name=_("customer")
    )
    active = models.BigIntegerField(_("active"))
    reserved = models.BigIntegerField(_("reserved"))
    remark = models.CharField(_("remark"), max_length=300, blank=True)

    class Meta:
        ordering = ["batch", "line"]
        verbose_name = _("imported balance")
        verbose_name_plural = _("imported balances, line by line")
        constraints = [
            models.UniqueConstraint(fields=["batch", "line"], name="one_import_line"),
            models.UniqueConstraint(fields=["batch", "customer"], name="one_import_per_customer_and_batch"),
        ]
