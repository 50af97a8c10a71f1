"""`GET /check-balance?phone=`: the predecessor's balance by phone. In guarded mode it tells only a customer's own session, and everybody else is unknown."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from bonuses.services import customers, reckoning
from bonusportal.dropin import drop_in
from bonusportal.dropin_callers import read_session, session_of_query
from bonusportal.errors import BadInput
from bonusportal.jsonbody import check_text
from bonusportal.limits import check_limit
from bonusportal.middleware import client_address
from bonusportal.phones import normalise_phone


@drop_in("GET")
def check_balance(request: HttpRequest) -> HttpResponse:
    """→ `{"success": true, "bonus_balance": 0, "phone": "380…", "original_phone": "as sent"}`, 0 for an unknown person."""
    typed = request.GET.getlist("phone")
    if len(typed) > 1:
        raise BadInput(_("%(name)s was sent twice.") % {"name": "phone"}, code="parameter_repeated")
    if not typed or not typed[0].strip():
        raise BadInput(_("No phone was sent."), code="phone_missing")
    check_text(typed[0])
    phone = normalise_phone(typed[0])
    check_limit("balance", client_address(request) or "unknown")
    return JsonResponse(
        {
            "success": True,
            "bonus_balance": _points_shown(request, phone),
            "phone": phone.removeprefix("+"),
            "original_phone": typed[0],
        }
    )


def _points_shown(request: HttpRequest, phone: str) -> int:
    now = timezone.now()
    if settings.GET_CODE_MODE == "open":
        customer_id = customers.find_customer(phone)
    else:
        # The token is read before the phone is looked for: a stranger's answer takes the same way whether the phone is known or not.
        customer_id = read_session(request, session=session_of_query(request), now=now)
        if customer_id is not None and customers.find_customer(phone) != customer_id:
            customer_id = None
    return 0 if customer_id is None else reckoning.balance(customer_id, now=now).available
