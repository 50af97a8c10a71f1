"""Running the gateway: `serve(state)` in a thread for tests, and the command line for `make run`."""

import argparse
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask

from demo.serving import serve_in_a_thread, serve_until_stopped
from demo.sms.app import create_gateway
from demo.sms.state import DEMO_KEY, SmsState


@dataclass(frozen=True)
class RunningGateway:
    """A gateway that answers at `url` (no slash at the end) until its `serve` block is left."""

    url: str
    port: int
    state: SmsState

    @property
    def messages_url(self) -> str:
        """Where messages are posted."""
        return f"{self.url}/messages"


@contextmanager
def serve(state: SmsState, port: int = 0, *, host: str = "127.0.0.1") -> Iterator[RunningGateway]:
    """Serve the gateway from a thread of this process; port 0 takes a free one. Raises OSError when the port is taken."""

    def build(stopping: threading.Event) -> Flask:
        return create_gateway(state, stopping=stopping)

    with serve_in_a_thread(build, host=host, port=port, name="sms") as taken:
        yield RunningGateway(f"http://{host}:{taken}", taken, state)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 2 when the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m demo.sms", description="The simulated SMS gateway and its phones.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8803)
    parser.add_argument("--key", default=DEMO_KEY, help="the bearer key that it takes")
    chosen = parser.parse_args(arguments)
    state = SmsState(key=chosen.key)

    def greeting(port: int) -> str:
        return f"SMS phone: http://{chosen.host}:{port}/  switches: /_demo/"

    return serve_until_stopped(
        lambda stopping: create_gateway(state, stopping=stopping),
        host=chosen.host,
        port=chosen.port,
        greeting=greeting,
    )
