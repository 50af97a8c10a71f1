"""The inbox of order reports: what pages claim and nobody has confirmed. For shops without a CRM a person confirms an order here, with a reason."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from bonuses.admin.forms import OrderByHandForm
from bonuses.models import Order, OrderReport
from bonuses.services import deciding
from bonusportal.masking import mask_phone
from promo.admin.asking import ask, require, say_outcome
from promo.admin.read_only import EndlessAdmin

VIEW, DECIDE = "bonuses.view_orderreport", "bonuses.decide_order"
TRUST = {"page": _("a page"), "session": _("a proved phone"), "signed": _("a signed call")}


class OpenFilter(DropdownFilter):  # type: ignore[misc]
    title = _("confirmed")
    parameter_name = "confirmed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Promise]]:
        return [("no", _("not confirmed")), ("yes", _("confirmed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OrderReport]) -> QuerySet[OrderReport]:
        known = Exists(Order.objects.filter(source=OuterRef("source"), number=OuterRef("order_number")))
        return queryset.filter(~known if self.value() == "no" else known) if self.value() else queryset


@admin.register(OrderReport)
class OrderReportAdmin(EndlessAdmin):
    list_display = [
        "order_number",
        "customer_shown",
        "total",
        "points_expected",
        "trust_shown",
        "reported_at",
        "confirm_link",
    ]
    list_filter = [("trust", ChoicesDropdownFilter), OpenFilter]
    list_filter_submit = True
    list_before_template = "bonuses/order_by_hand.html"
    fetched_after = ("customer",)
    ordering = ["-id"]
    sortable_by: list[str] = []
    fields = ["order_number", "customer_link", "total", "points_expected", "trust_shown", "hold_link", "reported_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.fields

    @admin.display(description=_("customer"))
    def customer_shown(self, report: OrderReport) -> str:
        return (
            f"№{report.customer_id} · {mask_phone(report.customer.phone)}"
            if report.customer.phone
            else f"№{report.customer_id}"
        )

    @admin.display(description=_("customer"))
    def customer_link(self, report: OrderReport) -> SafeString:
        return format_html(
            '<a class="pb-link" href="{}">№{}</a>',
            reverse("admin:bonuses_customer_change", args=[report.customer_id]),
            report.customer_id,
        )

    @admin.display(description=_("redemption"))
    def hold_link(self, report: OrderReport) -> SafeString | str:
        if report.hold_id is None:
            return "—"
        return format_html(
            '<a class="pb-link" href="{}">№{}</a>',
            reverse("admin:bonuses_hold_change", args=[report.hold_id]),
            report.hold_id,
        )

    @admin.display(description=_("said by"))
    def trust_shown(self, report: OrderReport) -> str:
        return str(TRUST.get(report.trust, report.trust))

    @admin.display(description=_("by hand"))
    def confirm_link(self, report: OrderReport) -> SafeString:
        return format_html(
            '<a class="pb-link" href="{}?report={}">{}</a>',
            reverse("admin:bonuses_order_by_hand"),
            report.pk,
            _("Decide"),
        )

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [path("by-hand/", wrap(partial(_by_hand, self)), name="bonuses_order_by_hand"), *super().get_urls()]


def _by_hand(page: OrderReportAdmin, request: HttpRequest) -> HttpResponse:
    actor = require(request, VIEW, DECIDE)
    back = reverse("admin:bonuses_orderreport_changelist")
    form = OrderByHandForm(request.POST or None, initial=_from_report(request.GET.get("report", "")))

    def act() -> Promise:
        typed = dict(form.cleaned_data)
        reason = typed.pop("reason")
        deciding.decide_order(stated=deciding.OrderByHand(**typed), reason=reason, actor=actor, now=timezone.now())
        return _("The order is recorded.")

    if request.method == "POST" and form.is_valid() and say_outcome(request, act):
        return HttpResponseRedirect(back)
    return ask(
        request, page.admin_site, title=_("An order by hand"), button=_("Record"), back=back, form=form,
        sentence=_("For a shop whose orders no CRM confirms. A completed order earns points; a promo code in it is paid by whoever holds points for it."),
    )  # fmt: skip


def _from_report(number: str) -> dict[str, Any]:
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return {}
    report = OrderReport.objects.select_related("customer", "hold__code").filter(pk=int(number)).first()
    if report is None:
        return {}
    # The promo code is typed by whoever sees it in the order: a page's word does not make somebody pay.
    return {"number": report.order_number, "phone": report.customer.phone or "", "total": report.total}
