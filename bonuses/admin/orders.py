"""Orders as the CRM confirmed them, each with its snapshots and entries. Looked at only: snapshots change them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bonuses.admin.portrait import hold_badge, order_badge, say_stuck
from bonuses.models import Order
from bonuses.services import deciding
from promo.admin.asking import ReasonForm, ask, require, say_outcome
from promo.admin.read_only import EndlessAdmin

DEEDS = (
    ("confirmed", _("Confirm"), "task_alt"),
    ("completed", _("Complete"), "done_all"),
    ("cancelled", _("Cancel the order"), "cancel"),
)
# Pages of other apps about an order, as (address, words): each app above adds its own here.
PAGES_ELSEWHERE: list[Callable[[HttpRequest, Order], list[tuple[str, str]]]] = []


@admin.register(Order)
class OrderAdmin(EndlessAdmin):
    list_display = ["number", "customer_shown", "state_badge", "grand_total", "points", "placed_at", "stuck"]
    list_filter = [("state", ChoicesDropdownFilter)]
    list_filter_submit = True
    ordering = ["-id"]
    sortable_by: list[str] = []
    change_form_outer_before_template = "bonuses/order.html"

    def get_fieldsets(self, request: HttpRequest, obj: Order | None = None) -> list[Any]:
        return []

    @admin.display(description=_("customer"))
    def customer_shown(self, order: Order) -> str:
        return f"№{order.customer_id}" if order.customer_id else "—"

    @admin.display(description=_("state"))
    def state_badge(self, order: Order) -> SafeString:
        return order_badge(order)

    @admin.display(description=_("points"))
    def points(self, order: Order) -> str:
        return f"{order.granted - order.clawed_back}"

    @admin.display(description=_("stuck because"))
    def stuck(self, order: Order) -> str:
        return say_stuck(order.stuck_reason) or "—"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        move = path("<int:order_id>/move/<slug:stage>/", wrap(partial(_move, self)), name="bonuses_order_move")
        return [move, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        order = self.get_object(request, object_id)
        context = {**(extra_context or {}), "show_close": False}
        if order is not None:
            context |= {
                "title": gettext("Order %(number)s") % {"number": order.number},
                "order": order,
                "badge": order_badge(order),
                "stuck": say_stuck(order.stuck_reason),
                "deeds": [
                    (title, icon, reverse("admin:bonuses_order_move", args=[order.pk, stage]))
                    for stage, title, icon in DEEDS
                    if stage != order.state and request.user.has_perm("bonuses.decide_order")
                ],
                "elsewhere": [page for find in PAGES_ELSEWHERE for page in find(request, order)],
                "holds": [
                    (hold, hold_badge(hold)) for hold in order.holds.select_related("code__pool").order_by("pk")[:20]
                ],
                "snapshots": list(order.snapshots.order_by("-revision")[:50]),
                "entries": list(order.entries.select_related("debit", "credit").order_by("-pk")[:100]),
            }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response


def _move(page: OrderAdmin, request: HttpRequest, order_id: int, stage: str) -> HttpResponse:
    """Confirm, complete or cancel by hand. What the CRM says later counts as always."""
    actor = require(request, "bonuses.view_order", "bonuses.decide_order")
    order = get_object_or_404(Order, pk=order_id)
    title = next((title for name, title, _icon in DEEDS if name == stage), None)
    if title is None:
        raise Http404
    back = reverse("admin:bonuses_order_change", args=[order_id])
    form = ReasonForm(request.POST or None)

    def act() -> Promise:
        deciding.move_order(
            order_id=order_id, stage=stage, reason=form.cleaned_data["reason"], actor=actor, now=timezone.now()
        )
        return _("The order is recorded.")

    if request.method == "POST" and form.is_valid() and say_outcome(request, act):
        return HttpResponseRedirect(back)
    return ask(
        request, page.admin_site, title=title, button=title, back=back, form=form, is_dangerous=stage == "cancelled",
        sentence=_("Points follow at once, by the money that was last said of this order."), extra={"subject": order.number},
    )  # fmt: skip
