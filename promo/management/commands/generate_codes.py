"""`manage.py generate_codes 1-2000 --target 10`: stock a range of amounts, through the same runs as every refill."""

from __future__ import annotations

import getpass
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from bonusportal.errors import PortalError
from bonusportal.nudges import nudge
from promo.models import ReplenishRun, RunState
from promo.services import bulk

POLL_SECONDS = 2


class Command(BaseCommand):
    help = "Makes (and on request removes) codes for a range of amounts. Without --yes it only says what it would do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("amounts", help="1-2000, or 50,100,200-300")
        parser.add_argument("--target", type=int, default=10, help="codes per amount (default 10)")
        parser.add_argument("--remove-excess", action="store_true", help="withdraw and delete what is above the target")
        parser.add_argument(
            "--delete-inactive", action="store_true", help="delete inactive codes after their quarantine"
        )
        parser.add_argument("--wipe", action="store_true", help="first remove every code that nobody has been given")
        parser.add_argument("--yes", action="store_true", help="do it")
        parser.add_argument("--wait", action="store_true", help="stay and show the progress")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            amounts = bulk.parse_amounts(options["amounts"])
            order = bulk.BulkOrder(
                target=options["target"], remove_excess=options["remove_excess"],
                delete_inactive=options["delete_inactive"], wipe=options["wipe"],
            )  # fmt: skip
            seen = bulk.preview(amounts=amounts, order=order)
            self.stdout.write(
                f"{seen.amounts} amounts, {seen.new_pools} of them new; {seen.codes_to_make} codes to make, {seen.codes_to_remove} to remove; "
                f"about {max(1, seen.seconds // 60)} min at the panel."
            )
            if not options["yes"]:
                self.stdout.write("Nothing was asked for. Add --yes to do it.")
                return
            runs = bulk.request_bulk(amounts=amounts, order=order, actor=getpass.getuser(), now=timezone.now())
        except PortalError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{len(runs)} runs requested; {len(amounts) - len(runs)} amounts had one open already.")
        nudge("promo.tasks.work_through_runs")
        if options["wait"]:
            self._wait(runs)

    def _wait(self, runs: list[int]) -> None:
        while True:
            ended = ReplenishRun.objects.filter(pk__in=runs).exclude(state__in=[RunState.REQUESTED, RunState.LEASED])
            done, good = ended.count(), ended.filter(state=RunState.SUCCEEDED).count()
            self.stdout.write(f"\r{done} of {len(runs)} ended, {good} well", ending="")
            self.stdout.flush()
            if done == len(runs):
                self.stdout.write("")
                break
            time.sleep(POLL_SECONDS)
        if good < done:
            raise CommandError(f"{done - good} runs did not succeed; the stock board says why.")
