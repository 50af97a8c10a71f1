"""Figures and reasons of rows as people read them. Rows keep machine words, so that what was cleared once is known again in whatever language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _

from bonuses.admin.portrait import say_stuck
from keycrm.models import BuyerLink, CrmCard, CrmOrder, Difference
from keycrm.models.differences import DifferenceKind
from keycrm.reasons import say_reason

_ON_CARD = re.compile(r"(available|reserved): CRM (.*), portal (-?\d+), pushed (\S+)")
_SINCE = re.compile(r"since (\d{4})-(\d\d)-(\d\d) (\d\d:\d\d)")
_DISCOUNT = re.compile(r"before (\S+), now (\S+), to be (\S+)")
_TWO_ORDERS = re.compile(r"(.+) \((\d+)\) → (.+) \((\d+)\)")


def say_why(row: CrmOrder | CrmCard | BuyerLink) -> str:
    """Why the row is stuck; empty where it is not."""
    return _say_reason(row.stuck_reason, row.stuck_detail) if row.stuck_reason else ""


def _say_reason(word: str, detail: str) -> str:
    return f"{say_reason(word)} {say_detail(detail)}".strip()


def say_detail(detail: str) -> str:
    """The figures that stand beside a reason. What has no figures of ours is shown as it is: ids, or the words of the CRM."""
    if found := _ON_CARD.fullmatch(detail):
        name = _("Available") if found[1] == "available" else _("Reserved")
        return _("%(name)s: on the card %(stands)s, in the portal %(wanted)s, written last %(pushed)s.") % {
            "name": name, "stands": found[2], "wanted": found[3], "pushed": "—" if found[4] == "None" else found[4],
        }  # fmt: skip
    if found := _SINCE.fullmatch(detail):
        return _("Missing since %(moment)s (UTC).") % {"moment": f"{found[3]}.{found[2]}.{found[1]} {found[4]}"}
    if found := _DISCOUNT.fullmatch(detail):
        return _("Discount before: %(before)s, now: %(now)s, to be: %(wanted)s.") % {
            "before": found[1], "now": found[2], "wanted": found[3],
        }  # fmt: skip
    return detail


def say_figures(line: Difference) -> str:
    """The figures of a line of the list."""
    say = _FIGURES.get(line.kind)
    return (say(line.detail) if say else line.detail) or "—"


def _pair(words: Callable[[], str], separator: str) -> Callable[[str], str]:
    def say(detail: str) -> str:
        first, _mark, second = detail.partition(separator)
        return words() % {"first": first, "second": second}

    return say


def _points(detail: str) -> str:
    return _("%(points)s points") % {"points": detail}


def _two_orders(detail: str) -> str:
    found = _TWO_ORDERS.fullmatch(detail)
    if not found:
        return detail
    return _("first №%(first)s (CRM %(first_id)s), later №%(later)s (CRM %(later_id)s)") % {
        "first": found[1], "first_id": found[2], "later": found[3], "later_id": found[4],
    }  # fmt: skip


def _crm_stuck(detail: str) -> str:
    word, _space, rest = detail.partition(" ")
    return _say_reason(word, rest)


_FIGURES: Mapping[str, Callable[[str], str]] = {
    DifferenceKind.CODE_IN_TWO_ORDERS: _two_orders,
    DifferenceKind.CODE_GONE: _points,
    DifferenceKind.CODE_UNUSED: _points,
    DifferenceKind.HELD_FOR_NOTHING: _points,
    DifferenceKind.SMALL_DISCOUNT: _pair(lambda: _("discount %(first)s UAH, points %(second)s"), " < "),
    DifferenceKind.OVER_SHARE: _pair(lambda: _("%(first)s points, allowed are %(second)s"), " > "),
    DifferenceKind.ORDER_STUCK: say_stuck,
    DifferenceKind.CRM_STUCK: _crm_stuck,
    DifferenceKind.CARD_STUCK: _crm_stuck,
    DifferenceKind.TOTAL_DIFFERS: _pair(lambda: _("in the CRM %(first)s UAH, applied %(second)s UAH"), " ≠ "),
    DifferenceKind.POINTS_DIFFER: _pair(lambda: _("earned %(first)s, should be %(second)s"), " ≠ "),
    DifferenceKind.NEVER_CONFIRMED: lambda detail: _("%(sum)s UAH reported") % {"sum": detail},
    DifferenceKind.NO_EARNER: _points,
    DifferenceKind.RESERVE_LEFT: _points,
}
