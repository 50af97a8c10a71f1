"""The bonus ledger as an installed app. The program's own accounts and its first rules are seeded after every migration, as permissions are."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class BonusesConfig(AppConfig):
    name = "bonuses"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Bonus points")

    def ready(self) -> None:
        from bonuses import checks  # noqa: F401  # registers them

        post_migrate.connect(_seed, sender=self)


def _seed(sender: AppConfig, using: str, **kwargs: Any) -> None:
    from bonuses.seeding import seed_program

    seed_program(using=using)
