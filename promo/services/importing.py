"""Taking codes in that were made elsewhere: the predecessor's documents, CSV, a person's paste.

    file ─→ reading: entries and problems ─→ staging: doubles, known codes ─→ any problem? nothing : pools, lot, codes

All or nothing per file, unless the caller says to skip what is bad; a file that cannot be read to its end is never taken
in part. A code that is known in any state is never changed. How a code came here is told by its lot (who, when, why, which
file), so a million codes do not need a million events.

The predecessor's counts ("issued since the last refill") say which amounts were still to be refilled. They are shown in
the report, and every counted pool that is under its target gets its refill requested, which is all that the predecessor
did with them. They are not turned into issues: which codes were handed out, to whom and when is not in the document,
and an invented journal would be worse than one that begins with the portal's first day.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Callable, Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from bonusportal.counting import kyiv_day
from bonusportal.errors import BadInput
from bonusportal.jsonbody import check_text
from promo import reading
from promo.models import CodeState, Lot, Pool
from promo.models.codes import Adopt, LotSource
from promo.models.runs import RunTrigger
from promo.policy import MIN_DAYS_LEFT
from promo.reading import ByteFile, Count, EmptyAmount, Entry, Format, Problem
from promo.services import staging
from promo.services.moving import MAX_REASON, place_at
from promo.services.reporting import MAX_AMOUNTS, Progress, Report, Sorting
from promo.services.stock import request_run

MAX_FILE_BYTES = 512 * 1024 * 1024
ProblemListener = Callable[[Problem], None]
ProgressListener = Callable[[Progress], None]


class _Overtaken(Exception):
    """Somebody else brought some of the codes in between the look and the write."""


def import_file(
    *,
    file: ByteFile,
    name: str,
    actor: str,
    reason: str,
    now: dt.datetime,
    file_format: Format | None = None,
    adopt: str = Adopt.ASK,
    is_dry_run: bool = False,
    skip_bad: bool = False,
    on_problem: ProblemListener | None = None,
    on_progress: ProgressListener | None = None,
) -> Report:
    """Take in a file of codes, or the predecessor's counts. The file must be seekable; None as format means: look.

    `adopt` is the setting of pools that have to be opened: codes that the predecessor handed out are still active in the
    panel, so by default a person decides about what is found there. Raises BadInput: `reason_missing`, `text_invalid`,
    `file_too_large`. What is wrong with the content is in the report.
    """
    actor, reason, name = _clean(actor, reason, name)
    size = file.seek(0, io.SEEK_END)
    if size > MAX_FILE_BYTES:
        raise BadInput(_("The file is larger than 512 MB."), code="file_too_large", status=413)
    digest = _digest_of(file)
    report = Report(name=name, is_dry_run=is_dry_run)
    told = (lambda codes: on_progress(Progress(codes, file.tell() / size))) if on_progress else None
    sorting = Sorting(report, on_problem=on_problem, on_progress=told)
    file_format = file_format or reading.sniff_format(file)
    if file_format is Format.COUNTS:
        _take_counts(reading.read_counts_json(file), sorting, actor=actor, adopt=adopt, skip_bad=skip_bad, now=now)
        return report
    lot = Lot(source=LotSource.IMPORT, name=name, actor=actor, reason=reason, digest=digest, created_at=now)
    if file_format is Format.JSON:
        _take_codes(reading.read_codes_json(file), sorting, lot=lot, adopt=adopt, skip_bad=skip_bad, in_lines=False)
    else:
        rows = reading.read_codes_csv(file, earliest_last_day=kyiv_day(now) + dt.timedelta(days=MIN_DAYS_LEFT))
        _take_codes(rows, sorting, lot=lot, adopt=adopt, skip_bad=skip_bad, in_lines=True)
    return report


def paste_codes(
    *,
    pool: Pool,
    text: str,
    actor: str,
    reason: str,
    now: dt.datetime,
    is_dry_run: bool = False,
    skip_bad: bool = False,
) -> Report:
    """Take codes of one pool's amount from a text, one per line. Raises BadInput: `reason_missing`, `text_invalid`."""
    actor, reason, _name = _clean(actor, reason, "")
    # The amount belongs to what was said: the same text for another pool is something else.
    digest = hashlib.sha256(f"{pool.amount_uah}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()
    report = Report(name=_("pasted text"), is_dry_run=is_dry_run)
    lot = Lot(source=LotSource.PASTE, actor=actor, reason=reason, digest=digest, created_at=now)
    items = reading.read_pasted(text, amount_uah=pool.amount_uah)
    _take_codes(items, Sorting(report), lot=lot, adopt=Adopt.ASK, skip_bad=skip_bad, in_lines=True)
    return report


def _clean(actor: str, reason: str, name: str) -> tuple[str, str, str]:
    reason = reason.strip()
    if not reason:
        raise BadInput(_("Say why: a reason is required."), code="reason_missing")
    check_text(reason, where="reason")
    check_text(actor, where="actor")
    # A file's name may hold bytes that are no text; it is only a remark.
    name = name.encode("utf-8", "replace").decode().replace("\x00", "?")
    return actor[:150], reason[:MAX_REASON], name[:200]


def _digest_of(file: ByteFile) -> str:
    # Not hashlib.file_digest: it asks for more of a file than an upload is.
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1024 * 1024):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _take_codes(
    items: Iterable[Entry | EmptyAmount | Problem],
    sorting: Sorting,
    *,
    lot: Lot,
    adopt: str,
    skip_bad: bool,
    in_lines: bool,
) -> None:
    report = sorting.report
    with transaction.atomic(), staging.staging_tables():
        before = Lot.objects.filter(digest=lot.digest).order_by("pk").first()
        if before is not None:
            report.imported_at = before.created_at
            return
        staging.stage(sorting.entries(items))
        rejected = 0 if sorting.is_broken else staging.reject_doubles() + staging.reject_known()
        while not (sorting.is_broken or ((rejected or report.problem_count) and not skip_bad)):
            report.per_amount = staging.accepted_per_amount()
            try:
                with transaction.atomic():
                    _write(sorting, lot=lot, adopt=adopt)
                break
            except _Overtaken:
                overtaken = staging.reject_known()
                if not overtaken:
                    raise
                rejected += overtaken
        else:
            report.is_refused = True
            report.per_amount, report.pools_created, report.pools_not_in_use = {}, [], []
        if rejected:
            for row in staging.rejected():
                sorting.note(_problem_of(row, in_lines=in_lines))


def _write(sorting: Sorting, *, lot: Lot, adopt: str) -> None:
    report = sorting.report
    amounts = sorting.empty_amounts | set(report.per_amount)
    report.pools_created = _open_pools(amounts, adopt=adopt, lot_name=lot.name, is_dry_run=report.is_dry_run)
    idle = Pool.objects.filter(is_active=False).values_list("amount_uah", flat=True)
    report.pools_not_in_use = sorted(set(idle) & set(report.per_amount))
    if report.is_dry_run or not report.per_amount:
        return
    lot.pk = None
    lot.save(force_insert=True)
    report.lot_id = lot.pk
    if staging.insert_codes(lot_id=lot.pk, place=place_at(lot.created_at), now=lot.created_at) != report.added:
        raise _Overtaken


def _open_pools(amounts: set[int], *, adopt: str, lot_name: str, is_dry_run: bool) -> list[int]:
    """Open the pools that are missing; returns their amounts, in a dry run those that would be opened."""
    missing = sorted(amounts - set(Pool.objects.values_list("amount_uah", flat=True)))
    if missing and not is_dry_run:
        # A look at the bucket may open the same pool at this moment.
        Pool.objects.bulk_create([Pool(amount_uah=amount, adopt=adopt) for amount in missing], ignore_conflicts=True)
        opened = set(missing)
        pools = [pool for pool in Pool.objects.iterator() if pool.amount_uah in opened]
        Pool.history.bulk_history_create(pools, batch_size=500, default_change_reason=f"import {lot_name}"[:100])
    return missing


def _problem_of(row: staging.Rejected, *, in_lines: bool) -> Problem:
    def place(amount_uah: int, item: int) -> str:
        return reading.place_in_lines(item) if in_lines else reading.place_in_list(amount_uah, item)

    here = place(row.amount_uah, row.item)
    if row.why == "two_amounts":
        sentence = _("The same code is listed under two amounts; which one is right cannot be known.")
    elif row.why == "twice":
        first = place(row.first_amount_uah or 0, row.first_item or 0)
        sentence = _("The same code stands already at: %(place)s.") % {"place": first}
    elif row.state == CodeState.FOREIGN:
        sentence = _("The portal found this code in the panel or the bucket before: adopt it on its page instead.")
    else:
        known = {"state": CodeState(row.state or "").label, "amount": row.known_amount_uah}
        sentence = _("The portal knows this code already: %(state)s, %(amount)d UAH. It is not changed.") % known
    return Problem(row.why, here, sentence)


def _take_counts(
    items: Iterable[Count | Problem], sorting: Sorting, *, actor: str, adopt: str, skip_bad: bool, now: dt.datetime
) -> None:
    report = sorting.report
    for item in items:
        if isinstance(item, Problem):
            sorting.note(item)
        elif len(report.counted) < MAX_AMOUNTS:
            report.counted[item.amount_uah] = item.issued
        else:
            sorting.note(Problem("too_many_amounts", _("the file"), _("There are too many different amounts."), True))
            break
    if sorting.is_broken or (report.problem_count and not skip_bad):
        report.is_refused, report.counted = True, {}
        return
    counted = {amount for amount, issued in report.counted.items() if issued}
    with transaction.atomic():
        report.pools_created = _open_pools(counted, adopt=adopt, lot_name=report.name, is_dry_run=report.is_dry_run)
        for pool_id, amount in _pools_to_refill():
            if amount in counted and (report.is_dry_run or _ask(pool_id, actor, now)):
                report.refills.append(amount)
        if report.is_dry_run:
            report.refills = sorted({*report.refills, *report.pools_created})


def _pools_to_refill() -> list[tuple[int, int]]:
    under_target = Pool.objects.filter(is_active=True).extra(
        where=["(SELECT count(*) FROM promo_code WHERE pool_id = promo_pool.id AND state = 'available') < target"]
    )
    return list(under_target.order_by("amount_uah").values_list("pk", "amount_uah"))


def _ask(pool_id: int, actor: str, now: dt.datetime) -> bool:
    return request_run(pool_id=pool_id, trigger=RunTrigger.STAFF, requested_by=actor, now=now) is not None
