"""Notices: what happened to the customer's points since they last looked. Reading changes nothing; acknowledging moves the mark."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_noop
from ninja import Query, Router, Schema

from bonuses.services import notifying
from bonusportal.limits import check_limit
from storefront.api.answering import Acknowledged, NoticesTold, NoticeTold, answers
from storefront.api.callers import Session, address_of, shopper
from storefront.api.reading import Cursor

router = Router(tags=["notices"], auth=Session())


class Acknowledge(Schema):
    cursor: Cursor


@router.get(
    "/notices",
    response=answers(NoticesTold, 401),
    operation_id="notices",
    summary=gettext_noop("What happened since the customer last looked"),
    description=gettext_noop("The oldest first, after the place that is given or the last one that was acknowledged."),
)
def tell_notices(request: HttpRequest, after: Annotated[Cursor | None, Query()] = None) -> NoticesTold:
    check_limit("balance", address_of(request))
    page = notifying.notices_after(customer_id=shopper(request), after=after or "")
    told = [
        NoticeTold(
            kind=one.kind,
            points=one.points,
            at=one.at,
            cursor=one.cursor,
            order_id=one.order_number or None,
            last_day=one.last_day,
            days=one.days,
        )
        for one in page.notices
    ]
    return NoticesTold(notices=told, cursor=page.cursor, has_more=page.has_more)


@router.post(
    "/notices/ack",
    response=answers(Acknowledged, 401),
    operation_id="acknowledge_notices",
    summary=gettext_noop("The customer has seen them"),
    description=gettext_noop("Everything up to this place. The mark never goes back."),
)
def acknowledge(request: HttpRequest, asked: Acknowledge) -> Acknowledged:
    check_limit("balance", address_of(request))
    notifying.acknowledge(customer_id=shopper(request), cursor=asked.cursor, now=timezone.now())
    return Acknowledged()
