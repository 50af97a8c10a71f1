"""Whose pages ask for the widgets' configuration: the shop's own, which proves that the tag is in place, and strangers, of which one may be the shop as well.

Where a shop answers under two names (with and without www.), the tag runs on both, and on the one that nobody named it shows nothing and says nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection

from django.db import connection, transaction

from bonusportal.sql import stamp
from storefront.models import WidgetSighting

# Anybody may ask under any name: these few rows are all that they can fill.
STRANGERS = 20
STRANGERS_KEPT_FOR = dt.timedelta(days=7)
_ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,180}(:[0-9]{1,5})?", re.ASCII)
_SEEN = (
    "INSERT INTO storefront_widgetsighting (origin, seen_at) VALUES (%s, %s) "
    "ON CONFLICT (origin) DO UPDATE SET seen_at = excluded.seen_at WHERE storefront_widgetsighting.seen_at < %s"
)


def note_visit(*, origin: str, now: dt.datetime) -> None:
    """A page of `origin` has asked. Written once a minute: pages ask all day."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SEEN, [origin[:200], stamp(now), stamp(now - dt.timedelta(minutes=1))])


def note_stranger(*, origin: str, ours: Collection[str], now: dt.datetime) -> bool:
    """A page of an `origin` that is none of `ours` has asked. False where it is none, or where there is no room for another."""
    if not _ORIGIN.fullmatch(origin):
        return False
    strangers = WidgetSighting.objects.exclude(origin__in=ours)
    if not strangers.filter(origin=origin).exists():
        strangers.filter(seen_at__lt=now - STRANGERS_KEPT_FOR).delete()
        if strangers.count() >= STRANGERS:
            return False
    note_visit(origin=origin, now=now)
    return True


def visits() -> dict[str, dt.datetime]:
    """When a page of each origin asked last."""
    return dict(WidgetSighting.objects.values_list("origin", "seen_at"))


def strangers(*, ours: Collection[str], now: dt.datetime) -> list[WidgetSighting]:
    """Those that asked within the last week, the latest first."""
    found = WidgetSighting.objects.exclude(origin__in=ours).filter(seen_at__gte=now - STRANGERS_KEPT_FOR)
    return list(found.order_by("-seen_at", "origin"))
