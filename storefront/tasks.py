"""Where the storefront's services meet whoever carries messages. Every task is a sweep: late, doubled or missed runs change no answer."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from storefront import wiring
from storefront.errors import ChannelUnavailable, MessagePermanent, MessageTemporary, MessengerRefusesUs
from storefront.services import forgetting, sending

# A bound on one run; the next tick goes on.
MESSAGES_A_RUN = 100


@shared_task
def send_digits() -> None:
    """Sends what was asked for and what an interrupted sender left behind."""
    for _ in range(MESSAGES_A_RUN):
        message = sending.take_next(now=timezone.now())
        if message is None or not _deliver(message):
            return


def _deliver(message: sending.Message) -> bool:
    """False where the messenger takes nothing from us: the others would meet the same, and a wrong key that is tried on and on locks an account."""
    try:
        number = wiring.messenger_for(message.channel).send(to=message.to, text=message.text)
    except MessageTemporary:
        sending.note_trouble(proof_id=message.proof_id, is_permanent=False, now=timezone.now())
    except MessengerRefusesUs:
        sending.note_refused_us(proof_id=message.proof_id, now=timezone.now())
        return False
    except (MessagePermanent, ChannelUnavailable):
        sending.note_trouble(proof_id=message.proof_id, is_permanent=True, now=timezone.now())
    else:
        sending.note_sent(proof_id=message.proof_id, gateway_id=number, now=timezone.now())
    return True


@shared_task
def forget_old() -> None:
    forgetting.forget_old(now=timezone.now())
