"""What `manage.py check` says about the bonus program's settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def check_program(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The program needs a start, and limits that make sense."""
    found: list[CheckMessage] = []
    if settings.PROGRAM_STARTS_AT is None:
        found.append(
            Error("PROGRAM_STARTS_AT is missing or not a moment with a time zone.", hint="For example 2026-01-01T00:00:00+02:00. Orders placed "
                  "before it move no points, unless they were imported as in flight.", id="bonuses.E001")
        )  # fmt: skip
    if settings.ADJUST_MAX_POINTS > settings.ADJUST_DAY_POINTS:
        found.append(Error("ADJUST_MAX_POINTS is above ADJUST_DAY_POINTS.", id="bonuses.E002"))
    return found
