"""Send the digits that were asked for: phase 1 writes down what is sent to whom, phase 2 is the gateway's, phase 3 writes down what became of it.

A row in the state `sending` says that an attempt began. Nobody knows whether a gateway that did not answer took the message, so the same digits go again.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils import translation
from django.utils.translation import gettext as _

from bonuses.services import customers
from bonusportal import counting, secrecy
from storefront.digests import digest_of_digits
from storefront.models import Channel, ConfirmedEmail, Proof, ProofState, WhyNotSent
from storefront.policy import SENDER_LEASE, wait_before_next
from storefront.services import doorkeeping
from storefront.services.proving import messages_today

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to whom. Neither part is ever logged."""

    proof_id: int
    channel: str
    to: str
    text: str


def take_next(*, now: dt.datetime) -> Message | None:
    """Phase 1: the next message, its row marked as being sent. Rows that get none are settled on the way."""
    while (found := _take(now=now)) is True:
        continue
    return found if isinstance(found, Message) else None


def _take(*, now: dt.datetime) -> Message | bool:
    """True: a row was settled without a message, there may be more. False: nothing is due."""
    with transaction.atomic():
        rows = Proof.objects.to_send(now)
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        proof = rows.first()
        if proof is None:
            return False
        why, to = _whereto(proof, now=now)
        digits = _digits_of(proof)
        if why:
            # An unknown phone's row ends like any other: with a digest, which nothing matches.
            _settle(proof, why)
            return True
        proof.digits = digest_of_digits(proof.digest, digits)
        proof.digits_to_send = secrecy.encrypt(digits.encode())
        proof.state, proof.attempts, proof.next_try_at = ProofState.SENDING, proof.attempts + 1, now + SENDER_LEASE
        proof.save(update_fields=["digits", "digits_to_send", "state", "attempts", "next_try_at"])
    return Message(proof_id=proof.pk, channel=proof.channel, to=to, text=_say(digits, proof.language))


def _whereto(proof: Proof, *, now: dt.datetime) -> tuple[str, str]:
    """(why not, "") or ("", the phone or the confirmed address)."""
    if proof.expires_at <= now:
        return WhyNotSent.NO_ENTRY if proof.why == WhyNotSent.NO_ENTRY else WhyNotSent.TOO_LATE, ""
    customer_id = customers.find_customer(proof.phone)
    if customer_id is None:
        return WhyNotSent.UNKNOWN, ""
    if not doorkeeping.is_open_for(customer_id):
        return WhyNotSent.CLOSED, ""
    if messages_today(now=now) >= settings.SESSION_MESSAGES_A_DAY:
        counting.count("alarm.messages_cap", now=now)
        return WhyNotSent.DAILY_CAP, ""
    if proof.channel != Channel.EMAIL:
        return "", proof.phone
    confirmed = ConfirmedEmail.objects.filter(customer_id=customer_id, customer__erased_at=None).first()
    return ("", confirmed.email) if confirmed else (WhyNotSent.NO_ADDRESS, "")


def _digits_of(proof: Proof) -> str:
    if proof.digits_to_send:
        return secrecy.decrypt(bytes(proof.digits_to_send)).decode()
    return f"{secrets.randbelow(1_000_000):06d}"


def _say(digits: str, language: str) -> str:
    with translation.override(language):
        return _("%(digits)s is your code for paying with bonus points. Tell it to nobody.") % {"digits": digits}


def _settle(proof: Proof, why: str) -> None:
    proof.state, proof.why, proof.next_try_at = ProofState.NOT_SENT, why, None
    proof.digits, proof.digits_to_send = secrets.token_hex(32), None
    proof.save(update_fields=["state", "why", "next_try_at", "digits", "digits_to_send"])


def note_sent(*, proof_id: int, gateway_id: str, now: dt.datetime) -> None:
    """Phase 3, it went well: the digits themselves are no longer needed."""
    Proof.objects.filter(pk=proof_id, state=ProofState.SENDING).update(
        state=ProofState.SENT, sent_at=now, gateway_id=gateway_id[:80], digits_to_send=None, next_try_at=None, why=""
    )


def note_refused_us(*, proof_id: int, now: dt.datetime) -> None:
    """Phase 3, it takes nothing of ours: an alarm, and the message waits for whoever mends it."""
    counting.count("alarm.messenger_refuses", now=now)
    logger.error("the messenger takes no messages of ours: its key, its address or its account")
    with transaction.atomic():
        proof = Proof.objects.select_for_update().filter(pk=proof_id, state=ProofState.SENDING).first()
        if proof is not None:
            proof.why, proof.next_try_at = WhyNotSent.NO_ENTRY, now + wait_before_next(proof.attempts)
            proof.save(update_fields=["why", "next_try_at"])


def refused_us_since() -> dict[str, dt.datetime]:
    """Channels whose messenger takes nothing of ours, with the moment of the newest one that it refused. What was sent since shows that it does again."""
    refused = Proof.objects.filter(why=WhyNotSent.NO_ENTRY).order_by().values_list("channel").annotate(Max("asked_at"))
    return {
        channel: asked_at
        for channel, asked_at in refused
        if not Proof.objects.filter(channel=channel, state=ProofState.SENT, sent_at__gte=asked_at).exists()
    }


def note_trouble(*, proof_id: int, is_permanent: bool, now: dt.datetime) -> None:
    """Phase 3, it did not: later again, or never."""
    counting.count("storefront.message_refused" if is_permanent else "storefront.message_delayed", now=now)
    with transaction.atomic():
        proof = Proof.objects.select_for_update().filter(pk=proof_id, state=ProofState.SENDING).first()
        if proof is None:
            return
        if is_permanent:
            _settle(proof, WhyNotSent.REFUSED)
            return
        proof.next_try_at = now + wait_before_next(proof.attempts)
        proof.save(update_fields=["next_try_at"])
