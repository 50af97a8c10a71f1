"""The Celery application. Schedules live in bonusportal.schedules; tasks in each app's tasks.py."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals

from bonusportal.pausing import Pause
from bonusportal.schedules import AT_START, ROLE_OF_QUEUE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bonusportal.settings")

app = Celery("bonusportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_seen_just_now = Pause(seconds=10.0)
_roles: set[str] = set()


@signals.setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Celery would replace the handlers; Django's LOGGING is the only configuration."""
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(settings.LOGGING)


@signals.worker_ready.connect
def _begin(sender: Any = None, **_: Any) -> None:
    """Note what this worker serves, and look at once: something may have been waiting longer than the scheduler's first tick."""
    from bonusportal.nudges import nudge

    queues = {queue.name for queue in sender.task_consumer.queues}
    _roles.update(role for queue, role in ROLE_OF_QUEUE.items() if queue in queues)
    _write_roles()
    for task in AT_START:
        nudge(task)


@signals.heartbeat_sent.connect
def _note_worker(**_: Any) -> None:
    """The worker's own timer, so that "worker last seen" does not depend on beat."""
    if _seen_just_now.may_go_on():
        _write_roles()


def _write_roles() -> None:
    from django.utils import timezone

    from bonusportal.living import note_alive

    for role in _roles:
        note_alive(role, now=timezone.now())
