"""Rows without which nothing can be written: the program's five accounts and the first version of the earning rule."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from bonuses.models import Account, EarningRule
from bonuses.models.customers import PROGRAM_ACCOUNTS

FIRST_RULE_FROM = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def seed_program(*, using: str) -> None:
    """Idempotent."""
    Account.objects.using(using).bulk_create(
        [Account(id=pk, kind=kind) for kind, pk in PROGRAM_ACCOUNTS.items()], ignore_conflicts=True
    )
    if not EarningRule.objects.using(using).exists():
        EarningRule.objects.using(using).create(
            version=1, valid_from=FIRST_RULE_FROM, actor="portal", created_at=timezone.now()
        )
