"""The frame as an installed app, and the admin site that carries every app's pages."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig, SimpleAdminConfig
from django.utils.translation import gettext_lazy as _


class LookConfig(AppConfig):
    """The admin's look. Its own configurations stand in a module that imports the whole admin with its forms, which a cold start would pay for."""

    name = "unfold"


class FrameConfig(AppConfig):
    name = "bonusportal"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Portal")

    def ready(self) -> None:
        from bonusportal import checks  # noqa: F401  # registers them


class PortalAdminConfig(AdminConfig):
    default_site = "bonusportal.admin_site.PortalAdminSite"

    def ready(self) -> None:
        if settings.IS_ON_LAMBDA:
            # The first shopper must not pay for the staff pages: `bonusportal.staff_urls` finds them with the first visit.
            SimpleAdminConfig.ready(self)
        else:
            super().ready()
