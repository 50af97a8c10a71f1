"""Points: what there is, what may pay for this order, and the code that pays."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_noop
from ninja import Header, Query, Router, Schema, Status

from bonuses.policy import max_payable_in_cart
from bonuses.services import reckoning, redeeming, redemptions, reporting
from bonuses.services.ruling import as_rule, rule_in_force
from bonusportal import idempotency
from bonusportal.context import request_id
from bonusportal.limits import check_limit
from bonusportal.nudges import nudge
from promo.errors import PoolEmpty, PoolUnknown
from promo.services import stock
from storefront.api.answering import (
    BalanceShown,
    Expiring,
    RedemptionMade,
    RedemptionShown,
    ReleaseAsked,
    answers,
)
from storefront.api.callers import Session, address_of, shopper
from storefront.api.reading import Discount, IdempotencyKey, OrderNumber, OrderTotal, Points, RedemptionId

router = Router(tags=["points"], auth=Session())
ACTOR = "storefront"


class PayWithPoints(Schema):
    points: Points
    order_total: OrderTotal
    discount: Discount = Decimal(0)
    order_id: OrderNumber | None = None


@router.get(
    "/balance",
    response=answers(BalanceShown, 401),
    operation_id="balance",
    summary=gettext_noop("What the customer has"),
    description=gettext_noop(
        "`max_payable` and `payable` are for the total and the discount that were given: amounts that have a code, no more than the customer has and than "
        "may pay. "
        "`redemption` is the newest code that may still be in a cart, or is being taken back."
    ),
)
def show_balance(
    request: HttpRequest,
    order_total: Annotated[OrderTotal | None, Query()] = None,
    discount: Annotated[Discount | None, Query()] = None,
) -> BalanceShown:
    check_limit("balance", address_of(request))
    customer_id, now = shopper(request), timezone.now()
    found = reckoning.balance(customer_id, now=now)
    most = None
    if order_total is not None:
        rule = as_rule(rule_in_force(now))
        most = max_payable_in_cart(rule, available=found.available, total=order_total, discount=discount or Decimal(0))
    return BalanceShown(
        available=found.available,
        held=found.held,
        expected=reporting.expected_points(customer_id, now=now),
        pending=reporting.pending_points(customer_id),
        debt=found.owed,
        expiring=[Expiring(points=points, last_day=day) for points, day in found.expiring if day is not None],
        max_payable=most,
        payable=stock.payable_amounts(up_to=most, now=now) if most else [],
        redemption=_shown(unspent) if (unspent := redemptions.find_unspent(customer_id=customer_id, now=now)) else None,
    )


@router.post(
    "/redemptions",
    response=answers(RedemptionMade, 401, 404, 409, 422),
    operation_id="redeem",
    summary=gettext_noop("Pay with points"),
    description=gettext_noop(
        "Points are held and a code of the same amount is handed out, once for each key. When the amount has no code, `nearby` names amounts that have."
    ),
)
def redeem(
    request: HttpRequest,
    response: HttpResponse,
    asked: PayWithPoints,
    key: Annotated[IdempotencyKey, Header(alias="Idempotency-Key")],
) -> RedemptionMade:
    customer_id, now = shopper(request), timezone.now()
    made = redemptions.find_replay(customer_id=customer_id, key=key, points=asked.points)
    record = idempotency.ask(
        method="POST",
        path="/api/v1/redemptions",
        caller=f"customer:{customer_id}",
        key=key,
        body={
            "points": asked.points,
            "order_total": f"{asked.order_total:.2f}",
            "order_id": asked.order_id or "",
            **({"discount": f"{asked.discount:.2f}"} if asked.discount else {}),
        },
    )
    # A key that was seen costs no quota, and must not be used for something else.
    if answer := idempotency.find_answer(record):
        made = redemptions.from_payload(answer.payload)
    if made is None:
        check_limit("get_code_address", address_of(request))
        check_limit("get_code_person", f"customer:{customer_id}")
        try:
            made = redeeming.redeem(
                customer_id=customer_id,
                points=asked.points,
                order_total=asked.order_total,
                discount=asked.discount,
                key=key,
                now=now,
                actor=ACTOR,
                order_number=asked.order_id or "",
                caller_address=address_of(request),
                request_id=request_id.get(),
                record=record,
            )
        except (PoolEmpty, PoolUnknown):
            nudge("promo.tasks.work_through_runs")
            raise
        if made.runs_asked:
            nudge("promo.tasks.work_through_runs")
        nudge("promo.tasks.publish_mirror", at_most_every_seconds=5.0)
    if made.is_replay:
        response["Idempotent-Replayed"] = "true"
    return RedemptionMade(**redemptions.as_payload(made))


@router.get(
    "/redemptions/{redemption_id}",
    response=answers(RedemptionShown, 401, 404),
    operation_id="redemption",
    summary=gettext_noop("What became of a redemption"),
    description=gettext_noop("The code is shown while it can still be used."),
)
def show_redemption(request: HttpRequest, redemption_id: RedemptionId) -> RedemptionShown:
    check_limit("balance", address_of(request))
    return _shown(redemptions.find_redemption(public_id=redemption_id, customer_id=shopper(request)))


def _shown(found: redemptions.Redemption) -> RedemptionShown:
    return RedemptionShown(
        id=found.id,
        promo_code=found.promo_code if found.state == "open" else None,
        points=found.points,
        status=found.state,
        expires_at=_while_open(found.state, found.expires_at),
    )


def _while_open(state: str, moment: dt.datetime | None) -> dt.datetime | None:
    return moment if state == "open" else None


@router.delete(
    "/redemptions/{redemption_id}",
    response={**answers(ReleaseAsked, 401, 404, 409, status=202)},
    operation_id="release",
    summary=gettext_noop("Take the code off"),
    description=gettext_noop(
        "The points come back once the code is deleted in the shop and seen gone. Who asks for the same amount meanwhile gets the same code again."
    ),
)
def release(request: HttpRequest, redemption_id: RedemptionId) -> Any:
    check_limit("balance", address_of(request))
    asked = redeeming.ask_release(
        public_id=redemption_id, customer_id=shopper(request), now=timezone.now(), actor=ACTOR
    )
    if asked.runs_asked:
        nudge("promo.tasks.work_through_runs")
    return Status(202, ReleaseAsked(id=asked.id, status=asked.state))
