"""Tasks of the frame: the scheduler's sign of life and the broom."""

from __future__ import annotations

import datetime as dt

from celery import shared_task
from django.utils import timezone

from bonusportal import idempotency, living
from bonusportal.models import DailyCount, IdempotencyRecord, RateWindow


@shared_task
def note_beat() -> None:
    """Run by the worker because the scheduler asked: the scheduler lives."""
    living.note_alive("beat", now=timezone.now())


@shared_task
def forget_old_records() -> None:
    now = timezone.now()
    IdempotencyRecord.objects.filter(created_at__lt=now - dt.timedelta(days=idempotency.KEPT_DAYS)).delete()
    RateWindow.objects.filter(expires_at__lt=now.timestamp() - 60).delete()
    DailyCount.objects.filter(day__lt=now.date() - dt.timedelta(days=400)).delete()
