"""Signs of life: who was last seen when, and what each dependency says. Read by /readyz and the stock board."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from bonusportal import queues
from bonusportal.models import Heartbeat

logger = logging.getLogger(__name__)
# In the cloud the shortest tick is a minute, and it may come late.
SEEN_WITHIN = dt.timedelta(seconds=200 if settings.IS_ON_LAMBDA else 90)


def note_alive(name: str, *, now: dt.datetime) -> None:
    """Leave a trace that `name` (worker, browser, crm, beat) lives. A trace that cannot be written is logged; it must not stop the one who lives."""
    try:
        Heartbeat.objects.update_or_create(name=name, defaults={"seen_at": now})
    except DatabaseError:
        logger.exception("sign of life of %s could not be written", name)
        connection.close()


@dataclass(frozen=True, slots=True)
class Part:
    """A dependency: `ok` None means "not used here"."""

    name: str
    ok: bool | None
    detail: str = ""
    seen_at: dt.datetime | None = None

    def as_json(self) -> dict[str, Any]:
        state = {True: "ok", False: "down", None: "not used"}[self.ok]
        return {"state": state, "detail": self.detail, "seen_at": self.seen_at.isoformat() if self.seen_at else None}


def _database() -> Part:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Part("database", False, type(error).__name__)
    return Part("database", True, connection.vendor)


def _broker() -> Part:
    if queues.is_used():
        try:
            queues.look()
        except queues.QueueUnavailable as error:
            return Part("broker", False, str(error))
        return Part("broker", True, "queues")
    if not settings.REDIS_URL:
        return Part("broker", None, "no REDIS_URL: nothing runs by itself")
    import redis

    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.3, socket_timeout=0.5).ping()
    except redis.RedisError as error:
        return Part("broker", False, type(error).__name__)
    return Part("broker", True)


def _seen(name: str, *, now: dt.datetime) -> Part:
    beat = Heartbeat.objects.filter(name=name).first()
    if beat is None:
        return Part(name, False, "never seen")
    return Part(name, now - beat.seen_at < SEEN_WITHIN, "", beat.seen_at)


def look_around(*, now: dt.datetime) -> list[Part]:
    """Every dependency with its state. Never raises for a dependency that is down."""
    parts = [_database(), _broker()]
    if parts[0].ok:
        workers = ["worker", "browser", *(["crm"] if settings.KEYCRM_API_TOKEN else []), "beat"]
        parts += [_seen(name, now=now) for name in workers]
    return parts
