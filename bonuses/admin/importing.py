"""Opening balances brought along in a file: tried first, then taken in, with what became of every line. Repeating a file doubles nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from bonuses.errors import ImportRefused
from bonuses.models import ImportBatch
from bonuses.reading.balances import read_balances
from bonuses.services import migrating
from bonuses.services.migrating import Fate, LineReport
from promo.admin.asking import require
from promo.admin.drawing import draw_badge
from promo.admin.read_only import ReadOnlyAdmin

IMPORT = "bonuses.import_balances"
MOST_BYTES = 2_000_000
MOST_LINES = 5_000  # a page is waited for; larger files are the command's
SHOWN = 200
FATES = {
    Fate.IMPORTED: (_("imported"), "success"),
    Fate.KNOWN: (_("imported before"), "info"),
    Fate.DIFFERS: (_("differs from before"), "warning"),
    Fate.EMPTY: (_("empty"), ""),
    Fate.LEFT_OUT: (_("left out"), "warning"),
    Fate.WRONG: (_("wrong"), "danger"),
}
_WORRIES = (Fate.WRONG, Fate.DIFFERS, Fate.LEFT_OUT)


class BalancesForm(forms.Form):
    batch = forms.CharField(
        label=_("Name of the batch"), max_length=60, initial="opening", widget=UnfoldAdminTextInputWidget,
        help_text=_("Within a batch a customer is imported once."),
    )  # fmt: skip
    file = forms.FileField(
        label=_("File"), widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.json,text/csv,application/json"}),
        help_text=_("CSV with the columns phone, points, expires_on, reserved, order, name, email; or the former system's JSON."),
    )  # fmt: skip

    def clean_file(self) -> Any:
        given = self.cleaned_data["file"]
        if (given.size or 0) > MOST_BYTES:
            raise forms.ValidationError(_("This file is too large for a page: use the command import_balances."))
        return given


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyAdmin):
    list_display = ["name", "started_at", "lines", "points", "finished_at", "actor"]
    list_before_template = "bonuses/new_import.html"
    fields = ["name", "actor", "started_at", "finished_at", "lines", "points"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportBatch]:
        rows: QuerySet[ImportBatch] = super().get_queryset(request)
        return rows.annotate(n=Count("lines"), active=Sum("lines__active"), reserved=Sum("lines__reserved"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.fields

    @admin.display(description=_("customers"))
    def lines(self, batch: Any) -> str:
        return f"{batch.n}"

    @admin.display(description=_("points"))
    def points(self, batch: Any) -> str:
        return f"{(batch.active or 0) + (batch.reserved or 0)}"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("bring/", wrap(self.bring), name="bonuses_import_bring"),
            path("<int:batch_id>/finish/", wrap(self.finish), name="bonuses_import_finish"),
            *super().get_urls(),
        ]

    def bring(self, request: HttpRequest) -> HttpResponse:
        actor = require(request, IMPORT)
        form = BalancesForm(request.POST or None, request.FILES or None)
        reports: list[LineReport] | None = None
        is_dry_run = "try" in request.POST
        if request.method == "POST" and form.is_valid():
            try:
                lines = read_balances(form.cleaned_data["file"].read())
            except ImportRefused as error:
                form.add_error("file", str(error))
            else:
                if len(lines) > MOST_LINES:
                    form.add_error(
                        "file", gettext("This file is too large for a page: use the command import_balances.")
                    )
                else:
                    reports = migrating.import_balances(
                        lines, batch=form.cleaned_data["batch"], now=timezone.now(), actor=actor, is_dry_run=is_dry_run
                    )
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Bring balances along"),
            "form": form,
            "is_dry_run": is_dry_run,
            **({} if reports is None else _sum_up(reports)),
        }
        response = TemplateResponse(request, "bonuses/bring.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def finish(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        """Balances may be written back to the CRM from then on."""
        require(request, IMPORT)
        back = HttpResponseRedirect(reverse("admin:bonuses_importbatch_changelist"))
        batch = ImportBatch.objects.filter(pk=batch_id).first()
        if (
            request.method == "POST"
            and batch is not None
            and migrating.finish_batch(batch=batch.name, now=timezone.now())
        ):
            messages.success(request, gettext("The batch is finished."))
        return back

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {**(extra_context or {}), "unfinished": ImportBatch.objects.filter(finished_at=None)[:5]}
        response: HttpResponse = super().changelist_view(request, context)
        return response


def _sum_up(reports: Sequence[LineReport]) -> dict[str, Any]:
    """What needs a look comes first."""
    fates = Counter(report.fate for report in reports)
    ordered = sorted(reports, key=lambda one: (one.fate not in _WORRIES, not one.remark, one.line))
    return {
        "reports": [(one, draw_badge(*FATES[one.fate])) for one in ordered[:SHOWN]],
        "are_more": max(0, len(ordered) - SHOWN),
        "fates": [(FATES[fate][0], fates[fate]) for fate in Fate if fates[fate]],
        "points": sum(one.active + one.reserved for one in reports if one.fate is Fate.IMPORTED),
        "are_worries": any(fates[fate] for fate in _WORRIES),
    }
