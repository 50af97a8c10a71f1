"""Verifications of the ledger: what was found, and the button that asks for one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bonuses.admin.alarms import find_banners
from bonuses.models import LedgerEntry, Verification
from bonuses.services import auditing, sealing
from bonuses.wiring import open_anchor_store
from bonusportal.nudges import nudge
from promo.admin.asking import require
from promo.admin.drawing import draw_badge
from promo.admin.read_only import ReadOnlyAdmin

VERIFY = "bonuses.verify_ledger"
AT_ONCE = 20_000  # entries that a page may verify while somebody waits; more go to the worker


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "verdict", "entries", "anchors", "first_bad", "finding", "actor"]
    list_before_template = "bonuses/verify.html"

    @admin.display(description=_("verdict"))
    def verdict(self, run: Verification) -> SafeString:
        if run.finished_at is None:
            return draw_badge(_("running"), "info")
        if run.first_bad is not None:
            return draw_badge(_("broken"), "danger")
        return draw_badge(_("not verified"), "warning") if run.finding else draw_badge(_("as it was sealed"), "success")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {**(extra_context or {}), "banners": find_banners(timezone.now())}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def get_urls(self) -> list[URLPattern]:
        return [path("now/", self.admin_site.admin_view(verify_now), name="bonuses_verify_now"), *super().get_urls()]


def verify_now(request: HttpRequest) -> HttpResponse:
    """A small ledger is verified at once, a large one by the worker."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    actor = require(request, VERIFY)
    newest = LedgerEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    if newest > AT_ONCE:
        nudge("bonuses.tasks.verify_ledger", actor)
        messages.info(request, gettext("The worker verifies the ledger; the result appears here."))
    else:
        sealing.seal_entries(now=timezone.now(), whole=True)
        run = auditing.verify_and_record(open_anchor_store(), actor=actor, now=timezone.now())
        if run.first_bad is None and run.finding:
            messages.error(request, gettext("The ledger could not be verified: its anchors cannot be read."))
        elif run.first_bad is None:
            messages.success(request, gettext("All %(n)d entries are as they were sealed.") % {"n": run.entries})
        else:
            messages.error(request, gettext("The first bad entry is number %(n)d.") % {"n": run.first_bad})
    return HttpResponseRedirect(reverse("admin:bonuses_verification_changelist"))
