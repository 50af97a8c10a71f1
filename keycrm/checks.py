"""What `manage.py check` says about the CRM's settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Advice

# The CRM's limit; what we allow ourselves must stay below, or our own fallback would have nothing to spend.
CRM_LIMIT = 60
SHORTEST_SECRET = 20


@register(Tags.security)
def check_crm(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not 1 <= settings.KEYCRM_CALLS_PER_MINUTE < CRM_LIMIT:
        found.append(
            Error(
                f"KEYCRM_CALLS_PER_MINUTE is {settings.KEYCRM_CALLS_PER_MINUTE}: the CRM allows {CRM_LIMIT} a minute and a margin is needed.",
                hint="Set a number from 1 to 59; 50 is a good one.",
                id="keycrm.E001",
            )
        )
    address = urlsplit(settings.KEYCRM_BASE_URL)
    is_near = address.hostname in {"127.0.0.1", "localhost", "::1"}
    if settings.KEYCRM_API_TOKEN and not (address.scheme == "https" or (address.scheme == "http" and is_near)):
        found.append(Error("KEYCRM_BASE_URL is not https: the CRM's key would travel in the open.", id="keycrm.E002"))
    if len(settings.KEYCRM_WEBHOOK_SECRETS) > 2:
        found.append(
            Error(
                "KEYCRM_WEBHOOK_SECRETS lists more than two: rotation needs the new one and the old one.",
                id="keycrm.E003",
            )
        )
    if any(len(secret) < SHORTEST_SECRET for secret in settings.KEYCRM_WEBHOOK_SECRETS):
        found.append(
            Error(
                f"A secret of KEYCRM_WEBHOOK_SECRETS is shorter than {SHORTEST_SECRET} characters and can be guessed.",
                hint="python -c 'import secrets; print(secrets.token_urlsafe(24))'",
                id="keycrm.E004",
            )
        )
    if not settings.IS_LOCAL and settings.KEYCRM_API_TOKEN and not settings.KEYCRM_WEBHOOK_SECRETS:
        found.append(
            Advice(
                "The CRM has no webhook here: without KEYCRM_WEBHOOK_SECRETS orders arrive by polling only.",
                id="keycrm.W001",
            )
        )
    return found


@register()
def check_account(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What is said about statuses, sources, secrets and the write-back can be understood."""
    # Imported by the question: every process starts with this module, and most never ask.
    from keycrm.configured import MODES, read_ids, rules_of_settings

    found: list[CheckMessage] = []
    for question in (rules_of_settings, lambda: read_ids("KEYCRM_CARD_STATUSES")):
        try:
            question()
        except ValueError as error:
            found.append(Error(f"{error}.", id="keycrm.E010"))
    if settings.KEYCRM_WRITE_BACK not in MODES:
        found.append(
            Error(
                f"KEYCRM_WRITE_BACK is {settings.KEYCRM_WRITE_BACK!r}; it is one of {', '.join(sorted(MODES))}.",
                id="keycrm.E011",
            )
        )
    if settings.KEYCRM_API_TOKEN and not settings.KEYCRM_SHOP_SOURCES and not settings.IS_LOCAL:
        found.append(
            Advice("KEYCRM_SHOP_SOURCES is empty: orders of all sources of the CRM are taken for the shop's.", hint="Two sources may use the same numbers; "
                   "such orders wait for a person.", id="keycrm.W010")
        )  # fmt: skip
    return found
