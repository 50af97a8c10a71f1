"""Rows for tests, as plain functions: the least that is valid, everything else by argument. All numbers, names and codes are invented.

Nothing here checks anything: a row may be put into a state that no service would produce, which is what some tests need.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from bonusportal import secrecy
from promo.models import Code, CodeState, Evidence, Issue, Lot, Pool, ReplenishRun, RunKind, RunRow, RunState, RunStep
from promo.models.codes import LotSource
from promo.models.issues import IssueChannel
from promo.models.runs import EvidenceKind, RunTrigger

# A Tuesday, early afternoon in Kyiv: midnight and Sunday surprises are for tests that ask for them.
NOW = dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC)
PASSWORD = "an invented password"
_numbers = itertools.count(1)


def make_pool(amount_uah: int = 100, **fields: Any) -> Pool:
    """A pool in use: low water 3, target 10, foreign codes trusted. Takes over a pool of this amount that is there already (seeded ones are)."""
    pool, _created = Pool.objects.update_or_create(
        amount_uah=amount_uah, defaults={"low_water": 3, "target": 10, **fields}
    )
    return pool


def make_code(pool: Pool | None = None, state: str = CodeState.AVAILABLE, **fields: Any) -> Code:
    """A code of `pool` (of a new one without), known since NOW, in its place in the queue."""
    number = next(_numbers)
    owner = pool if pool is not None else make_pool()
    values = {"code": f"BON{owner.amount_uah}TEST{number:06d}", "place": number, "created_at": NOW, "changed_at": NOW}
    return Code.objects.create(pool=owner, state=state, **{**values, **fields})


def make_codes(pool: Pool, count: int, state: str = CodeState.AVAILABLE, **fields: Any) -> list[Code]:
    return [make_code(pool, state, **fields) for _ in range(count)]


def make_lot(source: str = LotSource.PASTE, **fields: Any) -> Lot:
    return Lot.objects.create(source=source, **{"actor": "olena", "created_at": NOW, **fields})


def make_issue(code: Code | None = None, **fields: Any) -> Issue:
    """A code that was handed out; the code (an issued one of a new pool without) is not changed otherwise."""
    handed = code if code is not None else make_code(state=CodeState.ISSUED)
    return Issue.objects.create(
        code=handed, pool=handed.pool, **{"channel": IssueChannel.DROP_IN, "issued_at": NOW, **fields}
    )


def make_run(
    pool: Pool | None = None, state: str = RunState.SUCCEEDED, kind: str = RunKind.REFILL, **fields: Any
) -> ReplenishRun:
    """A run of `pool` (of a new one without) that was requested at NOW because the pool was low."""
    values = {"trigger": RunTrigger.LOW, "requested_at": NOW, **fields}
    return ReplenishRun.objects.create(pool=pool if pool is not None else make_pool(), state=state, kind=kind, **values)


def make_step(run: ReplenishRun, name: str = "sign_in", *, ok: bool = True, **fields: Any) -> RunStep:
    return RunStep.objects.create(run=run, name=name, ok=ok, **{"started_at": NOW, "seconds": 1.5, **fields})


def make_run_row(run: ReplenishRun, **fields: Any) -> RunRow:
    """A row of the grid as the run read it: active, of the run's amount, kept."""
    amount = run.pool.amount_uah
    values = {
        "shown_code": f"BON{amount}••••",
        "amount_uah": amount,
        "status": "active",
        "decision": "keep",
        "why": "ours, read back active",
    }
    return RunRow.objects.create(run=run, **{**values, **fields})


def make_evidence(
    run: ReplenishRun, content: bytes, kind: str = EvidenceKind.PICTURE, step: RunStep | None = None
) -> Evidence:
    """An encrypted file of a run in the default storage."""
    name = default_storage.save(f"evidence/run-{run.pk}-{kind}.enc", ContentFile(secrecy.encrypt(content)))
    return Evidence.objects.create(run=run, step=step, kind=kind, file=name, size_bytes=len(content), created_at=NOW)


def make_staff(permissions: Iterable[str] = (), username: str = "", **fields: Any) -> User:
    """Somebody who may sign in to the staff pages, with exactly these permissions (`promo.manage_pools`). The password is PASSWORD.

    The row is made without hashing a real password unless a test signs in by form: hashing costs more than most tests.
    """
    user: User = get_user_model().objects.create(username=username or f"staff{next(_numbers)}", is_staff=True, **fields)
    for name in permissions:
        app_label, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return user


def make_staff_with_password(permissions: Iterable[str] = (), username: str = "", **fields: Any) -> User:
    """Like `make_staff`, able to sign in by form with PASSWORD."""
    user = make_staff(permissions, username, **fields)
    user.set_password(PASSWORD)
    user.save()
    return user
