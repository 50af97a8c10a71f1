"""The predecessor's paths, with its field names and types. The composition root: it may know promo and bonuses.

Order of work of a call that moves something: parse, look the key up (a replay costs no quota), limit, then the effect with its record in one transaction.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import DatabaseError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from bonusportal import counting, idempotency
from bonusportal.answers import error_answer
from bonusportal.context import request_id
from bonusportal.errors import BadInput, PortalError, Unavailable
from bonusportal.jsonbody import check_text, read_json_object
from bonusportal.limits import check_limit
from bonusportal.middleware import client_address
from bonusportal.money import AmountInvalid, AmountMissing, parse_amount
from bonusportal.nudges import nudge
from bonusportal.phones import normalise_phone
from promo.errors import DailyCapReached, PoolEmpty, PoolUnknown
from promo.models.issues import IssueChannel
from promo.services import issuing, stock
from storefront.services import refusing

logger = logging.getLogger(__name__)
View = Callable[..., HttpResponse]


# Refusals that staff should see the number of: somebody tries what they may not, or what they have not. (Limits count themselves.)
COUNTED = frozenset(
    {"signature_invalid", "session_required", "insufficient_points", "points_expired", "over_share", "bonus_mismatch", "idempotency_key_reused"}
)  # fmt: skip


def drop_in(*methods: str) -> Callable[[View], View]:
    """What all drop-in views share: methods, preflight without an Origin, error shape, no caching. HEAD is refused: Django would answer it with GET's view,
    and a link preview would burn a code.
    """

    def wrap(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def guarded(request: HttpRequest, **parts: str) -> HttpResponse:
            try:
                if request.method == "OPTIONS":
                    response: HttpResponse = HttpResponse(status=200)
                    response["Access-Control-Allow-Methods"] = ", ".join([*methods, "OPTIONS"])
                    response["Access-Control-Allow-Headers"] = ", ".join(settings.CORS_ALLOW_HEADERS)
                    response["Access-Control-Max-Age"] = str(settings.CORS_PREFLIGHT_MAX_AGE)
                elif request.method not in methods:
                    response = error_answer(
                        BadInput(_("This method is not supported here."), code="method_not_allowed", status=405)
                    )
                    response["Allow"] = ", ".join([*methods, "OPTIONS"])
                else:
                    response = view(request, **parts)
            except PortalError as error:
                if error.status in refusing.UNREADABLE_STATUSES and error.code not in COUNTED:
                    refusing.note_refusal(
                        reason=refusing.MALFORMED, address=client_address(request), now=timezone.now()
                    )
                elif error.status in {400, 401, 403, 409, 422, 429}:
                    refusing.note_address(reason=error.code, address=client_address(request), now=timezone.now())
                response = error_answer(error)
                if error.code in COUNTED:
                    counting.count(f"refused.{error.code}", now=timezone.now())
            except OperationalError:
                # The database is away or overloaded. Never disguised as "ran out": the caller may try again.
                logger.exception("the database did not answer")
                response = error_answer(
                    Unavailable(_("Temporarily unavailable. Please try again."), retry_after_seconds=5)
                )
            except DatabaseError:
                logger.exception("the database refused")
                response = error_answer(
                    Unavailable(_("Temporarily unavailable. Please try again."), retry_after_seconds=5)
                )
            response["Cache-Control"] = "no-store"
            return response

        return guarded

    return wrap


OPTIONAL_TEXTS = ("phone", "order_id", "order_total", "discount", "session")


def _read_get_code(request: HttpRequest) -> dict[str, Any]:
    """What was asked, from the query of a GET or the body of a POST. `amount` keeps the type that is echoed."""
    if request.method == "POST":
        asked = read_json_object(request)
    else:
        for key in ("amount", *OPTIONAL_TEXTS):
            if len(request.GET.getlist(key)) > 1:
                raise (
                    AmountInvalid
                    if key == "amount"
                    else BadInput(_("%(name)s was sent twice.") % {"name": key}, code="parameter_repeated")
                )
        asked = {key: request.GET[key] for key in ("amount", *OPTIONAL_TEXTS) if key in request.GET}
        check_text(asked)
        if asked.get("amount"):
            asked["amount"] = parse_amount(asked["amount"])  # a query string counts as a number
    for name in ("session", "order_id"):
        value = asked.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            asked[name] = str(value)
        elif value is not None and not isinstance(value, str):
            raise BadInput(_("%(name)s must be a text.") % {"name": name}, code="text_invalid")
        if value is not None and len(asked[name]) > (300 if name == "session" else 128):
            raise BadInput(_("%(name)s is too long.") % {"name": name}, code="text_invalid")
    return asked


def _is_prefetch(request: HttpRequest) -> bool:
    purposes = f"{request.headers.get('Purpose', '')} {request.headers.get('Sec-Purpose', '')} {request.headers.get('X-Moz', '')}".lower()
    return "prefetch" in purposes or "prerender" in purposes or "preview" in purposes


@drop_in("GET", "POST")
def get_code(request: HttpRequest) -> HttpResponse:
    """`GET /get-code?amount=100`, `POST /get-code {"amount": 100}` → `{"success": true, "promo_code": "BON…", "amount": 100}`."""
    if _is_prefetch(request):
        raise BadInput(_("A prefetch is not given a promo code."), code="prefetch_refused")
    asked = _read_get_code(request)
    echoed = asked.get("amount")
    if "amount" not in asked:
        raise AmountMissing
    amount_uah = parse_amount(echoed)
    phone = normalise_phone(str(asked["phone"])) if asked.get("phone") else ""
    session, order_number = asked.get("session") or "", asked.get("order_id") or ""

    key = idempotency.read_key(request.headers.get("Idempotency-Key"))
    path = request.path_info.rstrip("/")
    if settings.GET_CODE_MODE != "open":
        # The ledger comes with it: an open shop does not pay for that with every cold start.
        from bonusportal.dropin_guarded import redeem_for_session

        return _code_answer(redeem_for_session(request, asked=asked, amount_uah=amount_uah, key=key, path=path), echoed)
    body = {"amount": amount_uah, "phone": phone, "order_id": order_number, "session": session}
    record = idempotency.ask(method=str(request.method), path=path, caller="", key=key, body=body) if key else None
    if record and (answer := idempotency.find_answer(record)):
        return _code_answer(answer, echoed)
    natural_key = (
        hashlib.sha256(f"get-code\n{session}\n{order_number}".encode()).hexdigest() if session and order_number else ""
    )
    if natural_key and (issued := issuing.find_issued(natural_key)) is not None:
        return _replay_natural(issued, amount_uah, echoed)

    check_limit("get_code_address", client_address(request) or "unknown")
    for person in filter(None, (phone, session)):
        check_limit("get_code_person", person)
    return _issue_in_open_mode(
        amount_uah=amount_uah,
        echoed=echoed,
        record=record,
        natural_key=natural_key,
        phone=phone,
        order_number=order_number,
        address=client_address(request),
    )


def _issue_in_open_mode(
    *,
    amount_uah: int,
    echoed: Any,
    record: idempotency.Asked | None,
    natural_key: str,
    phone: str,
    order_number: str,
    address: str,
) -> HttpResponse:
    now = timezone.now()
    issued: list[issuing.IssuedCode] = []

    def issue() -> dict[str, Any]:
        issued.append(
            issuing.issue_code(
                amount_uah=amount_uah,
                channel=IssueChannel.DROP_IN,
                now=now,
                natural_key=natural_key,
                phone=phone,
                order_number=order_number[:64],
                caller_address=address,
                request_id=request_id.get(),
                daily_cap=settings.OPEN_MODE_DAILY_CAP,
            )
        )
        return {"promo_code": issued[0].code}

    try:
        answer = idempotency.do_once(record, issue, now=now) if record else idempotency.Answer(payload=issue())
    except PoolEmpty:
        issuing.count_miss(amount_uah=amount_uah, now=now)
        if stock.note_empty(amount_uah=amount_uah, now=now):
            nudge("promo.tasks.work_through_runs")
        raise
    except PoolUnknown:
        issuing.count_miss(amount_uah=amount_uah, now=now)
        raise
    except DailyCapReached:
        counting.count("alarm.daily_cap", now=now)
        logger.error("the daily cap of the %s UAH pool is reached", amount_uah)
        raise
    if not answer.replayed and issued and not issued[0].is_replay:
        _after_issue(issued[0].pool_id)
    return _code_answer(answer, echoed)


def _after_issue(pool_id: int) -> None:
    """The code is handed out and committed: whatever goes wrong from here on costs only delay, because a sweep looks as well."""
    try:
        if stock.note_issue(pool_id=pool_id, now=timezone.now()):
            nudge("promo.tasks.work_through_runs")
        nudge("promo.tasks.publish_mirror", at_most_every_seconds=5.0)
    except DatabaseError:
        logger.exception("stock of pool %s could not be looked at; the sweep will", pool_id)


def _code_answer(answer: idempotency.Answer, echoed: Any) -> JsonResponse:
    response = JsonResponse({"success": True, "promo_code": answer.payload["promo_code"], "amount": echoed})
    if answer.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def _replay_natural(issued: issuing.IssuedCode, amount_uah: int, echoed: Any) -> JsonResponse:
    if issued.amount_uah != amount_uah:
        raise BadInput(
            _("This order was given a promo code of another amount already."), code="idempotency_key_reused", status=422
        )
    return _code_answer(idempotency.Answer(payload={"promo_code": issued.code}, replayed=True), echoed)
