"""What belongs to the request (or task) being served: its id and the caller's address. Set by the middleware and by tasks, read by logs."""

from __future__ import annotations

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
caller_address: ContextVar[str] = ContextVar("caller_address", default="")
