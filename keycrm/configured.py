"""What settings say about the CRM's account, read into values. A word that cannot be understood is named by `manage.py check`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Advice

from bonuses.policy_orders import Stage
from keycrm.services.applying import Rules

MODES = {"on", "off", "after_migration"}


def rules_of_settings() -> Rules:
    """Raises ValueError naming the variable."""
    return Rules(stages=read_stages(settings.KEYCRM_STATUS_STAGES), shop_sources=read_ids("KEYCRM_SHOP_SOURCES"))


def read_ids(name: str) -> tuple[int, ...]:
    words = getattr(settings, name)
    wrong = [word for word in words if not (word.isascii() and word.isdigit())]
    if wrong:
        raise ValueError(f"{name}: {wrong[0]!r} is not the id of anything")
    return tuple(int(word) for word in words)


def read_stages(words: list[str]) -> dict[int, Stage]:
    """`31:confirmed` → {31: Stage.CONFIRMED}"""
    stages: dict[int, Stage] = {}
    for word in words:
        status, _colon, stage = word.partition(":")
        if not (status.strip().isascii() and status.strip().isdigit()) or stage.strip() not in set(Stage):
            raise ValueError(
                f"KEYCRM_STATUS_STAGES: {word!r} is not like 31:confirmed (confirmed, completed or cancelled)"
            )
        stages[int(status)] = Stage(stage.strip())
    return stages


@register()
def check_account(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What is said about statuses, sources, secrets and the write-back can be understood."""
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
