"""The edge to the CRM as an installed app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KeyCrmConfig(AppConfig):
    name = "keycrm"
    label = "keycrm"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("CRM")

    def ready(self) -> None:
        from keycrm import checks  # noqa: F401  # they register themselves
