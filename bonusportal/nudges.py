"""The one door to the broker. A nudge says "there may be work"; the work itself is a row, and a sweep finds it if the nudge is lost.

So a nudge never fails, never blocks and never retries. (Celery's own `delay_on_commit` raises into the view when the broker is down: the code
would be burnt behind a 500.)
"""

from __future__ import annotations

import logging
import time
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

logger = logging.getLogger(__name__)
# After a failure the broker is left alone for a while: a shopper must not pay the connect timeout on every request.
BROKER_PAUSE_SECONDS = 5.0
_paused_until = 0.0
_last_sent: dict[str, float] = {}


def nudge(task: str, *args: int | str, at_most_every_seconds: float = 0) -> None:
    """Publish `task` after the running transaction commits. With `at_most_every_seconds` repeated nudges of this process melt into one, sent late
    enough to cover them all."""
    if at_most_every_seconds:
        last = _last_sent.get(task, 0.0)
        if time.monotonic() - last < at_most_every_seconds:
            return
        _last_sent[task] = time.monotonic()
    transaction.on_commit(partial(_publish, task, args, at_most_every_seconds), robust=True)


def _publish(task: str, args: tuple[int | str, ...], countdown_seconds: float) -> None:
    global _paused_until
    if not settings.REDIS_URL and settings.CELERY_BROKER_URL == "memory://":
        return  # runserver alone: the stock board says that no worker is running
    if time.monotonic() < _paused_until:
        return
    from bonusportal.celery import app  # celery is heavy: only whoever publishes pays for it

    from kombu.exceptions import OperationalError as BrokerError

    try:
        app.send_task(task, args=list(args), retry=False, countdown=countdown_seconds or None, ignore_result=True)
    except (BrokerError, OSError) as error:
        _paused_until = time.monotonic() + BROKER_PAUSE_SECONDS
        logger.warning("nudge %s lost (%s): a sweep will find the row", task, type(error).__name__)
        from bonusportal import counting

        counting.count("nudge.lost", now=timezone.now())
