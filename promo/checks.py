"""What `manage.py check` says about settings of the pools. The portal's other settings are looked at by bonusportal.checks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, register
from django.core.checks import Warning as Advice


@register()
def check_floor(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A floor above what new codes reach would warn of every pool for ever."""
    from promo import policy  # imported by the question: every process starts with this module

    reached = policy.expected_guesses(settings.TARGET_CODES)
    if reached >= settings.STRENGTH_FLOOR:
        return []
    return [
        Advice(
            f"STRENGTH_FLOOR is {settings.STRENGTH_FLOOR:.1e}; new codes reach {reached:.1e} guesses for one hit.",
            hint="Set a lower one: no refill could make a pool strong enough.",
            id="promo.W001",
        )
    ]
