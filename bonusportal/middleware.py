"""The outermost layer of every request: its id, the true address of its caller, the predecessor's path prefix, one log line.

The address decides rate limits, lockouts and audit, so it is taken from what the caller cannot write: the platform's event on Lambda, the socket
elsewhere, and a forwarding header only from a proxy that settings name.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import re
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, QueryDict

from bonusportal import context
from bonusportal.logs import mask_address

logger = logging.getLogger("bonusportal.access")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{8,64}", re.ASCII)
# The predecessor's API had a stage prefix, and its addresses are wired into the shop's pages and the CRM.
_PREFIX = "/prod/"
STAFF_PAGES = "/admin/"


def _is_trusted(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in settings.TRUSTED_PROXIES)


def find_client_address(meta: dict[str, object]) -> str:
    """The caller's IP address, from what the caller cannot forge.

    On Lambda: `requestContext.http.sourceIp` of the event (zappa itself would believe a header). Behind CloudFront its viewer header, together with
    the secret header that only our distribution adds. Behind named proxies: the rightmost forwarded entry that is not itself such a proxy.
    """
    cloudfront = str(meta.get("HTTP_CLOUDFRONT_VIEWER_ADDRESS", ""))
    secret = settings.CLOUDFRONT_SECRET
    if (
        cloudfront
        and secret
        and hmac.compare_digest(str(meta.get("HTTP_X_ORIGIN_SECRET", "")).encode(), secret.encode())
    ):
        return cloudfront.rsplit(":", 1)[0].strip("[]")
    event = meta.get("lambda.event")
    if isinstance(event, dict):
        request_context = event.get("requestContext") or {}
        http = request_context.get("http") or request_context.get("identity") or {}
        return str(http.get("sourceIp", ""))
    address = str(meta.get("REMOTE_ADDR", ""))
    if _is_trusted(address):
        hops = [hop.strip() for hop in str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
        for hop in reversed([hop for hop in hops if hop]):
            try:
                ipaddress.ip_address(hop)
            except ValueError:
                break
            address = hop
            if not _is_trusted(hop):
                break
    return address


def client_address(request: HttpRequest) -> str:
    """The address found when the request came in (used by axes, limits and audit)."""
    return str(request.META.get("portal.client_address", ""))


class RefuseNul:
    """Staff pages take no NUL: PostgreSQL stores none and is asked for none, so a filter, a key or a cookie that holds one would end as a fault of ours.

    Forms that clean what was typed would refuse it too; here nobody has to think of it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(STAFF_PAGES):
            if "\x00" in request.path_info:
                raise Http404
            if _has_nul(request.GET) or any("\x00" in value for value in request.COOKIES.values()):
                raise BadRequest("A NUL in the address or in a cookie.")
            if request.method == "POST" and _has_nul(request.POST):
                raise BadRequest("A NUL in what was sent.")
        return self.get_response(request)


def _has_nul(sent: QueryDict) -> bool:
    return any("\x00" in text for name, values in sent.lists() for text in (name, *values))


class RequestFrame:
    """Sets request id and client address, strips the prefix, adds the answer's headers, writes the access line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        asked = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = asked if _REQUEST_ID.fullmatch(asked) else uuid.uuid4().hex
        address = find_client_address(request.META)
        request.META["portal.client_address"] = address
        # Nobody further in may be tempted by what the caller wrote: the header, and on Lambda what zappa made of it.
        request.META.pop("HTTP_X_FORWARDED_FOR", None)
        request.META["REMOTE_ADDR"] = address
        if request.path_info.startswith(_PREFIX):
            request.path_info = request.path_info[len(_PREFIX) - 1 :]
            request.path = request.path[len(_PREFIX) - 1 :]
        # Never reset: Django writes its own line about this request after the last middleware, and the next request sets both anew.
        context.request_id.set(request_id)
        context.caller_address.set(address)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        logger.info(
            "%s %s %s %.1f ms",
            request.method,
            mask_address(request.get_full_path()),
            response.status_code,
            (time.perf_counter() - started) * 1000,
        )
        return response
