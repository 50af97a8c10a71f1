"""What settings say about the CRM's account, read into values. A word that cannot be understood is named by `manage.py check`."""

from __future__ import annotations

from django.conf import settings

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
