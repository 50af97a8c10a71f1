"""When rows and document differ: show how, and mend it in the direction that a person chooses, after a preview.

The periodic publication mends what it understands by itself. What is left are documents that cannot be read, and lists that a person knows to be right.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput
from promo import rendering
from promo.errors import MirrorConflict
from promo.models import Code, CodeEvent, CodeState, Lot, Pool, Publication
from promo.models.codes import Adopt, LotSource
from promo.policy import MAX_CODE_LENGTH
from promo.ports import MirrorStore
from promo.services import mirroring
from promo.services.moving import move_code, place_at


@dataclass(frozen=True, slots=True)
class AmountDrift:
    """One amount: codes that only our listing has, and codes that only the document has."""

    amount_uah: int
    only_in_rows: list[str]
    only_in_document: list[str]


@dataclass(frozen=True, slots=True)
class Drift:
    """How the document differs from what our rows would list. `trouble` is why it cannot be read, or empty."""

    amounts: list[AmountDrift]
    trouble: str
    is_missing: bool
    document_revision: int | None
    newest_revision: int | None
    counts_differ: bool
    ignored_keys: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not (self.amounts or self.trouble or self.is_missing or self.counts_differ)


def find_drift(*, store: MirrorStore, codes_key: str, counts_key: str, codes_per_pool: int) -> Drift:
    """Compare rows and document without changing either. Raises MirrorUnavailable."""
    found, counts = store.get(codes_key), store.get(counts_key)
    trouble, document = "", rendering.Document(listed={})
    if found is not None:
        try:
            document = rendering.read_codes_document(found.body)
        except rendering.DocumentBroken as error:
            trouble = str(error)
    ours = mirroring.list_codes(codes_per_pool=codes_per_pool)
    amounts = [] if trouble or found is None else _compare(ours, document.listed)
    return Drift(
        amounts=amounts,
        trouble=trouble,
        is_missing=found is None,
        document_revision=document.revision,
        newest_revision=Publication.objects.order_by("-revision").values_list("revision", flat=True).first(),
        counts_differ=(counts.body if counts else b"") != rendering.render_counts(mirroring.count_issued()),
        ignored_keys=document.ignored_keys,
    )


def _compare(ours: dict[int, list[str]], theirs: dict[int, list[str]]) -> list[AmountDrift]:
    drift = []
    for amount in sorted({*ours, *theirs}):
        mine, other = set(ours.get(amount, [])), set(theirs.get(amount, []))
        if mine != other:
            drift.append(AmountDrift(amount, sorted(mine - other), sorted(other - mine)))
    return drift


def rebuild_document(
    *, store: MirrorStore, codes_key: str, codes_per_pool: int, actor: str, reason: str, now: dt.datetime
) -> int:
    """Rows → document: replace whatever is there, unread, with what our rows list. Returns the revision.

    For a document that cannot be read. What it said is lost to the portal (the bucket's versions keep it), so a person gives a reason.
    Raises BadInput, MirrorConflict, MirrorUnavailable.
    """
    _require(reason)
    found = store.get(codes_key)
    publication, body = mirroring.plan_publication(found=None, codes_per_pool=codes_per_pool, now=now)
    if body is None:  # a first look always plans
        raise MirrorConflict(codes_key)
    etag = store.put(codes_key, body, if_match=found.etag if found else None)
    Publication.objects.filter(pk=publication.pk).update(put_at=now, etag=etag, actor=actor, reason=reason[:300])
    return publication.revision


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What rebuilding pools from the document did, or would do."""

    added: int
    adopted: int
    withdrawn: int
    refused: list[str]


def rebuild_pools(
    *, store: MirrorStore, codes_key: str, actor: str, reason: str, now: dt.datetime, dry_run: bool = False
) -> Rebuilt:
    """Document → rows: the document is right. Codes it has and we do not are taken in; available codes it does not have are withdrawn.

    A string that was ever handed out, redeemed, withdrawn or void here stays what it is, and is told as refused. Only what a publication once listed can be
    missing from the document: what lies behind the listing limit is not. Raises BadInput, DocumentBroken, MirrorUnavailable.
    """
    _require(reason)
    found = store.get(codes_key)
    if found is None:
        raise BadInput(_("There is no document to rebuild from."), code="document_missing")
    document = rendering.read_codes_document(found.body)
    base = Publication.objects.filter(revision=document.revision).first() if document.revision else None
    with transaction.atomic():
        rebuilt = _rebuild(document, base, actor=actor, reason=reason, now=now)
        if dry_run:
            transaction.set_rollback(True)
    return rebuilt


def _rebuild(
    document: rendering.Document, base: Publication | None, *, actor: str, reason: str, now: dt.datetime
) -> Rebuilt:
    added = adopted = withdrawn = 0
    refused: list[str] = []
    lot = Lot.objects.create(
        source=LotSource.DOCUMENT, actor=actor, reason=reason[:300], created_at=now, name="available_codes.json"
    )
    for amount, codes in sorted(document.listed.items()):
        pool, _created = Pool.objects.get_or_create(amount_uah=amount, defaults={"adopt": Adopt.ASK})
        listed_before = set((base.listed if base else {}).get(str(amount), []))
        for place, string in enumerate(codes):
            known = Code.objects.filter(code=string).select_related("pool").first()
            if known is None and _is_acceptable(string):
                _take_in(string, pool=pool, lot=lot, place=place, actor=actor, reason=reason, now=now)
                added += 1
            elif known is not None and known.state == CodeState.FOREIGN and known.pool_id == pool.pk:
                adopted += move_code(
                    code_id=known.pk, to=CodeState.AVAILABLE, actor=actor, reason=reason, now=now, lot=lot
                )
            elif known is None or known.pool_id != pool.pk or known.state != CodeState.AVAILABLE:
                refused.append(string)
        # Only what the document once listed can be missing from it; without a base everything can.
        present = set(codes)
        for code in pool.codes.filter(state=CodeState.AVAILABLE).exclude(lot=lot):
            if code.code not in present and (base is None or code.code in listed_before):
                withdrawn += move_code(
                    code_id=code.pk,
                    to=CodeState.WITHDRAWN,
                    actor=actor,
                    reason=reason,
                    now=now,
                    only_from=["available"],
                )
    return Rebuilt(added=added, adopted=adopted, withdrawn=withdrawn, refused=refused)


def _is_acceptable(string: str) -> bool:
    return 0 < len(string) <= MAX_CODE_LENGTH and "\x00" not in string


def _take_in(string: str, *, pool: Pool, lot: Lot, place: int, actor: str, reason: str, now: dt.datetime) -> None:
    code = Code.objects.create(
        code=string, pool=pool, lot=lot, state=CodeState.AVAILABLE, place=place_at(now) + place, changed_at=now,
        created_at=now, reason=reason[:300],
    )  # fmt: skip
    CodeEvent.objects.create(code=code, to_state=CodeState.AVAILABLE, actor=actor, reason=reason[:300], at=now)


def _require(reason: str) -> None:
    if not reason.strip():
        raise BadInput(_("Say why: a reason is required."), code="reason_missing")
