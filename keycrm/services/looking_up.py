"""The CRM's own lists (statuses, sources, custom fields): fetched when old, kept in a row for all processes, used when the CRM does not answer."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from django.conf import settings

from keycrm.errors import CrmTemporary, FieldsMissing
from keycrm.fields import FieldRole, match_fields
from keycrm.models import Dictionary
from keycrm.payloads import CustomField, OrderStatus, Source
from keycrm.ports import CrmLists

logger = logging.getLogger(__name__)
T = TypeVar("T", CustomField, OrderStatus, Source)
FRESH_FOR = dt.timedelta(hours=6)
# Somebody may just have made the field that was missing; but not every call should ask for it.
LOOK_AGAIN_AFTER = dt.timedelta(minutes=1)
MODELS = ("client", "lead")


def statuses(*, crm: CrmLists, now: dt.datetime, fresh_for: dt.timedelta = FRESH_FOR) -> tuple[OrderStatus, ...]:
    """Active statuses. An order may be in one that is not among them."""
    return _keep("statuses", OrderStatus, crm.statuses, now=now, fresh_for=fresh_for)


def sources(*, crm: CrmLists, now: dt.datetime, fresh_for: dt.timedelta = FRESH_FOR) -> tuple[Source, ...]:
    return _keep("sources", Source, crm.sources, now=now, fresh_for=fresh_for)


def custom_fields(*, crm: CrmLists, now: dt.datetime, fresh_for: dt.timedelta = FRESH_FOR) -> tuple[CustomField, ...]:
    """Fields of buyers and of cards."""
    return _keep("custom_fields", CustomField, lambda: crm.custom_fields(*MODELS), now=now, fresh_for=fresh_for)


def field_uuids(*, crm: CrmLists, roles: Collection[FieldRole], now: dt.datetime) -> Mapping[FieldRole, str]:
    """Under which uuid each role is written. Raises FieldsMissing with what the CRM's administrator has to do, CrmError when it cannot be known."""
    found = match_fields(roles=roles, names=settings.KEYCRM_FIELDS, known=custom_fields(crm=crm, now=now))
    if found.problems:
        again = custom_fields(crm=crm, now=now, fresh_for=LOOK_AGAIN_AFTER)
        found = match_fields(roles=roles, names=settings.KEYCRM_FIELDS, known=again)
    if found.problems:
        raise FieldsMissing(found.steps)
    return found.uuids


def forget_lists() -> None:
    """The next question asks the CRM: for whoever just changed something there."""
    Dictionary.objects.all().delete()


def _keep(
    name: str, kind: type[T], fetch: Callable[[], Sequence[T]], *, now: dt.datetime, fresh_for: dt.timedelta
) -> tuple[T, ...]:
    row = Dictionary.objects.filter(name=name).first()
    if row is not None and now - row.fetched_at < fresh_for:
        return _read(row.entries, kind)
    try:
        found = tuple(fetch())
    except CrmTemporary:
        if row is None:
            raise
        logger.info("the CRM's list of %s could not be fetched: the one of %s is used", name, row.fetched_at)
        return _read(row.entries, kind)
    Dictionary.objects.update_or_create(
        name=name, defaults={"entries": [asdict(one) for one in found], "fetched_at": now}
    )
    return found


def _read(entries: Sequence[Mapping[str, Any]], kind: type[T]) -> tuple[T, ...]:
    return tuple(kind(**entry) for entry in entries)
