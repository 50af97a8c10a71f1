"""Which custom fields of the account are the program's: found by the names in settings, because their uuids differ from account to account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from django.conf import settings

from keycrm.configured import read_ids
from keycrm.errors import FieldsMissing
from keycrm.payloads import CustomField
from keycrm.services.reserving import CardFields
from keycrm.services.writing_back import Fields


class _Lists(Protocol):
    def custom_fields(self, *models: str) -> Sequence[CustomField]: ...


def buyer_fields(crm: _Lists) -> Fields:
    """A field without a name in settings is not written. Raises FieldsMissing with what an administrator of the CRM has to do."""
    found = _find(
        crm, "client", {"available": "balance", "reserved": "reserved", "until": "expires_on", "history": "history"}
    )
    return Fields(**found)


def card_fields(crm: _Lists) -> CardFields:
    """Raises FieldsMissing, and ValueError for statuses that are no numbers."""
    found = _find(crm, "lead", {"order": "card_order", "points": "card_points"})
    return CardFields(found.get("order", ""), found.get("points", ""), read_ids("KEYCRM_CARD_STATUSES"))


def _find(crm: _Lists, model: str, wanted: Mapping[str, str]) -> dict[str, str]:
    names = {key: settings.KEYCRM_FIELDS[setting] for key, setting in wanted.items() if settings.KEYCRM_FIELDS[setting]}
    uuids = {field.name: field.uuid for field in crm.custom_fields(model)}
    missing = [name for name in names.values() if name not in uuids]
    if missing:
        raise FieldsMissing([f"Make a text field “{name}” for {model} in the CRM's settings." for name in missing])
    return {key: uuids[name] for key, name in names.items()}
