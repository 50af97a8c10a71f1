"""Running the panel: `serve(state)` in a thread for tests, and the command line for `make run`."""

import argparse
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.panel.app import create_panel
from demo.panel.samples import SAMPLE_CODES
from demo.panel.state import DEMO_PASSWORD, DEMO_USERNAME, PanelState
from demo.serving import Build, serve_in_a_thread, serve_until_stopped


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


class _Patience(threading.Event):
    """`stopping`, but whoever waits for it goes on as well when somebody turns a switch: a delay that was switched off is over at once."""

    def __init__(self, state: PanelState, stopping: threading.Event) -> None:
        super().__init__()
        self._state, self._stopping = state, stopping

    def is_set(self) -> bool:
        return self._stopping.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        turn, until = self._state.turn, time.monotonic() + (timeout or 0.0)
        while self._state.turn == turn and (left := until - time.monotonic()) > 0:
            if self._stopping.wait(min(left, 0.05)):
                break
        return self.is_set()


def _app_of(state: PanelState) -> Build:
    return lambda stopping: create_panel(state, stopping=_Patience(state, stopping))


@contextmanager
def serve(state: PanelState, port: int = 0, *, host: str = "127.0.0.1") -> Iterator[RunningPanel]:
    """Serve the panel from a thread of this process; port 0 takes a free one. Raises OSError when the port is taken."""
    with serve_in_a_thread(_app_of(state), host=host, port=port, name="panel") as taken:
        yield RunningPanel(f"http://{host}:{taken}", taken, state)


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

    def greeting(port: int) -> str:
        return f"store panel: http://{chosen.host}:{port}/edit/  switches: /_demo/"

    return serve_until_stopped(_app_of(state), host=chosen.host, port=chosen.port, greeting=greeting)
