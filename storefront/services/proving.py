"""Prove that a phone is the caller's: ask for six digits, bring them back.

Nothing here looks whether the phone is known before the digits are right, so nothing can be told from an answer or its time. Sending is another service.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from bonuses.services import customers
from bonusportal.counting import kyiv_day
from bonusportal.sql import day as sql_day
from bonusportal.sql import stamp
from storefront.digests import are_the_digits, digest_of_name, digest_of_phone
from storefront.errors import CodeWrong, MessagesExhausted, SessionOver, SwitchedOff, TriesExhausted
from storefront.models import Channel, FailedTries, Proof, ProofState
from storefront.policy import PROOF_LIVES, TRIES, seconds_until_tomorrow, start_of_day
from storefront.services import doorkeeping

# One statement claims a try, so that guesses side by side cannot share one.
_CLAIM_TRY = (
    "UPDATE storefront_proof SET tries = tries + 1 WHERE digest = %s AND used_at IS NULL AND tries < %s AND expires_at > %s "
    "RETURNING id, phone, digits, tries"
)
# Counted before the digits are compared and given back when they are right: the row's lock makes the day's last try the last one.
_CLAIM_DAYS_TRY = (
    "INSERT INTO storefront_failedtries (phone, day, count) VALUES (%s, %s, 1) ON CONFLICT (phone, day) DO UPDATE "
    "SET count = storefront_failedtries.count + 1 WHERE storefront_failedtries.count < %s RETURNING count"
)


@dataclass(frozen=True, slots=True)
class Started:
    """`name` is the caller's secret: who has it and the digits has the session."""

    name: str
    channel: str
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Proven:
    customer_id: int


def start_proof(*, phone: str, channel: Channel, language: str, address: str, now: dt.datetime) -> Started:
    """Write down that somebody wants to prove `phone` (E.164). Raises StorefrontOff, TriesExhausted, MessagesExhausted."""
    doorkeeping.require_open(now=now)
    if failed_tries(phone, now=now) >= settings.SESSION_FAILED_TRIES_A_DAY:
        raise TriesExhausted(retry_after_seconds=seconds_until_tomorrow(now))
    if messages_today(now=now) >= settings.SESSION_MESSAGES_A_DAY:
        raise MessagesExhausted(retry_after_seconds=seconds_until_tomorrow(now))
    name = secrets.token_urlsafe(24)
    proof = Proof.objects.create(
        digest=digest_of_name(name), phone=phone, channel=channel, language=language, address=address[:45], asked_at=now, expires_at=now + PROOF_LIVES,
    )  # fmt: skip
    return Started(name=name, channel=proof.channel, expires_at=proof.expires_at)


def prove(*, name: str, digits: str, now: dt.datetime) -> Proven:
    """The customer whose phone received `digits`. A proof opens once.

    Raises SessionOver, CodeWrong, TriesExhausted, SwitchedOff, StorefrontOff.
    """
    doorkeeping.require_open(now=now)
    with transaction.atomic():
        proof_id, phone, expected, tries = _claim_try(name, now=now)
        is_right = are_the_digits(digest_of_name(name), digits, expected)
        if is_right:
            Proof.objects.filter(pk=proof_id).update(used_at=now)
            _give_days_try_back(phone, now=now)
    # Decided after the commit: a wrong guess has to stay counted.
    customer_id = customers.find_customer(phone) if is_right else None
    if customer_id is None:
        raise CodeWrong(tries_left=TRIES - tries)
    if not doorkeeping.is_open_for(customer_id):
        raise SwitchedOff
    return Proven(customer_id=customer_id)


def _claim_try(name: str, *, now: dt.datetime) -> tuple[int, str, str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_TRY, [digest_of_name(name), TRIES, stamp(now)])
        row = cursor.fetchone()
        if row is None:
            raise SessionOver
        cursor.execute(
            _CLAIM_DAYS_TRY, [digest_of_phone(row[1]), sql_day(kyiv_day(now)), settings.SESSION_FAILED_TRIES_A_DAY]
        )
        if cursor.fetchone() is None:
            raise TriesExhausted(retry_after_seconds=seconds_until_tomorrow(now))
    return int(row[0]), str(row[1]), str(row[2]), int(row[3])


def _give_days_try_back(phone: str, *, now: dt.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE storefront_failedtries SET count = count - 1 WHERE phone = %s AND day = %s AND count > 0",
            [digest_of_phone(phone), sql_day(kyiv_day(now))],
        )


def failed_tries(phone: str, *, now: dt.datetime) -> int:
    """Wrong digits for this phone today."""
    found = FailedTries.objects.filter(phone=digest_of_phone(phone), day=kyiv_day(now)).values_list("count", flat=True)
    return found.first() or 0


def messages_today(*, now: dt.datetime) -> int:
    return Proof.objects.filter(state=ProofState.SENT, asked_at__gte=start_of_day(now)).count()
