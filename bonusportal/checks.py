"""What `manage.py check` (and `check --deploy`) says about this portal's settings. A deployed stage with an example value does not pass."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Advice
from django.core.exceptions import ImproperlyConfigured

from bonusportal import schedules
from bonusportal.limits import read_rate

_EXAMPLES = ("example", "changeme", "change-me", "secret", "password", "demo")


def _looks_like_example(value: str) -> bool:
    return any(word in value.lower() for word in _EXAMPLES)


def _secret_key() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django's word for "empty", which would hide every other finding
        return ""


@register(Tags.security)
def check_stage(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A deployed stage has real secrets, no debug and a server database."""
    if settings.IS_LOCAL:
        return []
    found: list[CheckMessage] = []
    if not (key := _secret_key()) or _looks_like_example(key) or len(key) < 40:
        found.append(
            Error(
                "SECRET_KEY is missing or an example.",
                hint="Set a random one of 50 characters or more.",
                id="portal.E001",
            )
        )
    if settings.DEBUG:
        found.append(Error("DEBUG is on.", hint="Unset DEBUG on a deployed stage.", id="portal.E002"))
    if not settings.FIELD_KEYS:
        found.append(
            Error(
                "FIELD_KEYS is missing: the panel's session and evidence cannot be encrypted.",
                hint="python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'",
                id="portal.E003",
            )
        )
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        found.append(Error("ALLOWED_HOSTS is empty or accepts any host.", id="portal.E004"))
    if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        found.append(
            Error(
                "SQLite on a deployed stage: several hosts would each have rows of their own.",
                hint="Set DATABASE_URL.",
                id="portal.E005",
            )
        )
    if settings.PANEL_PASSWORD and _looks_like_example(settings.PANEL_PASSWORD):
        found.append(Error("PANEL_PASSWORD is an example.", id="portal.E006"))
    return found


@register(Tags.security, deploy=True)
def check_deployed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What `check --deploy` adds."""
    found: list[CheckMessage] = []
    if settings.GET_CODE_MODE == "open":
        found.append(
            Advice(
                "GET_CODE_MODE is open: whoever finds /get-code is handed money, up to the daily cap of each pool.",
                hint="Set GET_CODE_MODE=guarded once the widgets have replaced the old page scripts.",
                id="portal.W001",
            )
        )
    if not settings.STOREFRONT_ORIGINS:
        found.append(Advice("STOREFRONT_ORIGINS is empty: no page of the shop can call the portal.", id="portal.W002"))
    if not (settings.REDIS_URL or settings.BROKER_URL):
        found.append(
            Advice("REDIS_URL and BROKER_URL are empty: nothing is nudged, all waits for sweeps.", id="portal.W003")
        )
    if not settings.PANEL_URL:
        found.append(Advice("PANEL_URL is empty: pools cannot refill.", id="portal.W004"))
    if not (settings.SMS_GATEWAY_URL or settings.EMAIL_URL):
        found.append(Advice("SMS_GATEWAY_URL and EMAIL_URL are empty: no shopper can prove a phone.", id="portal.W006"))
    return found


@register()
def check_values(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Values that no stage can work with."""
    found: list[CheckMessage] = []
    if settings.GET_CODE_MODE not in {"open", "guarded"}:
        found.append(Error(f"GET_CODE_MODE is {settings.GET_CODE_MODE!r}; it is open or guarded.", id="portal.E010"))
    found.extend(
        Error(f"STOREFRONT_ORIGINS: {origin!r} is not an exact origin like https://store.example.", id="portal.E011")
        for origin in settings.STOREFRONT_ORIGINS
        if origin.count("/") != 2 or "*" in origin
    )
    if settings.TARGET_CODES <= settings.LOW_WATER:
        found.append(
            Error("TARGET_CODES must be above LOW_WATER, or every refill would ask for the next one.", id="portal.E012")
        )
    if any(":" not in pair for pair in settings.API_KEYS):
        found.append(Error("API_KEYS: each entry is name:secret.", id="portal.E013"))
    for name, text in settings.RATE_LIMITS.items():
        try:
            read_rate(text)
        except ValueError as error:
            found.append(Error(f"The limit {name}: {error}.", id="portal.E014"))
    return found


@register()
def check_queues(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Every queue is taken by the function that can work it off. Zappa throws a message of an unmapped queue away, without a word."""
    queues = {schedules.DEFAULT_QUEUE, *(route["queue"] for route in schedules.ROUTES.values())}
    found: list[CheckMessage] = [
        Error(f"No stage is named for the queue {queue}.", hint="schedules.STAGE_OF_QUEUE", id="portal.E020")
        for queue in sorted(queues - set(schedules.STAGE_OF_QUEUE))
    ]
    file = settings.BASE_DIR / "zappa_settings.json"
    if not file.exists():  # a package does not carry it
        return found
    stages = json.loads(file.read_text())
    for queue, stage in schedules.STAGE_OF_QUEUE.items():
        takers = [name for name, its in stages.items() if f"{settings.QUEUE_PREFIX}{queue}" in _queues_of(its)]
        if takers != [stage]:
            found.append(
                Error(
                    f"The queue {queue} is taken by {takers or 'nobody'} in zappa_settings.json, not by {stage} alone.",
                    hint="python -m tools.zappa_settings",
                    id="portal.E021",
                )
            )
    return found


def _queues_of(stage: dict[str, Any]) -> set[str]:
    """Names of the queues whose messages a stage hands to the function that understands them."""
    return {
        event["event_source"]["arn"].rpartition(":")[2]
        for event in stage.get("events", [])
        if event.get("function") == schedules.MESSAGES
    }
