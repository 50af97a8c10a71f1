"""The Celery application. Schedules live in bonusportal.schedules; tasks in each app's tasks.py."""

from __future__ import annotations

import os
import time
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bonusportal.settings")

app = Celery("bonusportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

WORKER_SEEN_EVERY_SECONDS = 10.0
_last_written = 0.0


@signals.setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Celery would replace the handlers; Django's LOGGING is the only configuration."""
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(settings.LOGGING)


@signals.heartbeat_sent.connect
def _note_worker(**_: Any) -> None:
    """The worker's own timer, so that "worker last seen" does not depend on beat."""
    global _last_written
    if time.monotonic() - _last_written < WORKER_SEEN_EVERY_SECONDS:
        return
    _last_written = time.monotonic()
    from django.utils import timezone

    from bonusportal.living import note_alive

    note_alive("worker", now=timezone.now())
