"""One box for whoever has a shopper on the phone: a full code, a phone number or an order number.

Asked by POST, so that neither a code nor a phone number ends up in an address, a browser's history or a log.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from bonusportal.masking import mask_phone
from bonusportal.phones import PhoneInvalid, normalise_phone
from promo.admin.asking import require
from promo.admin.drawing import draw_badge
from promo.admin.wording import CODE_COLOURS
from promo.models import Code, Issue

MOST = 20


def find(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """A full code leads straight to its page; a phone or an order lists what was handed out for it, newest first."""
    require(request, "promo.view_code")
    typed = request.POST.get("what", "").strip() if request.method == "POST" else ""
    if typed and (code := Code.objects.masked_search(typed).first()):
        return HttpResponseRedirect(reverse("admin:promo_code_change", args=[code.pk]))
    issues = _issues_for(typed) if typed and request.user.has_perm("promo.view_issue") else []
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": _("Find a code"),
        "was_asked": bool(typed),
        "results": [
            {
                "issue": issue,
                "code": issue.code.masked,
                "phone": mask_phone(issue.phone) if issue.phone else "—",
                "badge": draw_badge(issue.code.get_state_display(), CODE_COLOURS.get(issue.code.state, "")),
            }
            for issue in issues
        ],
        "is_cut": len(issues) == MOST,
    }
    return TemplateResponse(request, "promo/found.html", context)


def _issues_for(typed: str) -> list[Issue]:
    phone = ""
    with suppress(PhoneInvalid):
        phone = normalise_phone(typed)
    return list(issues_of(order_number=typed[:64], phone=phone))


def issues_of(*, order_number: str, phone: str) -> QuerySet[Issue]:
    """What was handed out for an order or a phone, newest first. An empty word asks for nothing."""
    wanted = Q(order_number=order_number) & ~Q(order_number="")
    if phone:
        wanted |= Q(phone=phone) & ~Q(phone="")
    # A list of keys of its own: sorted and cut as a whole, the planner would walk the journal from its newest end.
    found = Issue.objects.filter(wanted).order_by().values("pk")
    return Issue.objects.filter(pk__in=found).select_related("code__pool").order_by("-pk")[:MOST]
