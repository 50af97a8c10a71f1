"""The inbox: events as they came, what became of each, and the button that looks once more."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bonusportal.masking import mask_text
from bonusportal.nudges import nudge
from bonusportal.secrecy import CannotDecrypt
from keycrm.admin.connection import show_connection
from keycrm.models import CrmCard, CrmOrder, EventState, InboundEvent, Subject
from keycrm.reasons import say_reason
from keycrm.services import receiving
from promo.admin.asking import require
from promo.admin.drawing import draw_badge
from promo.admin.read_only import EndlessAdmin

REPLAY = "keycrm.replay_events"
COLOURS = {
    EventState.RECEIVED: "info",
    EventState.APPLIED: "success",
    EventState.IGNORED: "",
    EventState.STUCK: "danger",
}


@admin.register(InboundEvent)
class InboundEventAdmin(EndlessAdmin):
    list_display = ["event_number", "channel", "name", "about", "state_badge", "why", "times_seen", "last_seen_at"]
    list_filter = [("state", ChoicesDropdownFilter), ("channel", ChoicesDropdownFilter)]
    list_filter_submit = True
    ordering = ["-id"]
    sortable_by: list[str] = []
    change_form_outer_before_template = "keycrm/event.html"

    def get_fieldsets(self, request: HttpRequest, obj: InboundEvent | None = None) -> list[Any]:
        return []

    @admin.display(description="№")
    def event_number(self, event: InboundEvent) -> int:
        return event.pk

    @admin.display(description=_("about"))
    def about(self, event: InboundEvent) -> str:
        return f"{event.get_subject_display()} {event.subject_id}" if event.subject else "—"

    @admin.display(description=_("state"))
    def state_badge(self, event: InboundEvent) -> SafeString:
        return draw_badge(event.get_state_display(), COLOURS.get(EventState(event.state), ""))

    @admin.display(description=_("reason"))
    def why(self, event: InboundEvent) -> str:
        return say_reason(event.reason) if event.reason else "—"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:event_id>/replay/", wrap(replay), name="keycrm_event_replay"),
            path("connection/", wrap(partial(show_connection, site=self.admin_site)), name="keycrm_connection"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        event = self.get_object(request, object_id)
        context = {**(extra_context or {}), "show_close": False}
        if event is not None:
            context |= {
                "title": gettext("Event №%(id)d") % {"id": event.pk},
                "event": event,
                "badge": self.state_badge(event),
                "why": say_reason(event.reason) if event.reason else "",
                "body": _shown_body(event),
                "order": CrmOrder.objects.filter(crm_id=event.subject_id).first()
                if event.subject == Subject.ORDER
                else None,
                "card": CrmCard.objects.filter(crm_id=event.subject_id).first()
                if event.subject == Subject.CARD
                else None,
            }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        response["Cache-Control"] = "no-store"
        return response


def _shown_body(event: InboundEvent) -> str:
    """What was sent, with codes, phones and addresses of mail masked."""
    try:
        found = receiving.read_body(event)
    except CannotDecrypt:
        return ""
    return "" if found is None else mask_text(json.dumps(found, ensure_ascii=False, indent=2))[:20_000]


def replay(request: HttpRequest, event_id: int) -> HttpResponse:
    """Looks at the event's order or card once more; a button, not a link."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    actor = require(request, REPLAY)
    event = get_object_or_404(InboundEvent, pk=event_id)
    if receiving.replay_event(event_id=event_id, actor=actor, now=timezone.now()):
        nudge("keycrm.tasks.reserve_by_cards" if event.subject == Subject.CARD else "keycrm.tasks.apply_orders")
        messages.success(request, gettext("It is looked at once more."))
    else:
        messages.warning(request, gettext("The event names neither an order nor a card: there is nothing to look at."))
    return HttpResponseRedirect(reverse("admin:keycrm_inboundevent_change", args=[event_id]))
