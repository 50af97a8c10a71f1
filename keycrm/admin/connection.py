"""The connection test as a page: what is wrong with key, fields and statuses, in sentences; and how far the net below the webhooks has come."""

from __future__ import annotations

from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext

from bonusportal.models import Heartbeat
from keycrm import wiring
from keycrm.configured import rules_of_settings
from keycrm.errors import CrmError
from keycrm.models import Connection, CrmOrder, PollCursor
from keycrm.services import diagnosing, polling, writing_back
from promo.admin.asking import require

VIEW = "keycrm.view_inboundevent"


def show_connection(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Asking costs a handful of calls, so it waits for the button."""
    require(request, VIEW)
    now = timezone.now()
    findings: list[diagnosing.Finding] | None = None
    trouble = ""
    if request.method == "POST":
        try:
            findings = diagnosing.check_connection(
                crm=wiring.open_crm(urgent=True, patience_seconds=20.0), rules=rules_of_settings(), now=now
            )
        except CrmError as error:
            trouble = str(diagnosing.sentence_for(error))
        except ValueError as error:  # of a setting
            trouble = str(error)
    context = {
        **site.each_context(request),
        "title": gettext("Connection to the CRM"),
        "is_configured": wiring.is_configured(),
        "findings": findings,
        "trouble": trouble,
        "row": Connection.objects.first(),
        "cursors": PollCursor.objects.filter(name__in=[polling.CREATED, polling.UPDATED]),
        "waiting": CrmOrder.objects.filter(asked_at__isnull=False, stuck_reason="").count(),
        "seen_at": Heartbeat.objects.filter(name="crm").values_list("seen_at", flat=True).first(),
        "writes_back": writing_back.is_on(),
    }
    response = TemplateResponse(request, "keycrm/connection.html", context)
    response["Cache-Control"] = "no-store"
    return response
