"""Journals as files: asked for by a row, written by a task into the storage, kept for a day.

A page cannot answer with a million rows (and on Lambda not with six megabytes), so a task writes the file and the page only says where it is. The rows are
read in slices by primary key: memory stays bounded, and no transaction is open while the storage is written to.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import secrets
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db.models import F, QuerySet

from bonusportal.counting import KYIV
from bonusportal.masking import mask_code, mask_phone
from promo.errors import ExportInvalid
from promo.models import Code, Issue
from promo.models.exports import Export, ExportKind, ExportState

KEPT = dt.timedelta(days=1)
SLICE = 5_000
MAX_ATTEMPTS = 3
_COLUMNS = {
    ExportKind.ISSUES: ("issued_at", "amount_uah", "code", "channel", "phone", "order_number", "actor"),
    ExportKind.CODES: ("amount_uah", "code", "state", "valid_until", "created_at", "changed_at", "reason"),
}
# A spreadsheet would run what begins like this.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def request_export(
    *,
    kind: str,
    first_day: dt.date | None,
    last_day: dt.date | None,
    shows_codes: bool,
    actor: str,
    reason: str,
    now: dt.datetime,
) -> Export:
    """Ask for a file. The days are Kyiv's, both included: of issuing, or of the making of codes. Raises ExportInvalid."""
    if first_day and last_day and last_day < first_day:
        raise ExportInvalid
    return Export.objects.create(
        kind=kind, first_day=first_day, last_day=last_day, shows_codes=shows_codes, actor=actor, reason=reason, requested_at=now
    )  # fmt: skip


def write_waiting(*, now: dt.datetime) -> int:
    """Write every file that waits; what a crash interrupted is written anew, three times at most. Returns how many are ready now."""
    done = 0
    for export in Export.objects.filter(state=ExportState.REQUESTED).order_by("pk"):
        waiting = Export.objects.filter(pk=export.pk, state=ExportState.REQUESTED, attempts=export.attempts)
        if export.attempts >= MAX_ATTEMPTS:
            waiting.update(state=ExportState.FAILED, finished_at=now, trouble="interrupted three times")
        elif waiting.update(attempts=F("attempts") + 1):
            done += _write(export, now=now)
    return done


def _write(export: Export, *, now: dt.datetime) -> int:
    with tempfile.TemporaryFile() as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        count = _write_rows(text, export)
        text.detach()  # flushes, and leaves the file open
        file.seek(0)
        # Nobody guesses the name: a bucket's link is all that is needed to read it.
        name = default_storage.save(
            f"exports/{now:%Y/%m/%d}/{export.kind}-{export.pk}-{secrets.token_hex(8)}.csv", File(file)
        )
    kept = Export.objects.filter(pk=export.pk, state=ExportState.REQUESTED).update(
        state=ExportState.DONE, file=name, row_count=count, finished_at=now
    )
    if not kept:  # somebody else wrote it meanwhile
        default_storage.delete(name)
    return kept


def _write_rows(text: IO[str], export: Export) -> int:
    writer = csv.writer(text)
    writer.writerow(_COLUMNS[ExportKind(export.kind)])
    count = 0
    for row in _issue_rows(export) if export.kind == ExportKind.ISSUES else _code_rows(export):
        writer.writerow([_safe(value) for value in row])
        count += 1
    return count


def _issue_rows(export: Export) -> Iterator[tuple[Any, ...]]:
    rows = _between(Issue.objects.select_related("code", "pool"), "issued_at", export)
    for issue in _in_slices(rows):
        phone = issue.phone if export.shows_codes or not issue.phone else mask_phone(issue.phone)
        yield (
            _moment(issue.issued_at), issue.pool.amount_uah, _code(issue.code.code, issue.pool.amount_uah, export), issue.channel,
            phone.removeprefix("+"), issue.order_number, issue.actor,
        )  # fmt: skip


def _code_rows(export: Export) -> Iterator[tuple[Any, ...]]:
    for code in _in_slices(_between(Code.objects.select_related("pool"), "created_at", export)):
        amount = code.pool.amount_uah
        yield (
            amount, _code(code.code, amount, export), code.state, code.valid_until or "", _moment(code.created_at),
            _moment(code.changed_at), code.reason,
        )  # fmt: skip


def _between(rows: QuerySet[Any], column: str, export: Export) -> QuerySet[Any]:
    def midnight(day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), KYIV)

    if export.first_day:
        rows = rows.filter(**{f"{column}__gte": midnight(export.first_day)})
    if export.last_day:
        rows = rows.filter(**{f"{column}__lt": midnight(export.last_day + dt.timedelta(days=1))})
    return rows


def _in_slices(rows: QuerySet[Any]) -> Iterator[Any]:
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:SLICE]):
        yield from found
        last = found[-1].pk


def _code(code: str, amount_uah: int, export: Export) -> str:
    return code if export.shows_codes else mask_code(code, amount_uah=amount_uah)


def _moment(at: dt.datetime) -> str:
    return at.astimezone(KYIV).isoformat(sep=" ", timespec="seconds")


def _safe(value: Any) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def forget_old_exports(*, now: dt.datetime) -> int:
    """Delete files older than a day, file first: a row without its file is found again, a file without its row never. The row stays: who, when, why."""
    old = list(Export.objects.filter(state=ExportState.DONE, finished_at__lt=now - KEPT))
    for export in old:
        default_storage.delete(export.file)
        Export.objects.filter(pk=export.pk).update(state=ExportState.FORGOTTEN, file="")
    return len(old)
