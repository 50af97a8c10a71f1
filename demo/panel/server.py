"""Running the panel: `serve(state)` in a thread for tests, and the command line for `make run`."""

import argparse
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from demo.panel.app import create_panel
from demo.panel.samples import SAMPLE_CODES
from demo.panel.state import DEMO_PASSWORD, DEMO_USERNAME, PanelState


@dataclass(frozen=True)
class RunningPanel:
    """A panel that answers at `url` (no slash at the end) until its `serve` block is left."""

    url: str
    port: int
    state: PanelState

    @property
    def login_url(self) -> str:
        return f"{self.url}/edit/"

    @property
    def codes_url(self) -> str:
        return f"{self.url}/edit/discounts/codes"


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        return None


class _Brief(_Quiet):
    """One short line for each request that means something; none for styles and scripts."""

    def log_request(self, code: int | str = "-", *_: Any) -> None:
        if not self.path.startswith("/panel-static/"):
            sys.stdout.write(f"{self.command} {self.path.split('?')[0]} {code}\n")
            sys.stdout.flush()


class _Patience(threading.Event):
    """Set when the server stops. Whoever waits for it goes on as well when somebody turns a switch: a delay that was switched off is over at once."""

    def __init__(self, state: PanelState) -> None:
        super().__init__()
        self._state = state

    def wait(self, timeout: float | None = None) -> bool:
        turn, until = self._state.turn, time.monotonic() + (timeout or 0.0)
        while self._state.turn == turn and (left := until - time.monotonic()) > 0:
            if super().wait(min(left, 0.05)):
                break
        return self.is_set()


def _server(
    state: PanelState, host: str, port: int, stopping: threading.Event, log: type[WSGIRequestHandler]
) -> BaseWSGIServer:
    # The socket is bound here because werkzeug ends the whole process when a port is taken; this raises OSError.
    with socket.create_server((host, port), backlog=64) as bound:
        app = create_panel(state, stopping=stopping)
        return make_server(host, bound.getsockname()[1], app, threaded=True, request_handler=log, fd=bound.fileno())


@contextmanager
def serve(state: PanelState, port: int = 0, *, host: str = "127.0.0.1") -> Iterator[RunningPanel]:
    """Serve the panel from a thread of this process; port 0 takes a free one. Raises OSError when the port is taken."""
    stopping = _Patience(state)
    server = _server(state, host, port, stopping, _Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="panel", daemon=True)
    thread.start()
    try:
        yield RunningPanel(f"http://{host}:{server.port}", server.port, state)
    finally:
        stopping.set()
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 2 when the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m demo.panel", description="The simulated store admin panel.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8801)
    parser.add_argument("--state", type=Path, help="JSON file that keeps the codes between runs")
    parser.add_argument("--username", default=DEMO_USERNAME)
    parser.add_argument("--password", default=DEMO_PASSWORD)
    parser.add_argument("--samples", action="store_true", help="put some sample codes into an empty panel")
    chosen = parser.parse_args(arguments)
    if chosen.state is not None:
        chosen.state.parent.mkdir(parents=True, exist_ok=True)
    try:
        state = PanelState(chosen.state, username=chosen.username, password=chosen.password)
    except (ValueError, KeyError, TypeError) as broken:
        sys.stderr.write(f"{chosen.state} is not a state file of this panel ({broken}): remove it to start afresh\n")
        return 2
    if chosen.samples and not state.codes():
        for row in SAMPLE_CODES:
            state.add_code(**row)
    stopping = _Patience(state)
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
    sys.stdout.write(f"store panel: http://{chosen.host}:{server.port}/edit/  switches: /_demo/\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.2)
    server.server_close()
    return 0
