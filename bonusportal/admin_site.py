"""The staff site: Unfold's look, the content policy that its scripts need (on these pages only), and the second factor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from unfold.sites import UnfoldAdminSite

from bonusportal.second_factor import show_second_factor
from bonusportal.signing_in import has_second_factor

View = Callable[..., HttpResponseBase]


class PortalAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    enable_nav_sidebar = True

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        return _with_admin_policy(super().admin_view(view, cacheable))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        return _with_admin_policy(super().login)(request, extra_context)

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff, and whoever has confirmed a second factor only with it: also in a session that began before."""
        if not super().has_permission(request):
            return False
        known: bool | None = getattr(request, "_portal_may_enter", None)  # asked several times a request
        if known is None:
            is_verified = getattr(request.user, "is_verified", None)
            known = bool(is_verified and is_verified()) or not has_second_factor(request.user)  # type: ignore[arg-type]
            request._portal_may_enter = known  # type: ignore[attr-defined]
        return known

    def extra_urls(self) -> list[URLPattern]:
        """Unfold's hook for pages that belong to no model."""
        return [path("second-factor/", self.admin_view(partial(_second_factor, self)), name="second_factor")]


def _second_factor(site: PortalAdminSite, request: HttpRequest) -> HttpResponse:
    return show_second_factor(request, site)


def _with_admin_policy(view: View) -> View:
    return update_wrapper(csp_update(settings.ADMIN_CSP)(view), view)
