"""The pools of codes as an installed app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PromoConfig(AppConfig):
    name = "promo"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Promo codes")

    def ready(self) -> None:
        from promo import checks  # noqa: F401 - registers itself
