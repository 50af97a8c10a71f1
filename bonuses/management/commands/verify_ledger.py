"""`manage.py verify_ledger`: walk the whole history. Exit status 0: as it was sealed; 1: the first bad entry is named; 2: the anchors could not be read."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from bonuses.errors import AnchorUnavailable
from bonuses.models import LedgerEntry
from bonuses.services import auditing, sealing
from bonuses.services.auditing import Verdict
from bonuses.wiring import open_anchor_store


class Command(BaseCommand):
    help = "Verify the ledger against its seals and anchors, and every balance against the history."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seal", action="store_true", help="seal what is not sealed yet before verifying")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["seal"]:
            self.stderr.write(f"{sealing.seal_entries(now=timezone.now(), whole=True)} entries sealed")
        total = LedgerEntry.objects.count()
        try:
            verdict = auditing.verify_ledger(
                open_anchor_store(), progress=lambda done: self.stderr.write(f"{done} of {total} entries")
            )
        except AnchorUnavailable as error:
            self.stderr.write(f"The anchors could not be read: {error}")
            sys.exit(2)
        self._tell(verdict)
        if verdict.finding is not None:
            sys.exit(1)

    def _tell(self, verdict: Verdict) -> None:
        if verdict.finding is not None:
            self.stdout.write(f"BAD: first bad entry is number {verdict.finding.sequence}: {verdict.finding.what}")
            return
        self.stdout.write(
            f"Good: {verdict.entries} entries, {verdict.anchors} anchors; {verdict.unsealed} entries are not sealed yet."
        )
