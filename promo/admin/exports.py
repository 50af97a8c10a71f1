"""Journals as files: ask for one, see where it stands, take it."""

from __future__ import annotations

from functools import partial

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminRadioSelectWidget, UnfoldBooleanWidget

from bonusportal.nudges import nudge
from promo.admin.asking import ReasonForm, ask, require, say_outcome
from promo.admin.drawing import draw_badge
from promo.admin.read_only import EndlessAdmin
from promo.models.exports import Export, ExportKind, ExportState
from promo.services import exporting

MAKE, REVEAL = "promo.make_export", "promo.reveal_code"
LINK_LIVES_SECONDS = 300
_COLOURS = {ExportState.REQUESTED: "info", ExportState.DONE: "success", ExportState.FAILED: "danger"}


class ExportForm(ReasonForm):
    """What, of which days, and why."""

    kind = forms.ChoiceField(
        label=_("What"), choices=ExportKind.choices, initial=ExportKind.ISSUES, widget=UnfoldAdminRadioSelectWidget
    )
    first_day = forms.DateField(label=_("From (day, included)"), required=False, widget=UnfoldAdminDateWidget)
    last_day = forms.DateField(label=_("To (day, included)"), required=False, widget=UnfoldAdminDateWidget)
    shows_codes = forms.BooleanField(
        label=_("With whole codes and phones: whoever has the file can spend them"), required=False, widget=UnfoldBooleanWidget
    )  # fmt: skip
    field_order = ("kind", "first_day", "last_day", "shows_codes", "reason")


@admin.register(Export)
class ExportAdmin(EndlessAdmin):
    """Who took what out of the portal, when and why. The file itself lives for a day."""

    list_display = [
        "number",
        "kind",
        "days",
        "shows_codes",
        "state_badge",
        "row_count",
        "actor",
        "requested_at",
        "take",
    ]
    sortable_by: list[str] = []
    fields = ["kind", "days", "shows_codes", "actor", "reason", "state_badge", "trouble", "row_count", "requested_at", "finished_at", "take"]  # fmt: skip
    list_before_template = "promo/exports_head.html"

    @admin.display(description="№")
    def number(self, export: Export) -> str:
        return str(export)

    @admin.display(description=_("days"))
    def days(self, export: Export) -> str:
        return f"{export.first_day or '…'} – {export.last_day or '…'}"

    @admin.display(description=_("state"))
    def state_badge(self, export: Export) -> SafeString:
        return draw_badge(export.get_state_display(), _COLOURS.get(ExportState(export.state), ""))

    @admin.display(description=_("file"))
    def take(self, export: Export) -> SafeString | str:
        if export.state != ExportState.DONE:
            return "—"
        return format_html('<a class="pb-link" href="{}">{}</a>', reverse("admin:promo_export_take", args=[export.pk]), _("download"))  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("new/", wrap(partial(_new, self)), name="promo_export_new"),
            path("<int:export_id>/take/", wrap(_take), name="promo_export_take"),
            *super().get_urls(),
        ]


def _new(page: ExportAdmin, request: HttpRequest) -> HttpResponse:
    actor = require(request, MAKE)
    form = ExportForm(request.POST or None)
    back = reverse("admin:promo_export_changelist")
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["shows_codes"]:
            require(request, REVEAL)

        def request_it() -> str:
            exporting.request_export(**form.cleaned_data, actor=actor, now=timezone.now())
            nudge("promo.tasks.write_exports")
            return gettext("The file is being written. It can be downloaded here in a moment, for one day.")

        if say_outcome(request, request_it):
            return HttpResponseRedirect(back)
    return ask(
        request,
        page.admin_site,
        title=gettext("A new export"),
        sentence=_("A CSV file for a spreadsheet. Codes and phones are masked unless you ask for them."),
        button=_("Export"),
        back=back,
        form=form,
    )


def _take(request: HttpRequest, export_id: int) -> HttpResponseBase:
    """The file: from the bucket by a link that lives five minutes, else through us."""
    require(request, MAKE)
    export = Export.objects.filter(pk=export_id, state=ExportState.DONE).first()
    if export is None:
        raise Http404
    if export.shows_codes:
        require(request, REVEAL)
    if settings.S3_BUCKET:
        link = default_storage.url(export.file, expire=LINK_LIVES_SECONDS)  # type: ignore[call-arg] # S3's storage has it
        return HttpResponseRedirect(link)
    name = f"{export.kind}-{export.pk}.csv"
    return FileResponse(default_storage.open(export.file), as_attachment=True, filename=name, content_type="text/csv")
