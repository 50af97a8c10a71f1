"""`manage.py try_api BASE_URL`: hold a running portal against its HTTP contract and print a table. Issues nothing without --issue.

Exit status 1 when an answer is not as the contract says or none came. Paths that are not there yet are shown as such.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonusportal.errors import PortalError
from bonusportal.money import parse_amount
from bonusportal.probing import Finding, Verdict, ask, issue_one, questions

TIMEOUT_SECONDS = 15


class Command(BaseCommand):
    help = "Try every path of a running portal from outside and say what is not as the contract says."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("base_url", help="e.g. http://127.0.0.1:8000")
        parser.add_argument("--issue", metavar="AMOUNT", help="really take one code of this amount")
        known = settings.STOREFRONT_ORIGINS
        parser.add_argument(
            "--origin",
            default=known[0] if known else "",
            help="the shop's origin; default: the first of STOREFRONT_ORIGINS",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        base_url = options["base_url"].rstrip("/")
        if not re.match(r"https?://[^/]", base_url):
            raise CommandError("BASE_URL must begin with http:// or https://")
        try:
            amount = parse_amount(options["issue"]) if options["issue"] is not None else None
        except PortalError as error:
            raise CommandError(str(error)) from error
        counted: Counter[Verdict] = Counter()
        for finding in _findings(base_url, amount=amount, origin=options["origin"]):
            counted[finding.verdict] += 1
            remarks = f"  — {'; '.join(finding.remarks)}" if finding.remarks else ""
            self.stdout.write(f"{finding.verdict:<9}  {finding.status or '':>3}  {finding.asked}{remarks}")
        summary = ", ".join(f"{counted[verdict]} {verdict}" for verdict in Verdict)
        if counted[Verdict.WRONG]:
            raise CommandError(summary)
        self.stdout.write(f"\n{summary}")


def _findings(base_url: str, *, amount: int | None, origin: str) -> Iterator[Finding]:
    import requests

    with requests.Session() as session:
        send = partial(session.request, timeout=TIMEOUT_SECONDS)
        try:
            for question in questions(origin=origin):
                yield ask(question, base_url=base_url, send=send)
            if amount is not None:
                yield from issue_one(amount_uah=amount, base_url=base_url, send=send)
        except requests.RequestException as error:
            raise CommandError(f"{base_url} did not answer: {type(error).__name__}") from error
