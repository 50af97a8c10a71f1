"""Runs: the list with states, and each one's page with its story. Files of evidence are opened here too, for those who may."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bonusportal.secrecy import CannotDecrypt
from promo.admin.asking import require
from promo.admin.codes import AmountFilter
from promo.admin.drawing import draw_badge
from promo.admin.read_only import EndlessAdmin
from promo.admin.story import tell_story
from promo.admin.wording import RUN_COLOURS
from promo.models import Evidence, ReplenishRun
from promo.models.runs import EvidenceKind
from promo.policy_sentences import sentence_for
from promo.services import witnessing

VIEW, EVIDENCE = "promo.view_replenishrun", "promo.view_evidence"
# How each kind of file is handed over: pictures are looked at, the rest is saved.
_KINDS: dict[str, tuple[str, str]] = {
    EvidenceKind.PICTURE: ("image/png", ""),
    EvidenceKind.ROWS: ("application/json", "json"),
    EvidenceKind.TRACE: ("application/zip", "zip"),
}


@admin.register(ReplenishRun)
class RunAdmin(EndlessAdmin):
    list_display = ["title", "amount", "state_badge", "trigger", "requested_at", "took", "codes_created", "why_stopped"]
    list_filter = [("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter), AmountFilter]
    list_filter_submit = True
    fetched_after = ("pool",)
    sortable_by: list[str] = []
    change_form_outer_before_template = "promo/run_story.html"

    def get_fieldsets(self, request: HttpRequest, obj: ReplenishRun | None = None) -> list[Any]:
        return []  # the page is its story

    @admin.display(description=_("run"))
    def title(self, run: ReplenishRun) -> str:
        return f"№{run.pk} {run.get_kind_display()}"

    @admin.display(description=_("amount"))
    def amount(self, run: ReplenishRun) -> str:
        return str(run.pool)

    @admin.display(description=_("state"))
    def state_badge(self, run: ReplenishRun) -> SafeString:
        return draw_badge(run.get_state_display(), RUN_COLOURS.get(run.state, ""))

    @admin.display(description=_("took"))
    def took(self, run: ReplenishRun) -> str:
        if run.leased_at is None or run.finished_at is None:
            return "—"
        return gettext("%(n)d s") % {"n": round((run.finished_at - run.leased_at).total_seconds())}

    @admin.display(description=_("why it stopped"))
    def why_stopped(self, run: ReplenishRun) -> str:
        sentence = sentence_for(run.reason) if run.reason else "—"
        return sentence.split(". ")[0]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [path("evidence/<int:evidence_id>/", wrap(show_evidence), name="promo_evidence"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        context = {**(extra_context or {}), "show_close": False}
        if run is not None:
            story = tell_story(
                run,
                may_see_evidence=request.user.has_perm(EVIDENCE),
                may_see_codes=request.user.has_perm("promo.view_code"),
                all_rows=request.GET.get("rows") == "all",
            )
            context |= {"story": story, "title": gettext("Run №%(id)d") % {"id": run.pk}}
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response


def show_evidence(request: HttpRequest, evidence_id: int) -> HttpResponse:
    """A file of a run, decrypted for this one answer and kept by nobody on the way."""
    require(request, VIEW, EVIDENCE)
    evidence = Evidence.objects.filter(pk=evidence_id).first()
    if evidence is None:
        raise Http404
    try:
        content = witnessing.open_file(evidence)
    except (FileNotFoundError, CannotDecrypt) as error:
        raise Http404(gettext("The file is gone: evidence is kept for fourteen days.")) from error
    content_type, suffix = _KINDS[evidence.kind]
    response = HttpResponse(content, content_type=content_type)
    response["Cache-Control"] = "no-store"
    if suffix:
        response["Content-Disposition"] = f'attachment; filename="run-{evidence.run_id}-{evidence.kind}.{suffix}"'
    return response
