"""The program's custom fields: which there must be, and how the ones of an account are told from their names. Pure.

A uuid is another one in every account, and buyers and goods share a prefix, so a field is found by its model and its name. What is missing, double or
of a wrong kind becomes a sentence that tells the CRM's administrator what to do; the API itself cannot make fields.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from keycrm.payloads import CustomField


class FieldRole(enum.StrEnum):
    """What a field is for. The values are the keys of settings.KEYCRM_FIELDS."""

    BALANCE = "balance"
    RESERVED = "reserved"
    EXPIRES_ON = "expires_on"
    HISTORY = "history"
    CARD_ORDER = "card_order"
    CARD_POINTS = "card_points"


BUYER_ROLES = (FieldRole.BALANCE, FieldRole.RESERVED, FieldRole.EXPIRES_ON, FieldRole.HISTORY)
CARD_ROLES = (FieldRole.CARD_ORDER, FieldRole.CARD_POINTS)
MODEL_OF = {**dict.fromkeys(BUYER_ROLES, "client"), **dict.fromkeys(CARD_ROLES, "lead")}
# The first is what an administrator is asked to make; the others hold the value as well.
TYPES_OF = {
    FieldRole.BALANCE: ("number", "float", "text", "textarea"),
    FieldRole.RESERVED: ("number", "float", "text", "textarea"),
    FieldRole.EXPIRES_ON: ("date", "text", "textarea"),
    FieldRole.HISTORY: ("textarea",),
    FieldRole.CARD_ORDER: ("text", "number", "textarea"),
    FieldRole.CARD_POINTS: ("number", "float", "text"),
}
# As KeyCRM's own form calls them.
ENTITIES = {"client": _("Buyers"), "lead": _("Pipelines")}
KINDS = {"number": _("Whole number"), "date": _("Date"), "textarea": _("Text"), "text": _("Line")}


@dataclass(frozen=True, slots=True)
class FieldsFound:
    """Field uuids by role, and a sentence for each role that has none."""

    uuids: Mapping[FieldRole, str]
    problems: Mapping[FieldRole, str | Promise]

    @property
    def steps(self) -> list[str]:
        return [str(sentence) for sentence in self.problems.values()]


def match_fields(
    *, roles: Collection[FieldRole], names: Mapping[str, str], known: Sequence[CustomField]
) -> FieldsFound:
    """Which field of the account plays which role."""
    uuids: dict[FieldRole, str] = {}
    problems: dict[FieldRole, str | Promise] = {}
    for role in roles:
        name, model = names.get(role.value, ""), MODEL_OF[role]
        if not name.strip():
            problems[role] = format_lazy(_("No name is set for this field: {role}."), role=role.value)
            continue
        found = [field for field in known if field.model == model and _plain(field.name) == _plain(name)]
        if not found:
            problems[role] = _how_to_make(name, role)
        elif len(found) > 1:
            problems[role] = format_lazy(
                _(
                    "KeyCRM has {count} fields “{name}” for {entity}: rename all but one, so that it is clear which one is meant."
                ),
                count=len(found),
                name=name,
                entity=ENTITIES[model],
            )
        elif found[0].type not in TYPES_OF[role]:
            problems[role] = format_lazy(
                _("The KeyCRM field “{name}” is of type {type}, which cannot hold this value: rename it, then {step}"),
                name=name,
                type=found[0].type,
                step=_how_to_make(name, role),
            )
        else:
            uuids[role] = found[0].uuid
    return FieldsFound(uuids, problems)


def _how_to_make(name: str, role: FieldRole) -> Promise:
    return format_lazy(
        _(
            "In KeyCRM open Settings → Additional → the tab of additional (custom) fields, press “Add field”, name it exactly “{name}”, "
            "choose the type “{kind}” and the entity “{entity}”, leave “required” off and save."
        ),
        name=name,
        kind=KINDS[TYPES_OF[role][0]],
        entity=ENTITIES[MODEL_OF[role]],
    )


def _plain(name: str) -> str:
    """Names as people compare them: no case, one kind of space, composed letters."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
