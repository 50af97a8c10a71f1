"""The balance reaches the buyer's card: the absolute figures, of the customer's newest entry, into the custom fields of every buyer with that phone.

The ledger is the outbox: who is behind is a question about its entries, which keycrm.services.noticing asks. Pushing is absolute, so it may be repeated and
coalesced at will. What may be written on one card is keycrm.services.filling's to say.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from bonuses.dialect import stamp
from bonuses.models import Customer, ImportBatch
from keycrm.crm import Crm
from keycrm.errors import CrmError, CrmTemporary
from keycrm.models import BuyerLink
from keycrm.payloads import Buyer
from keycrm.reasons import Reason
from keycrm.services import addressing, filling, leasing, noticing, owning, picturing
from keycrm.services.filling import Fields
from keycrm.services.leasing import Lease

logger = logging.getLogger(__name__)
REST = dt.timedelta(seconds=30)  # several entries in a row become one push
NOBODY_AGAIN = dt.timedelta(days=1)

# What is asked for and may be pushed now: one walk along the index of asked links, however many others are up to date.
_BEHIND = """
SELECT l.id FROM keycrm_buyerlink l WHERE l.asked_at IS NOT NULL AND l.stuck_reason = '' AND (l.retry_at IS NULL OR l.retry_at <= %s)
AND (l.lease_token IS NULL OR l.lease_lapses_at <= %s) AND (l.pushed_at IS NULL OR l.pushed_at <= %s OR l.attempts > 0)
ORDER BY l.asked_at, l.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one customer: how many cards were written, were right already, or need a person."""

    customer_id: int
    written: int = 0
    equal: int = 0
    stuck: int = 0
    put_off: int = 0

    @property
    def is_put_off(self) -> bool:
        return bool(self.put_off)


def is_on() -> bool:
    """Off until the migration of balances is marked finished: before that the CRM's figures are the only ones there are."""
    if settings.KEYCRM_WRITE_BACK in {"on", "off"}:
        return bool(settings.KEYCRM_WRITE_BACK == "on")
    batches = ImportBatch.objects
    return batches.filter(finished_at__isnull=False).exists() and not batches.filter(finished_at=None).exists()


def find_behind(*, now: dt.datetime, at_most: int = 200) -> list[int]:
    """Links to push, those first that have waited longest."""
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND, [stamp(now), stamp(now), stamp(now - REST), at_most])
        return [pk for (pk,) in cursor.fetchall()]


def is_behind(link: BuyerLink) -> bool:
    return owning.newest_entry(link.customer_id) > link.pushed_entry


def prepare(*, now: dt.datetime) -> int:
    """Whoever has newer entries than were pushed waits from now on. Returns how many began to."""
    found = noticing.notice_entries(now=now)
    _follow_merges(now=now)
    return found


def push_next(crm: Crm, *, fields: Fields, now: dt.datetime) -> Pushed | None:
    """Push the customer who has waited longest. None when nobody is behind, or the write-back is off."""
    if not is_on():
        return None
    for pk in find_behind(now=now, at_most=5):
        lease = take_link(pk, now=now)
        if lease is not None:
            with leasing.guarding(lease, now=now):
                return _push(crm, lease, fields=fields, now=now)
    return None


def _follow_merges(*, now: dt.datetime) -> None:
    """Cards of a customer who was merged into another are the survivor's: they are behind from then on."""
    for link in BuyerLink.objects.filter(customer__merged_into__isnull=False).select_related("customer__merged_into")[
        :100
    ]:
        survivor = link.customer.merged_into
        if link.buyer_id is None:
            link.delete()
        else:
            BuyerLink.objects.filter(pk=link.pk).update(customer=survivor, pushed_entry=0, asked_at=now)
            BuyerLink.objects.filter(customer=survivor, buyer_id=None).delete()
    for link in BuyerLink.objects.filter(stuck_reason=Reason.SHARED_CARD)[:100]:
        if owning.are_one_by_now(link.stuck_detail):
            try_again(link_id=link.pk)


def take_link(pk: int, *, now: dt.datetime) -> Lease | None:
    """None where somebody has it, or it waits or is stuck."""
    BuyerLink.objects.filter(pk=pk, asked_at=None).update(asked_at=now)
    lease = leasing.take(BuyerLink, now=now, pk=pk)
    if lease is not None and lease.is_deadly:
        leasing.give_up(lease)
        return None
    return lease


def _push(crm: Crm, lease: Lease, *, fields: Fields, now: dt.datetime) -> Pushed:
    """All cards of the customer, in one go: who has which card is looked up anew each time, because cards are merged and made by hand."""
    link = BuyerLink.objects.select_related("customer").get(pk=lease.pk)
    customer = link.customer
    if customer.erased_at or not customer.phone:
        link.delete()
        return Pushed(customer.pk)
    # The entry first, then the balance: what arrives in between makes the customer behind again, never silently done.
    newest = owning.newest_entry(customer.pk)
    if not newest and not owning.was_brought_along(customer.pk):
        # Nothing of ours to show: whatever stands on the card is somebody else's.
        leasing.finish(lease, checked_at=now)
        return Pushed(customer.pk)
    picture = picturing.paint(customer.pk, now=now)
    try:
        found = {buyer.id: buyer for phone in owning.phones_of(customer) for buyer in crm.buyers_by_phone(phone)}
        buyers = list(found.values())
        _note_buyers(customer, buyers, fields=fields, now=now)
    except CrmError as error:
        return _note_trouble(lease, link, error, now=now)
    if not buyers:
        leasing.finish(lease, checked_at=now, pushed_entry=0)
        _note_nobody(customer, now=now)
        return Pushed(customer.pk)
    if not BuyerLink.objects.filter(customer_id=customer.pk, buyer_id__isnull=False).exists():
        return _note_shared(lease, customer, owning.sharers_of(buyers[0]), now=now)
    outcome = {"written": 0, "equal": 0, "stuck": 0, "put_off": 0}
    for buyer in buyers:
        mine = BuyerLink.objects.get(buyer_id=buyer.id)
        own = lease if mine.pk == lease.pk else take_link(mine.pk, now=now)
        if own is None:
            continue
        with leasing.guarding(own, now=now):
            outcome[filling.write_card(crm, own, buyer, picture, fields=fields, newest=newest, now=now)] += 1
    return Pushed(customer.pk, **outcome)


def _note_buyers(customer: Customer, buyers: Sequence[Buyer], *, fields: Fields, now: dt.datetime) -> None:
    """The cards that the CRM shows for this phone are the customer's; a card of ours that it does not show was merged away or has another phone now."""
    addressing.confirm_address(customer.pk, buyers, now=now)
    for buyer in buyers:
        link, _made = BuyerLink.objects.get_or_create(
            buyer_id=buyer.id, defaults={"customer_id": customer.pk, "asked_at": now}
        )
        if link.customer_id != customer.pk and link.customer_id not in owning.sharers_of(buyer):
            # The phone went from one person's card to another's: what stands on it is not what we pushed for this customer.
            BuyerLink.objects.filter(pk=link.pk).update(
                customer_id=customer.pk, pushed_entry=0, asked_at=now, stuck_reason="", stuck_detail=""
            )
    if buyers:
        gone = BuyerLink.objects.filter(customer_id=customer.pk).exclude(buyer_id__in=[buyer.id for buyer in buyers])
        _inherit(gone, buyers, fields=fields)
        gone.delete()
        if BuyerLink.objects.filter(customer_id=customer.pk, buyer_id__isnull=False).exists():
            BuyerLink.objects.filter(customer_id=customer.pk, buyer_id=None).delete()


def _inherit(gone: QuerySet[BuyerLink], buyers: Sequence[Buyer], *, fields: Fields) -> None:
    """An operator who joins cards may keep the fields of one that dies: its figures then stand on a card on which we did not write them, and they are ours."""
    left = list(gone)
    for buyer in buyers if left else ():
        adopted = {}
        for name, uuid in (("available", fields.available), ("reserved", fields.reserved)):
            figure = picturing.read_figure((buyer.custom_fields or {}).get(uuid, "").strip())
            if figure is not None and any(figure in filling.figures_of(link, name) for link in left):
                adopted[f"attempted_{name}"] = figure
        if adopted:
            BuyerLink.objects.filter(buyer_id=buyer.id).update(**adopted)


def _note_nobody(customer: Customer, *, now: dt.datetime) -> None:
    """Nobody in the CRM has this phone: looked up again in a day, or as soon as an order brings a card."""
    BuyerLink.objects.filter(customer_id=customer.pk, buyer_id__isnull=False).delete()
    link, _made = BuyerLink.objects.get_or_create(customer_id=customer.pk, buyer_id=None)
    BuyerLink.objects.filter(pk=link.pk).update(checked_at=now, retry_at=now + NOBODY_AGAIN, asked_at=now)


def _note_shared(lease: Lease, customer: Customer, sharers: Sequence[int], *, now: dt.datetime) -> Pushed:
    """All their cards stand in the name of somebody who shares them: a row without a card says so, and that it is known."""
    leasing.finish(lease, checked_at=now)
    link, _made = BuyerLink.objects.get_or_create(customer_id=customer.pk, buyer_id=None)
    BuyerLink.objects.filter(pk=link.pk).update(
        asked_at=now, retry_at=None, checked_at=now, stuck_reason=Reason.SHARED_CARD, stuck_detail=owning.tell(sharers)
    )
    return Pushed(customer.pk, stuck=1)


def _note_trouble(lease: Lease, link: BuyerLink, error: CrmError, *, now: dt.datetime) -> Pushed:
    if isinstance(error, CrmTemporary):
        leasing.put_off(lease, now=now, after_seconds=error.retry_after_seconds)
        return Pushed(link.customer_id, put_off=1)
    leasing.stick(lease, error.code, error.detail)
    return Pushed(link.customer_id, stuck=1)


def overwrite(*, link_id: int, actor: str, now: dt.datetime) -> bool:
    """A person says that the portal is right: what stands on the card counts as ours and may be lowered. False where it is not stuck by this."""
    link = BuyerLink.objects.filter(pk=link_id, stuck_reason=Reason.CHANGED_BY_HAND).first()
    if link is None:
        return False
    logger.info("%s says that the portal is right about link %s", actor, link_id)
    return bool(
        BuyerLink.objects.filter(pk=link_id, stuck_reason=Reason.CHANGED_BY_HAND).update(
            stuck_reason="", stuck_detail="", retry_at=None, attempts=0, failures=0, is_overwritten=True
        )
    )


def try_again(*, link_id: int) -> bool:
    return bool(
        BuyerLink.objects.filter(pk=link_id)
        .exclude(stuck_reason="")
        .update(stuck_reason="", stuck_detail="", retry_at=None, attempts=0, failures=0)
    )
