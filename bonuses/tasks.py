"""Where the ledger's services meet their adapters. Every task is a sweep: late, doubled or missed runs change no answer."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from bonuses.services import auditing, expiring, notifying, releasing, reporting, sealing
from bonuses.wiring import open_anchor_store
from bonusportal import counting
from bonusportal.nudges import nudge


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
def carry_codes_back() -> None:
    """Holds whose time is over begin their release, and what the panel said of codes ends it."""
    swept = releasing.sweep(now=timezone.now())
    if swept.runs:
        nudge("promo.tasks.work_through_runs")
    if swept.stuck:
        counting.count("alarm.hold_stuck", now=timezone.now(), by=swept.stuck)


@shared_task
def warn_of_ends() -> None:
    notifying.warn_of_ends(now=timezone.now())


@shared_task
def forget_reports() -> None:
    """Claims of orders that nobody confirmed, and those that the CRM contradicts, are counted."""
    now = timezone.now()
    forgotten = reporting.forget_reports(now=now)
    for name, number in (("claim.foreign", forgotten.foreign), ("claim.forged", forgotten.forged)):
        if number:
            counting.count(name, now=now, by=number)


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
