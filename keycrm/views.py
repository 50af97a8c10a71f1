"""Where the CRM's events come in: its own webhook, and the former system's paths. Both only store and ask; the sender is answered at once.

    POST /webhooks/keycrm/<secret>
    POST /order-reserve, /order-complete, /order-cancel, /lead-reserve, and /webhooks/… of them: the secret as a last part of the path, or in X-Webhook-Secret
Without a valid secret there is nothing here: 404, as for any address that does not exist.
"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from bonuses.services import reckoning
from bonusportal import counting
from bonusportal.dropin import drop_in
from bonusportal.errors import BadInput, NotFound
from bonusportal.jsonbody import MAX_BODY_BYTES
from bonusportal.nudges import nudge
from keycrm.models import Channel, CrmOrder
from keycrm.services import receiving
from keycrm.services.receiving import Received

HINT_PATHS = "order-reserve|order-complete|order-cancel|lead-reserve"
_APPLY = {True: "keycrm.tasks.apply_orders", False: "keycrm.tasks.reserve_by_cards"}


def _receive(request: HttpRequest, *, channel: str, secret: str) -> Received:
    now = timezone.now()
    if not receiving.is_secret(secret, settings.KEYCRM_WEBHOOK_SECRETS):
        counting.count("refused.webhook_secret", now=now)
        raise NotFound(_("There is nothing at this address."))
    if len(request.body) > MAX_BODY_BYTES:
        raise BadInput(_("The body is larger than 64 KiB."), code="body_too_large", status=413)
    received = receiving.receive(channel=channel, body=request.body, now=now)
    if received.order_id is not None or received.card_id is not None:
        nudge(_APPLY[received.order_id is not None])
    return received


@drop_in("POST")
def webhook(request: HttpRequest, secret: str) -> HttpResponse:
    """Exactly 200, whatever was sent: anything else makes the CRM send it again. What cannot be understood waits for a person."""
    _receive(request, channel=Channel.WEBHOOK, secret=secret)
    return JsonResponse({"success": True})


@drop_in("POST")
def hint(request: HttpRequest, name: str, secret: str = "") -> HttpResponse:
    """A path of the former system. The answer has its success shape, with the figures as they stand before the order is looked at."""
    received = _receive(request, channel=name, secret=secret or request.headers.get("X-Webhook-Secret", ""))
    if received.order_id is None and received.card_id is None:
        raise BadInput(_("The body names no order."), code="order_missing")
    return JsonResponse(_SHAPES[name](received, _sent(request)))


def _sent(request: HttpRequest) -> dict[str, Any]:
    found = json.loads(request.body)
    context = found.get("context")
    return context if isinstance(context, dict) else found


def _figures(crm_order_id: int | None) -> tuple[int, int]:
    """(available, reserved) of the order's customer in our books; zeros for an order that we do not know yet."""
    customer_id = (
        CrmOrder.objects.filter(crm_id=crm_order_id).values_list("order__customer_id", flat=True).first()
        if crm_order_id
        else None
    )
    if customer_id is None:
        return 0, 0
    balance = reckoning.balance(customer_id, now=timezone.now())
    return balance.available, balance.held


def _order_shape(operation: str, received: Received, sent: dict[str, Any]) -> dict[str, Any]:
    available, reserved = _figures(received.order_id)
    return {
        "message": _("Accepted: the order is looked at in the CRM."), "success": True, "operation": operation,
        "orderId": sent.get("id", sent.get("order_id", sent.get("orderId"))), "buyerId": sent.get("client_id"),
        "previousBonus": available, "previousReserved": reserved, "newBonus": available, "newReserved": reserved,
    }  # fmt: skip


def _reserve(received: Received, sent: dict[str, Any]) -> dict[str, Any]:
    return {**_order_shape("order_reserved", received, sent), "reservedAmount": 0}


def _complete(received: Received, sent: dict[str, Any]) -> dict[str, Any]:
    return {**_order_shape("order_completed", received, sent), "usedBonus": 0, "accruedBonus": 0}


def _cancel(received: Received, sent: dict[str, Any]) -> dict[str, Any]:
    return {**_order_shape("order_cancelled", received, sent), "returnedBonus": 0}


def _lead(received: Received, sent: dict[str, Any]) -> dict[str, Any]:
    return {
        "message": _("Accepted: the card is looked at in the CRM."), "success": True, "operation": "manual_reserve",
        "lead_id": sent.get("id", sent.get("lead_id")), "order_id": sent.get("target_id"), "client_id": sent.get("contact_id"),
        "reserved_amount": 0, "previous_bonus": 0, "new_bonus": 0, "new_reserved": 0, "order_total": 0, "already_reserved_before": 0,
        "total_reserved_now": 0, "max_allowed_reserve": 0, "pipeline_type": str(sent.get("pipeline_id") or ""),
        "discount_updated": {"previous_discount": 0, "new_discount": 0, "manual_discount_added": 0},
        "amount_correction": {"requested": 0, "actual": 0, "was_corrected": False},
    }  # fmt: skip


_SHAPES = {"order-reserve": _reserve, "order-complete": _complete, "order-cancel": _cancel, "lead-reserve": _lead}
