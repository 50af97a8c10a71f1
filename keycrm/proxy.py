"""`GET /keycrm/…`: what a partner's server may read of the CRM without having its key. An allow-list; anything else is 404.

Nothing of the caller's request is passed on: the path's number and the query's values are parsed, and the client makes a call of its own. Nothing of the
CRM's answer is passed on either: the answer is built from typed values, without names, phones, e-mails, comments and codes.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt

from bonusportal import counting, signing
from bonusportal.answers import error_answer
from bonusportal.errors import BadInput, PortalError, Unavailable
from bonusportal.errors import NotFound as NothingHere
from bonusportal.limits import check_limit
from bonusportal.phones import normalise_phone
from keycrm import errors, wiring
from keycrm.fields import BUYER_ROLES, match_fields
from keycrm.services import looking_up

if TYPE_CHECKING:
    from keycrm.client import KeyCrm
    from keycrm.payloads import Buyer, Order

logger = logging.getLogger(__name__)
CACHE_SECONDS = 60
_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)
Json = Any


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` is matched against the whole decoded path. `query` names the one parameter that must be there, "" for none."""

    pattern: re.Pattern[str]
    query: str
    read: Callable[[KeyCrm, str], Json]


def _buyers(crm: KeyCrm, phone: str) -> Json:
    shown = [_buyer_as_json(crm, one) for one in crm.buyers_by_phone(phone)]
    return {"data": shown, "total": len(shown)}


def _buyer(crm: KeyCrm, number: str) -> Json:
    return _buyer_as_json(crm, crm.buyer(int(number)))


def _orders(crm: KeyCrm, number: str) -> Json:
    if not _NUMBER.fullmatch(number.lstrip("#")):
        raise BadInput(_("An order's number is made of digits."), code="order_number_invalid")
    shown = [_order_as_json(one) for one in crm.orders_by_number(number)]
    return {"data": shown, "total": len(shown)}


def _order(crm: KeyCrm, number: str) -> Json:
    return _order_as_json(crm.order(int(number)))


def _statuses(crm: KeyCrm, _number: str) -> Json:
    found = looking_up.statuses(crm=crm, now=timezone.now())
    return {"data": [{"id": one.id, "name": one.name, "group_id": one.group_id} for one in found]}


def _sources(crm: KeyCrm, _number: str) -> Json:
    return {"data": [{"id": one.id, "name": one.name} for one in looking_up.sources(crm=crm, now=timezone.now())]}


def _buyer_as_json(crm: KeyCrm, buyer: Buyer) -> Json:
    """The program's own fields by what they are for; no other field of the card."""
    known = looking_up.custom_fields(crm=crm, now=timezone.now())
    uuids = match_fields(roles=BUYER_ROLES, names=settings.KEYCRM_FIELDS, known=known).uuids
    values = buyer.custom_fields or {}
    return {
        "id": buyer.id,
        **{role.value: values.get(uuids[role]) if role in uuids else None for role in BUYER_ROLES},
        "updated_at": buyer.updated_at,
    }


def _order_as_json(order: Order) -> Json:
    return {
        "id": order.id,
        "number": order.number,
        "parent_id": order.parent_id,
        "source_id": order.source_id,
        "buyer_id": order.buyer_id,
        "status_id": order.status_id,
        "status_group_id": order.group_id,
        "payment_status": order.payment_status,
        "grand_total": str(order.grand_total),
        "total_discount": str(order.total_discount),
        "ordered_at": order.placed_at,
        "updated_at": order.updated_at,
        "closed_at": order.closed_at,
    }


def _route(pattern: str, read: Callable[[KeyCrm, str], Json], *, query: str = "") -> Route:
    return Route(re.compile(pattern, re.ASCII), query, read)


ROUTES = (
    _route("buyer", _buyers, query="phone"),
    _route("buyer/([1-9][0-9]{0,11})", _buyer),
    _route("order", _orders, query="number"),
    _route("order/([1-9][0-9]{0,11})", _order),
    _route("order/status", _statuses),
    _route("order/source", _sources),
)


@csrf_exempt
def proxy(request: HttpRequest, path: str) -> HttpResponse:
    """Signature, allow-list, limit, cache, and only then the CRM."""
    try:
        response: HttpResponse = JsonResponse(_answer(request, path), json_dumps_params={"ensure_ascii": False})
    except PortalError as error:
        if error.status in {401, 404}:
            counting.count("refused.crm_proxy", now=timezone.now())
        response = error_answer(error)
    except errors.CrmError as error:
        response = error_answer(_as_portal_error(error))
    except DatabaseError:
        logger.exception("the database did not answer")
        response = error_answer(Unavailable(_("Temporarily unavailable. Please try again."), retry_after_seconds=5))
    response["Cache-Control"] = "no-store"
    return response


def _answer(request: HttpRequest, path: str) -> Json:
    nothing = NothingHere(_("There is nothing at this address."))
    found = [(route, match) for route in ROUTES if (match := route.pattern.fullmatch(path))]
    # Only GET, and not HEAD or a body that asks for something else.
    if request.method != "GET" or not found:
        raise nothing
    route, match = found[0]
    name = signing.verify(request)
    asked = dict(request.GET.lists())
    if set(asked) != ({route.query} if route.query else set()) or any(len(values) != 1 for values in asked.values()):
        raise nothing
    value = asked[route.query][0] if route.query else (match.groups() or ("",))[0]
    if route.query == "phone":
        value = normalise_phone(value)
    check_limit("crm_proxy", name)
    key = "crm-proxy:" + hashlib.sha256(f"{route.pattern.pattern}\n{value}".encode()).hexdigest()
    kept: Mapping[str, Json] | None = cache.get(key)
    if kept is None:
        kept = {"answer": _ask(route, value)}
        cache.set(key, kept, CACHE_SECONDS)
    return kept["answer"]


def _ask(route: Route, value: str) -> Json:
    return route.read(wiring.open_crm(urgent=True), value)


def _as_portal_error(error: errors.CrmError) -> PortalError:
    """Without the CRM's own words: a partner need not know about our key."""
    if isinstance(error, errors.NotFound):
        return NothingHere(_("The CRM has no such row."), code="crm_not_found")
    logger.warning("the CRM proxy could not answer: %s", error)
    wait = getattr(error, "retry_after_seconds", None)
    return Unavailable(
        _("The CRM does not answer now. Please try again."),
        code="crm_unavailable",
        retry_after_seconds=max(1, round(wait)) if wait else 30,
    )
