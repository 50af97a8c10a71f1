"""Pools: their settings with history, and what a person may ask for: a refill, a look, codes pasted in, the panel to go on."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin

from bonusportal.nudges import nudge
from bonusportal.page_titles import PlainTitles
from promo.admin.asking import go_back, require
from promo.admin.board import draw_line, strength_of
from promo.admin.bulk import show_bulk
from promo.admin.drawing import draw_badge
from promo.admin.pasting import show_paste
from promo.models import Pool, ReplenishRun, RunKind
from promo.models.runs import RunTrigger
from promo.services import leasing, levels, stock

MANAGE = "promo.manage_pools"
LAST_RUNS = 6
MOST_CODES = 10_000


class PoolForm(forms.ModelForm):  # type: ignore[type-arg]
    """The schema's rules said kindly, beside the field that breaks them."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        low_water, target = cleaned.get("low_water"), cleaned.get("target")
        if low_water is not None and target is not None and target <= low_water:
            self.add_error(
                "target", _("The target must be above low water, or every refill would ask for the next one.")
            )
        elif target is not None and target > MOST_CODES:
            self.add_error("target", _("At most %(most)d codes.") % {"most": MOST_CODES})
        return cleaned


@admin.register(Pool)
class PoolAdmin(PlainTitles, SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    form = PoolForm
    list_display = ["amount", "in_use", "low_water", "target", "adopt_shown", "delete_inactive", "daily_cap"]
    list_filter = ["is_active", "adopt"]
    list_per_page = 50
    search_fields = ["amount_uah"]
    search_help_text = _("Amount in hryvnias")
    actions = ["refill_now", "look_now"]
    fieldsets = [
        (None, {"fields": ["amount_uah", "is_active"]}),
        (_("Refilling"), {"fields": ["low_water", "target", "adopt", "delete_inactive"]}),
        (_("Issuing"), {"fields": ["daily_cap"]}),
    ]
    compressed_fields = False
    warn_unsaved_form = True
    change_form_outer_before_template = "promo/pool_summary.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Pool | None = None) -> list[str]:
        # The codes of a pool are worth its amount: it cannot become another one.
        return ["amount_uah"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Pool | None = None) -> bool:
        return False  # a pool that nobody needs is taken out of use; its journal stays

    def has_manage_pools_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(MANAGE))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Pool], search_term: str
    ) -> tuple[QuerySet[Pool], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        return (
            queryset.filter(amount_uah=int(term))
            if term.isascii() and term.isdigit() and len(term) < 10
            else queryset.none()
        ), False

    @admin.display(description=_("amount"), ordering="amount_uah")
    def amount(self, pool: Pool) -> str:
        return str(pool)

    @admin.display(description=_("in use"), ordering="is_active", boolean=True)
    def in_use(self, pool: Pool) -> bool:
        return pool.is_active

    @admin.display(description=_("foreign codes"), ordering="adopt")
    def adopt_shown(self, pool: Pool) -> str:
        return draw_badge(
            gettext("trusted") if pool.adopt == "trust" else gettext("ask a person"),
            "" if pool.adopt == "trust" else "info",
        )

    @admin.action(description=_("Refill now"), permissions=["manage_pools"])
    def refill_now(self, request: HttpRequest, queryset: QuerySet[Pool]) -> None:
        _request_runs(request, queryset, kind=RunKind.REFILL)

    @admin.action(description=_("Look into the panel"), permissions=["manage_pools"])
    def look_now(self, request: HttpRequest, queryset: QuerySet[Pool]) -> None:
        _request_runs(request, queryset, kind=RunKind.LOOK)

    def set_history_delta_changes(self, request: HttpRequest, historical_records: Any, **kwargs: Any) -> None:
        super().set_history_delta_changes(request, historical_records, **kwargs)
        for record in historical_records:
            record.history_change_reason = record.history_change_reason or ""  # the theme writes Python's None

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("range/", wrap(partial(_order_range, self)), name="promo_bulk"),
            path("go-on/", wrap(let_panel_go_on), name="promo_panel_go_on"),
            path("<int:pool_id>/request/", wrap(request_one), name="promo_pool_request"),
            path("<int:pool_id>/paste/", wrap(partial(_paste, self)), name="promo_pool_paste"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "pool": self._summary(request, object_id)}
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def _summary(self, request: HttpRequest, object_id: str) -> dict[str, Any] | None:
        if not object_id.isdigit():
            return None
        now = timezone.now()
        states = levels.board(now=now, pool_ids=[int(object_id)])
        if not states:
            return None
        return {
            "line": draw_line(states[0], now=now),
            "strength": strength_of(states[0]),
            "runs": ReplenishRun.objects.filter(pool_id=object_id).order_by("-pk")[:LAST_RUNS],
            "may_manage": request.user.has_perm(MANAGE),
            "may_see_runs": request.user.has_perm("promo.view_replenishrun"),
            "may_see_codes": request.user.has_perm("promo.view_code"),
        }


def _order_range(pool_admin: PoolAdmin, request: HttpRequest) -> HttpResponse:
    return show_bulk(request, pool_admin.admin_site)


def _paste(pool_admin: PoolAdmin, request: HttpRequest, pool_id: int) -> HttpResponse:
    return show_paste(request, pool_admin.admin_site, pool_id)


class RequestForm(forms.Form):
    """What to ask for. A retire run is asked for by withdrawing a code, not here."""

    kind = forms.ChoiceField(choices=[(RunKind.REFILL, ""), (RunKind.LOOK, "")])


def request_one(request: HttpRequest, pool_id: int) -> HttpResponse:
    """The button beside a pool."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    require(request, MANAGE)
    get_object_or_404(Pool, pk=pool_id)
    form = RequestForm(request.POST)
    kind = form.cleaned_data["kind"] if form.is_valid() else RunKind.REFILL
    _request_runs(request, Pool.objects.filter(pk=pool_id), kind=kind)
    return go_back(request, reverse("admin:index"))


def _request_runs(request: HttpRequest, pools: QuerySet[Pool], *, kind: str) -> None:
    actor, now = str(request.user.get_username()), timezone.now()
    asked = [
        stock.request_run(pool_id=pool_id, kind=kind, trigger=RunTrigger.STAFF, requested_by=actor, now=now)
        for pool_id in pools.values_list("pk", flat=True)
    ]
    requested = [run for run in asked if run is not None]
    if requested:
        nudge("promo.tasks.work_through_runs")
        messages.success(
            request,
            ngettext("%(n)d run was requested.", "%(n)d runs were requested.", len(requested)) % {"n": len(requested)},
        )
    if refused := len(asked) - len(requested):
        text = ngettext(
            "%(n)d pool has an open run already, or is not in use: nothing new was requested.",
            "%(n)d pools have an open run already, or are not in use: nothing new was requested.",
            refused,
        )
        messages.warning(request, text % {"n": refused})


def let_panel_go_on(request: HttpRequest) -> HttpResponse:
    """A person has looked at the panel: runs may sign in again."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    actor = require(request, MANAGE)
    waiting = leasing.unblock_panel(actor=actor, now=timezone.now())
    nudge("promo.tasks.work_through_runs")
    text = ngettext("The panel goes on; %(n)d run was waiting.", "The panel goes on; %(n)d runs were waiting.", waiting)
    messages.success(request, text % {"n": waiting})
    return HttpResponseRedirect(reverse("admin:index"))
