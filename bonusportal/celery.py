"""The Celery application. Schedules live in bonusportal.schedules; tasks in each app's tasks.py."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals

from bonusportal.pausing import Pause

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bonusportal.settings")

app = Celery("bonusportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_seen_just_now = Pause(seconds=10.0)


@signals.setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Celery would replace the handlers; Django's LOGGING is the only configuration."""
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(settings.LOGGING)


@signals.heartbeat_sent.connect
def _note_worker(**_: Any) -> None:
    """The worker's own timer, so that "worker last seen" does not depend on beat."""
    if not _seen_just_now.may_go_on():
        return
    from django.utils import timezone

    from bonusportal.living import note_alive

    note_alive("worker", now=timezone.now())
