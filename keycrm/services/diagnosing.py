"""The connection test: asks the CRM what the program needs of it, and says of each thing in one sentence whether it is there and what to do if not.

Reads only. One failure does not hide the next, except that without a key nothing else is worth asking.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from keycrm.errors import (
    CrmError,
    CrmTemporary,
    InvalidRequest,
    NotConfigured,
    PayloadInvalid,
    RateLimited,
    Unauthorized,
)
from keycrm.fields import BUYER_ROLES, CARD_ROLES, match_fields
from keycrm.payloads import GROUP_CANCELLED, GROUP_COMPLETED
from keycrm.ports import CrmToTest
from keycrm.services import looking_up
from keycrm.services.applying import Rules

Sentence = str | Promise


@dataclass(frozen=True, slots=True)
class Finding:
    """`is_ok` None: could not be found out, or does not matter."""

    subject: Sentence
    is_ok: bool | None
    says: Sentence


def check_connection(*, crm: CrmToTest, rules: Rules, now: dt.datetime) -> list[Finding]:
    """What a person reads, the most important first. Fetches all lists anew; `rules` is what the settings say of statuses and sources."""
    key = _look(_("Key and address"), lambda: _read_orders(crm))
    if not key.is_ok:
        return [key]
    looking_up.forget_lists()
    return [
        key,
        _look(_("Statuses of orders"), lambda: _read_statuses(crm, rules, now)),
        _look(_("Sources of orders"), lambda: _read_sources(crm, rules, now)),
        *_look_at_fields(crm, now),
        _look(_("Pipelines"), lambda: _read_pipelines(crm)),
    ]


def _read_orders(crm: CrmToTest) -> Finding:
    page = crm.orders(limit=1)
    return Finding(
        _("Key and address"), True, format_lazy(_("The CRM answers. Orders in it: {count}."), count=page.total)
    )


def _read_statuses(crm: CrmToTest, rules: Rules, now: dt.datetime) -> Finding:
    subject = _("Statuses of orders")
    found = looking_up.statuses(crm=crm, now=now)
    names = {
        group: ", ".join(one.name for one in found if one.group_id == group)
        for group in (GROUP_COMPLETED, GROUP_CANCELLED)
    }
    if not names[GROUP_COMPLETED]:
        return Finding(
            subject,
            False,
            _(
                "No active status belongs to group 5 (completed): no order would ever bring points. Activate one in KeyCRM."
            ),
        )
    if not names[GROUP_CANCELLED]:
        return Finding(
            subject,
            False,
            _(
                "No active status belongs to group 6 (cancelled): points of cancelled orders would stay. Activate one in KeyCRM."
            ),
        )
    if unknown := sorted(set(rules.stages) - {one.id for one in found}):
        return Finding(
            subject,
            False,
            format_lazy(
                _("KEYCRM_STATUS_STAGES names statuses that are not among the CRM's active ones: {ids}."),
                ids=", ".join(map(str, unknown)),
            ),
        )
    return Finding(
        subject,
        True,
        format_lazy(
            _("Orders are completed by: {completed}; cancelled by: {cancelled}."),
            completed=names[GROUP_COMPLETED],
            cancelled=names[GROUP_CANCELLED],
        ),
    )


def _read_sources(crm: CrmToTest, rules: Rules, now: dt.datetime) -> Finding:
    subject = _("Sources of orders")
    names = {one.id: one.name for one in looking_up.sources(crm=crm, now=now)}
    if unknown := [one for one in rules.shop_sources if one not in names]:
        return Finding(
            subject,
            False,
            format_lazy(
                _("KEYCRM_SHOP_SOURCES names sources that the CRM does not have: {ids}. It has: {known}."),
                ids=", ".join(map(str, unknown)),
                known=", ".join(f"{pk} {name}" for pk, name in names.items()),
            ),
        )
    if not rules.shop_sources:
        return Finding(
            subject,
            None,
            format_lazy(
                _("KEYCRM_SHOP_SOURCES is empty: orders of every source are taken for the shop's. There are: {known}."),
                known=", ".join(f"{pk} {name}" for pk, name in names.items()),
            ),
        )
    shop = ", ".join(names[one] for one in rules.shop_sources)
    return Finding(subject, True, format_lazy(_("Order numbers of the shop come from: {names}."), names=shop))


def _look_at_fields(crm: CrmToTest, now: dt.datetime) -> list[Finding]:
    try:
        known = looking_up.custom_fields(crm=crm, now=now)
    except CrmError as error:
        return [Finding(_("Custom fields"), None, sentence_for(error))]
    found = match_fields(roles=(*BUYER_ROLES, *CARD_ROLES), names=settings.KEYCRM_FIELDS, known=known)
    findings = []
    for role in (*BUYER_ROLES, *CARD_ROLES):
        subject = format_lazy(_("Field “{name}”"), name=settings.KEYCRM_FIELDS.get(role.value) or role.value)
        if role in found.uuids:
            findings.append(Finding(subject, True, format_lazy(_("Found: {uuid}."), uuid=found.uuids[role])))
        else:
            # Without the fields of cards only the manager's way does not work.
            findings.append(Finding(subject, False if role in BUYER_ROLES else None, found.problems[role]))
    return findings


def _read_pipelines(crm: CrmToTest) -> Finding:
    subject = _("Pipelines")
    if crm.pipelines_are_on():
        return Finding(subject, True, _("Switched on: a manager can set points aside through a card."))
    return Finding(
        subject, None, _("Switched off in KeyCRM: a manager cannot set points aside through a card. The rest works.")
    )


def _look(subject: Sentence, ask: Callable[[], Finding]) -> Finding:
    try:
        return ask()
    except CrmError as error:
        return Finding(subject, None if isinstance(error, CrmTemporary) else False, sentence_for(error))


def sentence_for(error: CrmError) -> Sentence:
    """What went wrong and what to do, for staff."""
    if isinstance(error, Unauthorized):
        return _(
            "KeyCRM refuses the key. Take it from KeyCRM, Settings → General → API key, and put it into KEYCRM_API_TOKEN."
        )
    if isinstance(error, RateLimited):
        return _("Too many calls in this minute. Try again in a minute.")
    if isinstance(error, CrmTemporary):
        return format_lazy(_("KeyCRM does not answer now ({detail}). Try again later."), detail=error.detail)
    if isinstance(error, NotConfigured):
        return format_lazy(_("The settings are not complete or not right: {detail}."), detail=error.detail)
    if isinstance(error, PayloadInvalid):
        return format_lazy(_("KeyCRM answered what cannot be understood: {detail}."), detail=error.detail)
    if isinstance(error, InvalidRequest):
        return format_lazy(_("KeyCRM refused the call: {detail}."), detail=error.detail)
    return format_lazy(_("KeyCRM: {detail}."), detail=error.detail)
