"""`manage.py mend_mirror`: show how rows and document differ; `--from rows` rebuilds the document, `--from documents` rebuilds the pools."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from bonusportal.errors import PortalError
from bonusportal.masking import mask_code
from promo import wiring
from promo.errors import MirrorError
from promo.rendering import DocumentBroken
from promo.services import mending


class Command(BaseCommand):
    help = "Shows how the mirror's document differs from the rows, and mends it in the direction that you choose."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="source", choices=["rows", "documents"], help="what is right; without: only show"
        )
        parser.add_argument("--dry-run", action="store_true", help="with --from documents: count, change nothing")
        parser.add_argument("--reason", default="", help="why (required to mend)")

    def handle(self, *args: Any, **options: Any) -> None:
        store = wiring.open_mirror_store()
        codes_key, per_pool = settings.MIRROR_CODES_KEY, settings.MIRROR_CODES_PER_POOL
        try:
            drift = mending.find_drift(
                store=store, codes_key=codes_key, counts_key=settings.MIRROR_COUNTS_KEY, codes_per_pool=per_pool
            )
            self._show(drift)
            actor = getpass.getuser()
            if options["source"] == "rows":
                revision = mending.rebuild_document(
                    store=store, codes_key=codes_key, codes_per_pool=per_pool, actor=actor, reason=options["reason"],
                    now=timezone.now(),
                )  # fmt: skip
                self.stdout.write(f"The document is revision {revision} now.")
            elif options["source"] == "documents":
                rebuilt = mending.rebuild_pools(
                    store=store, codes_key=codes_key, actor=actor, reason=options["reason"], now=timezone.now(),
                    dry_run=options["dry_run"],
                )  # fmt: skip
                would = "would be " if options["dry_run"] else ""
                self.stdout.write(
                    f"{rebuilt.added} codes {would}added, {rebuilt.adopted} {would}adopted, {rebuilt.withdrawn} {would}withdrawn, "
                    f"{len(rebuilt.refused)} refused because they are known here in another state."
                )
        except (MirrorError, DocumentBroken, PortalError) as error:
            raise CommandError(str(error)) from error

    def _show(self, drift: mending.Drift) -> None:
        if drift.is_clean:
            self.stdout.write(f"Rows and document agree at revision {drift.document_revision}.")
            return
        if drift.is_missing:
            self.stdout.write("There is no document.")
        if drift.trouble:
            self.stdout.write(f"The document cannot be read: {drift.trouble}")
        for amount in drift.amounts:
            shown = {
                side: [mask_code(code, amount_uah=amount.amount_uah) for code in codes[:3]]
                for side, codes in (
                    ("only in rows", amount.only_in_rows),
                    ("only in document", amount.only_in_document),
                )
            }
            self.stdout.write(
                f"{amount.amount_uah} UAH: {len(amount.only_in_rows)} only in rows, {len(amount.only_in_document)} only in the document "
                f"{json.dumps(shown, ensure_ascii=False)}"
            )
        if drift.counts_differ:
            self.stdout.write("The counts differ.")
