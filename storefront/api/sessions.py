"""Sessions: a phone is claimed, six digits go there, whoever brings them back gets a token."""

from __future__ import annotations

from typing import Literal

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language, gettext_noop
from ninja import Router, Schema

from bonusportal.limits import check_limit
from bonusportal.nudges import nudge
from storefront import wiring
from storefront.api.answering import SessionProven, SessionStarted, answers
from storefront.api.callers import address_of
from storefront.api.reading import Digits, Phone, SessionName
from storefront.services import proving
from storefront.tokens import LIVES, make_token

router = Router(tags=["sessions"])


class AskForDigits(Schema):
    phone: Phone
    channel: Literal["console", "sms", "email"] | None = None


class BringDigits(Schema):
    session: SessionName
    code: Digits


@router.post(
    "",
    response=answers(SessionStarted),
    auth=None,
    operation_id="start_session",
    summary=gettext_noop("Send six digits to a phone"),
    description=gettext_noop(
        "The digits are sent to known customers only; the answer is the same for everybody. By e-mail they go to an address that the shop's CRM confirms."
    ),
)
def start_session(request: HttpRequest, asked: AskForDigits) -> SessionStarted:
    channel = wiring.channel_for(asked.channel)
    check_limit("session_address", address_of(request))
    check_limit("session_phone", asked.phone)
    started = proving.start_proof(
        phone=asked.phone,
        channel=channel,
        language=(get_language() or "uk")[:2],
        address=address_of(request),
        now=timezone.now(),
    )
    nudge("storefront.tasks.send_digits")
    return SessionStarted(session=started.name, channel=started.channel, expires_at=started.expires_at)


@router.post(
    "/verify",
    response=answers(SessionProven, 401, 409),
    auth=None,
    operation_id="verify_session",
    summary=gettext_noop("Bring the digits back"),
    description=gettext_noop("Five tries each. The token lives for half an hour and belongs to the customer."),
)
def verify_session(request: HttpRequest, asked: BringDigits) -> SessionProven:
    check_limit("verify_address", address_of(request))
    now = timezone.now()
    proven = proving.prove(name=asked.session, digits=asked.code, now=now)
    return SessionProven(token=make_token(customer_id=proven.customer_id, now=now), expires_at=now + LIVES)
