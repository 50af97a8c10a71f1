"""What an import came to: the report that a person reads, and how a stream is sorted into it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from promo.reading import EmptyAmount, Entry, Problem

MAX_KEPT_PROBLEMS = 1000
MAX_AMOUNTS = 20_000
PROGRESS_EVERY = 10_000


class Progress(NamedTuple):
    """How far an import is: `share` of the file that has been read, 0 to 1."""

    codes: int
    share: float


@dataclass(slots=True)
class Report:
    """What was done, or in a dry run would be done.

    `per_amount`: codes added. `imported_at`: this very file was taken in then, so it added nothing now. `counted` and
    `refills`: the predecessor's counts and the amounts whose refill was requested because of them. `problems` keeps the
    first thousand; `problem_counts` counts all of them by their word.
    """

    name: str
    is_dry_run: bool = False
    is_refused: bool = False
    imported_at: dt.datetime | None = None
    lot_id: int | None = None
    per_amount: dict[int, int] = field(default_factory=dict)
    pools_created: list[int] = field(default_factory=list)
    pools_not_in_use: list[int] = field(default_factory=list)
    counted: dict[int, int] = field(default_factory=dict)
    refills: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_counts: Counter[str] = field(default_factory=Counter)

    @property
    def added(self) -> int:
        return sum(self.per_amount.values())

    @property
    def problem_count(self) -> int:
        return self.problem_counts.total()

    def sentences(self) -> list[str]:
        """What happened, for a person, in the active language. Problems are listed by whoever shows them."""
        if self.imported_at is not None:
            at = date_format(timezone.localtime(self.imported_at), "SHORT_DATETIME_FORMAT")
            return [_("Exactly this was imported on %(at)s already. Nothing was added.") % {"at": at}]
        said = []
        if self.problem_count:
            found = ngettext("%(n)d problem was found.", "%(n)d problems were found.", self.problem_count)
            said.append(found % {"n": self.problem_count})
        if self.is_refused:
            return [*said, _("Nothing was imported.")]
        if self.is_dry_run:
            said.append(_("This was a trial: nothing was changed."))
        if self.counted:
            said.append(_("Issued since the last refill: %(list)s.") % {"list": _listed(self.counted)})
            said.append(_("A refill is requested for: %(list)s.") % {"list": _listed(self.refills) or "—"})
        else:
            added = ngettext("%(n)d code is new.", "%(n)d codes are new.", self.added)
            said.append(added % {"n": self.added})
            if self.per_amount:
                said.append(_("By amount: %(list)s.") % {"list": _listed(self.per_amount)})
        if self.pools_created:
            said.append(_("Pools opened: %(list)s.") % {"list": _listed(self.pools_created)})
        if self.pools_not_in_use:
            sentence = _("Pools that are not in use, so nothing is issued from them: %(list)s.")
            said.append(sentence % {"list": _listed(self.pools_not_in_use)})
        return said


def _listed(amounts: dict[int, int] | list[int]) -> str:
    """`100 × 3, 200 × 5, …`: the first forty, so that two thousand amounts do not fill the screen."""
    words = [f"{amount} × {n}" for amount, n in amounts.items()] if isinstance(amounts, dict) else map(str, amounts)
    shown = list(words)
    return ", ".join(shown[:40]) + (", …" if len(shown) > 40 else "")


class Sorting:
    """Sorts what a reader yields: problems into the report, empty amounts aside, entries go on."""

    def __init__(
        self,
        report: Report,
        *,
        on_problem: Callable[[Problem], None] | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        self.report = report
        self.empty_amounts: set[int] = set()
        self.is_broken = False
        self._on_problem = on_problem
        self._on_progress = on_progress

    def note(self, problem: Problem) -> None:
        """Put a problem on the report and tell whoever listens."""
        self.report.problem_counts[problem.word] += 1
        if len(self.report.problems) < MAX_KEPT_PROBLEMS:
            self.report.problems.append(problem)
        self.is_broken = self.is_broken or problem.is_fatal
        if self._on_problem:
            self._on_problem(problem)

    def entries(self, items: Iterable[Entry | EmptyAmount | Problem]) -> Iterator[Entry]:
        """The entries alone, in their order. Ends early where there are more amounts than any store has."""
        amounts: set[int] = set()
        count = 0
        for item in items:
            if isinstance(item, Problem):
                self.note(item)
                continue
            amounts.add(item.amount_uah)
            if len(amounts) > MAX_AMOUNTS:
                sentence = _("There are more than %(most)d different amounts.") % {"most": MAX_AMOUNTS}
                self.note(Problem("too_many_amounts", _("the file"), sentence, is_fatal=True))
                return
            if isinstance(item, EmptyAmount):
                self.empty_amounts.add(item.amount_uah)
                continue
            yield item
            count += 1
            if self._on_progress and count % PROGRESS_EVERY == 0:
                self._on_progress(count)
