"""Running the CRM: `serve(state)` in a thread for tests, and the command line for `make run`."""

import argparse
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from demo.crm.app import create_crm
from demo.crm.samples import BUYERS, DEMO_TOKEN
from demo.crm.state import CrmState
from demo.crm.webhooks import Sender
from demo.serving import serve_in_a_thread, serve_until_stopped


@dataclass(frozen=True)
class RunningCrm:
    """A CRM that answers until its `serve` block is left."""

    url: str
    port: int
    state: CrmState

    @property
    def base_url(self) -> str:
        """What KEYCRM_BASE_URL is set to."""
        return f"{self.url}/v1"


@contextmanager
def serve(state: CrmState, port: int = 0, *, host: str = "127.0.0.1", webhook_url: str = "") -> Iterator[RunningCrm]:
    """Serve the CRM, and send its webhooks when it knows where to, from threads of this process.

    Port 0 takes a free one. Raises OSError when the port is taken.
    """

    def build(stopping: threading.Event) -> Flask:
        return create_crm(state, stopping=stopping)

    with sent_webhooks(state, webhook_url), serve_in_a_thread(build, host=host, port=port, name="crm") as taken:
        yield RunningCrm(f"http://{host}:{taken}", taken, state)


@contextmanager
def sent_webhooks(state: CrmState, url: str) -> Iterator[None]:
    """Webhooks go out while the block runs."""
    stopping = threading.Event()
    sender = Sender(state, url, stopping=stopping)
    if url:
        sender.start()
    try:
        yield
    finally:
        stopping.set()
        if url:
            sender.join(timeout=10)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. The key and the webhook's address come from the environment, where a list of processes does not show them."""
    parser = argparse.ArgumentParser(prog="python -m demo.crm", description="The simulated CRM.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8804)
    parser.add_argument("--state", type=Path, help="JSON file that keeps buyers and orders between runs")
    parser.add_argument("--samples", action="store_true", help="put some invented buyers into an empty CRM")
    chosen = parser.parse_args(arguments)
    token = os.environ.get("KEYCRM_API_TOKEN") or DEMO_TOKEN
    if chosen.state is not None:
        chosen.state.parent.mkdir(parents=True, exist_ok=True)
    try:
        state = CrmState(chosen.state, token=token)
    except (ValueError, KeyError, TypeError) as broken:
        sys.stderr.write(f"{chosen.state} is not a state file of this CRM ({broken}): remove it to start afresh\n")
        return 2
    if chosen.samples and not state.all("buyers"):
        for one in BUYERS:
            state.create_buyer(
                str(one["full_name"]), phones=[str(one["phone"])], emails=[one["email"]] if one["email"] else []
            )
    with sent_webhooks(state, os.environ.get("DEMO_CRM_WEBHOOK_URL", "")):
        return serve_until_stopped(
            lambda stopping: create_crm(state, stopping=stopping),
            host=chosen.host,
            port=chosen.port,
            greeting=lambda port: f"CRM: http://{chosen.host}:{port}/  switches: /_demo/",
        )
