"""The staff site: Unfold's look and the content policy that its scripts need, on these pages only."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from unfold.sites import UnfoldAdminSite


class PortalAdminSite(UnfoldAdminSite):
    enable_nav_sidebar = True

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponse]:
        inner = super().admin_view(view, cacheable)
        return _with_admin_policy(inner)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return _with_admin_policy(super().login)(request, extra_context)


def _with_admin_policy(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    decorated = csp_update(settings.ADMIN_CSP)(view)
    return update_wrapper(decorated, view)
