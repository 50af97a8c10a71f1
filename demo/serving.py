"""Serving a simulated service: in a thread of a test, or as a process of its own until it is told to stop."""

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

HERE = Path(__file__).resolve().parent
# Gets the event that is set when the server stops: artificial delays wait on it.
Build = Callable[[threading.Event], Flask]


def templates_of(folder: Path) -> BaseLoader:
    """A service's own templates, then those that all of them share."""
    return ChoiceLoader([FileSystemLoader(folder / "templates"), FileSystemLoader(HERE / "templates")])


class Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        return None


class Brief(Quiet):
    """One short line for each request that means something; none for styles, pictures, the pages' own polling, and what a program reads again and again."""

    def log_request(self, code: int | str = "-", *_: Any) -> None:
        path = self.path.split("?")[0]
        is_read = self.command == "GET" and path.startswith("/v1/") and code in {200, "200"}
        if "-static/" not in path and not path.endswith("/fresh") and not is_read:
            sys.stdout.write(f"{self.command} {path} {code}\n")
            sys.stdout.flush()


def bind(
    build: Build, host: str, port: int, stopping: threading.Event, log: type[WSGIRequestHandler]
) -> BaseWSGIServer:
    """A server on that port, not yet serving. Raises OSError when the port is taken; werkzeug would end the process."""
    with socket.create_server((host, port), backlog=64) as bound:
        return make_server(
            host, bound.getsockname()[1], build(stopping), threaded=True, request_handler=log, fd=bound.fileno()
        )


@contextmanager
def serve_in_a_thread(build: Build, *, host: str = "127.0.0.1", port: int = 0, name: str) -> Iterator[int]:
    """Serve until the block is left; gives the port, a free one for 0."""
    stopping = threading.Event()
    server = bind(build, host, port, stopping, Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name=name, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        stopping.set()
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


def serve_until_stopped(build: Build, *, host: str, port: int, greeting: Callable[[int], str]) -> int:
    """Serve until SIGINT or SIGTERM. Returns the exit status: 2 when the port is taken."""
    stopping = threading.Event()
    try:
        server = bind(build, host, port, stopping, Brief)
    except OSError:
        sys.stderr.write(f"port {port} on {host} is taken: choose another one with --port\n")
        return 2

    def stop(*_: object) -> None:
        stopping.set()
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    sys.stdout.write(greeting(server.port) + "\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.2)
    server.server_close()
    return 0
