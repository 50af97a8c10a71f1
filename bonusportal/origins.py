"""Pages of other sites that call the shop's paths. A browser keeps our answers from them; who tries is counted, and `/api/v1` refuses the call itself.

A call that a browser sends without asking first (a plain GET, a body that it takes for text) would otherwise be carried out: a stranger's page could make its
visitors send digits to phones. The drop-in paths answer as they always did.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bonusportal.errors import Forbidden
from bonusportal.middleware import client_address
from storefront.services import refusing

_API = "/api/v1/"
_PATHS = (_API, "/get-code", "/bonus-accrual", "/check-balance")


class OriginForeign(Forbidden):
    code = refusing.ORIGIN_FOREIGN

    def __init__(self) -> None:
        super().__init__(_("Pages of this site may not call the portal."))


def is_foreign(request: HttpRequest) -> bool:
    """Whether a page of another site calls. Servers and old browsers say no origin, and our own pages say ours."""
    origin = request.headers.get("Origin")
    if not origin or origin in settings.CORS_ALLOWED_ORIGINS or origin in settings.CSRF_TRUSTED_ORIGINS:
        return False
    try:
        named = urlsplit(origin).netloc
    except ValueError:
        return True
    return named != str(request.headers.get("Host", request.META.get("SERVER_NAME", "")))


class ForeignOrigins:
    """Stands before the answers to preflights: most foreign calls end there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # What the API refuses itself it counts itself.
        is_counted = not request.path_info.startswith(_API) or request.method == "OPTIONS"
        is_counted &= refusing.TRIAL not in request.META
        if request.path_info.startswith(_PATHS) and is_counted and is_foreign(request):
            refusing.note_refusal(reason=refusing.ORIGIN_FOREIGN, address=client_address(request), now=timezone.now())
        return self.get_response(request)
