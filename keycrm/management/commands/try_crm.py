"""`manage.py try_crm`: asks the CRM what the program needs of it, and says of each thing whether it is right and what to do if not. Writes nothing there."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from keycrm import wiring
from keycrm.configured import rules_of_settings
from keycrm.errors import NotConfigured
from keycrm.services import diagnosing

MARKS = {True: "✓", False: "✗", None: "·"}


class Command(BaseCommand):
    help = "Test the connection to the CRM: key, statuses, sources, custom fields, pipelines. Reads only."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            crm, rules = wiring.open_crm(), rules_of_settings()
        except NotConfigured as error:
            raise CommandError(str(diagnosing.sentence_for(error))) from error
        except ValueError as error:  # of a setting
            raise CommandError(str(error)) from error
        findings = diagnosing.check_connection(crm=crm, rules=rules, now=timezone.now())
        for one in findings:
            self.stdout.write(f"{MARKS[one.is_ok]} {one.subject}: {one.says}")
        if any(one.is_ok is False for one in findings):
            raise CommandError("The connection to the CRM is not complete: see the lines above.")
