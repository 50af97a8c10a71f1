"""`manage.py sync_buyers`: every buyer's card of the CRM once, written only where it differs from the ledger. Interrupted, it goes on from its page."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from keycrm import naming, wiring
from keycrm.errors import CrmError
from keycrm.services import resyncing, writing_back
from keycrm.services.resyncing import Report


class Command(BaseCommand):
    help = "Bring the balances on all buyers' cards of the CRM up to date. Prints what it will cost first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="read and compare, write nothing")
        parser.add_argument(
            "--anew", action="store_true", help="begin at the first page, not where the last run stopped"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry_run = options["dry_run"]
        if not is_dry_run and not writing_back.is_on():
            raise CommandError(
                "The write-back is off: the migration of balances is not marked finished (import_balances --finish)."
            )
        try:
            crm = wiring.open_crm()
            fields = naming.buyer_fields(crm, now=timezone.now())
            foreseen = resyncing.estimate(crm, calls_per_minute=settings.KEYCRM_CALLS_PER_MINUTE)
            page = 1 if is_dry_run else resyncing.begin(anew=options["anew"])
            self.stdout.write(
                f"{foreseen.buyers} buyers on {foreseen.pages} pages, from page {page}: {foreseen.least_minutes:.0f} to "
                f"{foreseen.most_minutes:.0f} minutes at {foreseen.calls_per_minute} calls a minute"
            )
            report = resyncing.resync(
                crm,
                fields=fields,
                clock=timezone.now,
                is_dry_run=is_dry_run,
                tell=lambda told: self.stderr.write(_told(told)),
            )
        except CrmError as error:
            raise CommandError(f"{error}. Run it again: it goes on from its page.") from error
        self.stdout.write(_told(report))
        if report.unreadable:
            # Nothing is lost, but their figures stay as they are until somebody has looked at these cards.
            self.stderr.write(f"left out, because they cannot be understood: {', '.join(map(str, report.unreadable))}")


def _told(report: Report) -> str:
    return (
        f"page {report.pages}: {report.read} read, {report.ours} ours, {report.differ} differ, {report.written} written, {report.stuck} stuck, "
        f"{report.put_off} put off"
    )
