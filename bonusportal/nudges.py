"""The one door to the broker. A nudge says "there may be work"; the work itself is a row, and a sweep finds it if the nudge is lost.

So a nudge never fails, never blocks and never retries. (Celery's own `delay_on_commit` raises into the view when the broker is down: the code
would be burnt behind a 500.)
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bonusportal import queues
from bonusportal.pausing import Pause

logger = logging.getLogger(__name__)
# After a failure the broker is left alone for a while: a shopper must not pay the connect timeout on every request.
broker_pause = Pause(seconds=5.0)
_sent_just_now: dict[str, Pause] = {}


def nudge(task: str, *args: int | str, at_most_every_seconds: float = 0) -> None:
    """Publish `task` after the running transaction commits. With `at_most_every_seconds` repeated nudges of this process melt into one, sent late
    enough to cover them all.
    """
    if at_most_every_seconds:
        pause = _sent_just_now.setdefault(task, Pause(seconds=at_most_every_seconds))
        if not pause.may_go_on():
            return

    def publish() -> None:  # not a partial: Django asks a robust callback that failed for its name
        _publish(task, args, at_most_every_seconds)

    transaction.on_commit(publish, robust=True)


def _publish(task: str, args: tuple[int | str, ...], countdown_seconds: float) -> None:
    if settings.CELERY_BROKER_URL == "memory://":
        return  # runserver alone: the stock board says that no worker is running
    if broker_pause.is_on:
        return
    send = _send_to_the_cloud if queues.is_used() else _send_with_celery
    if trouble := send(task, args, countdown_seconds):
        broker_pause.start()
        logger.warning("nudge %s lost (%s): a sweep will find the row", task, trouble)
        from bonusportal import counting

        counting.count("nudge.lost", now=timezone.now())


def _send_with_celery(task: str, args: tuple[int | str, ...], countdown_seconds: float) -> str:
    """Returns what went wrong, in one word; nothing when all went well."""
    from kombu.exceptions import OperationalError as BrokerError

    from bonusportal.celery import app  # celery is heavy: only whoever publishes pays for it

    try:
        app.send_task(task, args=list(args), retry=False, countdown=countdown_seconds or None, ignore_result=True)
    except (BrokerError, OSError) as error:
        return type(error).__name__
    return ""


def _send_to_the_cloud(task: str, args: tuple[int | str, ...], countdown_seconds: float) -> str:
    """The same for queues in the cloud."""
    try:
        queues.publish(task, args, delay_seconds=countdown_seconds)
    except queues.QueueUnavailable as error:
        return str(error)
    return ""
