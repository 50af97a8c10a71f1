"""A stand-in for the Lambda Runtime API, which `awslambdaric` (what runs inside a real function) asks for work and tells what came of it."""

from __future__ import annotations

import json
import queue
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ARN = "arn:aws:lambda:eu-north-1:123456789012:function:bonusportal-web"


class RuntimeApi(ThreadingHTTPServer):
    """`send` an event, and wait for what the function made of it: ("response" or "error", its JSON)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.waiting: queue.Queue[Mapping[str, Any]] = queue.Queue()
        self.outcomes: queue.Queue[tuple[str, Any]] = queue.Queue()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def send(self, event: Mapping[str, Any], *, timeout_seconds: float = 60) -> tuple[str, Any]:
        self.waiting.put(event)
        return self.outcomes.get(timeout=timeout_seconds)


class _Conversation(BaseHTTPRequestHandler):
    server: RuntimeApi

    def do_GET(self) -> None:  # /2018-06-01/runtime/invocation/next: hangs until there is work
        event = json.dumps(self.server.waiting.get()).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", str(uuid.uuid4()))
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + 120) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", ARN)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(event)))
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self) -> None:  # …/invocation/{id}/response, …/invocation/{id}/error, …/init/error
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.outcomes.put((self.path.rsplit("/", 1)[-1], json.loads(body or b"null")))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Silence."""


@contextmanager
def runtime_api() -> Iterator[RuntimeApi]:
    with RuntimeApi() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
