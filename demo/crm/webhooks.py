"""Posting webhooks: no signature, at most three attempts until the answer is 200."""

import json
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence

from demo.crm.rows import Row
from demo.crm.state import CrmState

PAUSES_SECONDS = (0.0, 1.0, 4.0)
TIMEOUT_SECONDS = 5.0


def post(url: str, body: Row) -> int:
    """The status of the answer, 0 where there was none."""
    asked = urllib.request.Request(  # noqa: S310  # the address is our own argument
        url,
        data=json.dumps(body, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(asked, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


class Sender(threading.Thread):
    """Posts what the state has, one after another, until `stopping` is set."""

    def __init__(
        self,
        state: CrmState,
        url: str,
        *,
        stopping: threading.Event,
        send: Callable[[str, Row], int] = post,
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
        say: Callable[[str], object] = sys.stdout.write,
    ) -> None:
        super().__init__(name="crm webhooks", daemon=True)
        self._state, self._url, self._stopping = state, url, stopping
        self._send, self._pauses, self._say = send, pauses_seconds, say

    def run(self) -> None:
        while not self._stopping.is_set():
            if not self._state.has_events.wait(0.2):
                continue
            if self._state.switches.webhook_disorder:
                self._stopping.wait(1.5)  # another may come, to be sent before this one
            for body in self._state.take_webhooks():
                self.deliver(body)

    def deliver(self, body: Row) -> bool:
        status = 0
        for pause in self._pauses:
            if self._stopping.wait(pause):
                return False
            status = self._send(self._url, body)
            if status == 200:
                return True
        # The address holds a secret and is not written.
        self._say(f"webhook {body['event']} {body['context']['id']} was not taken (last answer {status or 'none'})\n")
        return False
