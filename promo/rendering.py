"""The mirror's documents as pure functions: rows → bytes, bytes → what they list. Byte-stable, and readable by the predecessor's readers.

Old readers take every key but `_metadata` for an amount, and count with int(): so keys are decimal amounts, and the counts document has nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_AMOUNT_KEY = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)
REVISION_KEY = "portal_revision"


class DocumentBroken(ValueError):
    """The document in the bucket cannot be read as what it should be. The sentence says why."""


@dataclass(frozen=True, slots=True)
class Document:
    """available_codes.json, read: what it lists, everybody's metadata, and the revision of ours that it goes back to (None: never ours)."""

    listed: dict[int, list[str]]
    metadata: dict[str, Any] = field(default_factory=dict)
    revision: int | None = None
    ignored_keys: tuple[str, ...] = ()


def render_codes(listed: Mapping[int, Sequence[str]], *, revision: int, metadata: Mapping[str, Any]) -> bytes:
    """The codes document. Other people's metadata keys are kept as they are."""
    document: dict[str, Any] = {str(amount): list(listed[amount]) for amount in sorted(listed)}
    document["_metadata"] = {
        **{key: metadata[key] for key in sorted(metadata) if key != REVISION_KEY},
        REVISION_KEY: revision,
    }
    return _bytes(document)


def render_counts(counts: Mapping[int, int]) -> bytes:
    """The counts document: numeric keys only, any other breaks old readers."""
    return _bytes({str(amount): counts[amount] for amount in sorted(counts) if counts[amount] > 0})


def _bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


def read_codes_document(body: bytes) -> Document:
    """Raises DocumentBroken."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DocumentBroken(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise DocumentBroken("not an object")
    listed: dict[int, list[str]] = {}
    ignored: list[str] = []
    for key, value in document.items():
        if key.startswith("_"):
            continue
        if (
            not _AMOUNT_KEY.fullmatch(key)
            or not isinstance(value, list)
            or not all(isinstance(code, str) for code in value)
        ):
            ignored.append(key[:40])
            continue
        listed[int(key)] = [code.strip().upper() for code in value]
    metadata = document.get("_metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    revision = metadata.get(REVISION_KEY)
    return Document(
        listed=listed,
        metadata={key: value for key, value in metadata.items() if key != REVISION_KEY},
        revision=revision if isinstance(revision, int) and not isinstance(revision, bool) and revision > 0 else None,
        ignored_keys=tuple(ignored),
    )


def digest(listed: Mapping[int, Sequence[str]]) -> str:
    """Tells whether two listings are the same, whatever revision and metadata surround them."""
    canonical = json.dumps({str(amount): list(listed[amount]) for amount in sorted(listed)}, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Difference:
    """What others did to the document since the base: (amount, code) pairs."""

    gone: tuple[tuple[int, str], ...]
    new: tuple[tuple[int, str], ...]


def compare(base: Mapping[int, Sequence[str]], found: Mapping[int, Sequence[str]]) -> Difference:
    """The two outer legs of the three-way look. A code that moved to another amount is gone there and new here."""
    before = {(amount, code) for amount, codes in base.items() for code in codes}
    now = {(amount, code) for amount, codes in found.items() for code in codes}
    return Difference(gone=tuple(sorted(before - now)), new=tuple(sorted(now - before)))
