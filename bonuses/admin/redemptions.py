"""Redemptions: points that are held for a code, each with its whole story, hold ↔ code ↔ run ↔ order; and what a person may decide when it is stuck."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from bonuses.admin.portrait import hold_badge, order_badge, say_stuck
from bonuses.models import Hold
from bonuses.services import deciding
from bonusportal.nudges import nudge
from promo.admin.asking import ReasonForm, ask, require, say_outcome
from promo.admin.drawing import draw_badge
from promo.admin.read_only import EndlessAdmin
from promo.admin.wording import CODE_COLOURS, name_state, say_why
from promo.models import CodeEvent, ReplenishRun

VIEW, RESOLVE = "bonuses.view_hold", "bonuses.resolve_hold"


class StuckFilter(DropdownFilter):  # type: ignore[misc]
    title = _("stuck")
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Promise]]:
        return [("yes", _("a person is needed")), ("waiting", _("waiting for evidence"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Hold]) -> QuerySet[Hold]:
        if self.value() == "yes":
            return queryset.exclude(stuck_reason="")
        return queryset.filter(state="releasing") if self.value() == "waiting" else queryset


@admin.register(Hold)
class HoldAdmin(EndlessAdmin):
    list_display = [
        "number",
        "customer_shown",
        "points",
        "state_badge",
        "code_shown",
        "order_shown",
        "placed_at",
        "stuck",
    ]
    list_filter = [("state", ChoicesDropdownFilter), StuckFilter]
    list_filter_submit = True
    fetched_after = ("code__pool", "order")
    ordering = ["-id"]
    sortable_by: list[str] = []
    change_form_outer_before_template = "bonuses/redemption.html"

    def get_fieldsets(self, request: HttpRequest, obj: Hold | None = None) -> list[Any]:
        return []

    @admin.display(description="№")
    def number(self, hold: Hold) -> str:
        return f"№{hold.pk}"

    @admin.display(description=_("customer"))
    def customer_shown(self, hold: Hold) -> str:
        return f"№{hold.customer_id}"

    @admin.display(description=_("state"))
    def state_badge(self, hold: Hold) -> SafeString:
        return hold_badge(hold)

    @admin.display(description=_("code"))
    def code_shown(self, hold: Hold) -> str:
        return hold.code.masked if hold.code else "—"

    @admin.display(description=_("order"))
    def order_shown(self, hold: Hold) -> str:
        return hold.order.number if hold.order else "—"

    @admin.display(description=_("stuck because"))
    def stuck(self, hold: Hold) -> str:
        return say_stuck(hold.stuck_reason) or "—"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:hold_id>/give-back/", wrap(partial(_give_back, self)), name="bonuses_hold_give_back"),
            path("<int:hold_id>/spend/", wrap(partial(_spend, self)), name="bonuses_hold_spend"),
            path("<int:hold_id>/look-again/", wrap(partial(_look_again, self)), name="bonuses_hold_look_again"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        hold = self.get_object(request, object_id)
        context = {**(extra_context or {}), "show_close": False}
        if hold is not None:
            context |= {"title": gettext("Redemption №%(id)d") % {"id": hold.pk}, "story": tell(hold)}
            context["story"]["deeds"] = _deeds(hold) if request.user.has_perm(RESOLVE) else []
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response


def tell(hold: Hold) -> dict[str, Any]:
    """Everything that belongs to the hold, in a fixed number of queries."""
    code = hold.code
    runs: list[ReplenishRun] = []
    if code is not None:
        since = hold.releasing_at or hold.placed_at
        runs = list(
            ReplenishRun.objects.filter(pool_id=code.pool_id, kind="retire", requested_at__gte=since).order_by("-pk")[
                :20
            ]
        )
        if code.run_id:
            runs += list(ReplenishRun.objects.filter(pk=code.run_id))
    return {
        "hold": hold,
        "badge": hold_badge(hold),
        "stuck": say_stuck(hold.stuck_reason),
        "code": code,
        "code_badge": draw_badge(code.get_state_display(), CODE_COLOURS.get(code.state, "")) if code else "",
        "issue": getattr(code, "issue", None) if code else None,
        "events": [
            (name_state(event.from_state), name_state(event.to_state), event, say_why(event.reason))
            for event in CodeEvent.objects.filter(code=code).order_by("pk")[:50]
        ]
        if code
        else [],
        "why": say_why(code.reason) if code else "",
        "runs": runs,
        "order": hold.order,
        "order_badge": order_badge(hold.order) if hold.order else "",
        "reports": list(hold.reports.order_by("-pk")[:10]),
        "asked_again": list(hold.asked_again.order_by("pk")[:10]),
        "entries": list(hold.entries.select_related("debit", "credit").order_by("pk")[:50]),
    }


def _deeds(hold: Hold) -> list[tuple[str, Promise, str, str]]:
    if hold.state not in {"open", "releasing"} or hold.code_id is None:
        waits = deciding.is_spent_for_nothing(hold.pk)
        return (
            [("give_back", _("The code is dead"), "undo", reverse("admin:bonuses_hold_give_back", args=[hold.pk]))]
            if waits
            else []
        )
    deeds = [("spend", _("The code was used"), "shopping_cart_checkout")]
    if hold.state == "releasing":
        deeds = [
            ("look_again", _("Look again in the panel"), "search"),
            ("give_back", _("The code is dead"), "undo"),
            *deeds,
        ]
    return [(name, title, icon, reverse(f"admin:bonuses_hold_{name}", args=[hold.pk])) for name, title, icon in deeds]


def _page(hold_id: int) -> str:
    return reverse("admin:bonuses_hold_change", args=[hold_id])


def _ask_why(
    page: HoldAdmin, request: HttpRequest, hold_id: int, act: Callable[[str, str], Promise], *, title: Promise, sentence: Promise, button: Promise
) -> HttpResponse:  # fmt: skip
    actor = require(request, VIEW, RESOLVE)
    get_object_or_404(Hold, pk=hold_id)
    form = ReasonForm(request.POST or None)
    if (
        request.method == "POST"
        and form.is_valid()
        and say_outcome(request, lambda: act(form.cleaned_data["reason"], actor))
    ):
        return HttpResponseRedirect(_page(hold_id))
    return ask(
        request, page.admin_site, title=title, sentence=sentence, button=button, back=_page(hold_id), form=form, is_dangerous=True,
        extra={"subject": f"№{hold_id}"},
    )  # fmt: skip


def _give_back(page: HoldAdmin, request: HttpRequest, hold_id: int) -> HttpResponse:
    def act(reason: str, actor: str) -> Promise:
        deciding.give_back(hold_id=hold_id, reason=reason, actor=actor, now=timezone.now())
        return _("The code is void and the points are free.")

    return _ask_why(
        page, request, hold_id, act, title=_("The code is dead"), button=_("Give the points back"),
        sentence=_("Look in the panel first: the code must be neither there nor used in an order. Whoever has it could pay with it for nothing."),
    )  # fmt: skip


def _spend(page: HoldAdmin, request: HttpRequest, hold_id: int) -> HttpResponse:
    def act(reason: str, actor: str) -> Promise:
        deciding.spend(hold_id=hold_id, reason=reason, actor=actor, now=timezone.now())
        return _("The points are spent.")

    return _ask_why(
        page, request, hold_id, act, title=_("The code was used"), button=_("Spend the points"),
        sentence=_("The points are captured although no order of ours names the code. Say in which order it was used."),
    )  # fmt: skip


def _look_again(page: HoldAdmin, request: HttpRequest, hold_id: int) -> HttpResponse:
    actor = require(request, VIEW, RESOLVE)
    get_object_or_404(Hold, pk=hold_id)
    if request.method == "POST":

        def act() -> Promise:
            if deciding.look_again(hold_id=hold_id, actor=actor, now=timezone.now()):
                nudge("promo.tasks.work_through_runs")
                return _("A run was requested.")
            return _("A run for this pool is open already, or the code is not to be deleted.")

        say_outcome(request, act)
    return HttpResponseRedirect(_page(hold_id))
