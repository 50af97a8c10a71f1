"""Buyers of the CRM: which card is behind, which is stuck and why, and the two buttons: try again, and "the portal is right"."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bonusportal.nudges import nudge
from keycrm.admin.events import REPLAY
from keycrm.admin.orders import StuckFilter
from keycrm.admin.wording import say_why
from keycrm.models import BuyerLink
from keycrm.reasons import Reason, say_reason
from keycrm.services import owning, writing_back
from promo.admin.asking import require
from promo.admin.drawing import draw_badge
from promo.admin.read_only import EndlessAdmin


@admin.register(BuyerLink)
class BuyerLinkAdmin(EndlessAdmin):
    list_display = [
        "customer_shown",
        "buyer_shown",
        "state_badge",
        "why",
        "pushed_available",
        "pushed_reserved",
        "pushed_at",
    ]
    list_filter = [StuckFilter]
    list_filter_submit = True
    ordering = ["-id"]
    sortable_by: list[str] = []
    change_form_outer_before_template = "keycrm/link.html"

    def get_fieldsets(self, request: HttpRequest, obj: BuyerLink | None = None) -> list[Any]:
        return []

    @admin.display(description=_("customer"))
    def customer_shown(self, link: BuyerLink) -> str:
        return f"№{link.customer_id}"

    @admin.display(description=_("buyer"))
    def buyer_shown(self, link: BuyerLink) -> str:
        return f"{link.buyer_id}" if link.buyer_id else gettext("nobody with this phone")

    @admin.display(description=_("state"))
    def state_badge(self, link: BuyerLink) -> SafeString:
        if link.stuck_reason:
            return draw_badge(_("stuck"), "danger")
        if writing_back.is_behind(link):
            return draw_badge(_("behind"), "warning")
        return draw_badge(_("up to date"), "success")

    @admin.display(description=_("stuck because"))
    def why(self, link: BuyerLink) -> str:
        return say_why(link) or "—"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/again/", wrap(try_again), name="keycrm_link_again"),
            path("<int:pk>/overwrite/", wrap(overwrite), name="keycrm_link_overwrite"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        link = self.get_object(request, object_id)
        context = {**(extra_context or {}), "show_close": False}
        if link is not None:
            sharers = owning.read_told(link.stuck_detail) if link.stuck_reason == Reason.SHARED_CARD else []
            context |= {
                "title": gettext("Card of customer №%(id)d") % {"id": link.customer_id},
                "link": link,
                "badge": self.state_badge(link),
                "why": say_reason(link.stuck_reason) if sharers else say_why(link),
                "is_by_hand": link.stuck_reason == Reason.CHANGED_BY_HAND,
                "sharers": sharers,
            }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response


def _press(request: HttpRequest, pk: int, *, is_overwrite: bool) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    actor = require(request, REPLAY)
    done = (
        writing_back.overwrite(link_id=pk, actor=actor, now=timezone.now())
        if is_overwrite
        else writing_back.try_again(link_id=pk)
    )
    if done:
        nudge("keycrm.tasks.write_back")
        messages.success(request, gettext("The card is written next."))
    else:
        messages.warning(request, gettext("This card is not stuck: nothing has to be decided."))
    return HttpResponseRedirect(reverse("admin:keycrm_buyerlink_change", args=[pk]))


def try_again(request: HttpRequest, pk: int) -> HttpResponse:
    return _press(request, pk, is_overwrite=False)


def overwrite(request: HttpRequest, pk: int) -> HttpResponse:
    """What a person wrote on the card is replaced by the portal's figures."""
    return _press(request, pk, is_overwrite=True)
