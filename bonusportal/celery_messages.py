"""Celery's messages as they lie in SQS, without Celery: what a nudge publishes there and what a function finds.

The layout is Celery's protocol 2 inside kombu's envelope, whole base64; a real Celery worker on the same queue could take over at any time, and
tests hold both directions against it. JSON only: a message is never unpickled.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class NotATaskMessage(ValueError):
    """What lies in the queue is not a task of Celery's protocol 2 in JSON. Says why; never shows the content."""


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """One task. `not_before` and `expires_at` are UTC; None where the sender set none."""

    task: str
    args: list[Any]
    kwargs: dict[str, Any]
    id: str
    not_before: dt.datetime | None = None
    expires_at: dt.datetime | None = None


def encode(task: str, args: Sequence[int | str], *, queue: str) -> str:
    """The body of an SQS message that asks for `task`. A delay is the queue's own business, so no ETA is set."""
    identity = str(uuid.uuid4())
    embedded = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    headers: dict[str, Any] = {
        "lang": "py",
        "task": task,
        "id": identity,
        "shadow": None,
        "eta": None,
        "expires": None,
        "group": None,
        "group_index": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": identity,
        "parent_id": None,
        "argsrepr": repr(tuple(args)),
        "kwargsrepr": "{}",
        "origin": "bonusportal",
        "ignore_result": True,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
    }
    envelope = {
        "body": _to_base64([list(args), {}, embedded]),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": {
            "correlation_id": identity,
            "reply_to": "",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }
    return _to_base64(envelope)


def decode(body: str) -> TaskMessage:
    """The task in an SQS message's body. Raises NotATaskMessage."""
    envelope = _object(_from_base64(body), "the envelope")
    if envelope.get("content-type") != "application/json":
        raise NotATaskMessage("its content is not JSON")
    headers = _object(envelope.get("headers"), "its headers")
    task = headers.get("task")
    if not (isinstance(task, str) and task):
        raise NotATaskMessage("it names no task")
    inside = envelope.get("body")
    match _from_base64(inside) if isinstance(inside, str) else None:
        case [list(args), dict(kwargs), *_]:
            pass
        case _:
            raise NotATaskMessage("its arguments are not a list and a mapping")
    return TaskMessage(
        task=task,
        args=args,
        kwargs=kwargs,
        id=str(headers.get("id") or ""),
        not_before=_moment(headers.get("eta")),
        expires_at=_moment(headers.get("expires")),
    )


def _to_base64(value: object) -> str:
    return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def _from_base64(text: str) -> object:
    try:
        return json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise NotATaskMessage("it is not JSON in base64") from None


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotATaskMessage(f"{what} is not an object")
    return value


def _moment(value: object) -> dt.datetime | None:
    if not value:
        return None
    try:
        moment = dt.datetime.fromisoformat(str(value))
    except ValueError:
        raise NotATaskMessage("one of its moments is not a date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
