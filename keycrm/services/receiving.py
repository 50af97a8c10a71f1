"""What is sent to us: the raw event is stored, its order or card asked for, and the sender answered. Nothing is believed and nothing is fetched here."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from bonusportal import secrecy
from keycrm.errors import PayloadInvalid
from keycrm.models import CrmCard, CrmOrder, InboundEvent
from keycrm.models.events import Channel, EventState, Subject
from keycrm.payloads import Webhook
from keycrm.payloads.values import read_whole_or_none
from keycrm.reasons import Reason
from keycrm.services import leasing

MOST_SECRETS = 2
BODY_KEPT = dt.timedelta(days=14)
UNANSWERED_AFTER = dt.timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Received:
    """`order_id` and `card_id` are the CRM's numbers; `is_new` is False for a repeat."""

    event_id: int
    is_new: bool
    order_id: int | None = None
    card_id: int | None = None


def is_secret(given: str, secrets: Iterable[str]) -> bool:
    """Compare with every valid secret (two at most, while one replaces the other), in a time that tells nothing."""
    digest = hashlib.sha256(given.encode("utf-8", "surrogateescape")).digest()
    matches = [
        hmac.compare_digest(digest, hashlib.sha256(one.encode()).digest()) for one in list(secrets)[:MOST_SECRETS]
    ]
    return any(matches)


@dataclass(frozen=True, slots=True)
class _Read:
    name: str
    subject: str
    subject_id: int | None
    fingerprint: str
    reason: str = ""


def receive(*, channel: str, body: bytes, now: dt.datetime) -> Received:
    """Store the event and ask for what it is about, in one transaction. A repeat is counted, and its subject is looked at again: that costs one call at most,
    because hints of one order melt into one.
    """
    read = _read(channel, body)
    digest = hashlib.sha256(read.fingerprint.encode() if read.fingerprint else body).hexdigest()
    state = (
        EventState.STUCK
        if read.reason == Reason.UNREADABLE
        else EventState.IGNORED
        if read.reason
        else EventState.RECEIVED
    )
    finished_at = now if state == EventState.IGNORED else None
    with transaction.atomic():
        asks = _ask(read, now=now)
        event, made = InboundEvent.objects.get_or_create(
            channel=channel, digest=digest,
            defaults={
                "name": read.name[:60], "subject": read.subject, "subject_id": read.subject_id, "body": secrecy.encrypt(body), "state": state,
                "reason": read.reason, "asks": asks, "received_at": now, "last_seen_at": now, "finished_at": finished_at,
            },
        )  # fmt: skip
        if not made:
            InboundEvent.objects.filter(pk=event.pk).update(
                times_seen=F("times_seen") + 1,
                last_seen_at=now,
                state=state,
                reason=read.reason,
                finished_at=finished_at,
                asks=asks,
            )
    is_order = read.subject == Subject.ORDER
    return Received(
        event.pk, made, read.subject_id if is_order else None, read.subject_id if read.subject == Subject.CARD else None
    )


def _ask(read: _Read, *, now: dt.datetime) -> int:
    """Ask for what the event is about. Returns which of its hints this is; 0 for what names nothing. First of all in a transaction: the row comes before
    its events, for everybody who locks both.
    """
    if not read.subject or read.subject_id is None:
        return 0
    model = _rows_of(read.subject)
    pk = leasing.ask(model, read.subject_id, now=now)
    return int(model.objects.values_list("asks", flat=True).get(pk=pk))


def _rows_of(subject: str) -> type[CrmOrder] | type[CrmCard]:
    return CrmOrder if subject == Subject.ORDER else CrmCard


def _read(channel: str, body: bytes) -> _Read:
    """What the event is about. A body that cannot be understood is kept for a person; an event we do not know is kept and ignored."""
    try:
        found = json.loads(body)
        if not isinstance(found, Mapping):
            return _Read("", "", None, "", Reason.UNREADABLE)
        if channel == Channel.WEBHOOK:
            return _read_webhook(found)
        return _read_hint(channel, found)
    except (ValueError, RecursionError, PayloadInvalid):
        return _Read("", "", None, "", Reason.UNREADABLE)


def _read_webhook(found: Mapping[str, Any]) -> _Read:
    webhook = Webhook.from_json(found)
    subject = Subject.ORDER if webhook.is_about_an_order else Subject.CARD if webhook.is_about_a_card else ""
    if not subject:
        return _Read(webhook.event, "", webhook.id, "", Reason.UNKNOWN_EVENT)
    # Without a moment two changes of one order would look like one event; then the body tells them apart.
    fingerprint = "" if webhook.fingerprint.endswith(":") else webhook.fingerprint
    return _Read(webhook.event, subject, webhook.id, fingerprint)


def _read_hint(channel: str, found: Mapping[str, Any]) -> _Read:
    """The former paths: `{event, context: {id, …}}`, or flat `{order_id | orderId | id | lead_id, …}`; numbers as int or text."""
    context = found.get("context")
    inner: Mapping[str, Any] = context if isinstance(context, Mapping) else found
    is_card = channel == Channel.LEAD_RESERVE
    names = ("lead_id", "id") if is_card else ("order_id", "orderId", "id")
    subject_id = next(
        (number for name in names if (number := read_whole_or_none(inner.get(name), name)) is not None), None
    )
    if subject_id is None or subject_id < 1:
        return _Read(str(found.get("event", channel))[:60], "", None, "", Reason.NO_NUMBER)
    return _Read(str(found.get("event") or channel), Subject.CARD if is_card else Subject.ORDER, subject_id, "")


def settle_events(
    *,
    subject: str,
    subject_id: int,
    state: str,
    reason: str,
    now: dt.datetime,
    asks: int | None = None,
    until: dt.datetime | None = None,
) -> int:
    """Events that were answered: by a look, those among its hints (`asks` of the lease); by a person, those received until then. Returns how many.

    The clocks of whoever receives and whoever looks need not agree, and an event may come between the two: only the counted hints tell which were answered.
    """
    open_ones = InboundEvent.objects.filter(
        subject=subject, subject_id=subject_id, state__in=[EventState.RECEIVED, EventState.STUCK]
    )
    answered = open_ones.filter(last_seen_at__lte=until) if asks is None else open_ones.filter(asks__lte=asks)
    return answered.update(state=state, reason=reason[:40], finished_at=now)


def ask_for_unanswered(*, now: dt.datetime, at_most: int = 300) -> int:
    """Events whose order or card was looked at, by a worker that died before it could say so: looked at once more. Returns how many were asked for."""
    wanted: set[tuple[str, int]] = set()
    for subject in Subject.values:
        waiting = _rows_of(subject).objects.filter(crm_id=OuterRef("subject_id"), asked_at__isnull=False)
        left = InboundEvent.objects.open().filter(~Exists(waiting), subject=subject, subject_id__isnull=False)
        found = left.filter(last_seen_at__lt=now - UNANSWERED_AFTER).order_by("pk")[:at_most]
        wanted |= {(subject, crm_id) for crm_id in found.values_list("subject_id", flat=True) if crm_id is not None}
    for subject, crm_id in sorted(wanted):
        leasing.ask(_rows_of(subject), crm_id, now=now)
    return len(wanted)


def replay_event(*, event_id: int, actor: str, now: dt.datetime) -> bool:
    """Look at the event's order or card once more, as if the event came now. False where it names none."""
    with transaction.atomic():
        event = InboundEvent.objects.get(pk=event_id)
        read = _Read(event.name, event.subject, event.subject_id, "")
        if not event.subject and event.body is not None:
            # Understood by a newer version, perhaps.
            read = _read(event.channel, secrecy.decrypt(bytes(event.body)))
        if not read.subject or read.subject_id is None:
            return False
        asks = _ask(read, now=now)
        InboundEvent.objects.filter(pk=event_id).update(
            subject=read.subject, subject_id=read.subject_id, state=EventState.RECEIVED, reason="", finished_at=None, last_seen_at=now,
            asks=asks, replayed_by=actor,
        )  # fmt: skip
    return True


def read_body(event: InboundEvent) -> Any:
    """What was sent, for a member of staff; None where it is forgotten or not JSON. Raises CannotDecrypt."""
    if event.body is None:
        return None
    try:
        return json.loads(secrecy.decrypt(bytes(event.body)))
    except (ValueError, RecursionError):
        return None


def forget_old_bodies(*, now: dt.datetime) -> int:
    return InboundEvent.objects.filter(body__isnull=False, last_seen_at__lt=now - BODY_KEPT).update(body=None)
