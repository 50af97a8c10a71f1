"""Seal the history and anchor its head. Writers take no global lock: one sealer gives each entry that has no seal yet the next place in the chain.

Entries without a seal are found by anti-join, never by "id above the last": an auto-increment id is not the order of commits.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction

from bonuses.dialect import marks, moment, stamp
from bonuses.errors import AnchorExists
from bonuses.models import Anchor, Seal
from bonuses.ports import AnchorStore

GENESIS = "0" * 64
BATCH = 2000
# The sealer that runs every few seconds looks this far behind the newest seal; `whole=True` (nightly, before a statement) looks at everything.
WINDOW = 200_000
_SEALER = 7_301_001  # PostgreSQL's advisory lock of the one sealer
ENTRY_COLUMNS = (
    "id", "kind", "debit_id", "credit_id", "points", "source", "revision", "rule_id", "order_id", "hold_id", "actor", "reason_code", "note_digest",
    "effective_at", "recorded_at",
)  # fmt: skip
_UNSEALED = (
    "SELECT e.id FROM bonuses_ledgerentry e WHERE e.id > %s "
    "AND NOT EXISTS (SELECT 1 FROM bonuses_seal s WHERE s.entry_id = e.id) ORDER BY e.id LIMIT %s"
)


def seal_entries(*, now: dt.datetime, whole: bool = False) -> int:
    """Seal what is not sealed yet; returns how many entries. Where another sealer is at work, 0: it will be back in seconds."""
    sealed, after = 0, 0 if whole else None
    while True:
        with transaction.atomic():
            if connection.vendor == "postgresql" and not _become_sealer():
                return sealed
            ids = _seal_batch(now=now, after=after)
        sealed += len(ids)
        if len(ids) < BATCH:
            return sealed
        # Going on where this batch ended, or each would walk over all before it again. What commits below that meanwhile is the next call's.
        after = ids[-1]


def _become_sealer() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SEALER])
        return bool(cursor.fetchone()[0])


def _seal_batch(*, now: dt.datetime, after: int | None) -> list[int]:
    """Seals the first entries above `after` that have none; without it, above a window behind the newest seal. Returns their ids."""
    head = Seal.objects.order_by("-sequence").values_list("sequence", "digest", "sealed_at", "entry_id").first()
    sequence, digest, sealed_at, newest = head or (0, GENESIS, None, 0)
    with connection.cursor() as cursor:
        cursor.execute(_UNSEALED, [max(0, newest - WINDOW) if after is None else after, BATCH])
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return []
        # Strictly increasing, so that "sealed at or before K" never gains an entry later, whatever the clock does.
        at = max(now, sealed_at + dt.timedelta(microseconds=1)) if sealed_at else now
        rows: list[Any] = []
        for canonical, entry_id in zip(canonical_forms(ids), ids, strict=True):
            sequence += 1
            digest = link(digest, canonical)
            rows += [sequence, entry_id, stamp(at), digest]
            at += dt.timedelta(microseconds=1)
        for start in range(0, len(rows), 800):
            part = rows[start : start + 800]
            cursor.execute(
                "INSERT INTO bonuses_seal (sequence, entry_id, sealed_at, digest) VALUES "
                + ", ".join(["(%s, %s, %s, %s)"] * (len(part) // 4)),
                part,
            )
    return ids


def link(previous: str, canonical: bytes) -> str:
    """The next digest of the chain, 64 hexadecimal characters."""
    return hashlib.sha256(previous.encode() + canonical).hexdigest()


def canonical_forms(entry_ids: Sequence[int]) -> list[bytes]:
    """The sealed form of each entry, in the order asked for; a missing entry has an empty one. Bounded memory: ask for a few thousand at a time."""
    with connection.cursor() as cursor:
        entries = _by_entry(cursor, f"SELECT {', '.join(ENTRY_COLUMNS)} FROM bonuses_ledgerentry WHERE id", entry_ids)
        lots = _by_entry(
            cursor,
            "SELECT entry_id, id, activates_at, expires_at, rule_id FROM bonuses_lot WHERE entry_id",
            entry_ids,
        )
        draws = _by_entry(cursor, "SELECT entry_id, lot_id, points FROM bonuses_lotdraw WHERE entry_id", entry_ids)
    return [
        canonical(entries[pk][0], lots.get(pk, []), draws.get(pk, [])) if pk in entries else b"" for pk in entry_ids
    ]


def _by_entry(cursor: Any, query: str, entry_ids: Sequence[int]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    # One array where there are arrays: writing down thousands of parameters would take as long as the question.
    is_postgresql = connection.vendor == "postgresql"
    step = len(entry_ids) if is_postgresql else 900
    for start in range(0, len(entry_ids), step or 1):
        part = list(entry_ids[start : start + step])
        if is_postgresql:
            cursor.execute(f"{query} = ANY(%s)", [part])
        else:
            cursor.execute(f"{query} IN ({marks(len(part))})", part)
        for row in cursor.fetchall():
            found.setdefault(row[0], []).append(row)
    return found


def canonical(entry: Sequence[Any], lots: Iterable[Sequence[Any]], draws: Iterable[Sequence[Any]]) -> bytes:
    """One spelling of an entry, of the lot that it created (what it granted is the entry's points) and of its draws. The same on both databases."""
    fields = [*entry[:-2], _spell(entry[-2]), _spell(entry[-1])]
    made = [[lot[1], _spell(lot[2]), _spell(lot[3]), lot[4]] for lot in sorted(lots, key=lambda lot: int(lot[1]))]
    taken = sorted([draw[1], draw[2]] for draw in draws)
    return json.dumps([fields, made, taken], ensure_ascii=True, separators=(",", ":")).encode()


def _spell(value: Any) -> str:
    found = moment(value)
    return "" if found is None else found.isoformat(timespec="microseconds")


def anchor_head(store: AnchorStore, *, now: dt.datetime) -> int | None:
    """Put the newest seal where it cannot be changed; returns its sequence, or None where there is nothing new.

    Talks to the network: call it outside a transaction. Raises AnchorUnavailable.
    """
    head = Seal.objects.order_by("-sequence").values_list("sequence", "digest").first()
    if head is None or Anchor.objects.filter(sequence=head[0]).exists():
        return None
    sequence, digest = head
    name = anchor_name(sequence)
    content = json.dumps(
        {"sequence": sequence, "digest": digest, "anchored_at": now.isoformat()}, sort_keys=True
    ).encode()
    # There already: an earlier call made the object and lost its row, or somebody tampers. The verification compares digests, so it will tell.
    with contextlib.suppress(AnchorExists):
        store.create(name, content)
    Anchor.objects.bulk_create(
        [Anchor(sequence=sequence, digest=digest, name=name, created_at=now)], ignore_conflicts=True
    )
    return int(sequence)


def anchor_name(sequence: int) -> str:
    return f"{sequence:016d}.json"


def close_books(store: AnchorStore, *, now: dt.datetime) -> int | None:
    """Seal everything and anchor the head: what a statement needs first. Returns the sequence of the head."""
    seal_entries(now=now, whole=True)
    anchor_head(store, now=now)
    return Seal.objects.order_by("-sequence").values_list("sequence", flat=True).first()
