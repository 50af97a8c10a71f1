"""Entries of the ledger as sentences, translated when they are made, in the language that is active."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.utils import formats
from django.utils.translation import gettext as _

from bonuses.models import AccountKind, LedgerEntry, Lot, OrderSnapshot
from bonuses.policy import KYIV, base_of, last_day_of
from bonuses.services.adjusting import Reason
from bonuses.services.order_rows import totals_of
from bonuses.services.ruling import as_rule


@dataclass(frozen=True, slots=True)
class Sentence:
    """`points` carries the sign with which it moved the balance that it explains."""

    at: dt.datetime
    points: int
    text: str
    entry_id: int | None = None


class Teller:
    """Tells entries as sentences; what the sentences need beside the entries is fetched once for all of them."""

    def __init__(self, entries: Iterable[LedgerEntry]) -> None:
        self._lots: dict[int, Lot] = {}
        self._snapshots: Snapshots = {}
        rows = list(entries)
        makers = sorted({entry.pk for entry in rows if entry.kind in _WITH_A_LOT})
        orders = sorted({entry.order_id for entry in rows if entry.order_id is not None})
        for start in range(0, len(makers), 900):
            self._lots |= {lot.entry_id: lot for lot in Lot.objects.filter(entry_id__in=makers[start : start + 900])}
        for start in range(0, len(orders), 900):
            self._snapshots |= {
                (snapshot.order_id, snapshot.revision): snapshot
                for snapshot in OrderSnapshot.objects.filter(order_id__in=orders[start : start + 900])
            }

    def tell(self, entry: LedgerEntry) -> str:
        """One entry as a sentence."""
        return _TELLERS[entry.kind](entry, self._lots.get(entry.pk), self._snapshots)

    def tell_for(self, account_id: int, entry: LedgerEntry, *, sign: int = 1) -> Sentence:
        """With the points by which it moved this account."""
        change = sign * (entry.points if entry.credit_id == account_id else -entry.points)
        return Sentence(entry.effective_at, change, self.tell(entry), entry.pk)


_WITH_A_LOT = {"accrue", "adjust", "migrate"}
Snapshots = dict[tuple[int, int], OrderSnapshot]


def _day(moment: dt.datetime) -> str:
    return formats.date_format(moment.astimezone(KYIV).date(), "SHORT_DATE_FORMAT")


def _number(entry: LedgerEntry) -> str:
    return entry.order.number if entry.order else "—"


def _until(lot: Lot | None) -> str:
    if lot is None:
        return ""
    last = last_day_of(lot.expires_at)
    if last is None:
        return " " + _("They do not expire.")
    return " " + _("They are usable until %(day)s.") % {"day": formats.date_format(last, "SHORT_DATE_FORMAT")}


def _accrue(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    snapshot = _granting_snapshot(entry, snapshots)
    rule = entry.rule
    told = _("Order %(order)s was completed on %(day)s: %(points)d points by rule %(version)s, %(rate)s %% of %(base)s UAH.") % {
        "order": _number(entry), "day": _day(entry.effective_at), "points": entry.points, "version": rule.version if rule else "—",
        "rate": _plain(rule.rate_percent) if rule else "—", "base": _base(entry, snapshot),
    }  # fmt: skip
    return told + _until(lot)


def _granting_snapshot(entry: LedgerEntry, snapshots: Snapshots) -> OrderSnapshot | None:
    """The accrual's own revision is 0, once per order: the first completed snapshot granted it."""
    mine = sorted(
        (key[1], snapshot)
        for key, snapshot in snapshots.items()
        if key[0] == entry.order_id and snapshot.stage == "completed"
    )
    return mine[0][1] if mine else None


def _base(entry: LedgerEntry, snapshot: OrderSnapshot | None) -> str:
    if snapshot is None or entry.rule is None:
        return "—"
    totals = totals_of(snapshot)
    return _money(base_of(as_rule(entry.rule), totals))


def _money(amount: Decimal) -> str:
    return formats.number_format(amount, 2)


def _plain(value: object) -> str:
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _reaccrue(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    return _("Order %(order)s changed to %(total)s UAH: %(points)d more points by the rule that granted, with the date of the first ones.") % {
        "order": _number(entry), "total": _total(entry, snapshots), "points": entry.points,
    }  # fmt: skip


def _clawback(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    snapshot = snapshots.get((entry.order_id or 0, entry.revision))
    if snapshot is not None and snapshot.stage != "completed":
        return _("Order %(order)s did not happen: %(points)d points were taken back by the rule that granted them.") % {
            "order": _number(entry), "points": entry.points,
        }  # fmt: skip
    return _("Order %(order)s was reduced to %(total)s UAH: %(points)d points were taken back by the rule that granted them.") % {
        "order": _number(entry), "total": _total(entry, snapshots), "points": entry.points,
    }  # fmt: skip


def _total(entry: LedgerEntry, snapshots: Snapshots) -> str:
    snapshot = snapshots.get((entry.order_id or 0, entry.revision))
    return _money(snapshot.grand_total) if snapshot else "—"


def _incur_debt(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    if entry.credit.kind == AccountKind.REDEMPTION:
        return _("%(points)d points were spent that were not there any more: they are owed.") % {"points": entry.points}
    return _("Order %(order)s: %(points)d points had to be taken back after they were spent: they are owed.") % {
        "order": _number(entry), "points": entry.points,
    }  # fmt: skip


def _hold(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    return _("%(points)d points were held for a purchase.") % {"points": entry.points}


def _release(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    if entry.hold and entry.hold.state == "expired":
        return _("The purchase was not made in time: %(points)d held points are free again.") % {"points": entry.points}
    return _("%(points)d held points were released.") % {"points": entry.points}


def _capture(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    if entry.order is None:
        return _("%(points)d held points were spent.") % {"points": entry.points}
    return _("%(points)d held points paid for order %(order)s.") % {"points": entry.points, "order": _number(entry)}


def _expire(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    return _("%(points)d points expired on %(day)s.") % {"points": entry.points, "day": _day(entry.effective_at)}


def _reinstate(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    if entry.credit.kind == AccountKind.DEBT:
        return _("Order %(order)s did not happen: %(points)d points are owed no longer.") % {
            "order": _number(entry),
            "points": entry.points,
        }
    return _("Order %(order)s did not happen: the %(points)d points that paid for it are back, with their old dates.") % {
        "order": _number(entry), "points": entry.points,
    }  # fmt: skip


def _repay(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    return _("%(points)d points repaid what was owed.") % {"points": entry.points}


def _adjust(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    reason = Reason(entry.reason_code).label if entry.reason_code in Reason.values else entry.reason_code
    given = entry.debit.customer_id is None
    shape = _("Staff added %(points)d points: %(reason)s.") if given else _("Staff took %(points)d points: %(reason)s.")
    return shape % {"points": entry.points, "reason": reason} + _until(lot)


def _migrate(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    return _("%(points)d points were brought along from the former system.") % {"points": entry.points} + _until(lot)


def _merge(entry: LedgerEntry, lot: Lot | None, snapshots: Snapshots) -> str:
    if entry.debit.kind == AccountKind.DEBT:
        return _("Two records of one customer were joined: %(points)d owed points moved.") % {"points": entry.points}
    return _("Two records of one customer were joined: %(points)d points moved with their dates.") % {
        "points": entry.points
    }


_TELLERS: dict[str, Callable[[LedgerEntry, Lot | None, Snapshots], str]] = {
    "accrue": _accrue, "reaccrue": _reaccrue, "clawback": _clawback, "incur_debt": _incur_debt, "hold": _hold, "release": _release,
    "capture": _capture, "expire": _expire, "reinstate": _reinstate, "repay": _repay, "adjust": _adjust, "migrate": _migrate, "merge": _merge,
}  # fmt: skip
