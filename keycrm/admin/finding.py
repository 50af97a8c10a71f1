"""Ways to an order of the CRM: from its number, and from its order in the ledger."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from bonuses.admin.orders import PAGES_ELSEWHERE
from bonuses.models import Order
from keycrm.models import CrmOrder
from promo.admin.asking import require

VIEW = "keycrm.view_crmorder"
MOST_LISTED = 20


def find(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """A whole number, ours or the CRM's, leads to the order; several orders with one number are listed. Asked by POST: people type phones, too."""
    require(request, VIEW)
    back = HttpResponseRedirect(reverse("admin:keycrm_crmorder_changelist"))
    if request.method != "POST":
        return back
    found = list(CrmOrder.objects.numbered(request.POST.get("what", "")).order_by("-pk")[:MOST_LISTED])
    if not found:
        messages.warning(request, _("No order of the CRM has this number."))
        return back
    if len(found) == 1:
        return HttpResponseRedirect(_page(found[0]))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Several orders were found"),
        "orders": model_admin.shown(found),
    }
    return TemplateResponse(request, "keycrm/found.html", context)


def find_pages(request: HttpRequest, order: Order) -> list[tuple[str, str]]:
    """The orders of the CRM that a ledger order stands for: on their pages are the buttons for what waits."""
    if not request.user.has_perm(VIEW):
        return []
    return [(_page(row), str(row)) for row in CrmOrder.objects.filter(order=order).order_by("crm_id")[:MOST_LISTED]]


def _page(row: CrmOrder) -> str:
    return reverse("admin:keycrm_crmorder_change", args=[row.pk])


PAGES_ELSEWHERE.append(find_pages)
