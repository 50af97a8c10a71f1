"""Errors that an edge may show, drawn as a tree. Every one carries a machine word, a status and a sentence.

    PortalError
    ├── BadInput          400   what was sent cannot be understood (413, 422 by status=)
    ├── Unauthorised      401
    ├── Forbidden         403
    ├── NotFound          404
    ├── Conflict          409   understood, but not in this state
    ├── TooMany           429   carries retry_after_seconds
    └── Unavailable       503   nothing changed, try again
Apps subclass these in their own errors.py. The sentence is translated when it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise


class PortalError(Exception):
    """`code` is stable and for machines; `message` is a (lazily translated) sentence for people; `details` are extra JSON fields of the answer."""

    status = 400
    code = "error"

    def __init__(
        self,
        message: str | Promise,
        *,
        code: str | None = None,
        status: int | None = None,
        retry_after_seconds: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.status = status or self.status
        self.retry_after_seconds = retry_after_seconds
        self.details = dict(details or {})

    def __str__(self) -> str:
        return str(self.message)


class BadInput(PortalError):
    status = 400
    code = "invalid"


class Unauthorised(PortalError):
    status = 401
    code = "unauthorised"


class Forbidden(PortalError):
    status = 403
    code = "forbidden"


class NotFound(PortalError):
    status = 404
    code = "not_found"


class Conflict(PortalError):
    status = 409
    code = "conflict"


class TooMany(PortalError):
    status = 429
    code = "rate_limited"


class Unavailable(PortalError):
    status = 503
    code = "temporarily_unavailable"
