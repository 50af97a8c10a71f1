"""A panel of a few fixed pages, for what the simulated panel does not do."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOGIN = '<form method="post"><input placeholder="Ел. пошта"><input type="password" name="password"><button>Увійти</button></form>'


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    pages: Mapping[str, str]
    asked: list[str]


class _Request(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        key = f"{self.command} {self.path}"
        self.server.asked.append(key)
        body = self.server.pages.get(key, "").encode()
        self.send_response(200 if key in self.server.pages else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815  # the names that the base class calls

    def log_message(self, *_: object) -> None:
        return None


@contextmanager
def serve_pages(pages: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Serve `"GET /path"` → HTML. Yields the address and the list of what was asked for, in order."""
    server = _Server(("127.0.0.1", 0), _Request)
    server.pages, server.asked = pages, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
