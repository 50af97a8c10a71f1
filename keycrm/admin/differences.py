"""The list of differences: what does not agree, and the page that clears a line with a reason."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from keycrm.admin.events import REPLAY
from keycrm.admin.wording import say_figures
from keycrm.models import Difference
from keycrm.models.differences import DifferenceKind
from keycrm.services import reconciling
from promo.admin.asking import ReasonForm, ask, require, say_outcome
from promo.admin.drawing import draw_badge
from promo.admin.read_only import EndlessAdmin

# The rows of a key that have a page of their own, and what they are called.
CARDS = {
    "link": ("admin:keycrm_buyerlink_change", _("buyer")),
    "card": ("admin:keycrm_crmcard_change", _("card of the CRM")),
    "hold": ("admin:bonuses_hold_change", _("hold")),
}


class OpenFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("open")), ("no", _("cleared"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return {"yes": queryset.filter(cleared_at=None), "no": queryset.exclude(cleared_at=None)}.get(
            self.value() or "", queryset
        )


@admin.register(Difference)
class DifferenceAdmin(EndlessAdmin):
    list_display = ["kind", "figures", "subject", "state_badge", "found_at", "cleared_by_shown", "reason"]
    list_filter = [OpenFilter, ("kind", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_before_template = "keycrm/reconcile.html"
    fetched_after = ("order", "crm_order", "code__pool")
    ordering = ["-id"]
    sortable_by: list[str] = []
    change_form_outer_before_template = "keycrm/difference.html"

    def get_fieldsets(self, request: HttpRequest, obj: Difference | None = None) -> list[Any]:
        return []

    @admin.display(description=_("figures"))
    def figures(self, line: Difference) -> str:
        return say_figures(line)

    @admin.display(description=_("about"))
    def subject(self, line: Difference) -> SafeString:
        # What waits in the CRM is decided on the page of the CRM's order.
        if line.order is not None and not (line.kind == DifferenceKind.CRM_STUCK and line.crm_order):
            return format_html(
                '<a class="pb-link" href="{}">{}</a>',
                reverse("admin:bonuses_order_change", args=[line.order_id]),
                line.order.number,
            )
        if line.crm_order is not None:
            return format_html(
                '<a class="pb-link" href="{}">{}</a>',
                reverse("admin:keycrm_crmorder_change", args=[line.crm_order_id]),
                line.crm_order,
            )
        name, _colon, pk = line.key.partition(":")
        if name in CARDS:
            return format_html(
                '<a class="pb-link" href="{}">{} №{}</a>', reverse(CARDS[name][0], args=[pk]), CARDS[name][1], pk
            )
        return format_html("{}", line.code.masked if line.code else "—")

    @admin.display(description=_("cleared by"))
    def cleared_by_shown(self, line: Difference) -> str:
        return gettext("by itself") if line.cleared_by == reconciling.ITSELF else line.cleared_by or "—"

    @admin.display(description=_("state"))
    def state_badge(self, line: Difference) -> SafeString:
        return draw_badge(_("open"), "warning") if line.cleared_at is None else draw_badge(_("cleared"), "success")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("now/", wrap(reconcile_now), name="keycrm_reconcile_now"),
            path("<int:pk>/clear/", wrap(partial(clear, self)), name="keycrm_difference_clear"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        line = self.get_object(request, object_id)
        context = {**(extra_context or {}), "show_close": False}
        if line is not None:
            context |= {
                "title": line.get_kind_display(), "line": line, "badge": self.state_badge(line), "subject": self.subject(line),
                "figures": say_figures(line), "is_by_itself": line.cleared_by == reconciling.ITSELF,
            }  # fmt: skip
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response


def clear(model_admin: DifferenceAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    actor = require(request, REPLAY)
    line = get_object_or_404(Difference, pk=pk)
    back = reverse("admin:keycrm_difference_changelist")
    form = ReasonForm(request.POST or None)

    def act() -> str:
        reconciling.clear(difference_id=pk, actor=actor, now=timezone.now(), **form.cleaned_data)
        return gettext("The line is cleared. With other figures it comes back.")

    if request.method == "POST" and form.is_valid() and say_outcome(request, act):
        return HttpResponseRedirect(back)
    return ask(
        request, model_admin.admin_site, title=_("Clear the line"), button=_("Clear"), back=back, form=form,
        sentence=_("Nothing is changed in the ledger or in the CRM; the line leaves the list, with your name and the reason."),
        extra={"subject": line.get_kind_display()},
    )  # fmt: skip


def reconcile_now(request: HttpRequest) -> HttpResponse:
    """The list as of this moment; it asks only our own rows."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    require(request, REPLAY)

    def act() -> str:
        outcome = reconciling.reconcile(now=timezone.now())
        return gettext("%(found)d differences: %(new)d new, %(gone)d gone.") % {
            "found": outcome.found, "new": outcome.new, "gone": outcome.gone,
        }  # fmt: skip

    say_outcome(request, act)
    return HttpResponseRedirect(reverse("admin:keycrm_difference_changelist"))
