"""Where the program writes on cards of the account: roles of custom fields as services know them, from the account's own lists."""

from __future__ import annotations

import datetime as dt

from keycrm.configured import read_ids
from keycrm.fields import BUYER_ROLES, CARD_ROLES, FieldRole
from keycrm.ports import CrmLists
from keycrm.services import looking_up
from keycrm.services.filling import Fields
from keycrm.services.reserving import CardFields


def buyer_fields(crm: CrmLists, *, now: dt.datetime) -> Fields:
    """Raises FieldsMissing with what an administrator of the CRM has to do."""
    found = looking_up.field_uuids(crm=crm, roles=BUYER_ROLES, now=now)
    return Fields(*(found[role] for role in BUYER_ROLES))


def card_fields(crm: CrmLists, *, now: dt.datetime) -> CardFields:
    """Raises FieldsMissing, and ValueError for statuses that are no numbers."""
    found = looking_up.field_uuids(crm=crm, roles=CARD_ROLES, now=now)
    return CardFields(found[FieldRole.CARD_ORDER], found[FieldRole.CARD_POINTS], read_ids("KEYCRM_CARD_STATUSES"))
