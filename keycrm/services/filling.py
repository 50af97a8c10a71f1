"""One buyer's card is filled in: only what differs, and a figure is lowered only where the CRM still shows what we last pushed.

Otherwise a person changed it, and a person decides. So it is with a card that two customers share: there is no figure that is right for both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from bonuses.models import ImportLine
from keycrm.crm import Crm
from keycrm.errors import CrmPermanent, CrmTemporary, NotFound
from keycrm.models import BuyerLink
from keycrm.payloads import Buyer
from keycrm.reasons import Reason
from keycrm.services import leasing, owning, picturing
from keycrm.services.leasing import Lease
from keycrm.services.picturing import Picture


@dataclass(frozen=True, slots=True)
class Fields:
    """Uuids of the custom fields of buyers, by what they show; a field without a name in the settings is not written."""

    available: str
    reserved: str = ""
    until: str = ""
    history: str = ""


def write_card(
    crm: Crm, lease: Lease, buyer: Buyer, picture: Picture, *, fields: Fields, newest: int, now: dt.datetime
) -> str:
    """One card. Returns `written`, `equal`, `stuck` or `put_off`."""
    sharers = owning.sharers_of(buyer)
    if len(sharers) > 1:
        leasing.stick(lease, Reason.SHARED_CARD, owning.tell(sharers), checked_at=now)
        return "stuck"
    link = BuyerLink.objects.get(pk=lease.pk)
    shown = buyer.custom_fields or {}
    wanted = picturing.as_values(picture, fields)
    changes = {uuid: value for uuid, value in wanted.items() if shown.get(uuid, "").strip() != value}
    if changes and (doubt := _changed_by_hand(link, shown, picture, fields)):
        leasing.stick(lease, Reason.CHANGED_BY_HAND, doubt, checked_at=now)
        return "stuck"
    try:
        if changes:
            # Stored before it is sent: without an answer the CRM may show these figures all the same, and they are ours.
            BuyerLink.objects.filter(pk=link.pk, lease_token=lease.token).update(
                attempted_available=picture.available, attempted_reserved=picture.reserved
            )
            crm.update_buyer(buyer.id, full_name=buyer.full_name, custom_fields=changes)
    except NotFound:
        # Merged away this very moment: the next look finds the survivor by the phone, and who inherits what stood here.
        leasing.put_off(lease, now=now)
        return "put_off"
    except CrmTemporary as error:
        leasing.put_off(lease, now=now, after_seconds=error.retry_after_seconds)
        return "put_off"
    except CrmPermanent as error:
        leasing.stick(lease, error.code, error.detail)
        return "stuck"
    leasing.finish(
        lease, pushed_entry=newest, pushed_at=now, checked_at=now, pushed_available=picture.available, pushed_reserved=picture.reserved,
        attempted_available=None, attempted_reserved=None, is_overwritten=False,
    )  # fmt: skip
    return "written" if changes else "equal"


def _changed_by_hand(link: BuyerLink, shown: Mapping[str, str], picture: Picture, fields: Fields) -> str:
    """What stands there and what should, where lowering it would destroy what a person wrote; empty where there is no doubt."""
    if link.is_overwritten:
        return ""
    known = list(BuyerLink.objects.filter(customer_id=link.customer_id))
    for name, uuid, wanted in (
        ("available", fields.available, picture.available),
        ("reserved", fields.reserved, picture.reserved),
    ):
        stands = shown.get(uuid, "").strip() if uuid else ""
        if not stands:
            continue
        # Ours is what we wrote on any card of theirs: cards are joined, and figures move with them.
        ours = {figure for one in known for figure in figures_of(one, name)} | _brought_along(link, name)
        figure = picturing.read_figure(stands)
        if figure is None or (figure > wanted and figure not in ours):
            return f"{name}: CRM {stands[:20]}, portal {wanted}, pushed {getattr(link, f'pushed_{name}')}"
    return ""


def figures_of(link: BuyerLink, name: str) -> set[int]:
    """What we wrote last under this name, and what we began to write."""
    return {getattr(link, f"pushed_{name}"), getattr(link, f"attempted_{name}")} - {None}


def _brought_along(link: BuyerLink, name: str) -> set[int]:
    """What the card showed when the balances were migrated, as long as we have not written on it."""
    if link.pushed_available is not None:
        return set()
    lines = ImportLine.objects.filter(customer_id__in=owning.family_of(link.customer_id))
    return set(lines.values_list("active" if name == "available" else "reserved", flat=True))
