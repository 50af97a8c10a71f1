"""The short way through Django for paths that only scripts and servers call: there is no session, no member of staff, no form and no page to be framed.

The middlewares that serve staff pages cost such a call more than the database does. What a call does need is here or stands above in settings.MIDDLEWARE:
its id and true address, the transport's headers, CORS, the language. `bonusportal.urls` lists the same paths, for whoever asks Django which there are.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers

from bonusportal import dropin, widgets

# The drop-in paths bear no token of Django's forms and change nothing that a cookie protects: their views are exempt from that check anyway.
_VIEWS = {"/get-code": dropin.get_code, "/widgets/config.json": widgets.show_configuration}
_API = "/api/v1/"
# Nothing in a JSON answer may be run, framed or sent anywhere.
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class ShortWay:
    """Answers the paths it knows, with or without a trailing slash; everything else goes on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.rstrip("/") not in _VIEWS and not request.path_info.startswith(_API):
            return self.get_response(request)
        request.get_host()  # refuses a host that is not ours, as CommonMiddleware does on the long way
        return _answer_in_language(request)


def _answer_in_language(request: HttpRequest) -> HttpResponse:
    """What LocaleMiddleware does where no address names a language. It would import every address to find that out, and a cold start pays for that."""
    with translation.override(translation.get_language_from_request(request)):
        request.LANGUAGE_CODE = translation.get_language()
        response = _answer(request)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", request.LANGUAGE_CODE or "")
        return response


def _answer(request: HttpRequest) -> HttpResponse:
    if request.path_info.startswith(_API):
        from bonusportal import api  # django-ninja: paid for by whoever calls it

        response = api.answer(request)
    else:
        response = _VIEWS[request.path_info.rstrip("/")](request)
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response["X-Frame-Options"] = "DENY"
    response["Content-Length"] = str(len(response.content))
    return response
