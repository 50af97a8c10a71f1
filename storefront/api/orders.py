"""Reports from the thank-you page: a claim, which moves nothing; by a session, or with a phone."""

from __future__ import annotations

from decimal import Decimal

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from ninja import Router, Schema

from bonuses.policy_orders import SHOP
from bonuses.services import customers, reporting
from bonusportal.errors import BadInput
from bonusportal.limits import check_limit
from storefront.api.answering import OrderReported, answers
from storefront.api.callers import address_of, customer_of
from storefront.api.reading import Delivery, DiscountTaken, OrderNumber, PaidTotal, Phone, RedemptionId
from storefront.services import doorkeeping, refusing

router = Router(tags=["orders"])


class ReportOrder(Schema):
    order_id: OrderNumber
    total: PaidTotal
    delivery: Delivery = Decimal(0)
    redemption: RedemptionId | None = None
    discount: DiscountTaken | None = None
    phone: Phone | None = None


@router.post(
    "/orders",
    response=answers(OrderReported, 401),
    auth=None,
    operation_id="report_order",
    summary=gettext_noop("Say that an order was placed"),
    description=gettext_noop(
        "With a session, or with a phone, which is only a claim. Points come when the CRM says that the order is completed. Saying it again changes nothing."
    ),
    openapi_extra={"security": [{"Session": []}, {}]},
)
def report_order(request: HttpRequest, asked: ReportOrder) -> OrderReported:
    now = timezone.now()
    doorkeeping.require_open(now=now)
    token = request.headers.get("Authorization", "")
    by_session = customer_of(token[7:] if token[:7].lower() == "bearer " else "") if token else None
    check_limit("report", address_of(request))
    if by_session is None and asked.phone is None:
        raise BadInput(_("%(name)s is missing.") % {"name": "phone"}, code="phone_missing")
    customer_id = by_session or customers.find_or_create(phone=asked.phone or "", now=now)
    claim = reporting.claim_order(
        source=SHOP,
        number=asked.order_id,
        customer_id=customer_id,
        total=asked.total,
        now=now,
        hold_key=asked.redemption or "",
        trust="session" if by_session else "page",
        discount=asked.discount,
        delivery=asked.delivery,
    )
    for doubt in claim.doubts:
        refusing.note_refusal(reason=doubt, address=address_of(request), now=now)
    return OrderReported(points_expected=claim.points)
