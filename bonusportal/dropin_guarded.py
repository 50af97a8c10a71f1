"""`/get-code` in guarded mode: a code for whoever proved their phone and has the points, with a hold in the same transaction."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from bonuses.services import redeeming, redemptions
from bonusportal import idempotency
from bonusportal.context import request_id
from bonusportal.dropin_callers import read_session
from bonusportal.errors import BadInput, Unauthorised
from bonusportal.limits import check_limit
from bonusportal.middleware import client_address
from bonusportal.money import parse_money
from bonusportal.nudges import nudge
from promo.errors import PoolEmpty, PoolUnknown


def redeem_for_session(
    request: HttpRequest, *, asked: dict[str, Any], amount_uah: int, key: str, path: str
) -> idempotency.Answer:
    """The payload has `promo_code`. Raises Unauthorised `session_required`, BadInput `order_total_missing`, and what redeeming raises."""
    now = timezone.now()
    customer_id = read_session(request, session=asked.get("session"), now=now)
    if customer_id is None:
        check_limit("get_code_address", client_address(request) or "unknown")
        raise Unauthorised(_("Please confirm your phone number first."), code="session_required")
    total = _read_total(asked.get("order_total"))
    discount = _read_discount(asked.get("discount"))
    order_number = asked.get("order_id") or ""
    body = {"amount": amount_uah, "order_id": order_number, "order_total": f"{total:.2f}"}
    if discount:
        body["discount"] = f"{discount:.2f}"
    record = None
    if key:
        record = idempotency.ask(
            method=str(request.method), path=path, caller=f"customer:{customer_id}", key=key, body=body
        )
        if answer := idempotency.find_answer(record):
            return answer
    # Without a key the customer's order makes it once; without both nothing does, and a repeat is another code for other points.
    natural = f"key:{key}" if key else f"order:{order_number}" if order_number else f"once:{secrets.token_hex(16)}"
    if again := redemptions.find_replay(customer_id=customer_id, key=natural, points=amount_uah):
        return idempotency.Answer(payload=redemptions.as_payload(again), replayed=True)
    check_limit("get_code_address", client_address(request) or "unknown")
    check_limit("get_code_person", f"customer:{customer_id}")
    try:
        made = redeeming.redeem(
            customer_id=customer_id, points=amount_uah, order_total=total, discount=discount, key=natural, now=now, actor="shop",
            order_number=order_number, caller_address=client_address(request), request_id=request_id.get(), record=record,
        )  # fmt: skip
    except (PoolEmpty, PoolUnknown):
        nudge("promo.tasks.work_through_runs")
        raise
    if made.runs_asked:
        nudge("promo.tasks.work_through_runs")
    if not made.is_replay:
        nudge("promo.tasks.publish_mirror", at_most_every_seconds=5.0)
    return idempotency.Answer(payload=redemptions.as_payload(made), replayed=made.is_replay)


def _read_total(value: Any) -> Decimal:
    if value is None or value == "":
        raise BadInput(
            _("order_total is needed: points may pay for a part of the order only."), code="order_total_missing"
        )
    return parse_money(value, name="order_total")


def _read_discount(value: Any) -> Decimal:
    """None was sent: none was given."""
    return parse_money(0 if value is None or value == "" else value, name="discount")
