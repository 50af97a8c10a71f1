"""Where services meet the client. Every task is a sweep: late, doubled or missed runs change no answer, and none works longer than its turn."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from celery import shared_task
from django.utils import timezone

from bonusportal import counting
from bonusportal.nudges import nudge
from keycrm import naming, wiring
from keycrm.configured import rules_of_settings
from keycrm.errors import CrmError
from keycrm.services import applying, polling, receiving, reconciling, reserving, vanishing, writing_back

logger = logging.getLogger(__name__)
# Others wait in the same queue. What is left over is nudged, and a sweep finds it anyway.
TURN_SECONDS = 20.0


def _work(step: Callable[[], Any], *, again: str) -> int:
    """Repeat a step until there is nothing to do or the turn is over. Returns how often it did something.

    It also ends when a step was put off: whatever stopped that one (no turn, no answer) would only put off the next one too.
    """
    ends_at = time.monotonic() + TURN_SECONDS
    done = 0
    while True:
        try:
            worked = step()
        except Exception:
            # It is noted on its row, which now waits; those behind it need not.
            nudge(again, at_most_every_seconds=1.0)
            raise
        if worked is None or worked.is_put_off:
            return done
        done += 1
        if time.monotonic() > ends_at:
            nudge(again)
            return done


@shared_task
def apply_orders() -> int:
    """Orders that a webhook, a hint or a poll asked for."""
    if not wiring.is_configured():
        return 0
    crm, rules = wiring.open_crm(patience_seconds=TURN_SECONDS), rules_of_settings()
    done = _work(lambda: applying.apply_next(crm, rules=rules, now=timezone.now()), again="keycrm.tasks.apply_orders")
    if done:
        nudge("keycrm.tasks.write_back", at_most_every_seconds=5.0)
    return done


@shared_task
def reserve_by_cards() -> int:
    """Cards by which managers reserve points."""
    if not wiring.is_configured():
        return 0
    crm, rules = wiring.open_crm(patience_seconds=TURN_SECONDS), rules_of_settings()
    done = _work(
        lambda: reserving.reserve_next(
            crm, fields=lambda: naming.card_fields(crm, now=timezone.now()), rules=rules, now=timezone.now()
        ),
        again="keycrm.tasks.reserve_by_cards",
    )
    if done:
        nudge("keycrm.tasks.apply_orders")
    return done


def _poll(name: str) -> int:
    if not wiring.is_configured():
        return 0
    now = timezone.now()
    try:
        polled = polling.poll(
            wiring.open_crm(patience_seconds=TURN_SECONDS),
            name=name,
            rules=rules_of_settings(),
            now=now,
            at_most_pages=8,
        )
    except CrmError as error:
        counting.count(f"crm.poll_failed.{error.code}", now=now)
        return 0
    if polled is None:
        return 0
    logger.log(
        logging.INFO if polled.asked else logging.DEBUG,
        "CRM: of %d %s orders %d have to be looked at", polled.read, name, polled.asked,
    )  # fmt: skip
    if polled.asked:
        nudge("keycrm.tasks.apply_orders")
    if not polled.is_done:
        nudge(f"keycrm.tasks.poll_{name}")
    return polled.asked


@shared_task
def poll_created() -> int:
    return _poll(polling.CREATED)


@shared_task
def poll_updated() -> int:
    return _poll(polling.UPDATED)


@shared_task
def write_back() -> int:
    """Balances to the buyers' cards."""
    if not (wiring.is_configured() and writing_back.is_on()):
        return 0
    now = timezone.now()
    writing_back.prepare(now=now)
    if not writing_back.find_behind(now=now, at_most=1):
        return 0
    crm = wiring.open_crm(patience_seconds=TURN_SECONDS)
    try:
        fields = naming.buyer_fields(crm, now=now)
    except CrmError as error:
        # The page of the connection test says what an administrator of the CRM has to do.
        counting.count(f"crm.write_back_failed.{error.code}", now=now)
        return 0
    return _work(
        lambda: writing_back.push_next(crm, fields=fields, now=timezone.now()), again="keycrm.tasks.write_back"
    )


@shared_task
def look_for_vanished() -> int:
    """Deleting an order is announced by nothing."""
    asked = vanishing.ask_for_stale(now=timezone.now()) if wiring.is_configured() else 0
    if asked:
        nudge("keycrm.tasks.apply_orders")
    return asked


@shared_task
def reconcile() -> int:
    now = timezone.now()
    receiving.forget_old_bodies(now=now)
    if wiring.is_configured() and receiving.ask_for_unanswered(now=now):
        nudge("keycrm.tasks.apply_orders")
        nudge("keycrm.tasks.reserve_by_cards")
    return reconciling.reconcile(now=now).new
