"""One call: wait for a turn, send, read, and repeat by kind of error. Knows HTTP and nothing of buyers or orders.

| what happened | a read (GET) | a write of absolute values (PUT) | a POST |
|---|---|---|---|
| nothing was sent (no connection) | repeated | repeated | repeated |
| 429 | repeated after the time named | the same | the same: it was refused before it was looked at |
| 5xx, or no usable answer | repeated | repeated; if it stays so, OutcomeUnknown | OutcomeUnknown at once: its caller looks first |
| 400, 401, 403, 404, 422 | raised at once | raised at once | raised at once |
Waiting and repeating end with the caller's patience: a page that a person waits for gives up in seconds, a task in minutes.
"""

from __future__ import annotations

import json
import logging
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keycrm.client.answers import RawAnswer, read_answer
from keycrm.errors import CrmTemporary, CrmUnavailable, OutcomeUnknown, RateLimited
from keycrm.ports import Line

if TYPE_CHECKING:
    import requests

logger = logging.getLogger(__name__)
MAX_ATTEMPTS = 4
MAX_ANSWER_BYTES = 8 * 1024 * 1024
Params = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Of one attempt. `read_seconds` is between two pieces of an answer, `whole_seconds` bounds an answer that trickles."""

    connect_seconds: float = 3.05
    read_seconds: float = 12.0
    whole_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Sends calls of one client. `urgent`: a person waits, so it goes ahead of background work and gives up sooner."""

    base_url: str
    token: str
    session: requests.Session
    line: Line
    urgent: bool
    patience_seconds: float
    timeouts: Timeouts
    sleep: Callable[[float], None]
    clock: Callable[[], float]

    def __repr__(self) -> str:  # the generated one would show the key
        return f"<Caller of {self.base_url}>"

    def call(self, method: str, path: str, *, params: Params = (), body: Any = None) -> Any:
        """The answer's JSON. Raises CrmError. `path` holds no personal data; `params` and `body` may, so they are never logged."""
        deadline = self.clock() + self.patience_seconds
        correlation = uuid.uuid4().hex
        doubt: OutcomeUnknown | None = None
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                # It waits as long as is worth it; what it refuses is not asked again here.
                self.line.take_turn(urgent=self.urgent, within_seconds=max(deadline - self.clock(), 0.0))
            except CrmTemporary as error:
                raise (doubt or error) from error
            try:
                return self._send(method, path, params, body, correlation)
            except CrmTemporary as error:
                if isinstance(error, OutcomeUnknown):
                    doubt = error
                wait = _wait_before_repeating(error, attempt)
                if (
                    (isinstance(error, OutcomeUnknown) and method == "POST")
                    or attempt == MAX_ATTEMPTS
                    or self.clock() + wait > deadline
                ):
                    # An earlier attempt may have been carried out even if the last one was plainly refused.
                    raise (doubt or error) from error
                logger.info("CRM: %s %s (%s), attempt %d again in %.1f s", method, path, error, attempt, wait)
                self.sleep(wait)
        raise AssertionError("the loop above returns or raises")

    def _send(self, method: str, path: str, params: Params, body: Any, correlation: str) -> Any:
        is_write = method != "GET"
        started = time.monotonic()
        try:
            raw = self._exchange(method, path, params, body, correlation)
        except CrmTemporary as error:
            self.line.saw_no_answer(error.detail)
            if is_write and not isinstance(error, _NothingSent):
                raise OutcomeUnknown(error.detail) from error
            raise
        logger.debug("CRM: %s %s answered %d in %.2f s", method, path, raw.status, time.monotonic() - started)
        if raw.status >= 500:
            self.line.saw_no_answer(str(raw.status))
        else:
            self.line.saw_answer()
        try:
            return read_answer(raw, is_write=is_write)
        except RateLimited as error:
            self.line.saw_limit(wait_seconds=error.retry_after_seconds or 0.0)
            raise

    def _exchange(self, method: str, path: str, params: Params, body: Any, correlation: str) -> RawAnswer:
        import requests  # heavy, and off the web path

        headers = {"Accept": "application/json", "X-Correlation-ID": correlation}
        payload = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            payload = json.dumps(body, ensure_ascii=False).encode()
        ends_at = time.monotonic() + self.timeouts.whole_seconds
        try:
            response = self.session.request(
                method,
                self.base_url + path,
                params=list(params),
                data=payload,
                headers=headers,
                # Not a header: requests would replace one by what it finds in a .netrc.
                auth=self._sign,
                timeout=(self.timeouts.connect_seconds, self.timeouts.read_seconds),
                allow_redirects=False,
                stream=True,
            )
            with response:
                content = bytearray()
                for piece in response.iter_content(65_536):
                    content += piece
                    if len(content) > MAX_ANSWER_BYTES:
                        raise CrmUnavailable("the answer is too large")
                    if time.monotonic() > ends_at:
                        raise CrmUnavailable("the answer trickles")
                return RawAnswer(response.status_code, response.headers, bytes(content))
        except requests.RequestException as error:
            kind = _NothingSent if _was_nothing_sent(error) else CrmUnavailable
            # The exception's own text holds the address with its query: phones.
            raise kind(type(error).__name__) from None

    def _sign(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers["Authorization"] = f"Bearer {self.token}"
        return prepared


class _NothingSent(CrmUnavailable):
    """The connection was never made, so a write cannot have been done."""


def _was_nothing_sent(error: BaseException) -> bool:
    import requests
    from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, SSLError

    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)):
        return True
    inner = error.args[0] if error.args else None
    reason = inner.reason if isinstance(inner, MaxRetryError) else inner
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError, SSLError))


def _wait_before_repeating(error: CrmTemporary, attempt: int) -> float:
    """What the CRM named, else half a second, doubled each time; a little scattered, so that processes do not come back together."""
    if error.retry_after_seconds is not None:
        return error.retry_after_seconds + random.uniform(0.1, 0.6)
    return float(0.5 * 2 ** (attempt - 1) * random.uniform(0.8, 1.2))
