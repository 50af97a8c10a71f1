"""`manage.py pool_state`: how every pool stands, from the rows or from the documents in the bucket. Changes nothing.

From the bucket it speaks of what the documents say and of nothing else: at most the listed codes of a pool, and issues
since the last refill. The level is then measured by the pool's own low water where there is such a pool.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from promo import reading, wiring
from promo.errors import MirrorError
from promo.models import Issue, Pool, Publication
from promo.rendering import DocumentBroken, read_codes_document
from promo.services import levels, mirroring
from promo.strength_sentences import say_strength


@dataclass(frozen=True, slots=True)
class Line:
    """One amount. `issued` since the last refill, as the counts document has it; `published` how many codes the document lists; None: not known."""

    amount_uah: int
    available: int
    level: str
    low_water: int
    issued: int
    issued_in_all: int | None = None
    published: int | None = None
    is_active: bool = True
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Overview:
    """All amounts, and the newest document: its revision (None: not written by the portal) and when it was written."""

    source: str
    lines: list[Line]
    revision: int | None = None
    written_at: str | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def totals(self) -> dict[str, int]:
        return {
            "pools": len(self.lines),
            "available": sum(line.available for line in self.lines),
            "issued": sum(line.issued for line in self.lines),
        }


class Command(BaseCommand):
    help = "Show how every pool stands: codes available, level, issues, what is published."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from", dest="source", choices=["rows", "bucket"], default="rows", help="where to look; default: rows"
        )
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument(
            "--verbose", action="store_true", help="also planned and foreign codes, last run, days left"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        overview = _from_rows(options["verbose"]) if options["source"] == "rows" else _from_bucket()
        if options["json"]:
            shown = {**asdict(overview), "totals": overview.totals}
            self.stdout.write(json.dumps(shown, ensure_ascii=False, indent=2))
            return
        for line in _table(overview):
            self.stdout.write(line)
        for warning in overview.warnings:
            self.stdout.write(self.style.WARNING(warning))


def _from_rows(verbose: bool) -> Overview:
    newest = Publication.objects.exclude(put_at=None).order_by("-revision").first()
    listed = newest.listed if newest else {}
    since_refill = mirroring.count_issued()
    in_all = dict(Issue.objects.order_by().values_list("pool").annotate(n=Count("pk")))
    states = levels.board(now=timezone.now())
    lines = [
        Line(
            amount_uah=state.amount_uah,
            available=state.available,
            level=state.level,
            low_water=state.low_water,
            issued=since_refill.get(state.amount_uah, 0),
            issued_in_all=in_all.get(state.pool_id, 0),
            published=len(listed[str(state.amount_uah)]) if str(state.amount_uah) in listed else None,
            is_active=state.is_active,
            more=_more(state) if verbose else {},
        )
        for state in states
    ]
    lines.sort(key=lambda line: line.amount_uah)
    written_at = newest.put_at.isoformat() if newest and newest.put_at else None
    warnings = [
        _("Too easy to guess: %(strength)s")
        % {"strength": say_strength(amount_uah=state.amount_uah, bits=state.bits, guesses=state.guesses)}
        for state in levels.weak_pools(states)
    ]
    revision = newest.revision if newest else None
    return Overview("rows", lines, revision=revision, written_at=written_at, warnings=warnings)


def _more(state: levels.PoolState) -> dict[str, Any]:
    return {
        "target": state.target,
        "planned": state.planned,
        "foreign": state.foreign,
        "issued_today": state.issued_today,
        "guesses_per_hit": None if state.bits is None else round(state.guesses),
        "days_left": None if state.days_left is None else round(state.days_left, 1),
        "last_run": f"№{state.last_run.pk} {state.last_run.state}" if state.last_run else None,
    }


def _from_bucket() -> Overview:
    store = wiring.open_mirror_store()
    try:
        codes, counts = store.get(settings.MIRROR_CODES_KEY), store.get(settings.MIRROR_COUNTS_KEY)
        if codes is None:
            raise CommandError(_("There is no document at: %(keys)s") % {"keys": settings.MIRROR_CODES_KEY})
        document = read_codes_document(codes.body)
    except MirrorError as error:
        raise CommandError(_("The bucket did not answer: %(error)s") % {"error": error}) from error
    except DocumentBroken as error:
        sentence = _("The document at %(key)s cannot be read: %(error)s")
        raise CommandError(sentence % {"key": settings.MIRROR_CODES_KEY, "error": error}) from error
    issued = _counted(counts.body) if counts else {}
    low_water = dict(Pool.objects.values_list("amount_uah", "low_water"))
    lines = []
    for amount in sorted({*document.listed, *issued}):
        available, mark = len(document.listed.get(amount, [])), low_water.get(amount, settings.LOW_WATER)
        level = levels.level_of(available, low_water=mark)
        listed = available if amount in document.listed else None
        lines.append(Line(amount, available, level, mark, issued.get(amount, 0), published=listed))
    written = Publication.objects.filter(revision=document.revision).first() if document.revision else None
    written_at = written.put_at.isoformat() if written and written.put_at else None
    return Overview("bucket", lines, revision=document.revision, written_at=written_at)


def _counted(body: bytes) -> dict[int, int]:
    """What can be read of the counts; a broken entry is nobody's count."""
    found = reading.read_counts_json(io.BytesIO(body))
    return {item.amount_uah: item.issued for item in found if isinstance(item, reading.Count)}


def _table(overview: Overview) -> list[str]:
    rows = [[_("UAH"), _("free codes"), _("level"), _("issued since refill"), _("issued in all"), _("published")]]
    rows[0] += [name.replace("_", " ") for name in (overview.lines[0].more if overview.lines else {})]
    for line in overview.lines:
        cells = [line.amount_uah, line.available, _level_word(line), line.issued, line.issued_in_all, line.published]
        rows.append(["—" if cell is None else str(cell) for cell in [*cells, *line.more.values()]])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    shown = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    totals = _("%(pools)d pools, %(available)d codes available, %(issued)d issued since the refills.") % overview.totals
    return [*shown, "", totals, _published_sentence(overview)]


def _level_word(line: Line) -> str:
    if not line.is_active:
        return _("not in use")
    words = {"out": _("out"), "low": f"≤ {line.low_water}", "thin": f"≤ {line.low_water + 2}"}
    return words.get(line.level, _("fine"))


def _published_sentence(overview: Overview) -> str:
    if overview.revision is None:
        return (
            _("The portal has not published anything yet.")
            if overview.source == "rows"
            else _("Not written by the portal.")
        )
    if overview.written_at is None:
        return _("Revision %(n)d.") % {"n": overview.revision}
    at = date_format(timezone.localtime(dt.datetime.fromisoformat(overview.written_at)), "SHORT_DATETIME_FORMAT")
    return _("Revision %(n)d, written on %(at)s.") % {"n": overview.revision, "at": at}
