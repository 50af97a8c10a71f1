"""Every card of the CRM once: lists of fifty, compared with the ledger, written only where they differ. Resumable: the page is a row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from bonuses.models import Customer
from keycrm.crm import Crm
from keycrm.models import BuyerLink, PollCursor
from keycrm.payloads import Buyer
from keycrm.services import filling, leasing, owning, picturing, writing_back
from keycrm.services.filling import Fields
from keycrm.services.leasing import Lease

NAME, PER_PAGE = "resync", 50


@dataclass(slots=True)
class Report:
    """`differ` counts cards that are not as they should be; without `is_dry_run` each was written, is stuck, or was put off.

    `unreadable` are ids of cards that cannot be understood: they were left out.
    """

    pages: int = 0
    read: int = 0
    ours: int = 0
    differ: int = 0
    written: int = 0
    stuck: int = 0
    put_off: int = 0
    unreadable: list[int] = field(default_factory=list)
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a whole run would cost at least, and at most if every card had to be written."""

    buyers: int
    pages: int
    links: int
    calls_per_minute: int

    @property
    def least_minutes(self) -> float:
        return self.pages / self.calls_per_minute

    @property
    def most_minutes(self) -> float:
        return (self.pages + self.links) / self.calls_per_minute


def estimate(crm: Crm, *, calls_per_minute: int) -> Estimate:
    total = crm.buyers(page=1).total
    return Estimate(
        total, -(-total // PER_PAGE), min(total, Customer.objects.living().count()), max(calls_per_minute, 1)
    )


def begin(*, anew: bool) -> int:
    """The page to go on with."""
    cursor, _made = PollCursor.objects.get_or_create(name=NAME)
    if anew:
        PollCursor.objects.filter(pk=cursor.pk).update(page=1, read=0, changed=0)
        return 1
    return cursor.page


def resync(
    crm: Crm,
    *,
    fields: Fields,
    clock: Callable[[], dt.datetime],
    is_dry_run: bool = False,
    at_most_pages: int | None = None,
    tell: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Go on from the stored page to the end; a dry run begins at the first and stores nothing. Raises what the client raises: the next call goes on from the
    same page.
    """
    report = Report()
    page_number = 1 if is_dry_run else begin(anew=False)
    while at_most_pages is None or report.pages < at_most_pages:
        page = crm.buyers(page=page_number)
        for buyer in page.items:
            _look_at(crm, buyer, report, fields=fields, now=clock(), is_dry_run=is_dry_run)
        report.pages, report.read = report.pages + 1, report.read + len(page.items) + len(page.unreadable)
        report.unreadable += page.unreadable
        page_number = page_number + 1 if page.has_next else 1
        if not is_dry_run:
            PollCursor.objects.filter(name=NAME).update(
                page=page_number, finished_at=None if page.has_next else clock()
            )
        tell(report)
        if not page.has_next:
            report.is_done = True
            break
    return report


def _look_at(crm: Crm, buyer: Buyer, report: Report, *, fields: Fields, now: dt.datetime, is_dry_run: bool) -> None:
    owners = owning.sharers_of(buyer)
    if not owners:
        return
    customer_id = owners[0]
    newest = owning.newest_entry(customer_id)
    if not newest:
        return  # neither migrated nor moved: the card is not ours to write
    report.ours += 1
    picture = picturing.paint(customer_id, now=now)
    shown = buyer.custom_fields or {}
    if all(shown.get(uuid, "").strip() == value for uuid, value in picturing.as_values(picture, fields).items()):
        return
    report.differ += 1
    if is_dry_run:
        return
    lease = _lease(buyer.id, customer_id, now=now)
    if lease is None:
        report.put_off += 1
        return
    with leasing.guarding(lease, now=now):
        outcome = filling.write_card(crm, lease, buyer, picture, fields=fields, newest=newest, now=now)
    report.written += outcome == "written"
    report.stuck += outcome == "stuck"
    report.put_off += outcome == "put_off"


def _lease(buyer_id: int, customer_id: int, *, now: dt.datetime) -> Lease | None:
    link, _made = BuyerLink.objects.get_or_create(buyer_id=buyer_id, defaults={"customer_id": customer_id})
    BuyerLink.objects.filter(customer_id=customer_id, buyer_id=None).delete()
    BuyerLink.objects.filter(pk=link.pk).update(customer_id=customer_id, asked_at=now, retry_at=None)
    return writing_back.take_link(link.pk, now=now)
