"""`/healthz` (alive, says nothing), `/readyz` (each dependency with its state) and `/metrics`: the last two for signed callers and loopback."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from bonusportal import living, signing
from bonusportal.answers import error_answer
from bonusportal.counting import kyiv_day
from bonusportal.errors import PortalError
from bonusportal.middleware import client_address
from bonusportal.models import DailyCount
from promo import wiring
from promo.errors import MirrorError
from promo.models import ReplenishRun, RunState
from promo.services.leasing import panel_state


def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


def _is_near(request: HttpRequest) -> bool:
    try:
        return ipaddress.ip_address(client_address(request)).is_loopback
    except ValueError:
        return False


def _refuse_strangers(request: HttpRequest) -> HttpResponse | None:
    """Whoever is not on this machine has to sign."""
    if _is_near(request):
        return None
    try:
        signing.verify(request)
    except PortalError as error:
        return error_answer(error)
    return None


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when everything this stage needs answers, 503 otherwise; the details say what."""
    if (refusal := _refuse_strangers(request)) is not None:
        return refusal
    now = timezone.now()
    parts = living.look_around(now=now)
    if parts[0].ok:
        parts += [_mirror(), _panel()]
    has_broker = bool(settings.REDIS_URL or settings.BROKER_URL)
    ready = all(
        part.ok is not False for part in parts if part.name not in {"worker", "browser", "crm", "beat"} or has_broker
    )
    document = {"ready": ready, "at": now.isoformat(), "parts": {part.name: part.as_json() for part in parts}}
    return JsonResponse(document, status=200 if ready else 503, headers={"Cache-Control": "no-store"})


def _mirror() -> living.Part:
    try:
        found = wiring.open_mirror_store().get(settings.MIRROR_CODES_KEY)
    except MirrorError as error:
        return living.Part("mirror", False, str(error))
    return living.Part("mirror", True, "document found" if found else "nothing published yet")


def _panel() -> living.Part:
    if wiring.panel_config() is None:
        return living.Part("panel", None, "not configured")
    state = panel_state()
    return living.Part("panel", not state.blocked_reason, state.blocked_reason)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format: today's counters, runs by state, codes by pool."""
    if (refusal := _refuse_strangers(request)) is not None:
        return refusal
    now = timezone.now()
    lines = ["# TYPE portal_today counter"]
    lines += [
        f'portal_today{{name="{row.name}"}} {row.count}'
        for row in DailyCount.objects.filter(day=kyiv_day(now)).order_by("name")
    ]
    lines.append("# TYPE portal_runs gauge")
    lines += [
        f'portal_runs{{state="{state}"}} {ReplenishRun.objects.filter(state=state).count()}'
        for state in (RunState.REQUESTED, RunState.LEASED, RunState.NEEDS_PERSON)
    ]
    return HttpResponse(
        "\n".join(lines) + "\n", content_type="text/plain; version=0.0.4", headers={"Cache-Control": "no-store"}
    )
