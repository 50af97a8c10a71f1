"""What a run leaves behind: steps, rows with their decisions, and encrypted files. Evidence may show live codes, so it is sealed and short-lived."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from bonusportal import secrecy
from bonusportal.masking import mask_code, mask_text
from promo.models import Code, Evidence, ReplenishRun, RunRow, RunStep
from promo.models.runs import EvidenceKind
from promo.policy import Decided
from promo.ports import GridRow, Step

KEPT = dt.timedelta(days=14)
MAX_FILE_BYTES = 24 * 1024 * 1024
MAX_FILES_PER_RUN = 400
MAX_ROWS_PER_RUN = 2500


def record_step(*, run_id: int, step: Step, now: dt.datetime) -> RunStep:
    """Keep a step and its picture. Texts are masked here as well, whatever the adapter did."""
    row = RunStep.objects.create(
        run_id=run_id,
        name=step.name[:60],
        ok=step.ok,
        started_at=step.started_at,
        seconds=round(step.seconds, 3),
        detail=json.loads(mask_text(json.dumps(dict(step.detail), default=str, ensure_ascii=False))),
    )
    if step.picture:
        keep_file(run_id=run_id, step=row, kind=EvidenceKind.PICTURE, content=step.picture, suffix="png", now=now)
    return row


def keep_file(
    *, run_id: int, kind: str, content: bytes, suffix: str, now: dt.datetime, step: RunStep | None = None
) -> Evidence | None:
    """Encrypt and store a file of a run. Returns None where it is too large or the run has too many already: evidence never stops a run."""
    if len(content) > MAX_FILE_BYTES or Evidence.objects.filter(run_id=run_id).count() >= MAX_FILES_PER_RUN:
        return None
    name = default_storage.save(
        f"evidence/{now:%Y/%m/%d}/run-{run_id}-{kind}.{suffix}.enc", ContentFile(secrecy.encrypt(content))
    )
    return Evidence.objects.create(
        run_id=run_id, step=step, kind=kind, file=name, size_bytes=len(content), created_at=now
    )


def open_file(evidence: Evidence) -> bytes:
    """The decrypted file. Raises CannotDecrypt, FileNotFoundError."""
    with default_storage.open(evidence.file) as stored:
        return secrecy.decrypt(stored.read())


def record_rows(*, run: ReplenishRun, decided: Sequence[Decided]) -> None:
    """What was read and what was decided about each row, masked."""
    known = dict(Code.objects.filter(code__in=[item.row.code for item in decided]).values_list("code", "pk"))
    RunRow.objects.filter(run=run).delete()  # a rerun tells its own story, not two half ones
    RunRow.objects.bulk_create(
        [
            RunRow(
                run=run,
                shown_code=mask_code(item.row.code, amount_uah=item.row.amount_uah)[:50],
                code_id=known.get(item.row.code),
                amount_uah=item.row.amount_uah,
                status=item.row.status,
                valid_until=item.row.valid_until,
                decision=item.decision,
                why=item.why[:200],
            )
            for item in decided[:MAX_ROWS_PER_RUN]
        ],
        batch_size=500,
    )


def keep_rows(*, run: ReplenishRun, rows: Iterable[GridRow], now: dt.datetime) -> None:
    """The rows as they were read, whole, as an encrypted file. Outside of any transaction: the storage may be far away."""
    content = json.dumps(
        [row.cells or (row.code, row.amount_uah, row.status) for row in rows], ensure_ascii=False, default=str
    )
    keep_file(run_id=run.pk, kind=EvidenceKind.ROWS, content=content.encode(), suffix="json", now=now)


def forget_old_evidence(*, now: dt.datetime, at_most: int = 2000) -> int:
    """Delete files older than fourteen days, file first: a row without its file is found again, a file without its row never."""
    old = list(Evidence.objects.filter(created_at__lt=now - KEPT).order_by("pk")[:at_most])
    for evidence in old:
        default_storage.delete(evidence.file)
        evidence.delete()
    return len(old)
