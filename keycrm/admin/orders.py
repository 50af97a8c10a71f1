"""Orders and cards of the CRM: the mapping, what waits and why, and what a person decides of an order that is stuck."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminRadioSelectWidget

from bonuses.models.orders import ConfirmedState
from bonusportal.nudges import nudge
from keycrm.admin.events import REPLAY
from keycrm.admin.finding import MOST_LISTED, find
from keycrm.admin.giving_back import give_back, say_reserve
from keycrm.admin.wording import say_why
from keycrm.models import CrmCard, CrmOrder
from keycrm.services import leasing, vanishing
from keycrm.services.vanishing import Verdict
from promo.admin.asking import ReasonForm, ask, require, say_outcome
from promo.admin.drawing import draw_badge
from promo.admin.read_only import EndlessAdmin


class StuckFilter(admin.SimpleListFilter):
    """Those that wait for a person."""

    title = _("waits for a person")
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("yes"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.exclude(stuck_reason="") if self.value() == "yes" else queryset


class SetAsideFilter(admin.SimpleListFilter):
    """Those that a person set aside."""

    title = _("set aside")
    parameter_name = "aside"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("yes"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(set_aside_at__isnull=False) if self.value() == "yes" else queryset


class DecideForm(ReasonForm):
    """What became of the order, and how one knows. No answer is chosen beforehand: it cannot be taken back."""

    verdict = forms.ChoiceField(
        label=_("What became of it"),
        choices=[
            (Verdict.KEPT.value, _("does not count, points stay")),
            (Verdict.CANCELLED.value, _("did not happen, points go back")),
        ],
        widget=UnfoldAdminRadioSelectWidget,
        error_messages={"required": _("Choose what became of it.")},
    )
    field_order = ["verdict", "reason"]

    def __init__(self, *args: Any, is_alone: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        verdict = self.fields["verdict"]
        if not is_alone and isinstance(verdict, forms.ChoiceField):
            # The order goes on: points neither stay nor go back because of what became of one part.
            verdict.choices = [
                (Verdict.KEPT.value, _("does not count; what is left under its number is added up anew"))
            ]
            verdict.initial = Verdict.KEPT.value


def waiting_badge(row: CrmOrder | CrmCard) -> SafeString:
    if row.stuck_reason:
        return draw_badge(_("stuck"), "danger")
    if getattr(row, "set_aside_at", None) is not None:
        return draw_badge(_("set aside"))
    if row.asked_at is not None:
        return draw_badge(_("waits"), "info")
    return draw_badge(_("looked at"), "success")


@admin.register(CrmOrder)
class CrmOrderAdmin(EndlessAdmin):
    list_display = ["crm_id", "number", "stage_shown", "grand_total", "state_badge", "why", "placed_at", "fetched_at"]
    list_filter = [StuckFilter, SetAsideFilter, ("stage", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_before_template = "keycrm/find.html"
    ordering = ["-id"]
    sortable_by: list[str] = []
    change_form_outer_before_template = "keycrm/order.html"

    def get_fieldsets(self, request: HttpRequest, obj: CrmOrder | None = None) -> list[Any]:
        return []

    @admin.display(description=_("stage in the CRM"))
    def stage_shown(self, row: CrmOrder) -> str:
        return str(ConfirmedState(row.stage).label) if row.stage else "—"

    @admin.display(description=_("our work"))
    def state_badge(self, row: CrmOrder) -> SafeString:
        return waiting_badge(row)

    @admin.display(description=_("stuck because"))
    def why(self, row: CrmOrder) -> str:
        return say_why(row) or "—"

    def shown(self, rows: Iterable[CrmOrder]) -> list[tuple[CrmOrder, str, SafeString]]:
        """Rows of a small table: which is which, and what became of each."""
        return [(row, self.stage_shown(row), waiting_badge(row)) for row in rows]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("find/", wrap(partial(find, self)), name="keycrm_find"),
            path("<int:pk>/look/", wrap(look_again), name="keycrm_crmorder_look"),
            path("<int:pk>/decide/", wrap(partial(decide, self)), name="keycrm_crmorder_decide"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = {**(extra_context or {}), "show_close": False}
        if row is not None:
            context |= {
                "title": gettext("Order %(id)d of the CRM") % {"id": row.crm_id},
                "row": row,
                "badge": waiting_badge(row),
                "stage": self.stage_shown(row),
                "why": say_why(row),
                "parts": list(CrmOrder.objects.filter(parent_id=row.crm_id).order_by("crm_id")),
                "rivals": self.shown(CrmOrder.objects.rivals_of(row)[:MOST_LISTED]),
            }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response


def look_again(request: HttpRequest, pk: int) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    require(request, REPLAY)
    row = get_object_or_404(CrmOrder, pk=pk)
    leasing.ask(CrmOrder, row.crm_id, now=timezone.now())
    nudge("keycrm.tasks.apply_orders")
    messages.success(request, gettext("It is looked at once more."))
    return HttpResponseRedirect(reverse("admin:keycrm_crmorder_change", args=[pk]))


def decide(model_admin: CrmOrderAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """A person says what became of an order that is stuck."""
    actor = require(request, REPLAY)
    row = get_object_or_404(CrmOrder, pk=pk)
    back = reverse("admin:keycrm_crmorder_change", args=[pk])
    form = DecideForm(request.POST or None, is_alone=vanishing.stands_alone(row.crm_id))

    def act() -> str:
        vanishing.set_aside(crm_id=row.crm_id, actor=actor, now=timezone.now(), **form.cleaned_data)
        nudge("keycrm.tasks.apply_orders")
        return gettext("The order is set aside.")

    if request.method == "POST" and form.is_valid() and say_outcome(request, act):
        return HttpResponseRedirect(back)
    return ask(
        request, model_admin.admin_site, title=_("Set the order aside"), button=_("Set aside"), back=back, form=form, is_dangerous=True,
        sentence=_("From now on this order does not count, whatever the CRM says of it. This cannot be undone. The CRM itself is not changed."),
        extra={"subject": str(row)},
    )  # fmt: skip


@admin.register(CrmCard)
class CrmCardAdmin(EndlessAdmin):
    list_display = ["crm_id", "order_shown", "points_shown", "state_badge", "why", "finished_at"]
    list_filter = [StuckFilter]
    list_filter_submit = True
    fetched_after = ("reserve",)
    ordering = ["-id"]
    sortable_by: list[str] = []
    change_form_outer_before_template = "keycrm/card.html"

    def get_fieldsets(self, request: HttpRequest, obj: CrmCard | None = None) -> list[Any]:
        return []

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/look/", wrap(look_at_card_again), name="keycrm_crmcard_look"),
            path("<int:pk>/give-back/", wrap(partial(give_back, self)), name="keycrm_crmcard_give_back"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        card = self.get_object(request, object_id)
        context = {**(extra_context or {}), "show_close": False}
        if card is not None:
            context |= {
                "title": gettext("Card %(id)d of the CRM") % {"id": card.crm_id}, "card": card, "badge": waiting_badge(card),
                "order": self.order_shown(card), "points": self.points_shown(card), "why": say_why(card),
            }  # fmt: skip
            context |= say_reserve(card)
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    @admin.display(description=_("order in the CRM"))
    def order_shown(self, card: CrmCard) -> str:
        return f"{card.reserve.crm_order_id}" if hasattr(card, "reserve") else "—"

    @admin.display(description=_("points reserved of those asked for"))
    def points_shown(self, card: CrmCard) -> str:
        return f"{card.reserve.points} / {card.reserve.asked_points}" if hasattr(card, "reserve") else "—"

    @admin.display(description=_("our work"))
    def state_badge(self, card: CrmCard) -> SafeString:
        return waiting_badge(card)

    @admin.display(description=_("stuck because"))
    def why(self, card: CrmCard) -> str:
        return say_why(card) or "—"


def look_at_card_again(request: HttpRequest, pk: int) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    require(request, REPLAY)
    card = get_object_or_404(CrmCard, pk=pk)
    leasing.ask(CrmCard, card.crm_id, now=timezone.now())
    nudge("keycrm.tasks.reserve_by_cards")
    messages.success(request, gettext("It is looked at once more."))
    return HttpResponseRedirect(reverse("admin:keycrm_crmcard_change", args=[pk]))
