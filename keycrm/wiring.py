"""The client built from settings, for tasks, commands and the proxy: the only place in this app that puts an address and a key together."""

from __future__ import annotations

import hashlib

from django.conf import settings

from keycrm.client import KeyCrm
from keycrm.line import SharedLine


def is_configured() -> bool:
    return bool(settings.KEYCRM_BASE_URL and settings.KEYCRM_API_TOKEN)


def open_crm(*, urgent: bool = False, patience_seconds: float | None = None) -> KeyCrm:
    """Raises NotConfigured where there is no key."""
    return KeyCrm(
        base_url=settings.KEYCRM_BASE_URL,
        token=settings.KEYCRM_API_TOKEN,
        line=SharedLine(
            account=account_of(settings.KEYCRM_BASE_URL, settings.KEYCRM_API_TOKEN),
            calls_per_minute=settings.KEYCRM_CALLS_PER_MINUTE,
            redis_url=settings.REDIS_URL,
        ),
        urgent=urgent,
        patience_seconds=patience_seconds,
    )


def account_of(base_url: str, token: str) -> str:
    """A name for the pair that tells nothing of the key: the CRM counts by key and address."""
    return hashlib.sha256(f"{base_url} {token}".encode()).hexdigest()[:16]
