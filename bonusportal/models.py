"""Rows of the frame itself: idempotency records, rate windows, signs of life, counters. Nothing here knows of codes or points."""

from __future__ import annotations

from django.db import models


class IdempotencyRecord(models.Model):
    """The answer to a call that had an effect, kept seven days. Written in the same transaction as the effect, so one cannot exist without the other."""

    scope = models.CharField(
        max_length=64, primary_key=True
    )  # SHA-256 of method, path, caller and key: the key itself is never stored
    body = models.CharField(max_length=64)  # SHA-256 of what was asked
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "idempotency record"


class RateWindow(models.Model):
    """A fixed window of a rate limit, used where Redis is not."""

    key = models.CharField(max_length=255, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    expires_at = models.FloatField(
        db_index=True
    )  # epoch seconds: compared with the caller's clock inside one statement

    class Meta:
        verbose_name = "rate window"


class Heartbeat(models.Model):
    """When a part of the system was last seen alive: worker, browser, beat."""

    name = models.CharField(max_length=40, primary_key=True)
    seen_at = models.DateTimeField()


class DailyCount(models.Model):
    """How often something worth a look happened on a day (Kyiv): refusals by reason, lost nudges, alarms. Staff see them on the stock board."""

    day = models.DateField()
    name = models.CharField(max_length=60)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "name"], name="one_count_per_day_and_name")]
