"""Verify the ledger: the chain against the entries, the anchors against the chain, and the balances, lots and holds against the history.

The first bad entry is named by its sequence. Memory is bounded: the chain is walked in batches, sums are made by the database.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection

from bonuses.errors import AnchorUnavailable
from bonuses.models import Seal, Verification
from bonuses.policy import KYIV
from bonuses.ports import AnchorStore
from bonuses.services import sealing

logger = logging.getLogger(__name__)
BATCH = 5000
NIGHT_BEGINS = dt.time(2)  # in Kyiv: after the ends of the day are in the books
UNREADABLE = "the anchors could not be read"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was sealed. `sequence` is the first bad one."""

    sequence: int
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`unsealed` entries are younger than the last seal: nothing can be said of them yet."""

    entries: int
    anchors: int
    unsealed: int
    finding: Finding | None

    @property
    def is_good(self) -> bool:
        return self.finding is None


def verify_ledger(store: AnchorStore, *, progress: Callable[[int], None] = lambda _count: None) -> Verdict:
    """Walk the whole history. `progress` is called with the number of entries done. Raises AnchorUnavailable."""
    anchors = _read_anchors(store)
    count, finding = _verify_chain(anchors, progress)
    if finding is None:
        # Only a sound history can say what a balance should be; in a broken one differences are consequences and would point elsewhere.
        finding = min(fold_differences(), key=lambda one: one.sequence, default=None)
    return Verdict(count, len(anchors), _count_unsealed(), finding)


def _read_anchors(store: AnchorStore) -> dict[int, str]:
    anchors: dict[int, str] = {}
    for name in store.names():
        content = json.loads(store.read(name) or b"{}")
        anchors[int(content["sequence"])] = str(content["digest"])
    return anchors


def _verify_chain(anchors: dict[int, str], progress: Callable[[int], None]) -> tuple[int, Finding | None]:
    previous, expected, last_at = sealing.GENESIS, 1, None
    while True:
        seals = list(
            Seal.objects.filter(sequence__gte=expected)
            .order_by("sequence")
            .values_list("sequence", "entry_id", "sealed_at", "digest")[:BATCH]
        )
        forms = sealing.canonical_forms([entry_id for _s, entry_id, _at, _d in seals])
        for (sequence, _entry, sealed_at, digest), form in zip(seals, forms, strict=True):
            if sequence != expected:
                return expected - 1, Finding(expected, "the seal is missing")
            previous = sealing.link(previous, form)
            if digest != previous:
                return expected - 1, Finding(
                    expected,
                    "the entry, its lot or its draws differ from what was sealed" if form else "the entry is missing",
                )
            if last_at is not None and sealed_at <= last_at:
                return expected - 1, Finding(expected, "the time of the seal is not after the one before")
            if anchors.get(sequence, previous) != previous:
                return expected - 1, Finding(
                    expected, "the chain differs from its anchor: it was written anew, here or before"
                )
            last_at = sealed_at
            expected += 1
        progress(expected - 1)
        if len(seals) < BATCH:
            beyond = [sequence for sequence in anchors if sequence >= expected]
            return expected - 1, Finding(expected, "sealed entries that were anchored are missing") if beyond else None


def _count_unsealed() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM bonuses_ledgerentry e WHERE NOT EXISTS (SELECT 1 FROM bonuses_seal s WHERE s.entry_id = e.id)"
        )
        return int(cursor.fetchone()[0])


# Every question finds rows whose stored figure is not what the history adds up to, with the sequence of the entry to look at first.
_BALANCES = """
SELECT a.id, COALESCE((SELECT MAX(s.sequence) FROM bonuses_seal s JOIN bonuses_ledgerentry x ON x.id = s.entry_id
    WHERE x.debit_id = a.id OR x.credit_id = a.id), 0)
FROM bonuses_account a LEFT JOIN (
    SELECT account_id, SUM(points) AS points FROM (
        SELECT credit_id AS account_id, points FROM bonuses_ledgerentry UNION ALL SELECT debit_id, -points FROM bonuses_ledgerentry) sides
    GROUP BY account_id) h ON h.account_id = a.id
WHERE a.customer_id IS NOT NULL AND a.balance <> COALESCE(h.points, 0)
"""
_LOTS = """
SELECT l.id, COALESCE(s.sequence, 0) FROM bonuses_lot l JOIN bonuses_ledgerentry c ON c.id = l.entry_id
LEFT JOIN bonuses_seal s ON s.entry_id = c.id
LEFT JOIN (
    SELECT d.lot_id,
        SUM(CASE WHEN e.kind IN ('reaccrue', 'release', 'reinstate') THEN d.points
                 WHEN e.kind IN ('clawback', 'hold', 'expire', 'repay', 'adjust') THEN -d.points ELSE 0 END) AS remaining,
        SUM(CASE WHEN e.kind = 'hold' THEN d.points WHEN e.kind IN ('release', 'capture') THEN -d.points ELSE 0 END) AS held,
        SUM(CASE WHEN e.kind = 'reaccrue' THEN d.points ELSE 0 END) AS granted,
        SUM(CASE WHEN e.kind = 'expire' THEN 1 ELSE 0 END) AS expirations
    FROM bonuses_lotdraw d JOIN bonuses_ledgerentry e ON e.id = d.entry_id GROUP BY d.lot_id) h ON h.lot_id = l.id
WHERE l.granted <> c.points + COALESCE(h.granted, 0) OR l.remaining <> c.points + COALESCE(h.remaining, 0)
   OR l.held <> COALESCE(h.held, 0) OR l.expirations <> COALESCE(h.expirations, 0)
"""
# A lot belongs to whoever the newest entry that touched it belongs to; an empty lot follows a merge without an entry.
_OWNERS = """
SELECT l.id, COALESCE(s.sequence, 0) FROM bonuses_lot l JOIN bonuses_ledgerentry c ON c.id = l.entry_id LEFT JOIN bonuses_seal s ON s.entry_id = c.id
JOIN bonuses_account first ON first.id = c.credit_id
LEFT JOIN (SELECT lot_id, MAX(entry_id) AS entry_id FROM bonuses_lotdraw GROUP BY lot_id) newest ON newest.lot_id = l.id
LEFT JOIN bonuses_ledgerentry n ON n.id = newest.entry_id
LEFT JOIN bonuses_account nc ON nc.id = n.credit_id LEFT JOIN bonuses_account nd ON nd.id = n.debit_id
WHERE (l.remaining > 0 OR l.held > 0) AND l.customer_id <> COALESCE(nc.customer_id, nd.customer_id, first.customer_id)
"""
_HOLDS = """
SELECT h.id, COALESCE((SELECT MAX(s.sequence) FROM bonuses_seal s JOIN bonuses_ledgerentry x ON x.id = s.entry_id WHERE x.hold_id = h.id), 0)
FROM bonuses_hold h LEFT JOIN (
    SELECT hold_id, SUM(CASE WHEN kind = 'hold' THEN points ELSE 0 END) AS placed, SUM(CASE WHEN kind = 'capture' THEN points ELSE 0 END) AS captured,
        SUM(CASE WHEN kind = 'release' THEN points ELSE 0 END) AS released
    FROM bonuses_ledgerentry WHERE hold_id IS NOT NULL GROUP BY hold_id) e ON e.hold_id = h.id
WHERE h.points <> COALESCE(e.placed, 0)
   OR COALESCE(e.captured, 0) <> CASE WHEN h.state = 'captured' THEN h.points ELSE 0 END
   OR COALESCE(e.released, 0) <> CASE WHEN h.state IN ('released', 'expired') THEN h.points ELSE 0 END
"""
_ORDERS = """
SELECT o.id, COALESCE((SELECT MAX(s.sequence) FROM bonuses_seal s JOIN bonuses_ledgerentry x ON x.id = s.entry_id WHERE x.order_id = o.id), 0)
FROM bonuses_order o LEFT JOIN (
    SELECT order_id, SUM(CASE WHEN kind IN ('accrue', 'reaccrue') THEN points ELSE 0 END) AS granted,
        SUM(CASE WHEN kind = 'clawback' OR (kind = 'incur_debt' AND credit_id = -1) THEN points ELSE 0 END) AS clawed_back
    FROM bonuses_ledgerentry WHERE order_id IS NOT NULL GROUP BY order_id) e ON e.order_id = o.id
WHERE o.granted <> COALESCE(e.granted, 0) OR o.clawed_back <> COALESCE(e.clawed_back, 0)
"""
_QUESTIONS = (
    ("the balance of account {pk} is not the sum of its entries", _BALANCES),
    ("what is left in lot {pk} is not what its draws leave", _LOTS),
    ("lot {pk} belongs to another customer than the one who received it", _OWNERS),
    ("hold {pk} is not what its entries say", _HOLDS),
    ("order {pk} is not what its entries say", _ORDERS),
)


def fold_differences() -> Iterator[Finding]:
    """Rows whose stored figure is not what folding the history gives. None in a sound ledger, at every moment."""
    with connection.cursor() as cursor:
        for what, question in _QUESTIONS:
            cursor.execute(question)
            for pk, sequence in cursor.fetchall():
                yield Finding(int(sequence), what.format(pk=pk))


def is_verification_due(*, now: dt.datetime) -> bool:
    """Whether no verification has been finished since the night began. Whoever asked for one in the night has done the night's work."""
    local = now.astimezone(KYIV)
    day = local.date() if local.time() >= NIGHT_BEGINS else local.date() - dt.timedelta(days=1)
    since = dt.datetime.combine(day, NIGHT_BEGINS, tzinfo=KYIV).astimezone(dt.UTC)
    return not Verification.objects.filter(started_at__gte=since, finished_at__isnull=False).exists()


def verify_and_record(
    store: AnchorStore, *, actor: str, now: dt.datetime, progress: Callable[[int], None] = lambda _count: None
) -> Verification:
    """Verify, and leave the result where staff see it. A bad ledger is logged as critical, which is the alarm.

    Anchors that cannot be read are a finding without an entry: the history was not verified, and nobody may believe that it was.
    """
    run = Verification.objects.create(actor=actor, started_at=now)
    try:
        verdict = verify_ledger(store, progress=progress)
    except AnchorUnavailable as error:
        run.finished_at = max(now, dt.datetime.now(dt.UTC))
        run.finding = f"{UNREADABLE}: {error}"[:300]
        run.save()
        logger.critical("the ledger could not be verified: %s", run.finding)
        return run
    run.finished_at = max(now, dt.datetime.now(dt.UTC))
    run.entries, run.anchors = verdict.entries, verdict.anchors
    if verdict.finding is not None:
        run.first_bad, run.finding = verdict.finding.sequence, verdict.finding.what[:300]
        logger.critical(
            "the ledger is not as it was sealed: first bad entry %s: %s", verdict.finding.sequence, verdict.finding.what
        )
    run.save()
    return run
