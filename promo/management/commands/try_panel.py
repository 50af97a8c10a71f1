"""`manage.py try_panel --dry-run`: sign in, read the grid, look at the form, change nothing; say what was recognised and keep the pictures."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from bonusportal.masking import mask_code
from promo import wiring
from promo.errors import PanelError
from promo.policy_sentences import sentence_for
from promo.ports import Step
from promo.services import leasing


class Command(BaseCommand):
    help = "Tests a panel profile against the panel without changing anything there. Needs the lease, so no run works meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="accepted for clarity: nothing is ever changed")
        parser.add_argument("--amount", type=int, help="read with the filter on this amount; without: everything")
        parser.add_argument("--profile", type=Path, help="a profile as JSON; without: the one in use")
        parser.add_argument("--pictures", type=Path, help="folder for one picture a step")

    def handle(self, *args: Any, **options: Any) -> None:
        token = leasing.take_lease(holder="try_panel", now=timezone.now())
        if token is None:
            raise CommandError("The panel is busy or blocked; see the stock board.")
        try:
            self._try(options)
        except PanelError as error:
            raise CommandError(f"{error}\n{sentence_for(error.reason)}") from error
        finally:
            leasing.release_lease(token)

    def _try(self, options: dict[str, Any]) -> None:
        profile = json.loads(options["profile"].read_text()) if options["profile"] else None
        folder: Path | None = options["pictures"]
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        told: list[Step] = []

        def tell(step: Step) -> None:
            told.append(step)
            mark = "✓" if step.ok else "✗"
            self.stdout.write(
                f"{mark} {step.name:<20} {step.seconds:6.2f} s  {json.dumps(dict(step.detail), ensure_ascii=False, default=str)}"
            )
            if folder and step.picture:
                (folder / f"{len(told):02}-{step.name}.png").write_bytes(step.picture)

        with wiring.open_panel(on_step=tell, on_wait=lambda: None, profile=profile) as panel:
            panel.sign_in()
            reading = panel.read_codes(amount_uah=options["amount"])
            form = panel.check_form()
        understood = [row for row in reading.rows if row.amount_uah is not None and row.status != "unknown"]
        self.stdout.write(
            f"\n{len(reading.rows)} rows on {reading.pages} page(s); {len(understood)} understood. The panel says: {reading.total}."
        )
        for row in reading.rows[:10]:
            self.stdout.write(
                f"  {mask_code(row.code, amount_uah=row.amount_uah):<20} {row.amount_uah} UAH  {row.status}  {row.valid_until}"
            )
        self.stdout.write(f"form: {json.dumps(form, ensure_ascii=False, default=str)}")
