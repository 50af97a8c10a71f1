"""Bring balances along from another system: active points become a lot with its date, reserved ones are held for their order.

A batch has a name; within it a customer is brought along once, so repeating a file, whole or corrected, doubles nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django.utils.translation import gettext as _

from bonuses.models import EntryKind, Hold, ImportBatch, ImportLine, Order
from bonuses.policy import draw, end_of_day, lot_end
from bonuses.reading.balances import BalanceLine, group_by_phone
from bonuses.services import customers, expiring, holding, ledger, order_rows
from bonuses.services.ledger import Book
from bonuses.services.ruling import as_rule, rule_in_force

SOURCE = "horoshop"


class Fate(StrEnum):
    """What became of a line."""

    IMPORTED = "imported"
    KNOWN = "known"  # brought along before, with the same figures
    DIFFERS = "differs"  # brought along before, with other figures: nothing is changed, a person decides
    EMPTY = "empty"
    LEFT_OUT = "left out"  # another line of the same phone has more
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class LineReport:
    """One line of the report. Free of personal data: lines are told by their number."""

    line: int
    fate: Fate
    active: int = 0
    reserved: int = 0
    remark: str = ""


class _DryRun(Exception):
    pass


def import_balances(
    lines: Sequence[BalanceLine], *, batch: str, now: dt.datetime, actor: str, is_dry_run: bool = False
) -> list[LineReport]:
    """Import every usable line, each in a transaction of its own; a dry run does the same and rolls it back. Returns a report of every line."""
    reports = [LineReport(line.line, Fate.WRONG, remark=line.wrong) for line in lines if line.wrong]
    groups = group_by_phone(lines)
    if not is_dry_run:
        ImportBatch.objects.get_or_create(name=batch, defaults={"actor": actor, "started_at": now})
    for best, others in groups:
        reports += [_left_out(other, best) for other in others]
        if is_dry_run:
            reports.append(_dry(best, batch=batch, now=now, actor=actor))
        else:
            reports.append(_import(best, batch=batch, now=now, actor=actor))
    return sorted(reports, key=lambda report: report.line)


def _left_out(line: BalanceLine, best: BalanceLine) -> LineReport:
    difference = best.active + best.reserved - line.active - line.reserved
    remark = (
        _("the same phone as line %(line)d, which has %(points)d more") % {"line": best.line, "points": difference}
        if difference
        else _("the same phone as line %(line)d") % {"line": best.line}
    )
    return LineReport(line.line, Fate.LEFT_OUT, line.active, line.reserved, remark)


def _dry(line: BalanceLine, *, batch: str, now: dt.datetime, actor: str) -> LineReport:
    report = None
    try:
        with transaction.atomic():
            ImportBatch.objects.get_or_create(name=batch, defaults={"actor": actor, "started_at": now})
            report = _import(line, batch=batch, now=now, actor=actor)
            raise _DryRun
    except _DryRun:
        assert report is not None
        return report


@ledger.following_merges
def _import(line: BalanceLine, *, batch: str, now: dt.datetime, actor: str) -> LineReport:
    if not line.active and not line.reserved:
        return LineReport(line.line, Fate.EMPTY)
    with transaction.atomic():
        customer_id = customers.find_or_create(phone=line.phone, now=now, email=line.email, name=line.name)
        # Orders in flight are made before accounts are locked, as everywhere.
        in_flight = {number: _order_in_flight(number, now=now) for number, _points in sorted(line.reserves) if number}
        book = expiring.open_settled([customer_id], now=now)[customer_id]
        Order.objects.filter(pk__in=in_flight.values(), customer=None).update(customer_id=book.customer_id)
        parent = ImportBatch.objects.get(name=batch)
        known = ImportLine.objects.filter(batch=parent, customer_id=book.customer_id).first()
        if known is not None:
            return _again(line, known)
        ImportLine.objects.create(
            batch=parent, line=line.line, customer_id=book.customer_id, active=line.active, reserved=line.reserved,
            remark="; ".join(line.remarks)[:300],
        )  # fmt: skip
        stuck = _write(line, book, f"migrate:{batch}:{line.line}", in_flight, now=now, actor=actor)
    remarks = [*line.remarks, *stuck]
    return LineReport(line.line, Fate.IMPORTED, line.active, line.reserved, "; ".join(remarks))


def _again(line: BalanceLine, known: ImportLine) -> LineReport:
    if (known.active, known.reserved) == (line.active, line.reserved):
        return LineReport(line.line, Fate.KNOWN, line.active, line.reserved)
    remark = _("imported before with %(active)d active and %(reserved)d reserved") % {
        "active": known.active,
        "reserved": known.reserved,
    }
    return LineReport(line.line, Fate.DIFFERS, line.active, line.reserved, remark)


def _order_in_flight(number: str, *, now: dt.datetime) -> int:
    order_rows.make_order_row(
        source=SOURCE,
        number=number,
        state="confirmed",
        placed_at=now,
        seen_at=now - dt.timedelta(days=365),
        is_imported=True,
        now=now,
    )
    pk: int = (
        Order.objects.select_for_update(no_key=True).values_list("pk", flat=True).get(source=SOURCE, number=number)
    )
    return pk


def _write(
    line: BalanceLine, book: Book, source: str, in_flight: dict[str, int], *, now: dt.datetime, actor: str
) -> list[str]:
    """The entries of a line. Returns remarks on what needs a person."""
    rule = rule_in_force(now)
    total = line.active + line.reserved
    until = end_of_day(line.last_day) if line.last_day else lot_end(as_rule(rule), activated_at=now, known_at=now)
    entry_id = ledger.post(EntryKind.MIGRATE, debit=ledger.MIGRATION, credit=book.available, points=total, source=source, actor=actor,
                           effective_at=now, now=now)  # fmt: skip
    lot_id = ledger.make_lot(book, entry_id=entry_id, points=total, activates_at=now, expires_at=until, rule_id=None)
    remarks = []
    for number, points in line.reserves:
        draws, _short = draw([book.lots[lot_id]], points)
        made = holding.write_hold(book, key=hashlib.sha256(f"{source}\n{number}".encode()).hexdigest(), draws=draws, now=now, actor=actor, expires_at=None,
                                  order_id=in_flight.get(number))  # fmt: skip
        if not number:
            Hold.objects.filter(pk=made.id).update(stuck_reason="reserved_without_order")
            remarks.append(
                _("%(points)d reserved points belong to no order: held, a person decides") % {"points": points}
            )
    expiring.expire_freed(book, [lot_id], now=now)
    if until <= now and line.active:
        remarks.append(_("the active points had expired already"))
    ledger.repay(book, source=source, actor=actor, effective_at=now, now=now)
    return remarks


def finish_batch(*, batch: str, now: dt.datetime) -> bool:
    """The migration is over: balances may be written back to the CRM from now on. True when this call said so."""
    return bool(ImportBatch.objects.filter(name=batch, finished_at=None).update(finished_at=now))
