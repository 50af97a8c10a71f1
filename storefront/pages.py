"""`/widgets/config.json`: what the tag in the shop's pages fetches first. Never stored anywhere, so that switching off works at once."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from bonuses.services.ruling import rule_in_force
from storefront import trials, wiring
from storefront.configuration import configure, language_of, try_instead
from storefront.models import Channel
from storefront.services import doorkeeping, dressing, sighting
from storefront.services.refusing import TRIAL

logger = logging.getLogger(__name__)


@csrf_exempt
def show_configuration(request: HttpRequest) -> HttpResponse:
    """For the page's language (`?lang=`). Where anything fails the answer is "off": a shop without us is a shop that works."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    try:
        answer = JsonResponse(_configuration(request), json_dumps_params={"ensure_ascii": False})
    except DatabaseError:
        logger.exception("the configuration of the widgets could not be read")
        answer = JsonResponse({"off": True})
    answer["Cache-Control"] = "no-store"
    return answer


def _note_who_asks(request: HttpRequest, *, now: dt.datetime) -> None:
    """The shop's own pages say that the tag is in place; others may be the shop's under a name that nobody told us."""
    origin, ours = request.headers.get("Origin", ""), settings.STOREFRONT_ORIGINS
    if TRIAL in request.META:
        return
    if origin in ours:
        sighting.note_visit(origin=origin, now=now)
    elif origin and not origin.endswith(f"//{request.get_host()}"):
        sighting.note_stranger(origin=origin, ours=ours, now=now)


def _configuration(request: HttpRequest) -> dict[str, object]:
    now = timezone.now()
    look = dressing.look_in_use()
    _note_who_asks(request, now=now)
    # A trial goes on while we are switched off: that is when staff want to know.
    token = request.GET.get("trial", "")
    is_tried = trials.is_trial(token)
    if (look.is_off or not doorkeeping.is_open_for(0)) and not is_tried:
        return {"off": True, "version": look.version}
    rule = rule_in_force(now)
    portal = request.build_absolute_uri("/").rstrip("/")

    def static_url(path: str) -> str:
        return request.build_absolute_uri(static(path))

    document = configure(
        replace(look, is_off=False),
        language=language_of(request.GET.get("lang", "")),
        portal=portal,
        static_url=static_url,
        share_percent=rule.share_percent,
        rate_percent=float(rule.rate_percent),
        channels=[channel.value for channel in wiring.channels() if channel != Channel.CONSOLE],
    )
    return try_instead(document, token=token, portal=portal, static_url=static_url) if is_tried else document
