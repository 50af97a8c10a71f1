"""The API object of `/api/v1`: strict bodies, one shape of error, a document in the reader's language. The composition root: it knows the routers.

Imported with the first call (bonusportal.short_way): a cold start of the drop-in paths does not pay for it.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.urls import path as url_path
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser

from bonusportal.answers import error_answer
from bonusportal.errors import BadInput, NotFound, PortalError, Unauthorised, Unavailable
from bonusportal.jsonbody import MAX_BODY_BYTES, check_text, read_json_object
from bonusportal.middleware import client_address
from bonusportal.origins import OriginForeign, is_foreign
from storefront.api import notices, orders, points, pools, sessions
from storefront.services import refusing

logger = logging.getLogger(__name__)
# Counted where staff see it: all but what is not there, and what is away. What could not be read is one reason, whatever was wrong with it.
_NOT_COUNTED = {404, 405, 503}
_COUNTED_CODES = {"hold_unknown"}  # somebody else's redemption looks like none


class StrictParser(Parser):
    """Bodies by the kernel's rules: duplicate keys, NaN, absurd nesting and NUL are refused."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        return read_json_object(request)


api = NinjaAPI(
    title=gettext_noop("Bonus portal"),
    version="1",
    description=gettext_noop(
        "What the shop's pages and servers call. 1 point is worth 1 UAH. Every refusal has a code for machines and a sentence for people."
    ),
    parser=StrictParser(),
    openapi_url=None,
    docs_url=None,
    urls_namespace="api-v1",
)
api.add_router("/sessions", sessions.router)
for router in (points.router, orders.router, notices.router, pools.router):
    api.add_router("", router)


@api.exception_handler(PortalError)
def _refuse(request: HttpRequest, error: PortalError) -> HttpResponse:
    if error.status not in _NOT_COUNTED or error.code in _COUNTED_CODES:
        reason = refusing.MALFORMED if error.status in refusing.UNREADABLE_STATUSES else error.code
        refusing.note_refusal(reason=reason, address=client_address(request), now=timezone.now())
    return error_answer(error)


@api.exception_handler(AuthenticationError)
def _who_is_it(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return _refuse(request, Unauthorised(_("Please confirm your phone number first."), code="session_required"))


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """django-ninja wraps what the parser raised."""
    cause = error.__cause__
    if isinstance(cause, PortalError):
        return _refuse(request, cause)
    return _refuse(request, BadInput(_("The body is not valid JSON."), code="json_invalid"))


@api.exception_handler(ValidationError)
def _not_as_described(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Most values are read by the kernel, which says what is wrong; what comes here is missing, or of another type."""
    first = error.errors[0] if error.errors else {}
    place = [str(part) for part in first.get("loc", ())][2:] or [str(part) for part in first.get("loc", ())][-1:]
    name = ".".join(place).replace("\x00", "")[:60] or "body"
    if first.get("type") == "missing":
        known = {"points": "points_missing", "phone": "phone_missing", "idempotency_key": "idempotency_key_missing"}
        word = known.get(name.lower().replace("-", "_"), "field_missing")
        return _refuse(request, BadInput(_("%(name)s is missing.") % {"name": name}, code=word))
    return _refuse(
        request, BadInput(_("%(name)s is not in the form that is described.") % {"name": name}, code="field_invalid")
    )


@api.exception_handler(DatabaseError)
def _database_away(request: HttpRequest, error: DatabaseError) -> HttpResponse:
    # Away, overloaded or refusing. Never disguised as "ran out": the caller may try again.
    logger.error("the database did not answer", exc_info=error)
    return error_answer(Unavailable(_("Temporarily unavailable. Please try again."), retry_after_seconds=5))


@api.exception_handler(Http404)
def _nothing_there(request: HttpRequest, error: Http404) -> HttpResponse:
    return error_answer(NotFound(_("There is nothing at this address.")))


MEANINGS = {
    "200": gettext_noop("Done."),
    "202": gettext_noop("Asked for; it takes a while."),
    "400": gettext_noop("What was sent is not in the form that is described; nothing changed."),
    "401": gettext_noop("No valid session or signature, or the wrong code."),
    "403": gettext_noop("Switched off for this customer, or called from a page of another site."),
    "404": gettext_noop("There is no such thing, or it is somebody else's."),
    "405": gettext_noop("The method is not supported here."),
    "409": gettext_noop("Understood, but not in this state; nothing changed."),
    "413": gettext_noop("The body is larger than 64 KiB."),
    "422": gettext_noop("The Idempotency-Key was used for something else."),
    "429": gettext_noop("Too often. Retry-After says in how many seconds it may be tried again."),
    "503": gettext_noop("Switched off or not reachable for the moment; nothing changed."),
}


def openapi(request: HttpRequest) -> HttpResponse:
    """The document, in the reader's language."""
    if request.method not in {"GET", "HEAD"}:
        return _not_supported("GET")
    return JsonResponse(_document(), json_dumps_params={"ensure_ascii": False})


def docs(request: HttpRequest) -> HttpResponse:
    """The same as a page to read, outside production."""
    if not settings.IS_LOCAL:
        raise Http404
    document = _document()
    calls = [
        {
            "method": method.upper(),
            "path": path,
            "text": json.dumps(described, ensure_ascii=False, indent=2),
            **described,
        }
        for path, its in document["paths"].items()
        for method, described in its.items()
    ]
    schemas = {
        name: json.dumps(schema, ensure_ascii=False, indent=2)
        for name, schema in document["components"]["schemas"].items()
    }
    response = render(request, "portal/api_docs.html", {"info": document["info"], "calls": calls, "schemas": schemas})
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return response


def _document() -> dict[str, Any]:
    document = api.get_openapi_schema(path_prefix="/api/v1/")
    document["servers"] = [{"url": "/"}]
    document["components"]["securitySchemes"]["Signed"]["description"] = gettext_noop(
        "Together with X-Bonus-Key and X-Bonus-Timestamp."
    )
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, described in operation["responses"].items():
                described["description"] = MEANINGS[str(status)]
    read: dict[str, Any] = _in_language(document)
    return read


def _in_language(part: Any, *, is_schema: bool = False) -> Any:
    if isinstance(part, list):
        return [_in_language(inner, is_schema=is_schema) for inner in part]
    if not isinstance(part, dict):
        return part
    read = {}
    for key, value in part.items():
        if key in {"summary", "description", "title"} and isinstance(value, str):
            # pydantic titles every field by its name, which says nothing.
            if value and not (is_schema and key == "title"):
                read[key] = gettext(value)
        else:
            read[key] = _in_language(value, is_schema=is_schema or key in {"schema", "schemas"})
    return read


urlpatterns = [
    url_path("openapi.json", openapi, name="openapi"),
    url_path("docs", docs, name="docs"),
    *api.urls[0],
]


def answer(request: HttpRequest) -> HttpResponse:
    """One call, from the short way: whatever is wrong, the answer has the contract's shape."""
    try:
        _check_request(request)
        found = resolve(request.path_info)
        response = found.func(request, *found.args, **found.kwargs)
    except (Resolver404, Http404):
        response = error_answer(NotFound(_("There is nothing at this address.")))
    except PortalError as error:
        response = _refuse(request, error)
    if response.status_code == 405 and not response.get("Content-Type", "").startswith("application/json"):
        response = _not_supported(response.get("Allow", "GET"))
    response.headers.setdefault("Cache-Control", "no-store")
    return _plain(response)


def _check_request(request: HttpRequest) -> None:
    """What django-ninja would let pass or answer in its own way."""
    if is_foreign(request):
        raise OriginForeign
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY_BYTES:
        raise BadInput(_("The body is larger than 64 KiB."), code="body_too_large", status=413)
    for name, values in request.GET.lists():
        if len(values) > 1:
            raise BadInput(
                _("%(name)s was sent twice.") % {"name": name.replace("\x00", "")[:60]}, code="parameter_repeated"
            )
        check_text({name: values[0]})
    check_text(request.path_info)


def _not_supported(allowed: str) -> HttpResponse:
    response = error_answer(BadInput(_("This method is not supported here."), code="method_not_allowed", status=405))
    response["Allow"] = allowed
    return response


def _plain(response: HttpResponseBase) -> HttpResponse:
    assert isinstance(response, HttpResponse)  # nothing here streams
    return response
