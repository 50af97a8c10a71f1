"""Running the CRM: `serve(state)` in a thread for tests, and the command line for `make run`."""

import argparse
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from demo.crm.app import create_crm
from demo.crm.samples import BUYERS, DEMO_TOKEN
from demo.crm.state import CrmState
from demo.crm.webhooks import Sender


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


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        return None


class _Brief(_Quiet):
    """One short line for each call that means something, without its query: that may hold a phone."""

    def log_request(self, code: int | str = "-", *_: Any) -> None:
        if not self.path.startswith(("/crm-static/", "/board")):
            sys.stdout.write(f"{self.command} {self.path.split('?')[0]} {code}\n")
            sys.stdout.flush()


def _server(
    state: CrmState, host: str, port: int, stopping: threading.Event, log: type[WSGIRequestHandler]
) -> BaseWSGIServer:
    # The socket is bound here because werkzeug ends the whole process when a port is taken; this raises OSError.
    with socket.create_server((host, port), backlog=64) as bound:
        app = create_crm(state, stopping=stopping)
        return make_server(host, bound.getsockname()[1], app, threaded=True, request_handler=log, fd=bound.fileno())


@contextmanager
def serve(state: CrmState, port: int = 0, *, host: str = "127.0.0.1", webhook_url: str = "") -> Iterator[RunningCrm]:
    """Serve the CRM from a thread of this process; port 0 takes a free one. Raises OSError when the port is taken."""
    stopping = threading.Event()
    server = _server(state, host, port, stopping, _Quiet)
    threads: list[threading.Thread] = [
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="crm", daemon=True)
    ]
    if webhook_url:
        threads.append(Sender(state, webhook_url, stopping=stopping))
    for thread in threads:
        thread.start()
    try:
        yield RunningCrm(f"http://{host}:{server.port}", server.port, state)
    finally:
        stopping.set()
        server.shutdown()
        for thread in threads:
            thread.join(timeout=10)
        server.server_close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. The key and the webhook's address come from the environment, where a list of processes does not show them."""
    parser = argparse.ArgumentParser(prog="python -m demo.crm", description="The simulated CRM.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8802)
    parser.add_argument("--state", type=Path, help="JSON file that keeps buyers and orders between runs")
    parser.add_argument("--samples", action="store_true", help="put some invented buyers into an empty CRM")
    chosen = parser.parse_args(arguments)
    token = os.environ.get("KEYCRM_API_TOKEN") or DEMO_TOKEN
    webhook_url = os.environ.get("DEMO_CRM_WEBHOOK_URL", "")
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
    stopping = threading.Event()
    try:
        server = _server(state, chosen.host, chosen.port, stopping, _Brief)
    except OSError:
        sys.stderr.write(f"port {chosen.port} on {chosen.host} is taken: choose another one with --port\n")
        return 2

    def stop(*_: object) -> None:
        stopping.set()
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if webhook_url:
        Sender(state, webhook_url, stopping=stopping).start()
    sys.stdout.write(f"CRM: http://{chosen.host}:{server.port}/  switches: /_demo/\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.2)
    server.server_close()
    return 0
