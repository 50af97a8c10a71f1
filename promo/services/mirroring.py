"""Rows → documents in the bucket, without losing what others did to them.

    get ─→ three-way look: base (the publication the document names) · found · rows ─→ take in what others did, plan revision n ─→ COMMIT
        ─→ conditional PUT ─→ note that it is there
A lost race (412, 409) means: look again. An unknown outcome (time-out) means the same: the next look finds either document and its base, because the
Publication row was committed before the PUT.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count, F, Max, OuterRef, Subquery, Value, Window
from django.db.models.functions import Coalesce, RowNumber

from bonusportal import counting
from promo import rendering
from promo.errors import MirrorConflict
from promo.models import Code, CodeEvent, CodeState, Issue, Lot, Pool, Publication, ReplenishRun
from promo.models.codes import Adopt, LotSource
from promo.models.runs import RunKind
from promo.policy import MAX_CODE_LENGTH
from promo.ports import MirrorStore, StoredDocument
from promo.services.moving import move_code, place_at

logger = logging.getLogger(__name__)
MAX_LOOKS = 12
KEPT_PUBLICATIONS = 500
ACTOR = "bucket"
_LONG_AGO = Value(dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
TAKEN_TWICE = "taken from the document after it was issued here"


@dataclass(frozen=True, slots=True)
class Published:
    """What a look came to. `revision` is the newest in the bucket; `wrote` whether this call wrote it."""

    revision: int
    wrote: bool
    looks: int = 1
    foreign_added: int = 0
    foreign_removed: int = 0


def publish(*, store: MirrorStore, codes_key: str, counts_key: str, codes_per_pool: int, now: dt.datetime) -> Published:
    """Bring both documents up to the rows. Raises MirrorUnavailable, DocumentBroken (nothing was written then), MirrorConflict after many lost races."""
    for look in range(1, MAX_LOOKS + 1):
        found = store.get(codes_key)
        publication, body = plan_publication(found=found, codes_per_pool=codes_per_pool, now=now)
        if body is None:
            _publish_counts(store, counts_key)
            return Published(revision=publication.revision, wrote=False, looks=look)
        try:
            etag = store.put(codes_key, body, if_match=found.etag if found else None)
        except MirrorConflict:
            continue
        Publication.objects.filter(pk=publication.pk).update(put_at=now, etag=etag)
        _publish_counts(store, counts_key)
        _forget_old_publications(publication.revision)
        return Published(publication.revision, True, look, publication.foreign_added, publication.foreign_removed)
    raise MirrorConflict(f"{codes_key}: lost {MAX_LOOKS} races in a row")


def plan_publication(
    *, found: StoredDocument | None, codes_per_pool: int, now: dt.datetime
) -> tuple[Publication, bytes | None]:
    """Take in what others did and commit the next revision, in one transaction. The body is None where the document is already what it should be."""
    document = rendering.read_codes_document(found.body) if found else rendering.Document(listed={})
    with transaction.atomic():
        _one_planner_at_a_time()
        base = _base_of(document)
        added = removed = 0
        if found is not None:
            difference = rendering.compare(base.listed_amounts if base else {}, document.listed)
            removed = sum(_take_removal(code, now=now) for _amount, code in difference.gone)
            added = sum(_take_addition(amount, code, now=now) for amount, code in difference.new)
        listed = list_codes(codes_per_pool=codes_per_pool)
        newest = Publication.objects.order_by("-revision").first()
        unchanged = not added and not removed and document.listed == listed
        if found is not None and newest is not None and document.revision == newest.revision and unchanged:
            return newest, None
        revision = max(Publication.objects.aggregate(n=Max("revision"))["n"] or 0, document.revision or 0) + 1
        publication = Publication.objects.create(
            revision=revision,
            digest=rendering.digest(listed),
            listed={str(amount): codes for amount, codes in listed.items()},
            planned_at=now,
            foreign_added=added,
            foreign_removed=removed,
        )
    return publication, rendering.render_codes(listed, revision=revision, metadata=document.metadata)


def _one_planner_at_a_time() -> None:
    # Revisions are gap-tolerant but never equal: planning is short and has no network in it, so one lock serialises it.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(72065)")


@dataclass(frozen=True, slots=True)
class _Base:
    listed_amounts: dict[int, list[str]]


def _base_of(document: rendering.Document) -> _Base | None:
    """The publication that the document goes back to. Without a marker (somebody rewrote it) the newest written one, so a missing code counts as taken."""
    base = Publication.objects.filter(revision=document.revision).first() if document.revision else None
    if base is None:
        base = Publication.objects.order_by("-revision").first()
    return _Base({int(amount): list(codes) for amount, codes in base.listed.items()}) if base else None


def _take_removal(code: str, *, now: dt.datetime) -> bool:
    """Somebody took a code out of the document: it may be in a customer's hands, so it is never handed out again by us."""
    known = Code.objects.filter(code=code).first()
    if known is None:
        return False
    if move_code(
        code_id=known.pk,
        to=CodeState.WITHDRAWN,
        actor=ACTOR,
        reason="taken from the document by another writer",
        now=now,
        only_from=[CodeState.AVAILABLE],
    ):
        return True
    told = {"code": known, "reason": TAKEN_TWICE}
    if known.state == CodeState.ISSUED and not CodeEvent.objects.filter(**told).exists():
        logger.error("a code that was handed out here was taken from the document as well: code %s", known.pk)
        counting.count("alarm.code_taken_twice", now=now)
        CodeEvent.objects.create(from_state=known.state, to_state=known.state, actor=ACTOR, at=now, **told)
        return True
    return False


def _take_addition(amount: int, code: str, *, now: dt.datetime) -> bool:
    """Somebody put a string in. One that we know stays what it is; one that we do not is foreign and the pool's setting decides."""
    if not code or len(code) > MAX_CODE_LENGTH or "\x00" in code or Code.objects.filter(code=code).exists():
        return False
    # An amount that nobody here set up: its codes are kept in view, but only a person puts the pool to use.
    pool, _created = Pool.objects.get_or_create(amount_uah=amount, defaults={"adopt": Adopt.ASK, "is_active": False})
    adopts = pool.adopt == Adopt.TRUST and pool.is_active
    reason = "put into the document by another writer"
    lot = Lot.objects.create(source=LotSource.DOCUMENT, actor=ACTOR, created_at=now) if adopts else None
    state = CodeState.AVAILABLE if adopts else CodeState.FOREIGN
    made = Code.objects.create(
        code=code, pool=pool, lot=lot, state=state, place=place_at(now), changed_at=now, created_at=now, reason=reason
    )
    CodeEvent.objects.create(code=made, to_state=state, actor=ACTOR, reason=reason, at=now)
    return True


def list_codes(*, codes_per_pool: int) -> dict[int, list[str]]:
    """What the document lists: of every pool in use the oldest available codes, in the order in which they will be handed out."""
    listed: dict[int, list[str]] = {
        amount: [] for amount in Pool.objects.filter(is_active=True).values_list("amount_uah", flat=True)
    }
    oldest = (
        Code.objects.filter(state=CodeState.AVAILABLE, pool__is_active=True)
        .annotate(nth=Window(RowNumber(), partition_by=[F("pool_id")], order_by=[F("place"), F("id")]))
        .filter(nth__lte=codes_per_pool)
        .order_by("pool__amount_uah", "place", "id")
    )
    for amount, code in oldest.values_list("pool__amount_uah", "code"):
        listed[amount].append(code)
    return listed


def count_issued() -> dict[int, int]:
    """Issues per amount since the pool's last successful refill was started. One query, which for each pool reads only the end of its journal."""
    refills = ReplenishRun.objects.filter(pool=OuterRef("pk"), state="succeeded", kind=RunKind.REFILL)
    newest = refills.order_by().values("pool").annotate(at=Max("leased_at")).values("at")
    issues = Issue.objects.filter(pool=OuterRef("pk"), issued_at__gt=Coalesce(OuterRef("since"), _LONG_AGO))
    counted = issues.order_by().values("pool").annotate(n=Count("pk")).values("n")
    pools = Pool.objects.annotate(since=Subquery(newest)).annotate(n=Subquery(counted)).filter(n__gt=0)
    return dict(pools.values_list("amount_uah", "n"))


def _publish_counts(store: MirrorStore, key: str) -> None:
    """The counts are ours alone: nobody else's change is in them, so what is there is replaced whenever it differs."""
    body = rendering.render_counts(count_issued())
    for _attempt in range(MAX_LOOKS):
        found = store.get(key)
        if found is not None and found.body == body:
            return
        try:
            store.put(key, body, if_match=found.etag if found else None)
        except MirrorConflict:
            continue
        return


def _forget_old_publications(revision: int) -> None:
    Publication.objects.filter(revision__lte=revision - KEPT_PUBLICATIONS).delete()


def is_behind(*, codes_per_pool: int) -> bool:
    """Whether the rows say something else than the newest written publication."""
    newest = Publication.objects.exclude(put_at=None).order_by("-revision").values_list("digest", flat=True).first()
    return newest != rendering.digest(list_codes(codes_per_pool=codes_per_pool))
