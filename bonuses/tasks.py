"""Where the ledger's services meet their adapters. Every task is a sweep: late, doubled or missed runs change no answer."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from bonuses.services import auditing, expiring, sealing
from bonuses.wiring import open_anchor_store
from bonusportal import counting


@shared_task
def seal_entries() -> None:
    sealing.seal_entries(now=timezone.now())


@shared_task
def anchor_head() -> None:
    sealing.seal_entries(now=timezone.now())
    sealing.anchor_head(open_anchor_store(), now=timezone.now())


@shared_task
def settle_due() -> None:
    """Brings ends of points and holds into the books; balances count them already."""
    expiring.sweep(now=timezone.now())


@shared_task
def verify_nightly() -> None:
    """Looks every hour whether tonight's verification is still to be done: a portal that was off at night catches up in the morning."""
    if auditing.is_verification_due(now=timezone.now()):
        verify_ledger()


@shared_task
def verify_ledger(actor: str = "portal") -> None:
    """The nightly verification, and the one that the button asks for."""
    now = timezone.now()
    sealing.seal_entries(now=now, whole=True)
    run = auditing.verify_and_record(open_anchor_store(), actor=actor, now=now)
    if run.finding:
        counting.count("alarm.ledger", now=now)
