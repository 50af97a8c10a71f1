"""Orders as the CRM confirmed them, each with its snapshots and entries. Looked at only: snapshots change them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bonuses.admin.portrait import order_badge, say_stuck
from bonuses.models import Order
from promo.admin.read_only import EndlessAdmin


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
                "snapshots": list(order.snapshots.order_by("-revision")[:50]),
                "entries": list(order.entries.select_related("debit", "credit").order_by("-pk")[:100]),
            }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response
