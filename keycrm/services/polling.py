"""The safety net below the webhooks: what was created and what was changed, window by window, so that a week without any event loses nothing.

A list only says which orders to look at; each is fetched under its own lease afterwards. Windows overlap, because orders arrive in the CRM late and its clock
is not ours. The end of a window lies in the past when it begins, so rows can only leave it, never enter it behind us; when some left, pages have moved up
and the window is read once more.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from keycrm.crm import Crm
from keycrm.models import CrmOrder, PollCursor
from keycrm.payloads import Order, Page
from keycrm.policy import number_of, source_name
from keycrm.reasons import Reason
from keycrm.services import leasing
from keycrm.services.applying import Rules, is_history

CREATED, UPDATED = "created", "updated"
# Created means placed at the source: the import from the shop may come hours later.
OVERLAP = {CREATED: dt.timedelta(days=1), UPDATED: dt.timedelta(minutes=20)}
LONGEST_WINDOW = dt.timedelta(days=1)
FIRST_LOOK_BACK = dt.timedelta(days=30)
LEASE_LIVES = dt.timedelta(minutes=3)
MOST_PASSES = 3
# The CRM tells its moments in seconds, so a change within the second in which we fetched has the same one: what was fetched that soon is fetched again.
TOO_SOON = dt.timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Polled:
    """`is_done`: everything up to now was listed."""

    pages: int
    read: int
    asked: int
    is_done: bool
    reached_at: dt.datetime | None


def poll(crm: Crm, *, name: str, rules: Rules, now: dt.datetime, at_most_pages: int = 40) -> Polled | None:
    """Go on listing `created` or `updated` orders. None while somebody else does. Whatever the CRM raises leaves the cursor where it is."""
    token = _take(name, now=now)
    if token is None:
        return None
    pages = read = asked = 0
    cursor = PollCursor.objects.get(name=name)
    try:
        while pages < at_most_pages:
            cursor = PollCursor.objects.get(name=name)
            if cursor.window_to is None and not _open_window(cursor, token, now=now):
                break
            cursor.refresh_from_db()
            assert cursor.window_from is not None
            assert cursor.window_to is not None
            span = (cursor.window_from, cursor.window_to)
            page = (
                crm.orders(page=cursor.page, created=span)
                if name == CREATED
                else crm.orders(page=cursor.page, updated=span)
            )
            found = _note_page(cursor, token, page, rules=rules, now=now)
            if found is None:
                break
            pages, read, asked = pages + 1, read + len(page.items) + len(page.unreadable), asked + found
    finally:
        PollCursor.objects.filter(name=name, lease_token=token).update(lease_token=None, lease_lapses_at=None)
    cursor.refresh_from_db()
    return Polled(pages, read, asked, cursor.window_to is None and _is_reached(cursor, now), cursor.reached_at)


def _take(name: str, *, now: dt.datetime) -> uuid.UUID | None:
    PollCursor.objects.get_or_create(name=name)
    token = uuid.uuid4()
    free = Q(lease_token=None) | Q(lease_lapses_at__lte=now)
    taken = PollCursor.objects.filter(free, name=name).update(lease_token=token, lease_lapses_at=now + LEASE_LIVES)
    return token if taken else None


def _open_window(cursor: PollCursor, token: uuid.UUID, *, now: dt.datetime) -> bool:
    """The next stretch of time. False when everything up to now was listed in this run or the one before."""
    if _is_reached(cursor, now):
        return False
    reached = cursor.reached_at or max(settings.PROGRAM_STARTS_AT or now - FIRST_LOOK_BACK, now - FIRST_LOOK_BACK)
    begin = reached - OVERLAP[cursor.name]
    end = min(reached + LONGEST_WINDOW, now)
    return bool(
        PollCursor.objects.filter(pk=cursor.pk, lease_token=token, window_to=None).update(
            window_from=begin, window_to=end, page=1, total=None, has_shrunk=False, passes=0
        )
    )


def _is_reached(cursor: PollCursor, now: dt.datetime) -> bool:
    return cursor.reached_at is not None and cursor.reached_at >= now - dt.timedelta(seconds=1)


def _note_page(
    cursor: PollCursor, token: uuid.UUID, page: Page[Order], *, rules: Rules, now: dt.datetime
) -> int | None:
    """Ask for what is new on the page and move on, in one transaction. None when the cursor is somebody else's by now."""
    with transaction.atomic():
        mine = (
            PollCursor.objects.select_for_update()
            .filter(pk=cursor.pk, lease_token=token, window_to=cursor.window_to)
            .first()
        )
        if mine is None:
            return None
        changed = [*_changed(page.items, rules=rules), *_not_stuck(page.unreadable)]
        for crm_id in changed:
            leasing.ask(CrmOrder, crm_id, now=now)
        mine.has_shrunk = mine.has_shrunk or (mine.total is not None and page.total < mine.total)
        mine.read, mine.changed, mine.total = mine.read + len(page.items), mine.changed + len(changed), page.total
        mine.lease_lapses_at = now + LEASE_LIVES
        if page.has_next:
            mine.page += 1
        elif mine.has_shrunk and mine.passes < MOST_PASSES:
            mine.page, mine.total, mine.has_shrunk, mine.passes = 1, None, False, mine.passes + 1
        else:
            mine.reached_at, mine.finished_at = mine.window_to, now
            mine.window_from = mine.window_to = mine.total = None
            mine.page, mine.has_shrunk, mine.passes = 1, False, 0
        mine.save()
    return len(changed)


def _changed(orders: Sequence[Order], *, rules: Rules) -> list[int]:
    """Those whose moment in the CRM is not the one that we saw last. Orders from before the program are left alone."""
    known = {row.crm_id: row for row in CrmOrder.objects.filter(crm_id__in=[order.id for order in orders])}
    found = []
    for order in orders:
        row = known.get(order.id)
        if row is not None:
            if row.set_aside_at is None and not _is_known(row, order) and not _failed_on_this(row, order):
                found.append(order.id)
        elif order.placed_at is None or not is_history(
            source_name(order.source_id, rules.shop_sources), number_of(order), order.placed_at
        ):
            found.append(order.id)
    return found


def _not_stuck(unreadable: Sequence[int]) -> list[int]:
    """Fetched by itself, an order that cannot be understood becomes stuck, and a person sees it; once is enough."""
    stuck = set(
        CrmOrder.objects.filter(crm_id__in=unreadable).exclude(stuck_reason="").values_list("crm_id", flat=True)
    )
    return [crm_id for crm_id in unreadable if crm_id not in stuck]


def _is_known(row: CrmOrder, order: Order) -> bool:
    if row.seen_at is None or row.fetched_at is None or row.missing_at is not None:
        return False
    return row.seen_at == order.updated_at and row.fetched_at >= row.seen_at + TOO_SOON


def _failed_on_this(row: CrmOrder, order: Order) -> bool:
    """Stuck since after this change: asking again would begin the same tries anew, with every poll that lists it."""
    return (
        row.stuck_reason in {Reason.UNEXPECTED, Reason.WORKERS_DIED}
        and row.asked_at is not None
        and order.updated_at is not None
        and order.updated_at + TOO_SOON < row.asked_at
    )


def lag_seconds(name: str, *, now: dt.datetime) -> float | None:
    """How far behind the safety net is; None: it never ran."""
    reached = PollCursor.objects.filter(name=name).values_list("reached_at", flat=True).first()
    return None if reached is None else (now - reached).total_seconds()
