"""Doing a thing once for one key, however often it is asked.

The record is inserted first, in the same transaction as the effect: whoever comes second waits for the first to commit and then finds its answer.
Only answers that had an effect are remembered; a refusal rolls the record back, so the same key may succeed later.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput, Conflict
from bonusportal.models import IdempotencyRecord
from bonusportal.sql import execute_planned, stamp

KEPT_DAYS = 7
_KEY = re.compile(r"[\x21-\x7e]{16,255}")
# The time-out is set before the row is inserted, and so before anybody else's is waited for.
_RECORD = (
    "INSERT INTO bonusportal_idempotencyrecord (scope, body, status, answer, created_at) SELECT %s, %s, 0, '{}', %s FROM {source} WHERE true "
    "ON CONFLICT (scope) DO NOTHING"
)
_RECORD_WAITING = _RECORD.replace("{source}", "set_config('lock_timeout', '5s', true)")
_RECORD_ALONE = _RECORD.replace("{source}", "(SELECT 1) one")
_ANSWER = "UPDATE bonusportal_idempotencyrecord SET status = 200, answer = %s WHERE scope = %s"
_SHORT_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, reduced to two digests: the scope (who asks where under which key) and the body."""

    scope: str
    body: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A remembered or fresh answer. `replayed` tells which."""

    payload: dict[str, Any]
    status: int = 200
    replayed: bool = False


def read_key(header: str | None, *, may_be_short: bool = False) -> str:
    """The Idempotency-Key header, or "" where there is none. Raises BadInput `idempotency_key_invalid`."""
    if header is None:
        return ""
    if not (_SHORT_KEY if may_be_short else _KEY).fullmatch(header):
        raise BadInput(
            _("An Idempotency-Key has 16 to 255 printable ASCII characters."), code="idempotency_key_invalid"
        )
    return header


def ask(*, method: str, path: str, caller: str, key: str, body: Any) -> Asked:
    """Digests of a call. `body` is anything JSON-ready; equal content gives an equal digest whatever its spelling was."""
    scope = hashlib.sha256("\n".join([method, path, caller, key]).encode()).hexdigest()
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Asked(scope=scope, body=hashlib.sha256(canonical.encode()).hexdigest())


def find_answer(asked: Asked) -> Answer | None:
    """The remembered answer. Raises Conflict 422 `idempotency_key_reused` when the key was used for something else."""
    record = IdempotencyRecord.objects.filter(scope=asked.scope).first()
    return None if record is None else _replay(record, asked)


def _replay(record: IdempotencyRecord, asked: Asked) -> Answer:
    if record.body != asked.body:
        raise Conflict(
            _("This Idempotency-Key was used for another request."), code="idempotency_key_reused", status=422
        )
    return Answer(payload=record.answer, status=record.status, replayed=True)


def do_once(asked: Asked, effect: Callable[[], dict[str, Any]], *, now: dt.datetime) -> Answer:
    """Run `effect` in one transaction with its record, or replay the record. `effect` returns the JSON-ready answer or raises.

    Raises Conflict 409 `in_progress` when a first call with this key runs longer than five seconds.
    """
    try:
        with transaction.atomic():
            record = _RECORD_WAITING if connection.vendor == "postgresql" else _RECORD_ALONE
            if not execute_planned(record, [asked.scope, asked.body, stamp(now)]):
                return _replay(IdempotencyRecord.objects.get(scope=asked.scope), asked)
            payload = effect()
            execute_planned(_ANSWER, [json.dumps(payload), asked.scope])
            return Answer(payload=payload)
    except OperationalError as error:
        if "lock timeout" in str(error):
            raise Conflict(
                _("The same request is still being worked on."), code="in_progress", retry_after_seconds=5
            ) from error
        raise
