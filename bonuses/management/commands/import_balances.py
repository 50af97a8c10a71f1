"""`manage.py import_balances FILE`: opening balances from a CSV or the predecessor's exports. Says what became of every line; repeating it doubles nothing."""

from __future__ import annotations

import csv
import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from bonuses.errors import ImportRefused
from bonuses.reading.balances import read_balances
from bonuses.services import migrating


class Command(BaseCommand):
    help = "Import opening balances. The report goes to standard output as CSV, the summary to standard error."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="CSV or JSON; - for standard input")
        parser.add_argument(
            "--batch", default="opening", help="name of the batch: within it a customer is imported once"
        )
        parser.add_argument("--dry-run", action="store_true", help="do everything and roll it back")
        parser.add_argument(
            "--finish", action="store_true", help="mark the batch finished: balances may be written back to the CRM"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):  # the report is for programs too
            self._bring(options)

    def _bring(self, options: dict[str, Any]) -> None:
        try:
            content = sys.stdin.buffer.read() if options["file"] == "-" else Path(options["file"]).read_bytes()
            lines = read_balances(content)
        except (OSError, ImportRefused) as error:
            raise CommandError(str(error)) from error
        now = timezone.now()
        reports = migrating.import_balances(
            lines, batch=options["batch"], now=now, actor="import_balances", is_dry_run=options["dry_run"]
        )
        out = csv.writer(self.stdout)
        out.writerow(["line", "fate", "active", "reserved", "remark"])
        out.writerows(
            [report.line, report.fate.value, report.active, report.reserved, report.remark] for report in reports
        )
        fates = Counter(report.fate for report in reports)
        told = ", ".join(f"{count} {fate.value}" for fate, count in sorted(fates.items()))
        points = sum(report.active + report.reserved for report in reports if report.fate is migrating.Fate.IMPORTED)
        self.stderr.write(f"{'Dry run: ' if options['dry_run'] else ''}{told or 'no lines'}; {points} points imported")
        if options["finish"] and not options["dry_run"]:
            migrating.finish_batch(batch=options["batch"], now=now)
        if fates[migrating.Fate.WRONG] or fates[migrating.Fate.DIFFERS]:
            sys.exit(1)
